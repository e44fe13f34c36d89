# SPDX-License-Identifier: GPL-2.0-only
"""The web side: what is served, to clients good and bad, by a child that may do nothing else."""

import gzip
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from conftest import BUILD
from web_server import Web, read_to_end, wait_dead

pytestmark = pytest.mark.waits

DRIVER = BUILD / "tests/drivers/web"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
AS_PROMETHEUS = (f"{OPENMETRICS},application/openmetrics-text;version=0.0.1;q=0.75,"
                 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"
MEGABYTE = b"x" * (1 << 20)
REQUEST_SECONDS = 5
SLACK = 1.5  # seconds, on a busy machine


@pytest.fixture
def web():
    with Web(DRIVER) as server:
        server.tell("publish")
        assert server.ask("/-/ready")[0].status == 200
        yield server


def families(text, parse):
    """{name: {(label, value)…: sample}} of an exposition."""
    return {family.name: {tuple(sorted(s.labels.items())): s.value for s in family.samples}
            for family in parse(text)}


# What is served


def test_ready_after_first_census():
    with Web(DRIVER) as web:
        assert web.ask("/-/healthy")[0].status == 200
        for path in ("/-/ready", "/metrics", "/"):
            assert web.ask(path)[0].status == 503
        web.tell("publish")
        for path in ("/-/ready", "/metrics", "/"):
            assert web.ask(path)[0].status == 200


def test_promtool_has_nothing_to_say(web):
    _, body = web.ask("/metrics")
    check = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True)
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


def test_both_formats_say_the_same(web):
    text = web.ask("/metrics")[1].decode()
    opened = web.ask("/metrics", Accept=OPENMETRICS)[1].decode()
    by_text = families(text, parser.text_string_to_metric_families)
    by_open = families(opened, openmetrics.text_string_to_metric_families)
    plain = {re.sub("_info$", "", name): rows for name, rows in by_text.items()}
    assert plain.keys() == by_open.keys()
    for name, rows in plain.items():
        if not name.startswith("process_"):
            assert rows == by_open[name], name
    assert len(by_open["seep_group_live"]) > 1000


def test_each_census_is_served(web):
    def stamp():
        return re.search(rb"(?m)^seep_last_census_timestamp_seconds (.*)$",
                         web.ask("/metrics")[1])[1]

    before = stamp()
    web.tell("publish")
    assert float(stamp()) == float(before) + 10


@pytest.mark.parametrize("accept, kind", [
    (None, "text/plain; version=0.0.4"),
    ("*/*", "text/plain; version=0.0.4"),
    (OPENMETRICS, "application/openmetrics-text; version=1.0.0"),
    (AS_PROMETHEUS, "application/openmetrics-text; version=1.0.0"),
    (f"{OPENMETRICS};q=0.2,text/plain;q=0.3", "text/plain; version=0.0.4"),
])
def test_negotiation(web, accept, kind):
    response, body = web.ask("/metrics", **({"Accept": accept} if accept else {}))
    assert response.getheader("Content-Type") == f"{kind}; charset=utf-8"
    assert body.endswith(b"\n# EOF\n") == ("openmetrics" in kind)
    assert "Accept" in response.getheader("Vary")


def test_gzip(web):
    plain = web.ask("/metrics")[1]
    response, body = web.ask("/metrics", Accept_Encoding="deflate, gzip;q=0.5")
    assert response.getheader("Content-Encoding") == "gzip"
    assert gzip.decompress(body) == plain
    assert len(body) < len(plain) / 5
    response, body = web.ask("/metrics", Accept_Encoding="gzip;q=0")
    assert response.getheader("Content-Encoding") is None and body == plain


def test_page(web):
    response, body = web.ask("/")
    assert response.getheader("Content-Type") == "text/html; charset=utf-8"
    assert b'href="/metrics"' in body and b"service-0.service/worker" in body


def test_other_path():
    with Web(DRIVER, path="/seep/m") as web:
        web.tell("publish")
        assert web.ask("/seep/m?x=1")[0].status == 200
        assert web.ask("/metrics")[0].status == 404


def test_methods(web):
    response, body = web.ask("/metrics", "HEAD")
    assert (response.status, body) == (200, b"")
    assert int(response.getheader("Content-Length")) > 100000
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
        response, _ = web.ask("/metrics", method)
        assert (response.status, response.getheader("Allow")) == (405, "GET, HEAD")
    assert web.ask("/nothing")[0].status == 404
    assert web.ask("/metrics/../-/ready")[0].status == 404


