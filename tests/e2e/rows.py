# SPDX-License-Identifier: GPL-2.0-only
"""What seep says: the lines of seep top --json as Python sees them."""

import collections
import json
import re
import subprocess
import time

SECONDS = 30

# Root in a container without CAP_BPF: /proc alone, said once.
WITHOUT_BPF = ("setpriv", "--bounding-set=-sys_admin,-bpf,-perfmon",
               "--inh-caps=-sys_admin,-bpf,-perfmon")
FALLS_BACK = r"seep: top: process: proc only \(not permitted\); fd: proc only \(not permitted\).*\n"


def parse(text):
    """Rows of JSON lines; a line that is none is a failure of its own."""
    return [json.loads(line) for line in text.splitlines()]


def top(seep, *arguments, before=(), complaint=""):
    """One look at the host, through a command before it if given. Anything on stderr but the
    complaint expected (a pattern) fails the test."""
    done = subprocess.run([*before, seep, "top", "--once", "--json", "--all",
                           *map(str, arguments)], capture_output=True, timeout=SECONDS)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 0 and re.fullmatch(complaint, said), said
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


class Stream:
    """One seep top that goes on looking."""

    def __init__(self, seep, folder, *arguments):
        self.path = folder / "stream.json"
        self.process = subprocess.Popen([seep, "top", "--json", "--all", *map(str, arguments)],
                                        stdout=open(self.path, "wb"))

    def latest(self):
        """{(pid, key): row} of the last look that is written whole."""
        text = self.path.read_bytes()
        return {(row["pid"], key_of(row)): row
                for row in parse(text[:text.rfind(b"\n") + 1].decode())}

    def wait(self, pid, key, live):
        """The row of a process when it has that count."""
        deadline, row = time.monotonic() + SECONDS, None
        while time.monotonic() < deadline:
            row = self.latest().get((pid, key))
            if row and row["live"] == live:
                return row
            time.sleep(0.1)
        raise AssertionError(f"{key} of {pid} never was {live}: {row}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
