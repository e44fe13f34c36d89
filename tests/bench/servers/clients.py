# SPDX-License-Identifier: GPL-2.0-only
"""One connection to each server, speaking as much of its protocol as a load needs: ask() sends some
work and waits for the whole answer."""

import http.client
import socket
import struct

PATIENCE = 20  # seconds; a server that answers later is broken


class Redis:
    """The work of a cache beside counters, queues and carts. The key space is bounded, or expires."""

    KEYS, CARTS, FIELDS, QUEUE, LIFETIME = 400, 80, 5, 50, 20
    # What still fills looks like a leak, rightly. One of seven requests is for one of 400 counters,
    # keys or fields of carts: after so many as here one in 35 of them was never asked for.
    FILL = 10000

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)

    def run(self, *commands):
        """A PING ends each batch: no answer of ours holds its word."""
        batch = b"".join(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
            for words in (*commands, (b"PING",)))
        self.socket.sendall(batch)
        answer = b""
        while not answer.endswith(b"+PONG\r\n"):
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("redis hung up")
            answer += part
        if b"-ERR" in answer:
            raise RuntimeError(answer[:100])

    def ask(self, rng):
        key, value = b"%d" % rng.randrange(self.KEYS), b"v" * rng.choice((20, 100, 700))
        queue, cart = b"queue:%d" % rng.randrange(5), b"cart:%d" % rng.randrange(self.CARTS)
        self.run(*rng.choice((
            ((b"SET", b"cache:" + key, value, b"EX", b"%d" % self.LIFETIME),),
            ((b"GET", b"cache:" + key),),
            ((b"SET", b"user:" + key, value),),
            ((b"HSET", cart, b"%d" % rng.randrange(self.FIELDS), value), (b"HGETALL", cart)),
            ((b"LPUSH", queue, value), (b"LTRIM", queue, b"0", b"%d" % self.QUEUE)),
            ((b"INCR", b"hits:" + key),),
            ((b"DEL", b"user:" + key),))))

    def close(self):
        self.socket.close()


class Nginx:
    """Pages small and large, and some that are missing."""

    FILL = 0
    PAGES = ("/index.html", "/index.html", "/large.html", "/missing.html")

    def __init__(self, port):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.http.connect()

    def ask(self, rng):
        try:
            self.get(rng.choice(self.PAGES))
        except (http.client.RemoteDisconnected, ConnectionError):
            self.http.close()  # the server's keep-alive ended; the next request dials again
            self.get(self.PAGES[0])

    def get(self, page):
        self.http.request("GET", page)
        self.http.getresponse().read()

    def close(self):
        self.http.close()


class Postgres:
    """What pgbench does, in the simple protocol (PostgreSQL manual, "Message Formats")."""

    FILL = 0
    ACCOUNTS, TELLERS = 100000, 10

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.input = self.socket.makefile("rb")
        self.pid = None
        self.send(b"", struct.pack("!I", 3 << 16) + b"user\0postgres\0database\0postgres\0\0")
        self.wait()

    def send(self, kind, body):
        self.socket.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def wait(self):
        """Until it is ready for the next query."""
        while True:
            head = self.input.read(5)
            if len(head) < 5:
                raise ConnectionError("postgres hung up")
            body = self.input.read(struct.unpack("!I", head[1:])[0] - 4)
            if head[:1] == b"E":
                raise RuntimeError(body.decode(errors="replace"))
            if head[:1] == b"K":
                self.pid = struct.unpack("!I", body[:4])[0]
            if head[:1] == b"Z":
                return

    def run(self, query):
        self.send(b"Q", query.encode() + b"\0")
        self.wait()

    def ask(self, rng):
        account, teller = rng.randint(1, self.ACCOUNTS), rng.randint(1, self.TELLERS)
        amount = rng.randint(-5000, 5000)
        self.run(f"""
            BEGIN;
            UPDATE pgbench_accounts SET abalance = abalance + {amount} WHERE aid = {account};
            SELECT abalance FROM pgbench_accounts WHERE aid = {account};
            UPDATE pgbench_tellers SET tbalance = tbalance + {amount} WHERE tid = {teller};
            UPDATE pgbench_branches SET bbalance = bbalance + {amount} WHERE bid = 1;
            INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)
                VALUES ({teller}, 1, {account}, {amount}, CURRENT_TIMESTAMP);
            END""")

    def close(self):
        self.input.close()
        self.socket.close()


ALL = {client.__name__: client for client in (Redis, Nginx, Postgres)}