def test_ipv6():
    with Web(DRIVER, address="[::1]:0") as web:
        assert web.ask("/-/healthy")[0].status == 200


def test_every_address():
    with Web(DRIVER, address=":0") as web:
        web.host = "127.0.0.1"
        assert web.ask("/-/healthy")[0].status == 200


# Requests as they come


def test_keep_alive_and_pipeline(web):
    with web.connect() as connection:
        for _ in range(3):
            connection.sendall(HEALTHY)
            assert b" 200 " in connection.recv(4096)
    answer, _ = web.talk(3 * HEALTHY + HEALTHY.replace(b"Host", b"Connection: close\r\nHost"))
    assert answer.count(b"HTTP/1.1 200 OK") == 4


def test_http_1_0(web):
    answer, seconds = web.talk(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.") and b" 200 " in answer
    assert b"seep_build_info" in answer and seconds < SLACK


def test_slow_but_in_time(web):
    with web.connect() as connection:
        for part in (HEALTHY[:7], HEALTHY[7:20], HEALTHY[20:]):
            connection.sendall(part)
            time.sleep(0.3)
        assert b" 200 " in connection.recv(4096)


@pytest.mark.parametrize("request_bytes, status", [
    (b"GET /" + MEGABYTE + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + MEGABYTE + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 170000 + b"\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n" + MEGABYTE, 413),
    (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" + MEGABYTE
     + b"\r\n0\r\n\r\n", 413),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n" + MEGABYTE, 405),
], ids=["path", "header", "headers", "body", "chunks", "post"])
def test_megabyte_is_refused(web, request_bytes, status):
    answer, seconds = web.talk(request_bytes)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert seconds < SLACK


def test_refused_client_learns_why(web):
    """More than its socket takes at once: it still sends while it is refused, and must not meet a
    reset before it reads."""
    head = b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (8 << 20)
    answer, _ = web.talk(head + 8 * MEGABYTE)
    assert answer.startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize("nonsense", [MEGABYTE, b"\0" * 4096, os.urandom(65536), b"\r\n" * 20000,
                                      b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                                      b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"],
                         ids=["text", "zeros", "random", "lines", "short", "version", "length"])
def test_nonsense(web, nonsense):
    """Whatever comes, it ends in time, and the next client is served."""
    try:
        _, seconds = web.talk(nonsense)
        assert seconds < REQUEST_SECONDS + SLACK
    except ConnectionError:
        pass
    child = web.child()
    assert web.ask("/-/healthy")[0].status == 200
    assert web.child() == child


# Clients that hold on


def cut_after(connection, begin):
    """Seconds from begin to the end of the connection."""
    try:
        read_to_end(connection)
    except ConnectionError:
        pass
    return time.monotonic() - begin


def trickle(connection, data, pause):
    """Send byte by byte until it is cut; returns when it ends by itself too."""
    try:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause)
    except OSError:
        pass


def start_trickle(connection, data=b"GET / HTTP/1.1\r\nX: " + 100 * b"y", pause=0.25):
    thread = threading.Thread(target=trickle, args=(connection, data, pause), daemon=True)
    thread.start()
    return thread


def in_time(seconds):
    return REQUEST_SECONDS - 0.1 < seconds < REQUEST_SECONDS + SLACK


def test_incomplete_requests_are_cut(web):
    """A silent one, a half one, a trickling one; each five seconds after it was accepted."""
    begin = time.monotonic()
    with web.connect() as silent, web.connect() as half, web.connect() as drip:
        half.sendall(b"GET / HTTP/1.1\r\nHost:")
        start_trickle(drip)
        assert in_time(cut_after(drip, begin))
        assert in_time(cut_after(half, begin))
        assert in_time(cut_after(silent, begin))


def test_trickle_after_a_good_request(web):
    with web.connect() as connection:
        connection.sendall(HEALTHY)
        assert b" 200 " in connection.recv(4096)
        time.sleep(1)
        begin = time.monotonic()
        start_trickle(connection)
        assert in_time(cut_after(connection, begin))


def test_idle_connection_stays(web):
    """A server that asks once a minute keeps its connection."""
    with web.connect() as connection:
        connection.sendall(HEALTHY)
        connection.recv(4096)
        time.sleep(REQUEST_SECONDS + 1)
        connection.sendall(HEALTHY)
        assert b" 200 " in connection.recv(4096)


def test_scrape_amid_half_open_clients(web):
    clients = [web.connect() for _ in range(200)]
    try:
        for client in clients:
            try:
                client.sendall(b"GET /metrics HTTP/1.1\r\n")
            except ConnectionError:
                pass  # the oldest have made room already
        begin = time.monotonic()
        response, body = web.ask("/metrics")
        assert response.status == 200 and body
        assert time.monotonic() - begin < 1
    finally:
        for client in clients:
            client.close()


def is_open(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def test_oldest_incomplete_makes_room(web):
    """At the limit of 64: the kept one that has nothing to answer for stays, the oldest half-open
    one goes, the younger ones stay."""
    with web.connect() as kept:
        kept.sendall(HEALTHY)
        kept.recv(4096)
        clients = []
        for _ in range(63):
            clients.append(web.connect())
            time.sleep(0.002)
        assert web.ask("/-/healthy")[0].status == 200
        states = [is_open(client) for client in clients]
        assert not states[0] and all(states[1:])
        assert is_open(kept)
        for client in clients:
            client.close()


def test_many_scrapes_at_once(web):
    """More than the limit of connections, all of them whole requests: all are answered."""
    sizes = []

    def scrape():
        sizes.append(len(web.ask("/metrics", Accept_Encoding="gzip")[1]))

    threads = [threading.Thread(target=scrape) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sizes) == 40 and len(set(sizes)) == 1


def test_slow_reader_gets_its_own_census():
    """It reads one census to the end while others replace it."""
    with Web(DRIVER, groups=500) as web, web.connect() as slow:
        web.tell("publish")
        first = web.ask("/metrics")[1]
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        time.sleep(0.2)
        for _ in range(3):
            web.tell("publish")
        assert read_to_end(slow).partition(b"\r\n\r\n")[2] == first


# The child


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


def kinds_of_descriptors(pid):
    folder = f"/proc/{pid}/fd"
    return sorted(re.sub(r":?\[?\d+\]?$", "", os.readlink(f"{folder}/{fd}"))
                  for fd in os.listdir(folder))


def test_child_holds_its_sockets_only(web):
    """Nothing to read, two sockets, and what poll needs."""
    expected = sorted(3 * ["/dev/null"] + ["anon_inode:[eventpoll]"] + 2 * ["socket"])
    time.sleep(0.5)  # until the client of the fixture is gone
    assert kinds_of_descriptors(web.child()) == expected


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
        time.sleep(0.5)  # until the last client is gone
        return int(status_of(child)["VmRSS"].split()[0]), len(os.listdir(f"/proc/{child}/fd"))

    load()
    resident, descriptors = load()
    again, descriptors_again = load()
    assert descriptors_again == descriptors
    assert again < resident + 2048


def test_idle_child_sleeps(web):
    """With one kept connection, as Prometheus has it."""
    with web.connect() as connection:
        connection.sendall(HEALTHY)
        connection.recv(4096)
        child = web.child()
        before = int(status_of(child)["voluntary_ctxt_switches"])
        time.sleep(2)
        assert int(status_of(child)["voluntary_ctxt_switches"]) - before <= 2


# What it says when it cannot


@pytest.mark.parametrize("address, path, status, words", [
    ("127.0.0.1", "/metrics", 2, "'127.0.0.1' is no address"),
    ("example.com:80", "/metrics", 2, "'example.com:80' is no address"),
    ("127.0.0.1:x", "/metrics", 2, "'127.0.0.1:x' is no address"),
    ("127.0.0.1:0", "metrics", 2, "'metrics' is no path"),
    ("127.0.0.1:0", "/-/ready", 2, "'/-/ready' is no path"),
    ("127.0.0.1:0", "/a b", 2, "'/a b' is no path"),
    ("192.0.2.1:80", "/metrics", 3, "cannot listen on 192.0.2.1:80"),
])
def test_bad_options(address, path, status, words):
    run = subprocess.run([DRIVER, address, path, "1"], capture_output=True, text=True, timeout=10)
    assert run.returncode == status
    assert words in run.stderr and run.stderr.count("\n") == 1


def test_port_taken(web):
    run = subprocess.run([DRIVER, f"127.0.0.1:{web.port}", "/metrics", "1"], capture_output=True,
                         text=True, timeout=10)
    assert run.returncode == 3
    assert run.stderr == (f"seep: web: cannot listen on 127.0.0.1:{web.port}: "
                          "Address already in use\n")
