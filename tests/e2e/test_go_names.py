# SPDX-License-Identifier: GPL-2.0-only
"""What a stripped Go program takes from the kernel has functions and lines all the same."""

import pytest

import explainer
import gobooks

SECONDS = 6


@pytest.mark.parametrize("version", gobooks.ends())
def test_descriptors_and_mappings_of_a_stripped_program_are_named(seep, version):
    with gobooks.Books(version, "files") as books:
        answer = explainer.explain(seep, books.pid, SECONDS)
    kept = [row for row in answer.keepers() if row["resource"] == "fd"]
    assert len(kept) == 1
    frames = {frame["function"]: frame for frame in kept[0]["stack"]}
    assert kept[0]["stack"][-1]["function"] == "runtime.goexit"
    assert {"os.Open", "main.openForgotten", "main.files"} <= frames.keys()
    assert frames["main.openForgotten"]["file"].endswith("main.go")
    assert frames["main.openForgotten"]["line"] > 0
    mapped = [row for row in answer.keepers() if row["resource"] == "mapping"]
    assert len(mapped) == 1
    assert "main.mapForgotten" in {frame["function"] for frame in mapped[0]["stack"]}
