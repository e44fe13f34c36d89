# SPDX-License-Identifier: GPL-2.0-only
"""Scans of goroutines while they are very many, and while they come and go as fast as they can."""

import subprocess

import pytest

import gobooks
from conftest import BUILD

CROWD = 100_000
SCANS = 100
OWN = 16  # of the program and its runtime, besides the crowd


@pytest.fixture(params=gobooks.ends())
def version(request):
    gobooks.build(request.param)
    return request.param


def scan(books, *arguments):
    """Rows of tests/drivers/goscan.c."""
    done = subprocess.run([BUILD / "tests/drivers/goscan", str(books.pid), *map(str, arguments)],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    names = ("cpu_ns", "live", "error", "dead", "implausible", "failed", "bytes")
    return [dict(zip(names, map(int, line.split()))) for line in done.stdout.splitlines()]


def test_a_crowd_is_counted(version):
    """All of it where all is asked for; else a sample says how many, and how far it may be off."""
    with gobooks.Books(version, "park") as books:
        whole, sampled = scan(books, 1, 0, 0)[0], scan(books, 1)[0]
    assert CROWD <= whole["live"] <= CROWD + OWN
    assert whole["error"] == whole["implausible"] == whole["failed"] == 0
    assert 0 < sampled["error"] < CROWD / 50
    assert abs(sampled["live"] - whole["live"]) <= 3 * sampled["error"]
    assert sampled["bytes"] < whole["bytes"] / 2


def test_nothing_implausible_in_a_storm(version):
    with gobooks.Books(version, "storm") as books:
        before = books.read()["rounds"]
        rows = scan(books, SCANS, 2)
        assert books.read()["rounds"] > before
    assert len(rows) == SCANS and max(row["live"] for row in rows) > OWN
    assert sum(row["implausible"] for row in rows) == 0
