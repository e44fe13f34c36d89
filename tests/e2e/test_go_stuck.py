# SPDX-License-Identifier: GPL-2.0-only
"""A Go program whose file never answers costs one answer: nobody waits for it twice, the agent reads
the others on, and what the kernel held of ours ends with its file server. Memory that never answers
is not read: nobody of ours waits, and the program's lock of its memory stays free."""

import os
import pathlib
import re
import subprocess

import pytest

import gobooks
from agent import Agent, children
from conftest import BUILD, ROOT
from patience import PATIENT_SECONDS, wait

pytestmark = pytest.mark.probes

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
TOO_LONG = "reading its tables took too long"
ABSENT = "its memory is not all there, and bringing it in is left to it"
GAVE_UP = "the reader gave up on it"  # what a second question is answered


def say(process, answer):
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == answer + "\n"


class Stuck:
    """The program, on a file system of our own that no longer answers once silence() was called."""

    def __init__(self, what, folder):
        folder.mkdir()
        binary = gobooks.build(gobooks.ends()[-1], ROOT / "tests/workloads/gostuck")
        self.server = subprocess.Popen([BUILD / "tests/drivers/mute", folder, binary], **PIPES)
        assert self.server.stdout.readline() == "ready\n"
        program = folder / "gostuck" if what == "file" else binary
        self.what = what
        self.process = subprocess.Popen([program, "heap" if what == "file" else what, folder / "x"],
                                        **PIPES)
        self.pid = self.process.pid
        assert self.process.stdout.readline() == "ready\n"

    def silence(self):
        """From now on; the program itself waits when it is its memory."""
        say(self.server, "mute")
        if self.what != "file":
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            wait(lambda: "request_wait_answer" in waits(self.pid))

    def close(self):
        self.process.kill()
        self.server.stdin.close()  # its end frees all who wait
        self.server.wait(PATIENT_SECONDS)
        self.process.wait(PATIENT_SECONDS)


def waits(pid):
    return {path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/wchan")}


@pytest.fixture
def stuck(request, tmp_path):
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no /dev/fuse here")
    program = Stuck(request.param, tmp_path / "mute")
    yield program
    program.close()


def our_sleepers():
    """Readers that the kernel holds, whoever started them."""
    found = set()
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().split(") ")
        except OSError:
            continue  # it ended
        if name.endswith("(seep-reader") and rest.startswith("D"):
            found.add(int(stat.parent.name))
    return found


def lock_is_free(pid):
    """Who writes here takes the lock of the program's memory for writing, as it does itself to map
    and to unmap (clear_refs_write in the kernel's fs/proc/task_mmu.c)."""
    writer = subprocess.Popen(["sh", "-c", f"echo 1 > /proc/{pid}/clear_refs"])
    try:
        return writer.wait(10) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        writer.kill()
        writer.wait()


def check_and_explain(seep, pid):
    commands = [[seep, "check", "-p", str(pid)], [seep, "explain", "-p", str(pid), "--duration", "2"]]
    done = [subprocess.run(command, text=True, capture_output=True, timeout=PATIENT_SECONDS)
            for command in commands]
    assert [one.returncode for one in done] == [0, 0]
    return done


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stuck", ["file"], indirect=True)
def test_check_and_explain_end(seep, stuck):
    before = our_sleepers()
    stuck.silence()
    check, explain = check_and_explain(seep, stuck.pid)
    assert TOO_LONG in check.stdout
    assert TOO_LONG in explain.stderr or GAVE_UP in explain.stderr
    assert "Lost: " in explain.stdout
    stuck.close()
    wait(lambda: not our_sleepers() - before)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stuck", ["heap", "variables"], indirect=True)
def test_memory_is_left_alone(seep, stuck):
    before = our_sleepers()
    stuck.silence()
    assert lock_is_free(stuck.pid)
    check, explain = check_and_explain(seep, stuck.pid)
    assert ABSENT in check.stdout and ABSENT in explain.stderr
    assert lock_is_free(stuck.pid)
    wait(lambda: not our_sleepers() - before)  # on a busy host others may sleep for a moment


def goroutines(agent, name):
    """Of a group, whatever cgroup the tests run in."""
    found = re.search(rf'^seep_group_live{{group="[^"]*/{re.escape(name)}",resource="goroutine",'
                      r'kind="all"} (\d+)$', agent.get(), re.MULTILINE)
    return found and int(found[1])


def reads_others(agent, version):
    """And goes on with its censuses."""
    with gobooks.Books(version, "full"):
        wait(lambda: goroutines(agent, f"gobooks-{version}"))
        census = agent.sample("seep_last_census_timestamp_seconds")
        wait(lambda: agent.sample("seep_last_census_timestamp_seconds") > census + 5)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stuck", ["file"], indirect=True)
def test_agent_goes_on(seep, stuck, tmp_path):
    stuck.silence()
    with Agent(seep, tmp_path / "agent", "--interval=500ms", "--trend.window=10s") as agent:
        def held():
            return our_sleepers() & set(children(agent.pid))

        wait(held)
        wait(lambda: agent.sample("seep_lost_events_total", topic="go", reason="timeout"))
        reads_others(agent, gobooks.ends()[-1])
        wait(lambda: len(held()) == 1)
        stuck.close()
        wait(lambda: not held())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stuck", ["heap"], indirect=True)
def test_agent_leaves_memory_alone(seep, stuck, tmp_path):
    """It has read the program before that falls silent."""
    version = gobooks.ends()[-1]
    with Agent(seep, tmp_path / "agent", "--interval=500ms", "--trend.window=10s") as agent:
        wait(lambda: goroutines(agent, f"gostuck-{version}"))
        stuck.silence()
        wait(lambda: agent.sample("seep_lost_events_total", topic="go", reason="not_present"))
        reads_others(agent, version)
        assert lock_is_free(stuck.pid)
        assert not agent.sample("seep_lost_events_total", topic="go", reason="timeout")
