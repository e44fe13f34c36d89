# SPDX-License-Identifier: GPL-2.0-only
"""Large channels of Go programs: those that fill are named by who made them, whether their items are
pointers, of a generic type, or taken by nobody; one that is as large and drained is nobody's business."""

import pytest

import explainer
import gobooks
from patience import wait

SECONDS = 10
PACKAGE = "example.org/gobooks/queues."
MADE = {  # by makers of tests/workloads/gobooks/queues: capacity, bytes of a place
    "makeJobs": (200000, 8),
    "makeQueue": (1 << 19, 32),
    "makeLost": (250000, 8),
}
DRAINED = 1 << 20


@pytest.fixture(scope="module", params=gobooks.ends())
def rows(request, seep):
    with gobooks.Books(request.param, "queues") as books:
        wait(lambda: books.read()["rounds"])  # all are made
        answer = explainer.explain(seep, books.pid, SECONDS, "--resource", "channel")
    return {row["bound"]: row for row in answer.rows}


@pytest.mark.parametrize("maker", MADE)
def test_those_that_fill_are_named(rows, maker):
    capacity, size = MADE[maker]
    row = rows[capacity]
    assert (row["resource"], row["pattern"], row["verdict"]) == ("channel", "unbounded-channel", "keeps")
    assert row["stack"][0]["function"].partition("[")[0] == PACKAGE + maker  # its types differ by version
    assert row["live"] > 0 and row["live_bytes"] >= row["live"] * size
    assert row["growth_per_hour"] > 0
    assert f"sends in {PACKAGE}Run;" in row["evidence"]
    assert f"of {capacity} places filled, each {size} B" in row["evidence"]


def test_what_pointers_lead_to_is_counted(rows):
    assert rows[200000]["live_bytes"] >= 960 * rows[200000]["live"]


def test_a_drained_one_is_not_accused(rows):
    assert rows[DRAINED]["pattern"] is None
    assert rows[DRAINED]["verdict"] != "keeps"


def test_nothing_else_is_accused(rows):
    assert {row["bound"] for row in rows.values() if row["pattern"]} == {of[0] for of in MADE.values()}
