# SPDX-License-Identifier: GPL-2.0-only
"""Runs seep explain and reads what it says."""

import json
import os
import subprocess
import time

import held

RUNTIME = ("libc.so", "libpthread", "ld-linux", "[vdso]")
# Several seeps and their targets share two CPUs here, so what a watch costs says little.
BUDGET = "100%"
ATTACH_SECONDS = 60


class Answer:
    """The rows of one run, in the order they are told in, and its summary."""

    def __init__(self, text):
        lines = [json.loads(line) for line in text.splitlines()]
        self.rows = lines[:-1]
        self.summary = lines[-1]["summary"]

    def of(self, resource, kind):
        return [row for row in self.rows if (row["resource"], row["kind"]) == (resource, kind)]

    def keepers(self):
        return [row for row in self.rows if row["verdict"] == "keeps"]

    def __str__(self):
        """For whoever asks why a test failed."""
        return "\n".join(f"{row['resource']} {row['kind']} {row['verdict']}: {row['live']} live, "
                         f"+{row['created']} -{row['destroyed']}, {row.get('evidence', row.get('reason'))}: "
                         f"{' < '.join(frame['function'] for frame in row['stack'][:4])}"
                         for row in self.rows) + f"\n{self.summary}"

    def site(self, function, resource=None):
        """The rows whose function is this one."""
        return [row for row in self.rows if culprit(row) and culprit(row)["function"] == function
                and resource in (None, row["resource"])]


def culprit(row):
    """The innermost frame outside the C library, as people look for it."""
    for frame in row["stack"]:
        if not os.path.basename(frame["module"]).startswith(RUNTIME):
            return frame
    return None


def start(seep, pid, *arguments):
    return subprocess.Popen([seep, "explain", "-p", str(pid), *map(str, arguments)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_attached(process, links=1):
    """Until it holds so many links."""
    deadline = time.monotonic() + ATTACH_SECONDS
    while len(held.links(process.pid)) < links:
        assert process.poll() is None and time.monotonic() < deadline, "did not attach"
        time.sleep(0.02)


def finish(process):
    out, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    return Answer(out)


def explain(seep, pid, seconds, *arguments):
    return finish(start(seep, pid, "--duration", seconds, "--json", "--budget", BUDGET, *arguments))
