# SPDX-License-Identifier: GPL-2.0-only
"""Starts workloads, walks them from barrier to barrier, and compares their books."""

import json
import subprocess

# Compared to the last one, also where a workload books none of it.
EXACT = {"fd", "thread", "process", "tcp", "udp", "unix", "timer", "watch", "deleted", "backlog"}
MEMORY_SLACK = 256 * 1024  # a thread: the kernel counts pages in batches
NO_SUCH_HERE = 77


def list_leaks(program):
    """The rows of a workload program's table."""
    text = subprocess.run([program, "list"], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]


class Workload:
    """One running workload; its folder holds the files that it makes."""

    def __init__(self, program, name, folder, *arguments):
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.process = subprocess.Popen([program, name, *map(str, arguments)], cwd=folder,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(folder / "stderr", "w"), text=True)
        self.pid = self.process.pid

    def read(self):
        """The next line of books, or None when this host has no such resource."""
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        status = self.process.wait()
        assert status == NO_SUCH_HERE, f"{self.name} ended with {status}"
        return None

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def resource_of(key):
    return key.split("/")[0]


def differences(books, seen):
    """["fd/pipe: books 4, seen 3", …] of what a process says it holds and what was counted."""
    found = []
    keys = set(books) | {key for key in seen if resource_of(key) in EXACT}
    for key in sorted(keys - {"heap", "heap_blocks"}):
        have, want = seen.get(key, 0), books.get(key, 0)
        slack = MEMORY_SLACK * books.get("thread", 1) if resource_of(key) == "memory" else 0
        if abs(have - want) > slack:
            found.append(f"{key}: books {want}, seen {have}")
    return found
