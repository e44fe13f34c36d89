# SPDX-License-Identifier: GPL-2.0-only
"""Small mistakes of a busy Go program: what is made some ten times a second beside a hundred thousand
objects a second is found all the same, and the same done right raises nothing."""

import pytest

import explainer
import gobooks
from conftest import ROOT

SECONDS = 15


class Program(gobooks.Books):
    def __init__(self, version, word):
        super().__init__(version, word, ROOT / "tests/workloads/goservice")


@pytest.fixture(scope="module", params=gobooks.ends())
def answers(seep, request):
    with Program(request.param, "leak") as leak, Program(request.param, "sound") as sound:
        began = [explainer.start(seep, program.pid, "--duration", SECONDS, "--json", "--budget",
                                 explainer.BUDGET) for program in (leak, sound)]
        found = [explainer.finish(process) for process in began]
        assert all(program.read()["rounds"] > 0 for program in (leak, sound))
    return found


def kept_in(answer, function, resource, pattern=None):
    """What that function keeps."""
    return [row for row in answer.keepers()
            if (row["resource"], row["pattern"]) == (resource, pattern)
            and any(frame["function"].startswith(function) for frame in row["stack"])]


@pytest.mark.timeout(600)  # a cold build of net/http is long
def test_a_transport_for_each_request_is_named(answers):
    assert kept_in(answers[0], "main.fetch", "goroutine", "unclosed-client"), str(answers[0])


def test_timers_that_make_the_next_are_named(answers):
    kept = kept_in(answers[0], "main.(*session).beat", "gotimer", "timer-not-stopped")
    assert kept and "makes the next" in kept[0]["evidence"], str(answers[0])


@pytest.mark.parametrize("function", ["main.remember", "main.compress"])
def test_few_large_objects_are_named(answers, function):
    assert kept_in(answers[0], function, "goheap"), str(answers[0])


def test_rows_that_nobody_closes_are_named(answers):
    assert kept_in(answers[0], "main.find", "pool", "unclosed-rows"), str(answers[0])
    assert not kept_in(answers[0], "main.count", "pool", "unclosed-rows"), str(answers[0])


def test_the_same_done_right_raises_nothing(answers):
    assert answers[1].keepers() == [], str(answers[1])
