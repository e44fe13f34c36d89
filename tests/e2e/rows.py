# SPDX-License-Identifier: GPL-2.0-only
"""What seep says: the lines of seep top --json as Python sees them."""

import collections
import json
import subprocess

SECONDS = 30


def parse(text):
    """Rows of JSON lines; a line that is none is a failure of its own."""
    return [json.loads(line) for line in text.splitlines()]


def top(seep, *arguments):
    """One look at the host. Nothing on stderr: a warning that is not expected fails the test."""
    done = subprocess.run([seep, "top", "--once", "--json", "--all", *map(str, arguments)],
                          capture_output=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return parse(done.stdout.decode())


def key_of(row):
    return f"{row['resource']}/{row['kind']}" if row["kind"] else row["resource"]


def counts(rows):
    """{pid: {key: live}}, keys as the oracle has them: a total is checked against its kinds and
    left out, a resource without kinds stays."""
    lives = collections.defaultdict(dict)
    for row in rows:
        if row["pid"] is not None and row["live"] is not None:
            lives[row["pid"]][key_of(row)] = row["live"]
    for pid, found in lives.items():
        for resource in {key.split("/")[0] for key in found if "/" in key}:
            kinds = sum(live for key, live in found.items() if key.startswith(resource + "/"))
            total = found.pop(resource, None)
            if resource != "memory":
                assert total == kinds, f"pid {pid}: {resource} is {total}, its kinds sum to {kinds}"
    return {pid: collections.Counter(found) for pid, found in lives.items()}


def find(rows, **wanted):
    """Rows that have these values."""
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]
