# SPDX-License-Identifier: GPL-2.0-only
"""The heap of a Go program that keeps a profile of itself: what its sites hold since it began, and who
keeps more and more of it."""

import signal

import pytest

import explainer
import gobooks
from conftest import ROOT

SECONDS = 10
AGAIN_SECONDS = 30  # on a busy host, where few collections are seen
WORDS = "by its heap profile"


class Program(gobooks.Books):
    def __init__(self, word):
        super().__init__(gobooks.ends()[-1], word, ROOT / "tests/workloads/goprofile")


def begin(seep, program, seconds=SECONDS):
    return explainer.start(seep, program.pid, "--duration", seconds, "--json", "--budget",
                           explainer.BUDGET, "--resource", "goheap")


def of(answer, function):
    """The row of the profile for the program's own function."""
    return next((row for row in answer.rows if WORDS in row.get("evidence", "") and
                 function in [frame["function"] for frame in row["stack"]]), None)


def keeps(row):
    return row is not None and row["verdict"] == "keeps"


@pytest.fixture(scope="module")
def answers(seep):
    """Of a program that keeps, with the rounds that it made, and of one that gives back."""
    with Program("keep") as keep, Program("full") as full:
        began = [begin(seep, program) for program in (keep, full)]
        kept, returned = [explainer.finish(process) for process in began]
        if not keeps(of(kept, "main.loadPage")):
            kept = explainer.finish(begin(seep, keep, AGAIN_SECONDS))
        rounds = keep.read()["rounds"]
    return kept, rounds, returned


@pytest.mark.timeout(180)
def test_who_keeps_is_named_with_all_it_holds(answers):
    answer, rounds, _ = answers
    page, table = of(answer, "main.loadPage"), of(answer, "main.readTable")
    assert keeps(page) and page["growth_per_hour"] > 0
    assert all(frame["line"] for frame in page["stack"])
    # Of one object in eight, and since the program began, which is longer than any watch.
    assert 0.2 * rounds < page["live"] < 2.5 * rounds
    # It holds much too, and no more than at the start.
    assert not keeps(table)
    assert 0.4 * (32 << 20) < table["live_bytes"] < 1.7 * (32 << 20)


def test_who_gives_back_is_not_accused(answers):
    assert of(answers[2], "main.readTable")
    assert answers[2].keepers() == []


@pytest.fixture(scope="module")
def stuck(seep):
    with Program("leaked") as program:
        return explainer.explain(seep, program.pid, 3, "--resource", "goroutine")


def test_what_the_runtime_calls_leaked_is_told(stuck):
    lost = [row for row in stuck.rows if row["pattern"] == "blocked-goroutine"]
    assert [row["live"] for row in lost] == [50]
    assert "calls 50 of them leaked" in lost[0]["evidence"]


def test_iterators_that_wait_are_goroutines(stuck):
    """They begin in the runtime, as its own goroutines do."""
    assert [row["live"] for row in stuck.rows
            if "main.orders" in [frame["function"] for frame in row["stack"]]] == [20]


def active(seep, pid):
    return explainer.start(seep, pid, "--duration", 60, "--json", "--resource", "goheap", "--active")


def end(process):
    """Interrupts it; all that it logged."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return errors


@pytest.mark.timeout(180)
def test_what_active_writes_is_undone(seep):
    """The second finds what was there before the first."""
    with gobooks.Books(gobooks.ends()[0], "full") as books:
        for _ in range(2):
            process = active(seep, books.pid)
            assert f"process {books.pid} was 0 and is 524288" in process.stderr.readline()
            assert f"process {books.pid} is 0 again" in end(process)
        assert books.read()["rounds"] > 0
