# SPDX-License-Identifier: GPL-2.0-only
"""seep explain --resource transaction: a transaction that a client leaves open, its age, its peer
and who last used the connection; the repaired twin is silent; what is encrypted is not judged."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

import explainer
import held
import servers
from agent import Agent

pytestmark = pytest.mark.probes

SECONDS = 8
CONNECTIONS = 6


class Pool:
    """The workload, one line of books after each word."""

    def __init__(self, workloads, make, connections, conninfo):
        self.process = subprocess.Popen([workloads / "pool", make, str(connections), conninfo],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.books = self.read()

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"the pool ended with {self.process.wait()}"
        return json.loads(line)

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        self.books = self.read()
        return self.books

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class SecurePostgres(servers.Postgres):
    """Offers TLS, with a certificate of its own."""

    def prepare(self):
        super().prepare()
        self.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=seep",
                 "-days", 2, "-keyout", self.folder / "data/server.key", "-out",
                 self.folder / "data/server.crt")
        os.chmod(self.folder / "data/server.key", 0o600)

    def command(self):
        return super().command() + ["-c", "ssl=on"]


@pytest.fixture(scope="module")
def database():
    with SecurePostgres() as running:
        yield running


@pytest.fixture
def conninfo(database):
    return f"host=127.0.0.1 port={database.port} user=postgres dbname=postgres sslmode="


def watch(seep, pid, seconds=SECONDS):
    """Started, and attached by the time that this returns."""
    process = explainer.start(seep, pid, "--resource", "transaction", "--duration", seconds,
                              "--json", "--budget", explainer.BUDGET)
    explainer.wait_attached(process, links=4)
    return process


def rows(answer, kind):
    return [row for row in answer.rows if row["kind"] == kind]


def function(row):
    """The innermost of the program's own."""
    return next((frame["function"] for frame in row["stack"]
                 if frame["module"].endswith("/workloads/pool")), row.get("reason"))


def test_a_transaction_left_open_is_found(seep, workloads, database, conninfo):
    with Pool(workloads, "guilty", CONNECTIONS, conninfo + "disable") as pool:
        watching = watch(seep, pool.pid)
        attached = time.monotonic()
        time.sleep(1)
        began, books = time.monotonic(), pool.say("burst")
        assert books["transaction"] == CONNECTIONS
        answer = explainer.finish(watching)
        age = answer.summary["seconds"] - (began - attached)
        row, = rows(answer, "idle")
        assert (row["pattern"], row["verdict"]) == ("idle-in-transaction", "keeps")
        assert (row["live"], row["created"], row["destroyed"]) == (CONNECTIONS, CONNECTIONS, 0)
        assert row["peer"] == f"127.0.0.1:{database.port}"
        assert abs(row["oldest_seconds"] - age) < 1
        assert answer.summary["lost"] == {}
        assert function(row) == books["site"]


def test_what_is_used_again_or_closed_is_given_back(seep, workloads, conninfo):
    """An order that is accepted commits what the one before left open; a closed connection goes."""
    with Pool(workloads, "guilty", 3, conninfo + "disable") as pool:
        watching = watch(seep, pool.pid)
        assert pool.say("burst")["transaction"] == 3
        time.sleep(4)
        pool.say("close")
        assert pool.say("order")["transaction"] == 1
        row, = rows(explainer.finish(watching), "idle")
        assert (row["live"], row["created"], row["destroyed"]) == (1, 3, 2)


def test_what_is_older_than_the_watch_is_told_by_the_server(seep, workloads, conninfo):
    """The server runs here and says so; who did it was not seen, but who alone uses transactions."""
    with Pool(workloads, "guilty", 4, conninfo + "disable") as pool:
        assert pool.say("burst")["transaction"] == 4
        watching = watch(seep, pool.pid)
        assert pool.say("order")["transaction"] == 3
        answer = explainer.finish(watching)
        row, = rows(answer, "idle")
        assert (row["live"], row["verdict"]) == (3, "keeps")
        assert "not seen" in row["reason"]
        assert function(row) == pool.books["site"]


