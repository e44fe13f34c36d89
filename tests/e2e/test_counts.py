# SPDX-License-Identifier: GPL-2.0-only
"""Every guilty workload stops at 100 barriers; at each, its books and the counts are the same."""

import collections
import contextlib
import os

import pytest

import oracle
import rows
import workload

BARRIERS = int(os.environ.get("SEEP_BARRIERS", "100"))  # fewer only where it is to fail
ORACLE_EVERY = 10  # barriers: it is slow, and judges the books rather than seep
PROGRAMS = ("fds", "tasks", "sockets", "memory")
SEED = int(os.environ.get("SEEP_SEED", "1"))


def all_leaks():
    """(program, name), in the order of their tables; the list is written down so that pytest can
    name the tests before anything is built, and test_list holds it against the programs."""
    names = {
        "fds": "file pipe eventfd timerfd posix_timer signalfd epoll inotify watch deleted pidfd "
               "io_uring other",
        "tasks": "thread child zombie",
        "sockets": "socket listen accepted outgoing close_wait syn_sent backlog udp unix",
        "memory": "malloc malloc_large anon shmem mapped_file mapping",
    }
    return [(program, name) for program in PROGRAMS for name in names[program].split()]


class Comparison:
    """What came of one workload's barriers."""

    def __init__(self):
        self.compared = 0
        self.values = set()
        self.wrong = collections.defaultdict(list)  # by who counted
        self.absent = False

    def add(self, books, judges):
        self.compared += 1
        self.values.add(tuple(sorted(books["books"].items())))
        for judge, seen in judges.items():
            for difference in workload.differences(books["books"], seen):
                self.wrong[judge].append(f"barrier {books['barrier']}: {difference}")


def read_books(running, results):
    """{workload: its books} when all of them have stopped."""
    books = {name: process.read() for name, process in running.items()}
    for name in [name for name, line in books.items() if line is None]:
        results[name].absent = True
        del running[name], books[name]
    return books


def play_barrier(seep, number, running, results):
    books = read_books(running, results)
    counted = rows.counts(rows.top(seep))
    families = oracle.families()
    for name, process in running.items():
        judges = {"seep": counted.get(process.pid, {})}
        if number % ORACLE_EVERY == 0:
            judges["oracle"] = oracle.count(process.pid, families)
        results[name].add(books[name], judges)
        process.go_on()


def chosen_leaks(request):
    """Only the workloads of tests that run (pytest -k)."""
    names = {item.callspec.params["name"] for item in request.session.items
             if hasattr(item, "callspec") and "comparisons" in item.fixturenames}
    return [(program, name) for program, name in all_leaks() if name in names]


@pytest.fixture(scope="module")
def comparisons(request, seep, workloads, tmp_path_factory):
    """All workloads stop at each barrier together, so that one look serves them all."""
    folder = tmp_path_factory.mktemp("counts")
    with contextlib.ExitStack() as stack:
        running = {}
        for number, (program, name) in enumerate(chosen_leaks(request)):
            running[name] = stack.enter_context(workload.Workload(
                workloads / program, name, folder / name, "--seed", SEED + number))
        results = {name: Comparison() for name in running}
        for number in range(BARRIERS):
            play_barrier(seep, number, running, results)
        yield results


def test_list(workloads):
    listed = [(program, leak["name"]) for program in PROGRAMS
              for leak in workload.list_leaks(workloads / program)]
    assert listed == all_leaks()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("program,name", all_leaks(), ids=lambda value: value)
def test_counts(comparisons, program, name):
    result = comparisons[name]
    if result.absent:
        pytest.skip(f"this kernel has no {name}")
    assert result.compared == BARRIERS
    assert len(result.values) > BARRIERS / 4, "a workload that does not move proves nothing"
    assert not result.wrong["oracle"], result.wrong["oracle"][:5]
    assert not result.wrong["seep"], result.wrong["seep"][:5]


@pytest.mark.parametrize("program,name", all_leaks(), ids=lambda value: value)
def test_counts_by_proc(seep, workloads, tmp_path, program, name):
    """The fall-back counts the same, or says that it cannot know."""
    with workload.Workload(workloads / program, name, tmp_path, "--seed", SEED) as running:
        if running.read() is None:
            pytest.skip(f"this kernel has no {name}")
        for _ in range(3):
            running.go_on()
            books = running.read()["books"]
        seen = rows.top(seep, "-p", running.pid, before=rows.WITHOUT_BPF,
                        complaint=rows.FALLS_BACK)
        unknown = {workload.resource_of(rows.key_of(row)) for row in seen
                   if row["live"] is None and row["reason"]}
        counted = rows.counts(seen)[running.pid]
        differences = [d for d in workload.differences(books, counted)
                       if workload.resource_of(d.split(":")[0]) not in unknown]
        assert differences == []
        assert not unknown & {"fd", "thread", "process", "memory"}
