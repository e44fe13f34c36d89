# SPDX-License-Identifier: GPL-2.0-only
"""Clients of the web side that hold on: they are cut in time, and the others are served."""

import socket
import threading
import time

import pytest

from web_server import DRIVER, HEALTHY, REQUEST_SECONDS, SLACK, Web, read_to_end
from web_server import web  # noqa: F401

pytestmark = pytest.mark.waits


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
