# SPDX-License-Identifier: GPL-2.0-only
"""Debian's own servers, each in a folder of its own, as its own user, on a free loopback port, with
a load that ends by itself."""

import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import oracle

START_SECONDS = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def descendants(pid):
    """A process and all below it."""
    families, found = oracle.families(), [pid]
    for parent in found:
        found.extend(child for child in families.get(parent, {}))
    return found


class Server:
    """A subclass says who it runs as, and gives its command and its load."""

    user = None

    def __init__(self):
        self.port = free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="seep-server-"))
        self.process = None
        owner = pwd.getpwnam(self.user)
        self.identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.running = []

    def prepare(self):
        """Before the start."""

    def command(self):
        raise NotImplementedError

    def load_command(self, seconds):
        raise NotImplementedError

    def run(self, *command):
        done = subprocess.run([str(word) for word in command], cwd=self.folder, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **self.identity)
        assert done.returncode == 0, done.stderr

    def spawn(self, command, log, **identity):
        with open(self.folder / log, "w") as output:
            process = subprocess.Popen([str(word) for word in command], cwd=self.folder,
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       start_new_session=True, **identity)
        self.running.append(process)
        return process

    def start(self):
        self.prepare()
        self.process = self.spawn(self.command(), "log", **self.identity)
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.answers():
                return
            assert self.process.poll() is None, (self.folder / "log").read_text()[-500:]
            assert time.monotonic() < deadline, f"{type(self).__name__} does not answer"
            time.sleep(0.05)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def load(self, seconds):
        """Starts the load; it ends by itself."""
        return self.spawn(self.load_command(seconds), "load.log")

    def pids(self):
        return descendants(self.process.pid)

    def at_rest(self):
        """{pid: what it holds} when nothing of it moves any more."""
        deadline, before = time.monotonic() + START_SECONDS, None
        while time.monotonic() < deadline:
            try:
                now = {pid: oracle.count(pid) for pid in self.pids()}
            except OSError:  # one of them ended between two looks
                now = None
            if now is not None and now == before:
                return now
            before = now
            time.sleep(0.3)
        raise TimeoutError(f"{type(self).__name__} does not come to rest")

    def close(self):
        for process in reversed(self.running):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error):
        self.close()


class Redis(Server):
    user = "redis"

    def command(self):
        return ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--dir", self.folder]

    def start(self):
        """Full from the start: every key is there, and its list was longer than it will be."""
        super().start()
        self.run("redis-benchmark", "-p", self.port, "-c", 20, "-r", 1000, "-t", "set,lpush,lpop",
                 "-n", 10000, "-q")

    def load_command(self, seconds):
        return ["timeout", seconds, "redis-benchmark", "-p", self.port, "-c", 20, "-r", 1000,
                "-t", "set,get,lpush,lpop", "-n", 2000, "-k", 0, "-q", "-l"]


class Nginx(Server):
    """The master stays root and its workers become www-data, as the package has it."""

    user = "www-data"

    def prepare(self):
        self.identity = {}
        (self.folder / "index.html").write_text("seep\n" * 100)
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; user www-data; worker_processes 2; pid {self.folder}/pid;
            error_log {self.folder}/error.log; events {{ worker_connections 512; }}
            http {{ access_log off; {temporary}
            server {{ listen 127.0.0.1:{self.port}; root {self.folder}; }} }}""")

    def command(self):
        return ["/usr/sbin/nginx", "-e", self.folder / "error.log", "-c",
                self.folder / "nginx.conf", "-p", self.folder]

    def load_command(self, seconds):
        return ["wrk", "-t", 1, "-c", 16, "-d", f"{seconds}s", "-H", "Connection: close",
                f"http://127.0.0.1:{self.port}/index.html"]


class Postgres(Server):
    user = "postgres"

    def program(self, name):
        return sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[-1]

    def prepare(self):
        self.run(self.program("initdb"), "-D", self.folder / "data", "-A", "trust", "--no-sync",
                 "-E", "UTF8", "--no-locale")

    def command(self):
        return [self.program("postgres"), "-D", self.folder / "data", "-p", self.port, "-k",
                self.folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]

    def answers(self):
        """It takes connections while it recovers, and refuses to work."""
        return subprocess.run([self.program("pg_isready"), "-q", "-h", "127.0.0.1", "-p",
                               str(self.port)]).returncode == 0

    def start(self):
        super().start()
        self.run(self.program("pgbench"), "-h", self.folder, "-p", self.port, "-i", "-q", "-s", 1,
                 "postgres")

    def load_command(self, seconds):
        return [self.program("pgbench"), "-h", "127.0.0.1", "-p", self.port, "-U", "postgres",
                "-c", 4, "-j", 1, "-T", seconds, "--rate", 200, "-n", "postgres"]


# No package of Debian loads memcached alone: connections that set and get at a steady rate.
MEMCACHED_LOAD = """
import socket, sys, time
port, end = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
number = 0
while time.monotonic() < end:
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
    for connection in connections * 25:
        number += 1
        connection.sendall(b"set key%d 0 0 64\\r\\n%s\\r\\nget key%d\\r\\n"
                           % (number % 1000, b"v" * 64, number % 1000))
        answer = b""
        while not answer.endswith(b"END\\r\\n"):
            answer += connection.recv(4096)
    for connection in connections:
        connection.close()
    time.sleep(0.02)
"""


class Memcached(Server):
    user = "memcache"

    def command(self):
        return ["memcached", "-l", "127.0.0.1", "-p", self.port, "-U", 0, "-t", 4]

    def load_command(self, seconds):
        return [sys.executable, "-c", MEMCACHED_LOAD, self.port, seconds]


ALL = (Redis, Nginx, Postgres, Memcached)
