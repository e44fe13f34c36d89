# SPDX-License-Identifier: GPL-2.0-only
"""The daemon harms nobody and leaves nothing: its links, its files, its children, its end."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from agent import Agent, children
from held import descriptors, links, loaded_programs, program_ids

NOBODY = 65534


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"{what} after {seconds} s")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.fixture
def agent(seep, tmp_path):
    with Agent(seep, tmp_path) as running:
        yield running


def test_always_on_links_are_no_uprobe_and_no_syscall_tracepoint(agent):
    found = links(agent.pid)
    assert len(found) >= 5, found
    for kind, name in found:
        assert kind in ("iter", "raw_tracepoint", "tracing"), found
        assert "sys_enter" not in name and "sys_exit" not in name, found
    assert not [what for what in descriptors(agent.pid).values() if "perf_event" in what]


def test_sigterm_ends_within_a_second_and_leaves_nothing(agent):
    programs, helpers = program_ids(agent.pid), children(agent.pid)
    assert programs and helpers
    assert programs <= loaded_programs().keys()
    begin = time.monotonic()
    os.kill(agent.pid, signal.SIGTERM)
    assert agent.process.wait(5) == 0
    assert time.monotonic() - begin < 1
    wait_until(lambda: not programs & loaded_programs().keys(), 2, "programs are still loaded")
    wait_until(lambda: not any(map(alive, helpers)), 1, "children still run")
    assert not os.path.exists(agent.environment["RUNTIME_DIRECTORY"] + "/history.sock")


def test_kill_9_leaves_nothing_pinned_and_no_child(agent):
    programs, helpers = program_ids(agent.pid), children(agent.pid)
    os.kill(agent.pid, signal.SIGKILL)
    agent.process.wait(5)
    wait_until(lambda: not programs & loaded_programs().keys(), 2, "programs are still loaded")
    wait_until(lambda: not any(map(alive, helpers)), 1, "children still run")


def test_an_agent_after_kill_9_takes_the_socket_over(agent, seep, tmp_path):
    os.kill(agent.pid, signal.SIGKILL)
    agent.process.wait(5)
    with Agent(seep, tmp_path / "second", runtime=tmp_path / "run") as second:
        assert "history: not shared" not in second.log.read_text()


def test_a_second_agent_says_that_history_is_taken(agent, seep, tmp_path):
    with Agent(seep, tmp_path / "second", runtime=tmp_path / "run") as second:
        assert "history: not shared with seep top" in second.log.read_text()
        assert second.sample("seep_census_seconds") is not None


# What the agent may open while it runs: answers of the kernel, nothing that a process could have put
# there. Each is a whole path; PID stands for a number.
ALLOWED = [
    r"/proc", r"/proc/self/(status|stat|statm|limits|fd|mounts)",
    r"/proc/PID/(cgroup|timers|stat|schedstat|net/sockstat|ns/net)",
    r"/proc/PID/task/PID/fdinfo/PID",
    r"/proc/(meminfo|stat|uptime)", r"/proc/sys/.*", r"/sys/fs/cgroup(/.*)?",
    r"/proc/PID",  # by O_PATH: to name a process to the opener
]
# What the opener opens below that, a child of few rights that reads none of it, for the reader.
OPENER = [r"(exe|auxv|mem|environ|maps|cmdline)", r"/proc/self/fd/PID"]


def opened_paths(trace):
    for line in trace.read_text(errors="replace").splitlines():
        found = re.search(r'open(?:at2?)?\((?:[^,"]+, )?"((?:[^"\\]|\\.)*)"', line)
        if found and "= -1" not in line:
            yield found[1]


@pytest.mark.skipif(not os.path.exists("/usr/bin/strace"), reason="no strace")
def test_a_running_agent_opens_only_answers_of_the_kernel(seep, tmp_path):
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-s", "4096", "-e", "trace=open,openat,openat2,execve", "-o", str(trace)]
    with subprocess.Popen(["unshare", "--mount", "--net", "sleep", "60"]) as target:
        with Agent(seep, tmp_path, before=strace) as agent:
            trace.write_text("")  # what the start opened is not asked here
            time.sleep(2)
            assert agent.sample("seep_census_seconds") is not None
        target.kill()
    paths = {re.sub(r"\b\d+\b", "PID", path) for path in opened_paths(trace)}
    assert len(paths) > 3, "the trace is empty"
    assert not [path for path in paths if "/root" in path]
    assert not [path for path in paths if not any(re.fullmatch(a, path) for a in ALLOWED + OPENER)], paths


def run(seep, *arguments, **options):
    done = subprocess.run([seep, *arguments], capture_output=True, text=True, timeout=30, **options)
    return done.returncode, done.stderr.strip()


def assert_one_line(stderr):
    assert stderr and len(stderr.splitlines()) == 1, stderr


@pytest.mark.parametrize("arguments", [
    ["nonsense"],
    ["agent", "--interval=never"],
    ["agent", "--interval=1s", "--trend.window=5s"],
    ["agent", "--log.level=loud"],
    ["agent", "--config.file=/nonexistent/seep.conf"],
    ["agent", "--web.listen-address=nonsense"],
    ["agent", "surplus"],
    ["top", "--fail-on=surely"],
    ["top", "-p", "zero"],
    ["explain", "-p", "1", "--resource", "nonsense"],
    ["check", "-p", "-3"],
])
def test_wrong_usage_is_one_line_and_exit_2(seep, arguments):
    status, stderr = run(seep, *arguments)
    assert status == 2, stderr
    assert_one_line(stderr)


@pytest.mark.parametrize("arguments", [
    ["top", "--once", "--json", "-p", "4194303"],
    ["explain", "-p", "4194303"],
    ["check", "-p", "4194303"],
])
def test_no_such_process_is_one_line_and_exit_3(seep, arguments):
    status, stderr = run(seep, *arguments)
    assert status == 3, stderr
    assert_one_line(stderr)


def test_a_taken_port_is_one_line_and_exit_3(agent, seep):
    status, stderr = run(seep, "agent", f"--web.listen-address={agent.url.removeprefix('http://')}")
    assert status == 3
    assert_one_line(stderr)


def test_a_second_explain_of_a_process_does_not_probe_twice(seep):
    with subprocess.Popen(["sleep", "60"]) as target:
        first = subprocess.Popen([seep, "explain", "-p", str(target.pid), "--duration", "20s"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        name = f"@seep-explain-{target.pid}"
        wait_until(lambda: name in open("/proc/net/unix").read(), 10, "no first explain")
        status, stderr = run(seep, "explain", "-p", str(target.pid), "--duration", "1s")
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=20)
        target.kill()
    assert status == 3
    assert_one_line(stderr)


@pytest.mark.parametrize("arguments", [["agent"], ["explain", "-p", "1"]])
def test_without_rights_is_one_line_and_exit_3(seep, tmp_path, arguments):
    copy = tmp_path / "seep"  # where nobody may read it
    copy.write_bytes(open(seep, "rb").read())
    copy.chmod(0o755)
    for folder in copy.parents:
        if folder == tmp_path.parent.parent.parent:
            break
        folder.chmod(0o755)
    status, stderr = run(str(copy), *arguments, user=NOBODY, group=NOBODY)
    assert status == 3, stderr
    assert_one_line(stderr)


def test_the_configuration_file_is_read_and_the_command_line_wins(seep, tmp_path):
    config = tmp_path / "seep.conf"
    config.write_text("# comment\n\nweb.telemetry-path=/numbers\ntrend.window=1h\n")
    with Agent(seep, tmp_path, f"--config.file={config}") as agent:
        assert "seep_census_seconds" in agent.get("/numbers")


def fd_row(agent, seep, pid):
    text = subprocess.run([seep, "top", "--once", "--json", "-p", str(pid)], check=True,
                          capture_output=True, text=True, env=agent.environment).stdout
    rows = {(row["resource"], row["kind"]): row for row in map(json.loads, text.splitlines())}
    return rows["fd", None]


def test_trends_of_the_agent_reach_top(agent, seep):
    """Within a window, and however long this host takes for it."""
    wait_until(lambda: fd_row(agent, seep, os.getpid())["verdict"] != "unknown", 60, "no verdict")
    assert fd_row(agent, seep, os.getpid())["rate_per_hour"] is not None
