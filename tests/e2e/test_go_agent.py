# SPDX-License-Identifier: GPL-2.0-only
"""The agent that always runs, played fast, on every mistake of the shop: what grows is proved a
leak, what costs without growing is an alert of the shipped rules in a real Prometheus. Of the
repaired twins nothing is ever proved and no alert fires, nor of a timer that the version's own
semantics repair. On the first build of GO_BUILDS; four minutes, so `make test-go` alone runs it."""

import re
import time

import pytest

import prometheus_server
import servers
import shop
from agent import Agent
from shop import expected, go_build

WINDOW = 5  # seconds: of 33 intervals, and a leak is proved after a day of 24
RULES_WINDOW = 60  # of the alerts, which are told after one or two
MOST_SECONDS = 700  # on a busy host; else half of it
# Service: what grows with its mistake; a leak of any is the right word.
LEAKS = {
    "dispatch": {"channel"},
    "events": {"goroutine", "tcp", "fd"},
    "rates": {"goroutine", "tcp", "fd"},
    "quotes": {"goheap", "memory"},
    "limits": {"goheap", "memory"},
    "pages": {"goroutine", "tcp", "fd"},
    "followup": {"goroutine", "goheap", "memory"},
    "search": {"gotimer"},
    "auctions": {"goroutine"},
}
# Service: the alert of what does not grow.
CONDITIONS = {
    "sessions": "SeepGoTimersAbandoned",
    "accounts": "SeepGoPoolUnlimited",
    "feed": "SeepGoTimersAbandoned",
    "render": "SeepGoChurn",
    "settings": "SeepGoLimitOutgrown",
    "routes": "SeepGoChurn",
    "ledger": "SeepIdleInTransaction",
    "calls": "SeepGoTimersAbandoned",
}
VERDICT = re.compile(r'^seep_verdict\{group="session/([\w-]+)".*resource="(\w+)".*verdict="(\w+)"', re.M)
COLLECTED = re.compile(r'^seep_go_gc_cycles_total\{group="session/([\w-]+)"\}', re.M)


def leaks(page):
    """{(process, resource)} of what is proved. Of a program that never collected its garbage piles
    up like a leak, for hours in one that does little: played fast, that is a day."""
    collected = set(COLLECTED.findall(page))
    return {(name, resource) for name, resource, verdict in VERDICT.findall(page)
            if verdict == "leaking" and (resource != "memory" or name in collected)}


def alerts(prometheus, page):
    """{(process, alert)} of all that fire, as above."""
    collected = set(COLLECTED.findall(page))
    told = ((labels.get("group", "").removeprefix("session/"), labels) for labels in prometheus.firing())
    return {(name, labels["alertname"]) for name, labels in told
            if labels.get("resource") != "memory" or name in collected}


def raised(service, proved, fired):
    name = f"{service}-guilty"
    if service in CONDITIONS:
        return (name, CONDITIONS[service]) in fired
    return any((name, resource) in proved for resource in LEAKS[service])


def test_every_service_has_its_word():
    assert LEAKS.keys() | CONDITIONS.keys() == set(shop.ALL)
    assert LEAKS.keys() & CONDITIONS.keys() == set()


@pytest.fixture(params=shop.builds()[:1], ids=go_build.name)
def running(request, tmp_path):
    with servers.Postgres() as postgres:
        with shop.Shop(go_build.make(request.param), tmp_path / "shop", postgres, shop.ROWS, apart=True):
            yield request.param


@pytest.mark.go_whole
@pytest.mark.timeout(MOST_SECONDS + 120)
def test_guilty_are_raised_and_twins_are_not(seep, running, tmp_path):
    guilty = {row.service for row in shop.ROWS if expected.is_mistake(row, running.timers)}
    silent = {f"{row.service}-repaired" for row in shop.ROWS}
    silent |= {f"{row.service}-guilty" for row in shop.ROWS if row.service not in guilty}
    time.sleep(shop.SETTLE_SECONDS)
    with (Agent(seep, tmp_path / "agent", "--interval=150ms", f"--trend.window={WINDOW}s") as agent,
          prometheus_server.Prometheus(tmp_path / "prometheus", agent.url.removeprefix("http://"),
                                       f"{RULES_WINDOW}s") as prometheus):
        proved, fired, missing, begun = set(), set(), guilty, time.monotonic()
        while missing and time.monotonic() < begun + MOST_SECONDS:
            time.sleep(1)
            page = agent.get()
            proved |= leaks(page)
            fired |= alerts(prometheus, page)
            told = {service for service in missing if raised(service, proved, fired)}
            for service in sorted(told):
                print(f"  RAISED   {service} {time.monotonic() - begun:.0f} s", flush=True)
            missing = missing - told
            assert {row for row in proved | fired if row[0] in silent} == set()
    print(sorted(proved | fired))
    assert missing == set()
