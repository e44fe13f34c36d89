#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Records what an agent sees of redis, nginx and PostgreSQL under a varied load.

    O=build record.py healthy|leaky DIR [--window SECONDS] [--windows N] [--seed N]

`healthy` is the load alone; `leaky` has the clients of leaks.py beside it, from the twelfth window
on. Runs in a PID namespace of its own, so that other processes of the machine are no part of it.
What is written is in README.md beside this file: a label says how a series was made, never what a
detector said of it. What the agent said goes to standard output, as JSON.
"""

import argparse
import contextlib
import csv
import json
import lzma
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SEEP = ROOT / os.environ.get("O", "build") / "seep"
sys.path[:0] = [str(HERE), str(ROOT / "tests/e2e")]

import agent as agents  # noqa: E402
import clients  # noqa: E402
import leaks  # noqa: E402
import observer  # noqa: E402
import servers  # noqa: E402

ONSET = 12  # windows before a leak begins
INTERVALS = 20  # in a window
# Pages that many share are judged by the address space that comes with them (agent/model/taken.h),
# so what is resident of them is no series of a trend.
NOT_JUDGED = ("memory/all", "memory/file", "memory/shmem")
LEAST = 30  # windows that a series lasts at least to be kept: less is not judged


class Redis(servers.Redis):
    def command(self):
        """As Debian configures it; only where it is and that it stays in the foreground differ."""
        return ["redis-server", "/etc/redis/redis.conf", "--port", self.port, "--bind", "127.0.0.1",
                "--dir", self.folder, "--daemonize", "no", "--supervised", "no", "--logfile", "",
                "--pidfile", self.folder / "pid"]


class Nginx(servers.Nginx):
    def prepare(self):
        """As Debian configures it; only where its files are differs."""
        super().prepare()
        (self.folder / "large.html").write_text("seep\n" * 20000)
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; user www-data; worker_processes auto; pid {self.folder}/pid;
            events {{ worker_connections 768; }}
            http {{ sendfile on; tcp_nopush on; types_hash_max_size 2048; gzip on; {temporary}
            include /etc/nginx/mime.types; default_type application/octet-stream;
            access_log {self.folder}/access.log; error_log {self.folder}/error.log;
            server {{ listen 127.0.0.1:{self.port}; root {self.folder}; }} }}""")


# PostgreSQL has the settings that initdb writes: 128 MB of shared buffers, 100 connections.
SERVERS = (Redis, Nginx, servers.Postgres)


class Loaded:
    """The servers, the load on each, and perhaps the leaks beside it."""

    def __init__(self, seed, seconds):
        self.stack = contextlib.ExitStack()
        self.servers = {server.__name__: self.stack.enter_context(server()) for server in SERVERS}
        self.loads = [self.python(server, "load.py", name, server.port, seconds, seed)
                      for name, server in self.servers.items()]
        self.begun = {}  # leak: (time, pid or None)

    def python(self, server, script, *arguments):
        return server.spawn([sys.executable, "-B", HERE / script, *arguments], f"{script}.log")

    def leak(self):
        ports = [self.servers[name].port for name in clients.ALL]
        owner = self.servers["Redis"]
        process = self.python(owner, "leaks.py", *ports)
        log = owner.folder / "leaks.py.log"
        while (said := log.read_text()).count("\n") < len(leaks.LEAKS):
            assert process.poll() is None, said
            time.sleep(0.05)
        now = time.time()
        self.begun = {row["leak"]: (now, row["pid"]) for row in map(json.loads, said.splitlines())}
        self.leaking = process

    def check(self):
        """Both still work; a load that broke would prove nothing."""
        for server in self.servers.values():
            assert server.process.poll() is None, (server.folder / "log").read_text()[-500:]
        if self.begun:
            assert self.leaking.poll() is None, "the leaks ended"

    def finish(self):
        """{server: what its load did}"""
        done = {}
        for (name, server), load in zip(self.servers.items(), self.loads):
            assert load.wait(timeout=60) == 0, (server.folder / "load.py.log").read_text()[-500:]
            done[name] = json.loads((server.folder / "load.py.log").read_text())
        return done

    def groups(self):
        """{server: its group, as top names it}"""
        told = {}
        for name, server in self.servers.items():
            line = subprocess.run([SEEP, "top", "--once", "--json", "-p", str(server.process.pid)],
                                  check=True, text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL).stdout.partition("\n")[0]
            told[name] = json.loads(line)["group"]
        return told