def test_a_connection_that_is_new_has_its_stack_too(seep, workloads, conninfo):
    with Pool(workloads, "guilty", 0, conninfo + "disable") as pool:
        watching = watch(seep, pool.pid)
        pool.say("open")
        books = pool.say("burst")
        row, = rows(explainer.finish(watching), "idle")
        assert (row["live"], function(row)) == (1, books["site"])


def test_a_unix_socket_is_read_too(seep, workloads, database):
    conninfo = f"host={database.folder} port={database.port} user=postgres dbname=postgres"
    with Pool(workloads, "guilty", 3, conninfo) as pool:
        watching = watch(seep, pool.pid)
        pool.say("open")
        books = pool.say("burst")
        time.sleep(3)
        pool.say("close")
        answer = explainer.finish(watching)
        row, = rows(answer, "idle")
        assert (row["live"], row["created"], row["destroyed"]) == (3, 4, 1)
        assert (row["peer"], row["verdict"]) == ("unix socket", "keeps")
        assert function(row) == books["site"]
        assert answer.summary["lost"] == {} and rows(answer, "unseen") == []


def test_the_repaired_twin_is_silent(seep, workloads, conninfo):
    with Pool(workloads, "repaired", CONNECTIONS, conninfo + "disable") as pool:
        watching = watch(seep, pool.pid)
        for _ in range(20):
            assert pool.say("burst")["transaction"] == 0
            pool.say("order")
            time.sleep(0.2)
        answer = explainer.finish(watching)
        assert answer.rows == [] and answer.summary["hits"] > 20 * CONNECTIONS


def test_work_in_a_long_transaction_is_no_finding(seep, database):
    """psql in one transaction for most of the watch, each statement after the other."""
    script = "begin;" + "select pg_sleep(0.3);" * 20 + "commit; select pg_sleep(60)"
    process = subprocess.Popen([database.program("psql"), "-q", "-h", "127.0.0.1", "-p",
                                str(database.port), "-U", "postgres", "postgres"],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        watching = watch(seep, process.pid, 6)
        process.stdin.write(script.replace(";", ";\n") + ";\n")
        process.stdin.flush()
        assert rows(explainer.finish(watching), "idle") == []
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


def test_what_is_encrypted_is_said_not_to_be_seen(seep, workloads, conninfo):
    with Pool(workloads, "guilty", 2, conninfo + "require") as pool:
        watching = watch(seep, pool.pid, 5)
        pool.say("open")
        pool.say("burst")
        answer = explainer.finish(watching)
        assert rows(answer, "idle") == []
        row = next(row for row in rows(answer, "unseen") if "encrypted" in row["reason"])
        assert (row["live"], row["pattern"], row["verdict"]) == (1, None, "undecided")


def wait_programs(watching, wanted):
    deadline = time.monotonic() + 60
    while not programs(watching) >= wanted:
        assert watching.poll() is None and time.monotonic() < deadline, "did not attach"
        time.sleep(0.1)


def test_it_is_found_among_all(seep, workloads, database, conninfo):
    """Nobody need ask for transactions: the server runs here and says whose connections it has."""
    with Pool(workloads, "guilty", 3, conninfo + "disable") as pool:
        watching = explainer.start(seep, pool.pid, "--duration", SECONDS + 6, "--json", "--budget",
                                   explainer.BUDGET)
        wait_programs(watching, {"transaction_call"})
        time.sleep(1)
        books = pool.say("burst")
        row, = [row for row in rows(explainer.finish(watching), "idle")
                if row["resource"] == "transaction"]
        assert (row["pattern"], row["live"]) == ("idle-in-transaction", 3)
        assert function(row) == books["site"]


CLIENT = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); " \
    "sys.stdin.read()"


