# SPDX-License-Identifier: GPL-2.0-only
"""The web side of seep behind tests/drivers/web.c, and clients for it, good and bad."""

import http.client
import socket
import subprocess
import time

import pytest

from conftest import BUILD

SECONDS = 10
SLACK = 1.5  # of what has to end in time, on a busy machine
REQUEST_SECONDS = 5  # that a client has for a request
DRIVER = BUILD / "tests/drivers/web"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"


class Web:
    """A running driver: serves a model made by hand of so many groups."""

    def __init__(self, program, address="127.0.0.1:0", path="/metrics", groups=50):
        self.process = subprocess.Popen([program, address, path, str(groups)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.path = path
        host, port = self.process.stdout.readline().strip().rsplit(":", 1)
        self.host, self.port = host.strip("[]"), int(port)

    def tell(self, word):
        """Have a command obeyed; returns the crashes counted so far."""
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline().split()[1])

    def child(self):
        """PID of the web child."""
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            return int(children.read().split()[0])

    def connect(self):
        return socket.create_connection((self.host, self.port), timeout=SECONDS)

    def ask(self, path, method="GET", **headers):
        """One request on a connection of its own: (response, body)."""
        client = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        try:
            client.request(method, path, headers={name.replace("_", "-"): value
                                                  for name, value in headers.items()})
            response = client.getresponse()
            return response, response.read()
        finally:
            client.close()

    def talk(self, request):
        """Send these bytes and read to the end: (answer, seconds)."""
        begin = time.monotonic()
        with self.connect() as connection:
            connection.sendall(request)
            return read_to_end(connection), time.monotonic() - begin

    def close(self):
        self.process.stdin.close()
        self.process.wait(SECONDS)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def read_to_end(connection):
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
    return answer


def is_dead(pid):
    """Gone, or a zombie that nobody has waited for yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_dead(pid, seconds):
    """True when the process ends in time."""
    end = time.monotonic() + seconds
    while not is_dead(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return is_dead(pid)


@pytest.fixture
def web():
    """One that has served a census; for whoever imports it."""
    with Web(DRIVER) as server:
        server.tell("publish")
        assert server.ask("/-/ready")[0].status == 200
        yield server
