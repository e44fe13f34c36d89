# SPDX-License-Identifier: GPL-2.0-only
"""The mistakes of tests/workloads/go, each found with its pattern and function by a minute of
watching; their repaired twins raise nothing.

GO_BUILDS names the builds ("all", or as build.py takes them); without it the few of build.few().
GO_ROWS names some services instead of all.
"""

import pytest

import servers
import shop
from shop import expected, go_build

WITHIN = 60  # seconds


@pytest.fixture(scope="module")
def postgres():
    with servers.Postgres() as server:
        yield server


@pytest.fixture(scope="module", params=shop.builds(), ids=go_build.name)
def verdict(request, seep, postgres, tmp_path_factory):
    """All services of one build were explained side by side, once for all tests."""
    build = request.param
    binary = go_build.make(build)
    with shop.Shop(binary, tmp_path_factory.mktemp("shop"), postgres,
                   twins=shop.twins(build)) as running:
        return shop.judge(seep, build, running)


@pytest.mark.timeout(600)
def test_mistakes_are_named(verdict):
    """Those that expected.py claims to be found today."""
    claimed = {row.service for row in shop.ROWS if row.service in expected.CLAIMED
               and expected.is_mistake(row, verdict.build.timers)}
    missed = {service: verdict.guilty[service] for service in claimed - verdict.found()}
    assert missed == {}


def test_repaired_twins_raise_nothing(verdict):
    assert {service: said for service, said in verdict.repaired.items() if said} == {}


def test_what_new_timers_forgive_raises_nothing(verdict):
    forgiven = [row.service for row in shop.ROWS
                if not expected.is_mistake(row, verdict.build.timers)]
    assert {service: verdict.guilty[service] for service in forgiven
            if verdict.guilty[service]} == {}


def test_within_a_minute(verdict):
    assert verdict.seconds < WITHIN
