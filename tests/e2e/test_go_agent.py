# SPDX-License-Identifier: GPL-2.0-only
"""The agent that always runs, played fast, on every mistake of the shop: what grows is proved a
leak, what costs without growing is an alert of the shipped rules in a real Prometheus. Of the
repaired twins nothing is ever proved and no alert fires, nor of a timer that the version's own
semantics repair. The whole shop of the first build that GO_BUILDS names; else, in the short form
that every run of the tests takes, half of the shop of the oldest and the other half of the newest,
side by side, and of both what is a mistake of the old timers alone."""

import contextlib
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
IN_SHOP = re.compile("-(guilty|repaired)-of-")
VERDICT = re.compile(r'^seep_verdict\{group="session/([^"/]+)".*resource="(\w+)".*verdict="(\w+)"', re.M)


def leaks(page):
    """{(process, resource)} of what is proved."""
    return {(name, resource) for name, resource, verdict in VERDICT.findall(page)
            if verdict == "leaking"}


def alerts(prometheus):
    """{(process, alert)} of all that fire."""
    return {(labels.get("group", "").removeprefix("session/"), labels["alertname"])
            for labels in prometheus.firing()}


def is_raised(name, service, proved, fired):
    if service in CONDITIONS:
        return (name, CONDITIONS[service]) in fired
    return any((name, resource) in proved for resource in LEAKS[service])


def test_every_service_has_its_word():
    assert LEAKS.keys() | CONDITIONS.keys() == set(shop.ALL)
    assert LEAKS.keys() & CONDITIONS.keys() == set()


def services():
    """{build: its rows}"""
    builds = shop.builds()
    if shop.WHOLE:
        return {builds[0]: shop.ROWS}
    old, both = ([row for row in shop.ROWS if row.timers == timers]
                 for timers in (expected.OLD, expected.BOTH))
    return {build: old + both[turn::len(builds)] for turn, build in enumerate(builds)}


@pytest.fixture
def running(tmp_path):
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(servers.Postgres())
        for build, rows in services().items():
            folder = tmp_path / go_build.name(build)
            stack.enter_context(shop.Shop(go_build.make(build), folder, postgres, rows,
                                          apart=suffix(build)))
        yield


def suffix(build):
    return f"-of-{go_build.name(build)}"


@pytest.mark.timeout(MOST_SECONDS + 120)
def test_guilty_are_raised_and_twins_are_not(seep, running, tmp_path):
    guilty = {f"{row.service}-guilty{suffix(build)}": row.service for build, rows in services().items()
              for row in rows if expected.is_mistake(row, build.timers)}
    time.sleep(shop.SETTLE_SECONDS)
    with (Agent(seep, tmp_path / "agent", "--interval=150ms", f"--trend.window={WINDOW}s") as agent,
          prometheus_server.Prometheus(tmp_path / "prometheus", agent.url.removeprefix("http://"),
                                       f"{RULES_WINDOW}s") as prometheus):
        proved, fired, missing, begun = set(), set(), guilty, time.monotonic()
        while missing and time.monotonic() < begun + MOST_SECONDS:
            time.sleep(1)
            page = agent.get()
            proved |= leaks(page)
            fired |= alerts(prometheus)
            told = {name for name in missing if is_raised(name, missing[name], proved, fired)}
            for name in sorted(told):
                print(f"  RAISED   {name} {time.monotonic() - begun:.0f} s", flush=True)
            missing = {name: missing[name] for name in missing.keys() - told}
            assert {row for row in proved | fired if IN_SHOP.search(row[0]) and row[0] not in guilty} == set()
    print(sorted(proved | fired))
    assert missing.keys() == set()
