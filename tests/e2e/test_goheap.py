# SPDX-License-Identifier: GPL-2.0-only
"""The heap of Go programs without a heap profile: windows name who keeps, by the collector's marks,
and the program does not notice."""

import subprocess

import pytest

import explainer
import gobooks
from conftest import BUILD

SECONDS = 10
WINDOWS = 1000


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
    assert functions(answers[0].keepers()) == {"main.keepNode", "main.cachePut"}


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
