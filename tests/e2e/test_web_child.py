# SPDX-License-Identifier: GPL-2.0-only
"""The child that answers HTTP: it may do nothing else, and its end or its silence harms nobody."""

import os
import re
import signal
import time

import pytest

from web_server import DRIVER, HEALTHY, OPENMETRICS, Web, wait_dead
from web_server import web  # noqa: F401

pytestmark = pytest.mark.waits

PATIENCE = 10  # seconds, for clients that have gone to be seen gone


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def test_child_has_no_rights(web):
    status = status_of(web.child())
    assert status["Name"] == "seep-web"
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"}
    assert status["Groups"].strip() == ""
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


# Nothing to read, two sockets, and what poll needs.
HELD = sorted(3 * ["/dev/null"] + ["anon_inode:[eventpoll]"] + 2 * ["socket"])


def kinds_of_descriptors(pid):
    kinds = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds.append(re.sub(r":?\[?\d+\]?$", "", os.readlink(f"/proc/{pid}/fd/{fd}")))
        except FileNotFoundError:
            pass  # a client's, that has gone meanwhile
    return sorted(kinds)


def without_clients(child):
    """What it holds, once those that have gone are seen gone."""
    end = time.monotonic() + PATIENCE
    while kinds_of_descriptors(child) != HELD and time.monotonic() < end:
        time.sleep(0.05)
    return kinds_of_descriptors(child)


def test_child_holds_its_sockets_only(web):
    assert without_clients(web.child()) == HELD


def test_child_dies_with_the_agent(web):
    child = web.child()
    web.process.kill()
    web.process.wait()
    assert wait_dead(child, 1)


def test_child_ignores_signals_of_the_terminal(web):
    child = web.child()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(child, number)
    assert web.ask("/-/healthy")[0].status == 200
    assert web.child() == child


def test_dead_child_is_replaced(web):
    before = web.ask("/metrics")[1]
    time.sleep(1.1)  # it is not started more than once a second
    child = web.child()
    os.kill(child, signal.SIGKILL)
    assert wait_dead(child, 1)
    web.tell("tend")
    assert web.child() != child
    after = web.ask("/metrics")[1]
    assert after == before, "the last census is served again"
    assert web.tell("publish") == 1
    assert b'seep_lost_events_total{topic="web",reason="crashed"} 1' in web.ask("/metrics")[1]


def test_crash_seen_by_publish_only(web):
    time.sleep(1.1)
    child = web.child()
    os.kill(child, signal.SIGKILL)
    assert wait_dead(child, 1)
    assert web.tell("publish") == 1
    assert web.ask("/metrics")[0].status == 200


def shared_memory(pid):
    """Bytes of the memory files of which a process holds a descriptor."""
    folder = f"/proc/{pid}/fd"
    return sum(os.stat(f"{folder}/{fd}").st_blocks * 512 for fd in os.listdir(folder)
               if os.readlink(f"{folder}/{fd}").startswith("/memfd:"))


def host_shared_memory():
    with open("/proc/meminfo", encoding="ascii") as info:
        return 1024 * int(re.search(r"Shmem:\s+(\d+)", info.read())[1])


def test_stopped_child_stops_nothing():
    """The agent does not wait for it, and what waits for it is a few censuses, not all."""
    with Web(DRIVER, groups=100) as web:
        web.tell("publish")
        census = shared_memory(web.process.pid)
        assert web.ask("/-/ready")[0].status == 200
        child, before = web.child(), host_shared_memory()
        os.kill(child, signal.SIGSTOP)
        begin = time.monotonic()
        for _ in range(40):
            web.tell("publish")
        assert time.monotonic() - begin < 8
        assert host_shared_memory() - before < 15 * census
        os.kill(child, signal.SIGCONT)
        assert web.ask("/metrics")[0].status == 200
        web.tell("publish")
        assert web.ask("/metrics")[0].status == 200
        assert web.child() == child


def test_hanging_child_is_replaced(web):
    child = web.child()
    os.kill(child, signal.SIGSTOP)
    end = time.monotonic() + 15
    while web.tell("publish") == 0 and time.monotonic() < end:
        time.sleep(0.2)
    assert web.child() != child
    assert web.ask("/metrics")[0].status == 200


def test_child_does_not_grow(web):
    """Censuses come and go, and so do clients."""
    child = web.child()

    def load():
        for _ in range(30):
            web.tell("publish")
            web.ask("/metrics")
            web.ask("/metrics", Accept=OPENMETRICS, Accept_Encoding="gzip")
        assert without_clients(child) == HELD
        return int(status_of(child)["VmRSS"].split()[0])

    load()
    resident = load()
    assert load() < resident + 2048


def test_idle_child_sleeps(web):
    """With one kept connection, as Prometheus has it."""
    with web.connect() as connection:
        connection.sendall(HEALTHY)
        connection.recv(4096)
        child = web.child()
        before = int(status_of(child)["voluntary_ctxt_switches"])
        time.sleep(2)
        assert int(status_of(child)["voluntary_ctxt_switches"]) - before <= 2
