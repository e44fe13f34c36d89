# SPDX-License-Identifier: GPL-2.0-only
"""The agent that always runs, played fast: what the Go runtime holds grows in guilty services, and
in their repaired twins nothing is ever called a leak, and that resource does not go on growing: what
else moves in windows so short may be called growing for a moment. On the first build of GO_BUILDS."""

import re
import time

import pytest

import servers
import shop
from agent import Agent
from shop import expected, go_build

WINDOW = 3
MOST_SECONDS = 240
# Service: what of it grows by its own runtime's count.
GROWS = {
    "auctions": "goroutine",
    "search": "gotimer",
    "sessions": "gotimer",
    "quotes": "goheap",
}
VERDICT = re.compile(r'^seep_verdict\{.*pid="(\d+)".*resource="(\w+)".*verdict="(growing|leaking)"')


def verdicts(agent):
    """{(pid, resource): verdict} of what is held against anyone."""
    found = filter(None, map(VERDICT.match, agent.get().splitlines()))
    return {(int(match[1]), match[2]): match[3] for match in found}


@pytest.fixture(params=shop.builds()[:1], ids=go_build.name)
def running(request, tmp_path):
    rows = [row for row in expected.ROWS if row.service in GROWS]
    with servers.Postgres() as postgres:
        with shop.Shop(go_build.make(request.param), tmp_path / "shop", postgres, rows) as services:
            yield request.param, services


@pytest.mark.go_whole
@pytest.mark.timeout(600)
def test_guilty_grow_and_twins_do_not(seep, running, tmp_path):
    build, services = running
    time.sleep(shop.SETTLE_SECONDS)
    guilty = {(services.guilty[row.service].pid, GROWS[row.service]) for row in shop.expected.ROWS
              if row.service in GROWS and expected.is_mistake(row, build.timers)}
    twins = {process.pid: service for service, process in services.repaired.items()}
    with Agent(seep, tmp_path / "agent", "--interval=150ms", f"--trend.window={WINDOW}s") as agent:
        seen, quiet, end = set(), False, time.monotonic() + MOST_SECONDS
        while not (guilty <= seen and quiet) and time.monotonic() < end:
            time.sleep(WINDOW / 2)
            said = verdicts(agent)
            seen |= said.keys()
            assert {(twins[pid], what): verdict for (pid, what), verdict in said.items()
                    if pid in twins and verdict == "leaking"} == {}
            accused = {(twins[pid], what) for pid, what in said
                       if pid in twins and what == GROWS[twins[pid]]}
            quiet = not accused
        assert guilty - seen == set()
        assert accused == set()
