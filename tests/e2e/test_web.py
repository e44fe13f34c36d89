# SPDX-License-Identifier: GPL-2.0-only
"""The web side: what is served, to requests good and bad. Clients that hold on are in
test_web_clients.py, the child that serves them in test_web_child.py."""

import gzip
import os
import re
import subprocess
import time

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from web_server import DRIVER, HEALTHY, OPENMETRICS, REQUEST_SECONDS, SLACK, Web
from web_server import web  # noqa: F401

pytestmark = pytest.mark.waits

AS_PROMETHEUS = (f"{OPENMETRICS},application/openmetrics-text;version=0.0.1;q=0.75,"
                 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
MEGABYTE = b"x" * (1 << 20)


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
