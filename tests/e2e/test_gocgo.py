# SPDX-License-Identifier: GPL-2.0-only
"""C memory that a Go program takes and forgets: who called for it is named across the two stacks,
without a return probe, which would end the program."""

import pytest

import explainer
import gobooks
from conftest import ROOT

SECONDS = 12
OWN = {"main.forgetName", "main.forgetCopy", "main.forgetBlock"}


class Program(gobooks.Books):
    def __init__(self, version, word):
        super().__init__(version, word, ROOT / "tests/workloads/gocgo", cgo=True)


@pytest.fixture(scope="module", params=gobooks.ends())
def answers(seep, request):
    """Of a program that keeps, and of one that gives all back; both know what they computed."""
    with Program(request.param, "keep") as keep, Program(request.param, "full") as full:
        began = [explainer.start(seep, program.pid, "--duration", SECONDS, "--json", "--budget",
                                 explainer.BUDGET, "--resource", "heap") for program in (keep, full)]
        found = [explainer.finish(process) for process in began]
        books = [program.read() for program in (keep, full)]
    return found, books


def own_functions(rows):
    return {next((frame["function"] for frame in row["stack"]
                  if frame["function"].startswith("main.")
                  and frame["file"] != "_cgo_gotypes.go"), None) for row in rows}


@pytest.mark.timeout(240)
def test_who_forgets_it_is_named(answers):
    kept = answers[0][0].keepers()
    assert own_functions(kept) == OWN
    for row in kept:
        assert row["kind"] == "malloc"
        assert row["stack"][-1]["function"] == "runtime.goexit"


def test_who_gives_back_is_not_accused(answers):
    assert answers[0][1].keepers() == []
    assert "main.freeName" in own_functions(row for row in answers[0][1].rows
                                            if row["verdict"] == "returns")


def test_the_program_goes_on(answers):
    for books in answers[1]:
        assert books["rounds"] > 0 and books["wrong"] == 0


def test_pure_go_has_no_such_memory(seep):
    with gobooks.Books(gobooks.ends()[0], "full") as books:
        process = explainer.start(seep, books.pid, "--duration", 2, "--resource", "heap")
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 3 and "goheap" in errors
        assert books.read()["rounds"] > 0