def observe(options, folder):
    """Everything that was seen: both observers, the groups, the begin of each leak, the load."""
    seconds = options.window * options.windows
    interval = options.window / INTERVALS
    with contextlib.ExitStack() as stack:
        agent = stack.enter_context(agents.Agent(
            str(SEEP), folder, f"--interval={round(interval * 1000)}ms",
            f"--trend.window={round(options.window * 1000)}ms"))
        seen = observer.Groups(agent)
        seen.start()
        loaded = Loaded(options.seed, seconds)
        stack.enter_context(loaded.stack)
        groups = loaded.groups()
        processes = observer.Processes(str(SEEP), agent, groups.values(), interval)
        processes.start()
        end = time.monotonic() + seconds
        if options.kind == "leaky":
            time.sleep(ONSET * options.window)
            loaded.leak()
        while time.monotonic() < end:
            time.sleep(0.5)
            loaded.check()
        done = loaded.finish()
        processes.stop()
        seen.stop()
        return seen, processes, groups, loaded.begun, done


def label(name, family, truth, onset, options, table):
    plain = name.replace("session/", "").replace(" ", ".").replace("/", ".")
    return {"name": f"{options.kind}.{plain}", "family": family, "truth": truth,
            "onset_seconds": round(onset, 3), "window_seconds": options.window,
            "table": table, "series": name}


def label_healthy(tables, groups, options):
    """All that the servers have which lasts and moves."""
    families = {group: server for server, group in groups.items()}
    for table, rows in tables.items():
        for name in rows.names():
            family = families.get(observer.group_of(name))
            if not family or name.endswith(NOT_JUDGED):
                continue
            points = rows.series(name)
            lasts = points[-1][0] - points[0][0] >= LEAST * options.window
            if lasts and len({value for _, value in points}) > 1:
                yield label(name, family.lower(), "steady", 0, options, table)


def label_leaks(tables, groups, begun, options):
    for leak in leaks.LEAKS:
        since, pid = begun[leak.__name__]
        table = "processes" if pid else "groups"
        who = groups[leak.server] + (f"@{pid}" if pid else "")
        for key in leak.series:
            rows = tables[table].rows
            yield label(f"{who} {key}", leak.__name__, "leak", since - rows[0][0], options, table)


def write_table(path, table, names):
    with lzma.open(path, "wt", preset=9) as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["time_seconds", *names])
        first = table.rows[0][0] if table.rows else 0
        for now, values in table.rows:
            rows.writerow([f"{now - first:.3f}", *(values.get(name, "") for name in names)])


def write(folder, options, labels, tables):
    with open(folder / f"{options.kind}.labels.csv", "w", encoding="ascii") as out:
        rows = csv.DictWriter(out, list(labels[0]), lineterminator="\n")
        rows.writeheader()
        rows.writerows(labels)
    for name, table in tables.items():
        kept = [row["series"] for row in labels if row["table"] == name]
        write_table(folder / f"{options.kind}.{name}.csv.xz", table, kept)


def tell(seen, tables, groups, done, options):
    """What the agent said at the time, in seconds since the first row of each table."""
    ours = set(groups.values())
    first = {name: table.rows[0][0] for name, table in tables.items()}
    looks = [now for now, values in seen.table.rows
             if ours <= {observer.group_of(name) for name in values}]
    return {
        "load": done,
        "windows": (looks[-1] - looks[0]) / options.window,  # in which all servers were there
        "looks": len(looks),
        "leaking": {name: since - first["groups"] for name, since in seen.accused.items()
                    if observer.group_of(name) in ours},
        "verdicts": {name: [(now - first[table], verdict) for now, verdict in changes]
                     for table, rows in tables.items() for name, changes in rows.verdicts.items()
                     if observer.group_of(name) in ours}}


def record(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="seep-record-") as scratch:
        seen, processes, groups, begun, done = observe(options, pathlib.Path(scratch))
    tables = {"groups": seen.table, "processes": processes.table}
    labels = list(label_healthy(tables, groups, options) if options.kind == "healthy" else
                  label_leaks(tables, groups, begun, options))
    write(options.folder, options, labels, tables)
    print(json.dumps(tell(seen, tables, groups, done, options)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=("healthy", "leaky"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--window", type=float, default=5, help="seconds of --trend.window")
    parser.add_argument("--windows", type=int, default=78)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if os.getpid() != 1 and "SEEP_RECORD_INSIDE" not in os.environ:
        os.environ["SEEP_RECORD_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                              sys.executable, "-B", *sys.argv])
    record(options)


if __name__ == "__main__":
    main()