def test_who_has_no_such_connection_is_not_listened_to(seep):
    """A process with a connection by loopback that is none to a database: once the watch has begun
    nothing of the topic is in the kernel."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = subprocess.Popen([sys.executable, "-c", CLIENT, str(server.getsockname()[1])],
                                  stdin=subprocess.PIPE)
        try:
            accepted, _ = server.accept()
            watching = explainer.start(seep, client.pid, "--duration", 6, "--json", "--budget",
                                       explainer.BUDGET)
            explainer.wait_attached(watching)
            time.sleep(1)
            assert watching.poll() is None and programs(watching) == set()
            assert [row for row in explainer.finish(watching).rows
                    if row["resource"] == "transaction"] == []
            accepted.close()
        finally:
            client.kill()
            client.wait()
            client.stdin.close()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_attached(seep, workloads, conninfo, end):
    """By whatever end; and packets pass before, meanwhile and after."""
    with Pool(workloads, "guilty", 1, conninfo + "disable") as pool:
        watching = watch(seep, pool.pid, 60)
        assert pool.say("order")["transaction"] == 0
        assert programs(watching) >= {"transaction_receive", "transaction_send", "transaction_call"}
        left = held.program_ids(watching.pid)
        watching.send_signal(end)
        watching.communicate(timeout=20)
        deadline = time.monotonic() + 5
        while left & held.loaded_programs().keys() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left & held.loaded_programs().keys()
        assert pool.say("order")["transaction"] == 0


def programs(watching):
    """Names of the topic's programs that an explain holds: others may run on this host."""
    loaded = held.loaded_programs()
    names = {loaded.get(program, "") for program in held.program_ids(watching.pid)}
    return {name for name in names if name.startswith("transaction")}


def left_open(running, group):
    """(how many, age of the oldest) transactions of the first group with that in its name."""
    found = {}
    for line in running.get().splitlines():
        if group not in line.partition("}")[0]:
            continue
        if line.startswith("seep_group_live{") and 'resource="transaction"' in line:
            found["live"] = float(line.rsplit(" ", 1)[1])
        if line.startswith("seep_group_transaction_oldest_seconds{"):
            found["age"] = float(line.rsplit(" ", 1)[1])
    return found.get("live", 0), found.get("age", 0)


def wait_left_open(running, group, n):
    deadline = time.monotonic() + 30
    while left_open(running, group)[0] != n:
        assert time.monotonic() < deadline, f"{left_open(running, group)[0]} and not {n}"
        time.sleep(0.1)


@pytest.mark.parametrize("place, group", [("host=127.0.0.1", "/pool"), ("host={folder}", "/postgres")],
                         ids=["tcp", "unix"])
def test_the_agent_counts_them_where_the_server_is_here(seep, workloads, database, tmp_path, place,
                                                        group):
    """By the client's group over TCP, and by the server's over a unix socket."""
    conninfo = place.format(folder=database.folder) + f" port={database.port} user=postgres " \
        "dbname=postgres sslmode=disable"
    with Pool(workloads, "guilty", 3, conninfo) as pool, Agent(seep, tmp_path) as running:
        time.sleep(1)
        assert left_open(running, group) == (0, 0)
        began, books = time.monotonic(), pool.say("burst")
        wait_left_open(running, group, books["transaction"])
        time.sleep(2)
        age = time.monotonic() - began
        assert age - 2 < left_open(running, group)[1] <= age
        pool.say("order")
        wait_left_open(running, group, 2)
        pool.say("close")
        wait_left_open(running, group, 1)


def test_the_agent_is_silent_of_the_repaired_twin(seep, workloads, conninfo, tmp_path):
    with Pool(workloads, "repaired", 3, conninfo + "disable") as pool, \
            Agent(seep, tmp_path) as running:
        for _ in range(15):
            pool.say("burst")
            time.sleep(0.2)
            assert left_open(running, "") == (0, 0)
