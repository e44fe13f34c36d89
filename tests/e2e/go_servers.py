# SPDX-License-Identifier: GPL-2.0-only
"""Go servers that nobody here wrote, of Debian's own release and of its newest, each with clients that
do their work and hang up, and with clients that never do."""

import base64
import json
import os
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import mirror  # noqa: E402
import servers  # noqa: E402

SUITES = ("bookworm", "sid")  # built by Go 1.19, and by one of the newest
FOLDER = mirror.BUILD / "go/servers"
CLIENTS_A_SECOND = 10
STAY_SECONDS = 1  # of a client that hangs up


class GoServer(servers.Server):
    """A subclass says in which package it is, its command, and how a client greets it."""

    user = "nobody"
    package = program = None

    def __init__(self, suite):
        super().__init__()
        self.suite = suite
        self.second_port = servers.free_port()

    def fetch(self):
        """Its package, unpacked once below build/go."""
        folder = FOLDER / self.suite / self.package
        if not folder.exists():
            mirror.put(folder, f"{self.package}/{self.suite}")
        return folder / self.program

    def prepare(self):
        self.identity = {}

    def command(self):
        return [self.fetch(), *self.options()]

    def drive(self, word):
        """Clients that "leave" or that "stay", until the driver is ended."""
        driver = self.spawn([sys.executable, __file__, type(self).__name__, word, self.port,
                             self.second_port], "driver.log")
        time.sleep(0.5)
        assert driver.poll() is None, (self.folder / "driver.log").read_text()
        return driver

    @staticmethod
    def greet(connection, number):
        """What a client says first; returns when it was answered."""
        raise NotImplementedError

    @classmethod
    def work(cls, connection, number):
        """What a client does that hangs up afterwards; returns when it was answered."""
        cls.greet(connection, number)


def until(connection, word):
    heard = b""
    while word not in heard:
        part = connection.recv(65536)
        assert part, heard
        heard += part
    return heard


def encode(text):
    return base64.b64encode(text.encode()).decode()


def request(method, path, body=""):
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


