# SPDX-License-Identifier: GPL-2.0-only
"""The heap of Go programs without a heap profile: windows name who keeps, by the collector's marks,
and the program does not notice."""

import os
import struct
import subprocess
import time

import pytest

import explainer
import gobooks
from conftest import BUILD

SECONDS = 10
WINDOWS = 1000 if "GO_BUILDS" in os.environ else 300
AT_ENTRY, TRAP = 9, b"\xcc"  # of elf.h; of x86


@pytest.fixture(scope="module", params=gobooks.ends())
def version(request):
    gobooks.build(request.param)
    return request.param


def functions(rows):
    """The program's own function of each site."""
    return {next((frame["function"] for frame in row["stack"]
                  if frame["function"].startswith("main.")), None) for row in rows}


def explain(seep, pid):
    return explainer.explain(seep, pid, SECONDS, "--resource", "goheap")


@pytest.fixture(scope="module")
def answers(seep, version):
    """Of a program that keeps, and of one that does the same without keeping."""
    with gobooks.Books(version, "keep") as keep, gobooks.Books(version, "full") as full:
        began = [explainer.start(seep, books.pid, "--duration", SECONDS, "--json", "--budget",
                                 explainer.BUDGET, "--resource", "goheap") for books in (keep, full)]
        found = [explainer.finish(process) for process in began]
        assert keep.read()["rounds"] > 0 and full.read()["rounds"] > 0
    return found


def test_keepers_are_named(answers):
    assert functions(answers[0].keepers()) == {"main.keepNode", "main.cachePut"}, str(answers[0])


def test_who_gives_back_is_known(answers):
    for answer in answers:
        returned = functions(row for row in answer.rows if row["verdict"] == "returns")
        assert {"main.churnNode", "main.churnBlob"} <= returned


def test_nobody_is_accused(answers):
    assert functions(answers[1].keepers()) == set()


def test_sites_have_lines(answers):
    for row in answers[0].keepers():
        assert all(frame["line"] for frame in row["stack"])
        assert row["stack"][-1]["function"] == "runtime.goexit"


def at_start(pid):
    """The byte where the program began."""
    with open(f"/proc/{pid}/auxv", "rb") as auxv:
        entry = dict(struct.iter_unpack("QQ", auxv.read()))[AT_ENTRY]
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(entry)
        return memory.read(1)


@pytest.mark.timeout(180)
def test_one_probe_outlasts_all_windows(version):
    """Or the kernel ends a process that ran into a trap just when the last one went (uprobe.h)."""
    with gobooks.Books(version, "grow") as books:
        before = at_start(books.pid)
        assert before != TRAP
        with subprocess.Popen([BUILD / "tests/drivers/survivor", str(books.pid), "40"],
                              stdout=subprocess.PIPE) as windows:
            while at_start(books.pid) != TRAP:
                assert windows.poll() is None
            seen = [at_start(books.pid) for _ in range(200) if time.sleep(0.001) is None]
            assert windows.poll() is None
            assert set(seen) == {TRAP}
        assert at_start(books.pid) == before


@pytest.mark.timeout(180)
def test_stacks_may_move_under_windows(version):
    """A return probe ends a Go program at the first stack that grows."""
    with gobooks.Books(version, "grow") as books:
        before = books.read()
        done = subprocess.run([BUILD / "tests/drivers/survivor", str(books.pid), str(WINDOWS)],
                              capture_output=True, text=True, timeout=170)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) > WINDOWS
        after = books.read()
    assert after["wrong"] == 0
    assert after["rounds"] > before["rounds"]
