# SPDX-License-Identifier: GPL-2.0-only
"""Go servers of others: what grows by clients that never hang up is named, and clients that work and
hang up raise nothing. More servers where GO_BUILDS is set, and all releases where it is "all", else
Debian's own."""

import contextlib
import os

import pytest

import go_servers
import shop

WARM_SECONDS = 5
WATCH_SECONDS = 30
SERVERS = go_servers.ALL + (go_servers.MORE if "GO_BUILDS" in os.environ else ())
SUITES = go_servers.SUITES if os.environ.get("GO_BUILDS") == "all" else go_servers.SUITES[:1]


@pytest.fixture(scope="module", params=SUITES)
def answers(request, seep):
    """{(server, word): Answer} of all servers of one release, driven both ways at once."""
    with contextlib.ExitStack() as stack:
        running = {}
        for server in SERVERS:
            for word in ("stay", "leave"):
                running[server, word] = stack.enter_context(server(request.param))
        drivers = {key: server.drive(key[1]) for key, server in running.items()}
        answers = shop.explain_all(seep, {key: server.process for key, server in running.items()},
                                   settle=WARM_SECONDS, watch=WATCH_SECONDS)
        for key, driver in drivers.items():
            assert driver.poll() is None, (key, (running[key].folder / "driver.log").read_text()[-300:])
        yield answers


def functions(site):
    return [frame["function"] or "" for frame in site["stack"]]


@pytest.mark.timeout(900)  # the first to ask for a package waits for it
@pytest.mark.parametrize("server", SERVERS)
def test_what_stays_is_named(answers, server):
    kept = [functions(site) for site in answers[server, "stay"].keepers()
            if site["resource"] == "goroutine"]
    assert any(server.keeps in name for names in kept for name in names), kept


@pytest.mark.parametrize("server", SERVERS)
def test_who_leaves_raises_nothing(answers, server):
    answer = answers[server, "leave"]
    assert shop.accusations(answer) == []
    assert [(site["resource"], functions(site)) for site in answer.keepers()] == []
