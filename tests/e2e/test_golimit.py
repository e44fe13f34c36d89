# SPDX-License-Identifier: GPL-2.0-only
"""The memory limit of Go programs: one that comes while a watch goes on, when most of it is in use, and
one that the program was started with and outgrew."""

import time

import pytest

import explainer
import gobooks
from conftest import ROOT

SECONDS = 12
MIB = 1 << 20


class Program(gobooks.Books):
    def __init__(self, version, limit=None):
        environment = {"GOMEMLIMIT": limit} if limit else {}
        super().__init__(version, "work", ROOT / "tests/workloads/golimit", environment=environment)


@pytest.fixture(params=gobooks.ends())
def version(request):
    return request.param


def begin(seep, program):
    return explainer.start(seep, program.pid, "--duration", SECONDS, "--json", "--budget",
                           explainer.BUDGET, "--resource", "gc")


@pytest.mark.timeout(180)
def test_a_limit_that_comes_late(seep, version):
    with Program(version) as program:
        process = begin(seep, program)
        time.sleep(SECONDS / 2)
        program.read()
        found = explainer.finish(process).keepers()
    assert [row["pattern"] for row in found] == ["late-memory-limit"]
    assert found[0]["bound"] == 80 * MIB
    assert "came when" in found[0]["evidence"]
    assert "main.setLimit" in [frame["function"] for frame in found[0]["stack"]]


@pytest.mark.timeout(180)
def test_a_limit_from_the_start(seep, version):
    """That holds the heap without room, and that leaves room."""
    with Program(version, "72MiB") as low, Program(version, "1GiB") as wide:
        began = [begin(seep, program) for program in (low, wide)]
        pressed, free = [explainer.finish(process) for process in began]
        assert "rounds" in low.read()
    assert [row["pattern"] for row in pressed.keepers()] == ["outgrown-memory-limit"]
    assert pressed.keepers()[0]["bound"] == 72 * MIB
    assert free.keepers() == []
