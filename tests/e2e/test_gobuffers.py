# SPDX-License-Identifier: GPL-2.0-only
"""Arrays of a Go program that only grow: found by how far they are filled, and who fills them by a
watched address. Between two moves append calls no function that a probe could see."""

import pytest

import explainer
import gobooks
from conftest import ROOT

SECONDS = 12
GUILTY = {"main.appendEvent", "main.writeLog", "main.push"}


class Program(gobooks.Books):
    def __init__(self, version, word):
        super().__init__(version, word, ROOT / "tests/workloads/gobuffers")


def begin(seep, program):
    return explainer.start(seep, program.pid, "--duration", SECONDS, "--json", "--budget",
                           explainer.BUDGET, "--resource", "goheap")


@pytest.fixture(scope="module", params=gobooks.ends())
def answers(seep, request):
    """Of a program whose arrays grow, of one with many small ones that do, and of one that uses
    its arrays again."""
    with (Program(request.param, "grow") as grow, Program(request.param, "crowd") as crowd,
          Program(request.param, "full") as full):
        programs = grow, crowd, full
        began = [begin(seep, program) for program in programs]
        found = [explainer.finish(process) for process in began]
        assert all(program.read()["rounds"] > 0 for program in programs)
    return found


def own_function(row):
    return next((frame["function"] for frame in row["stack"]
                 if frame["function"].startswith("main.")), None)


@pytest.mark.timeout(180)
def test_who_fills_them_is_named(answers):
    kept = {own_function(row): row for row in answers[0].keepers()
            if row["pattern"] == "unbounded-buffer"}
    assert kept.keys() == GUILTY
    for row in kept.values():
        assert row["kind"] == "buffer" and row["live_bytes"] > 32 << 10
        assert all(frame["line"] for frame in row["stack"])
        assert row["stack"][-1]["function"] == "runtime.goexit"


def test_many_small_ones_are_told_together(answers):
    kept = [row for row in answers[1].keepers() if row["kind"] == "buffer"]
    assert [(own_function(row), row["pattern"]) for row in kept] == [("main.note", "unbounded-buffer")]
    assert kept[0]["live"] > 1 and "are filled further and further" in kept[0]["evidence"]


def test_a_function_that_calls_itself_is_one_site(answers):
    """Of each depth and side there would be thousands, each with next to nothing. Two lines call
    it, either of which may be the innermost, and a stack is whole or cut."""
    kept = [row for row in answers[1].keepers() if row["kind"] is None
            and own_function(row) == "main.(*leaf).insert"]
    assert 1 <= len(kept) <= 2 * 2


def test_arrays_that_are_used_again_are_not_accused(answers):
    assert answers[2].keepers() == []
