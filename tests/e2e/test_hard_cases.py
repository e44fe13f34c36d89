# SPDX-License-Identifier: GPL-2.0-only
"""What makes counting hard, a test each. Books, oracle and seep have to agree."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys

import pytest

import oracle
import rows
import workload
from agent import Agent


def agree(seep, *lines):
    """Lines of books against the oracle and against one look of seep; returns its rows."""
    seen = rows.top(seep)
    counted = rows.counts(seen)
    for line in lines:
        books, pid = line["books"], line["pid"]
        assert workload.differences(books, oracle.count(pid)) == [], "books and oracle differ"
        assert workload.differences(books, counted[pid]) == [], "books and seep differ"
    return seen


@pytest.fixture
def start(workloads, tmp_path):
    """Starts scenarios, and ends them with the test."""
    with contextlib.ExitStack() as stack:
        def start_one(program, name, *arguments):
            return stack.enter_context(
                workload.Workload(workloads / program, name, tmp_path / name, *arguments))
        yield start_one


# dup, dup2 over an open descriptor, close_range, then exec with five marked CLOEXEC.
def test_dup_and_exec(seep, start):
    scenario = start("hard_fds", "dup")
    for eventfds in (40, 41, 21, 16):
        line = scenario.read()
        assert line["books"]["fd/eventfd"] == eventfds
        agree(seep, line)
        scenario.go_on()


def test_passed_over_unix_socket(seep, start):
    """In flight they belong to nobody."""
    scenario = start("hard_fds", "passing")
    for parent_has, child_has in ((20, 0), (0, 0), (0, 20)):
        child, parent = scenario.read(), scenario.read()
        assert parent["books"].get("fd/eventfd", 0) == parent_has
        assert child["books"].get("fd/eventfd", 0) == child_has
        agree(seep, child, parent)
        scenario.go_on()


def test_tables_shared_and_unshared(seep, start):
    scenario = start("hard_fds", "tables")
    for eventfds in (20, 70, 52):
        line = scenario.read()
        assert line["books"]["fd/eventfd"] == eventfds
        agree(seep, line)
        scenario.go_on()


def test_duplicates_of_deleted_files(seep, start):
    agree(seep, start("hard_fds", "deleted").read())


def test_ten_thousand_descriptors(seep, start):
    scenario = start("hard_fds", "many")
    line = scenario.read()
    if line is None:
        pytest.skip("RLIMIT_NOFILE cannot be raised to 10,100 here")
    seen = agree(seep, line)
    total, = rows.find(seen, pid=scenario.pid, resource="fd", kind=None)
    assert (total["live"], total["bound"]) == (10003, 10100)
    assert (total["bound_source"], total["bound_used"]) == ("RLIMIT_NOFILE", 10003)


# While the storm blows its children come and go between two reads of the census: it may see any
# part of their lives, and more of them than ever lived at once. What the parent holds has to be exact.
@pytest.mark.parametrize("name", ["fork_storm", "vfork_storm", "exec_storm"])
def test_storm(seep, start, name):
    scenario = start("hard_tasks", name)
    books = scenario.read()["books"]
    for _ in range(3):
        seen = rows.counts(rows.top(seep))
        steady = {key: value for key, value in seen[scenario.pid].items()
                  if not key.startswith("process/")}
        assert workload.differences(books, steady) == []
        for pid in oracle.families()[scenario.pid]:
            assert seen.get(pid, {}).get("fd/eventfd", 0) <= 80, "a child holds at most 30 + 50"
    scenario.go_on()
    agree(seep, scenario.read())


def test_pid_reuse(seep, start, tmp_path):
    """Another process under the same number is another process: nothing of the first is left."""
    scenario = start("hard_tasks", "pid_reuse")
    first = scenario.read()["pid"]
    with rows.Stream(seep, tmp_path, "-d", 0.2) as stream:
        before = stream.wait(first, "fd/eventfd", 50)
        scenario.go_on()
        assert scenario.read()["pid"] == first
        after = stream.wait(first, "fd/eventfd", 5)
    assert after["start_time"] > before["start_time"]
    assert before["exe"].endswith("/hard_tasks")
    assert after["exe"].endswith("/sleep")


def test_dead_leader(seep, start):
    """The oracle is /proc/PID/task/*/fd; /proc/PID/fd shows nothing then."""
    scenario = start("hard_tasks", "dead_leader")
    agree(seep, scenario.read())
    scenario.go_on()
    line = scenario.read()
    assert os.listdir(f"/proc/{scenario.pid}/fd") == []
    agree(seep, line)
    parent = rows.counts(rows.top(seep))[os.getpid()]
    assert parent["process/zombie"] == 0, "a process whose threads live is no zombie"


def test_clone_vm(seep, start, tmp_path):
    """Three processes with one memory: each shows it, their group has it once."""
    scenario = start("hard_tasks", "clone_vm")
    agree(seep, scenario.read())
    seen = rows.counts(rows.top(seep))
    children = oracle.families()[scenario.pid]
    assert len(children) == 2
    anon = seen[scenario.pid]["memory/anon"]
    for child in children:
        assert seen[child]["fd/eventfd"] == 20
        assert seen[child]["memory/anon"] == pytest.approx(anon, abs=workload.MEMORY_SLACK)
    with Agent(seep, tmp_path / "agent") as agent:
        group = agent.sample("seep_group_live_bytes", group="session/hard_tasks",
                             resource="memory", kind="anon")
    assert group == pytest.approx(anon, abs=workload.MEMORY_SLACK)


def test_time_wait_exhausts_ports(seep, start):
    """Sockets without an owner are a row of their network namespace."""
    scenario = start("hard_tasks", "time_wait")
    seen = agree(seep, scenario.read())
    row, = rows.find(seen, pid=None, resource="tcp", kind="TIME_WAIT",
                     netns=os.stat(f"/proc/{scenario.pid}/ns/net").st_ino)
    assert (row["live"], row["bound_used"], row["bound"]) == (80, 80, 100)
    assert (row["bound_source"], row["bound_scope"]) == ("ip_local_port_range", "netns")
    assert row["peer"] == "127.0.0.1:30000"


@contextlib.contextmanager
def in_namespaces(flags, command, folder):
    """A command below unshare(1); yields the pid of the command itself."""
    outer = subprocess.Popen(["unshare", *flags, "--fork", "--kill-child", *map(str, command)],
                             cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = outer.stdout.readline()
        inner, = oracle.families()[outer.pid]
        yield inner, line
    finally:
        outer.stdin.close()
        outer.kill()
        outer.wait()
        outer.stdout.close()


@pytest.mark.parametrize("flags", [["--pid"], ["--mount"], ["--net"],
                                   ["--pid", "--mount", "--net", "--ipc", "--uts"]],
                         ids=lambda flags: "".join(flags).strip("-").replace("--", "_"))
def test_namespaces(seep, workloads, tmp_path, flags):
    """A process in namespaces of its own goes by the number that it has here."""
    with in_namespaces(flags, [workloads / "sockets", "socket", "--seed", 5], tmp_path) as (pid, _):
        seen = rows.counts(rows.top(seep))
        assert workload.differences(oracle.count(pid), seen[pid]) == []


def test_seep_in_pid_namespace(seep, tmp_path):
    """Inside a namespace seep shows that namespace's processes by that namespace's numbers."""
    # The shell's child is another shell for a moment. What waits makes no process of its own.
    begun = 'until read name </proc/$!/comm && [ "$name" = sleep ]; do :; done'
    script = f"sleep 100 & {begun}; exec {seep} top --once --json --all"
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child",
                           "sh", "-c", script], capture_output=True, timeout=30, text=True)
    assert done.returncode == 0, done.stderr
    pids = {row["pid"]: row["comm"] for row in rows.parse(done.stdout) if row["pid"] is not None}
    assert pids.get(1) == "seep"
    assert "sleep" in pids.values()
    assert max(pids) < 20


def test_zombies_at_once(seep, start):
    scenario = start("tasks", "zombie", "--seed", 9)
    scenario.read()
    for _ in range(5):
        scenario.go_on()
        line = scenario.read()
    assert line["books"]["process/zombie"] > 0
    agree(seep, line)


def test_kernel_threads(seep):
    if pathlib.Path("/proc/2/comm").read_text() != "kthreadd\n":
        pytest.skip("this PID namespace has no kernel threads")
    seen = rows.find(rows.top(seep), pid=2)
    assert {row["group"] for row in seen} == {"kernel"}
    assert all(row["live"] == 0 for row in seen if row["resource"] in ("fd", "memory", "mapping"))


DYING = """
import os
open("/proc/self/comm", "w").write("dying")
for number in range(1000000):
    pid = os.fork()
    if pid == 0:
        [os.eventfd(0) for _ in range(900)]
        os._exit(0)
    os.waitpid(pid, 0)
    os.pwrite(1, b"%d" % number, 0)
"""


def test_dies_while_read(seep, tmp_path):
    """Processes with 900 descriptors each die all the time; nothing is invented."""
    deaths = tmp_path / "deaths"
    dying = subprocess.Popen([sys.executable, "-c", DYING], start_new_session=True,
                             stdout=open(deaths, "w"))
    try:
        for _ in range(5):
            for row in rows.find(rows.top(seep), comm="dying", resource="fd", kind="eventfd"):
                assert 0 <= row["live"] <= 900
        assert int(deaths.read_text()) > 20
        assert dying.poll() is None
    finally:
        os.killpg(dying.pid, signal.SIGKILL)
        dying.wait()
