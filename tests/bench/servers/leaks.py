#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""leaks.py REDIS_PORT NGINX_PORT POSTGRES_PORT: clients that make healthy servers leak.

Runs until it is killed. Each line of output names a leak when it begins: {"leak":…,"pid":…}, with
the pid of the one process of the server that grows, or null when the service does. What of it
grows is in LEAKS.
"""

import http.client
import json
import sys
import time

import clients


class RedisConnections:
    """A client that dials again and never hangs up; redis has no timeout of its own."""

    server, series = "Redis", ("fd/socket", "tcp/ESTABLISHED")
    every = 1.0

    def __init__(self, ports):
        self.port, self.kept, self.pid = ports["Redis"], [], None

    def step(self):
        self.kept.append(clients.Redis(self.port))


class RedisKeys:
    """Keys without a lifetime that nobody deletes."""

    server, series = "Redis", ("memory/anon",)
    every = 0.1

    def __init__(self, ports):
        self.client, self.number, self.pid = clients.Redis(ports["Redis"]), 0, None

    def step(self):
        for _ in range(4):
            self.number += 1
            self.client.run((b"SET", b"session:%d" % self.number, b"s" * 1000))


class NginxConnections:
    """A pool that only grows. nginx closes what is idle for its keepalive_timeout (75 s), so each
    connection is used twice within it."""

    server, series = "Nginx", ("fd/socket", "tcp/ESTABLISHED")
    every, refresh = 1.0, 30

    def __init__(self, ports):
        self.port, self.kept, self.pid = ports["Nginx"], [], None

    def step(self):
        fresh = http.client.HTTPConnection("127.0.0.1", self.port, timeout=clients.PATIENCE)
        self.kept.append(fresh)
        for connection in self.kept[(len(self.kept) - 1) % self.refresh::self.refresh]:
            connection.request("GET", "/index.html")
            connection.getresponse().read()


class PostgresSessions:
    """Sessions that nobody ends: a process each."""

    server, series = "Postgres", ("process/child", "fd/socket", "tcp/ESTABLISHED", "thread/all")
    every = 5.0

    def __init__(self, ports):
        self.port, self.kept, self.pid = ports["Postgres"], [], None

    def step(self):
        self.kept.append(clients.Postgres(self.port))


class OneSession:
    """A session of its own, whose process keeps what is never freed."""

    server = "Postgres"

    def __init__(self, ports):
        self.client, self.number = clients.Postgres(ports["Postgres"]), 0
        self.pid = self.client.pid

    def step(self):
        self.number += 1
        self.client.run(self.query.format(self.number))


class PreparedStatements(OneSession):
    """Prepared anew each time, under a new name, and never deallocated."""

    series, every = ("memory/anon",), 0.25
    query = ("PREPARE p{0} AS SELECT a.aid, b.bid, t.tid FROM pgbench_accounts a"
             " JOIN pgbench_branches b USING (bid) JOIN pgbench_tellers t USING (bid)"
             " WHERE a.aid = $1 AND t.tbalance > {0}; EXECUTE p{0}(1)")


class HeldCursors(OneSession):
    """Never closed; each keeps its rows, which do not fit into work_mem, in a file of its own."""

    series, every = ("fd/file",), 1.0
    query = ("SET work_mem = '64kB'; DECLARE c{0} CURSOR WITH HOLD FOR"
             " SELECT generate_series(1, 4000)")


LEAKS = (RedisConnections, RedisKeys, NginxConnections, PostgresSessions, PreparedStatements,
         HeldCursors)


def main(*ports):
    ports = dict(zip(clients.ALL, map(int, ports)))
    leaks = [leak(ports) for leak in LEAKS]
    for leak in leaks:
        print(json.dumps({"leak": type(leak).__name__, "pid": leak.pid}), flush=True)
    due = [time.monotonic()] * len(leaks)
    while True:
        for i, leak in enumerate(leaks):
            if time.monotonic() >= due[i]:
                due[i] += leak.every
                leak.step()
        time.sleep(max(0, min(due) - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