class Etcd(GoServer):
    """A client watches a key; who stays never closes its watch."""

    package, program = "etcd-server", "usr/bin/etcd"
    keeps = "v3rpc.(*watchServer).Watch"

    def options(self):
        peer = f"http://127.0.0.1:{self.second_port}"
        return ["--data-dir", self.folder / "data", "--listen-peer-urls", peer,
                "--listen-client-urls", f"http://127.0.0.1:{self.port}",
                "--advertise-client-urls", f"http://127.0.0.1:{self.port}",
                "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]

    def answers(self):
        """It listens before it has a leader."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                self.greet(connection, 0)
            return True
        except (OSError, AssertionError):
            return False

    @staticmethod
    def greet(connection, number):
        connection.sendall(request("POST", "/v3/watch", '{"create_request": {"key": "bmV3cw=="}}'))
        until(connection, b'"created":true')

    @classmethod
    def work(cls, connection, number):
        """Some watch, most write: the server keeps a log of what was written, up to its limit."""
        if number % 5 == 0:
            return cls.greet(connection, number)
        key, value = encode(f"news{number % 50}"), encode("v" * 200)
        connection.sendall(request("POST", "/v3/kv/put", json.dumps({"key": key, "value": value})))
        return until(connection, b'"revision"')


class NatsServer(GoServer):
    """A client subscribes; who stays never ends its connection."""

    package, program = "nats-server", "usr/sbin/nats-server"
    keeps = "server.(*Server).createClient"

    def options(self):
        return ["-a", "127.0.0.1", "-p", self.port]

    @staticmethod
    def greet(connection, number):
        until(connection, b"\r\n")
        connection.sendall(b'CONNECT {"verbose":false}\r\nSUB news.%d 1\r\nPING\r\n' % number)
        until(connection, b"PONG\r\n")

    @classmethod
    def work(cls, connection, number):
        """The server remembers closed connections, as many as its limit."""
        cls.greet(connection, number)
        connection.sendall(b"PUB news.%d 5\r\nhello\r\nPING\r\n" % number)
        until(connection, b"PONG\r\n")


class Caddy(GoServer):
    """A proxy whose upstream takes requests and never answers: who stays, waits for it."""

    package, program = "caddy", "usr/bin/caddy"
    keeps = "reverseproxy.(*Handler)"

    def prepare(self):
        super().prepare()
        os.environ.update(XDG_DATA_HOME=str(self.folder), XDG_CONFIG_HOME=str(self.folder))
        (self.folder / "Caddyfile").write_text(
            "{\n admin off\n}\n"
            f"http://:{self.port} {{\n bind 127.0.0.1\n reverse_proxy 127.0.0.1:{self.second_port}\n}}\n")

    def options(self):
        return ["run", "--config", self.folder / "Caddyfile", "--adapter", "caddyfile"]

    @staticmethod
    def greet(connection, number):
        connection.sendall(request("GET", f"/wait/{number}"))


class Prometheus(GoServer):
    """A client asks once; who stays keeps its connection for another time that never comes."""

    package, program = "prometheus", "usr/bin/prometheus"
    keeps = "net/http.(*conn).serve"

    def prepare(self):
        super().prepare()
        (self.folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 2s}\nscrape_configs:\n - job_name: self\n"
            f"   static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]\n")

    def options(self):
        return [f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
                f"--web.listen-address=127.0.0.1:{self.port}", "--web.max-connections=4096"]

    @staticmethod
    def greet(connection, number):
        connection.sendall(request("GET", "/-/healthy"))
        until(connection, b"Healthy")

    @staticmethod
    def work(connection, number):
        query = "/api/v1/query?query=up" if number % 2 else "/metrics"
        connection.sendall(request("GET", query))
        until(connection, b"\r\n\r\n")


class InfluxDB(GoServer):
    """A client begins to write points; who stays never sends the rest."""

    package, program = "influxdb", "usr/bin/influxd"
    keeps = "httpd.(*Handler).serveWrite"

    def prepare(self):
        super().prepare()
        (self.folder / "influxdb.conf").write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{self.second_port}"\n'
            f'[meta]\n dir = "{self.folder}/meta"\n'
            f'[data]\n dir = "{self.folder}/data"\n wal-dir = "{self.folder}/wal"\n'
            f'[http]\n bind-address = "127.0.0.1:{self.port}"\n')

    def options(self):
        return ["run", "-config", self.folder / "influxdb.conf"]

    def answers(self):
        """It refuses points of a database that it does not have."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.sendall(request("POST", "/query?q=CREATE+DATABASE+news"))
                return b" 200 " in until(connection, b"\r\n\r\n")
        except (OSError, AssertionError):
            return False

    @staticmethod
    def greet(connection, number):
        connection.sendall(b"POST /write?db=news HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Length: 65536\r\n\r\nnews")

    @staticmethod
    def work(connection, number):
        """It reads. What is written stays in memory for ten minutes or 25 MiB (cache-snapshot-…):
        within a minute nobody can tell that from a leak."""
        connection.sendall(request("GET", "/query?db=news&q=SHOW+MEASUREMENTS"))
        until(connection, b"\r\n\r\n")


ALL = (Etcd, NatsServer, Caddy, Prometheus)
MORE = (InfluxDB,)  # watched where GO_BUILDS is set


def drive(server, stay, port, upstream_port):
    """Clients at a steady rate. Nobody takes from the queue of the upstream: it never answers."""
    upstream = socket.create_server(("127.0.0.1", upstream_port), backlog=4096) \
        if server is Caddy else None
    clients, number, begun = [], 0, time.monotonic()
    while True:
        client = socket.create_connection(("127.0.0.1", port), 20)
        (server.greet if stay else server.work)(client, number)
        clients.append(client)
        number += 1
        if not stay and len(clients) > STAY_SECONDS * CLIENTS_A_SECOND:
            clients.pop(0).close()
        time.sleep(max(0, begun + number / CLIENTS_A_SECOND - time.monotonic()))


if __name__ == "__main__":
    named = {server.__name__: server for server in ALL + MORE}
    drive(named[sys.argv[1]], sys.argv[2] == "stay", int(sys.argv[3]), int(sys.argv[4]))
