# SPDX-License-Identifier: GPL-2.0-only
"""A process that keeps the lock of its memory for good stops nobody: seep asks for nothing that
waits for it, or asks in a child that has a second. All others are counted on."""

import json
import os
import subprocess

import pytest

from agent import Agent
from conftest import BUILD
from patience import PATIENT_SECONDS, wait

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}


def say(process, answer=None):
    process.stdin.write("\n")
    process.stdin.flush()
    assert not answer or process.stdout.readline() == answer + "\n"


def waits_for(pid):
    """Whether reading its command line, which takes the lock, does not end."""
    reader = subprocess.Popen(["cat", f"/proc/{pid}/cmdline"], stdout=subprocess.DEVNULL)
    try:
        reader.wait(1)
        return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        reader.kill()
        reader.wait()


class Locked:
    """The program, once it holds its lock and wants it too."""

    def __init__(self, workloads, folder):
        folder.mkdir()
        program = workloads / "locked"
        self.server = subprocess.Popen([BUILD / "tests/drivers/mute", folder, program], **PIPES)
        assert self.server.stdout.readline() == "ready\n"
        self.process = subprocess.Popen([program, folder / "x"], **PIPES)
        self.pid = self.process.pid
        assert self.process.stdout.readline() == "ready\n"
        say(self.server, "mute")
        say(self.process)
        wait(lambda: waits_for(self.pid))

    def close(self):
        self.process.kill()
        self.server.stdin.close()  # its end frees all who wait
        self.server.wait(PATIENT_SECONDS)
        self.process.wait(PATIENT_SECONDS)


@pytest.fixture(scope="module")
def locked(workloads, tmp_path_factory):
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no /dev/fuse here")
    program = Locked(workloads, tmp_path_factory.mktemp("locked") / "mute")
    yield program
    program.close()


def run(*command):
    return subprocess.run(command, text=True, capture_output=True, timeout=PATIENT_SECONDS)


@pytest.mark.timeout(600)
def test_looks_end(seep, locked):
    assert waits_for(locked.pid)
    top = run(seep, "top", "--once", "--json")
    rows = [json.loads(line) for line in top.stdout.splitlines()]
    assert top.returncode == 0
    assert {"thread", "fd", "mapping"} <= {row["resource"] for row in rows
                                           if row["pid"] == locked.pid and row["live"]}
    assert run(seep, "check", "-p", str(locked.pid)).returncode == 0
    explain = run(seep, "explain", "-p", str(locked.pid), "--duration", "1")
    assert explain.returncode == 0 and "Watched process" in explain.stdout
    assert waits_for(locked.pid)


@pytest.mark.timeout(600)
def test_its_own_heap_is_refused(seep, locked):
    """The files that it maps cannot be opened without its lock."""
    heap = run(seep, "explain", "-p", str(locked.pid), "--resource", "heap", "--duration", "1")
    assert heap.returncode == 3
    assert "does not let its mappings or its files be read" in heap.stderr
    assert waits_for(locked.pid)


@pytest.mark.timeout(600)
def test_no_probe_is_set_that_would_wait(seep, locked, workloads):
    """Which would stop every fork of the host: the C library is mapped by both."""
    with subprocess.Popen([workloads / "heap_churn", "1", "1000"],
                          stdout=subprocess.DEVNULL) as other:
        try:
            heap = run(seep, "explain", "-p", str(other.pid), "--resource", "heap",
                       "--duration", "2")
        finally:
            other.kill()
    assert waits_for(locked.pid)
    assert heap.returncode == 0
    assert f"process {locked.pid} keeps the lock of its memory" in heap.stderr
    assert "attach_failed" in heap.stdout


@pytest.mark.timeout(600)
def test_agent_counts_on(seep, locked, tmp_path):
    with Agent(seep, tmp_path / "agent") as agent:
        def census():
            return agent.sample("seep_last_census_timestamp_seconds") or 0

        begin = census()
        wait(lambda: census() > begin + 3)
        assert '/locked",resource="thread"' in agent.get()
    assert waits_for(locked.pid)
