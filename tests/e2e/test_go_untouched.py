# SPDX-License-Identifier: GPL-2.0-only
"""What a Go program has never touched stays so, whoever looks at it: to read such a page gives it
to the program."""

import subprocess

import gobooks
from patience import PATIENT_SECONDS

PAGE = 4096
VAST = 256 << 20  # bytes, as in the program


def present(pid, address):
    """How many pages of the object are there."""
    with open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        pagemap.seek(address // PAGE * 8)
        entries = memoryview(pagemap.read(VAST // PAGE * 8)).cast("Q")
    assert len(entries) == VAST // PAGE
    return sum(entry >> 63 for entry in entries)


def test_nothing_is_brought_in(seep):
    """The search for channels looks at the begin of each large object."""
    with gobooks.Books(gobooks.ends()[-1], "vast") as books:
        address = books.read()["vast"]
        assert present(books.pid, address) == 0
        for command in (["check"], ["explain", "--duration", "2"]):
            done = subprocess.run([seep, *command, "-p", str(books.pid)], text=True, capture_output=True,
                                  timeout=PATIENT_SECONDS)
            assert done.returncode == 0, done.stderr
        assert present(books.pid, address) == 0
        with open(f"/proc/{books.pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            memory.read(1)
        assert present(books.pid, address) > 0  # so it would have been
