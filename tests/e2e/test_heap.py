# SPDX-License-Identifier: GPL-2.0-only
"""The heap: exact counts equal the program's books, windows name the leak, nothing is left behind."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

JEMALLOC = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
STARTS = 400  # one in 25 has it, where it can be at all


class Program:
    """A workload that prints JSON lines and goes on at a line on stdin."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, **options)
        self.pid = self.process.pid

    def read(self):
        return json.loads(self.process.stdout.readline())

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()


def explain(seep, pid, *arguments, status=0):
    """Sites, summary and what was said on stderr of a finished explain."""
    done = subprocess.run([seep, "explain", "-p", str(pid), "--resource", "heap", "--json",
                           *arguments], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    sites = [line for line in lines if "summary" not in line]
    return sites, lines[-1]["summary"] if lines else None, done.stderr


@contextlib.contextmanager
def counting(seep, pid, *arguments):
    """An explain --exact that has attached and counts."""
    command = [seep, "explain", "-p", str(pid), "--resource", "heap", "--exact", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        said = []
        for line in run.stderr:
            said.append(line)
            if "counting every call" in line:
                break
        run.said = "".join(said)
        try:
            assert "counting every call" in run.said, run.said
            yield run
        finally:
            run.kill()


def finish(run):
    """Sites and summary of a running explain that is asked to end."""
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate()
    lines = [json.loads(line) for line in out.splitlines()]
    return lines[:-1], lines[-1]["summary"]


def functions(site):
    return [frame["function"] for frame in site["stack"]]


def site_in(sites, function):
    found = [site for site in sites if function in functions(site)]
    assert found, f"{function} is in no stack"
    return found[0]


def sums_by_function(sites, names):
    """{function: [live, bytes]} by the innermost function of that set; the rest under None."""
    sums = {}
    for site in sites:
        name = next((f for f in functions(site) if f in names), None)
        entry = sums.setdefault(name, [0, 0])
        entry[0] += site["live"]
        entry[1] += site["live_bytes"]
    return sums


def reaches(program, condition, lines=30):
    """Whether heap_churn's allocations a second come to that; its lines may lie in the pipe."""
    return any(condition(program.read()["rate"]) for _ in range(lines))


# Every way to take memory, nested, failing and handed between threads: counted once, at its caller.
@pytest.mark.parametrize("seed", range(1, 9))
def test_exact_counts_equal_the_books(seep, workloads, seed):
    with Program(workloads / "heap_books", seed, 600) as program:
        program.read()
        with counting(seep, program.pid, "--duration", "60s") as run:
            assert "allocation" in run.said, "the cost was not told beforehand"
            program.go_on()
            books = program.read()["sites"]
            sites, summary = finish(run)
    counted = sums_by_function(sites, books)
    assert counted.pop(None, [0, 0]) == [0, 0], "something lives at no site of the books"
    assert counted == {name: sums for name, sums in books.items() if sums != [0, 0]}
    assert summary["lost"] == {}
    assert summary["hits"] > 600 and summary["cost_seconds"] > 0


# A churn that hides a leak of one percent, in two threads.
def test_windows_name_the_leak(seep, workloads):
    with Program(workloads / "heap_churn", 2, 500) as program:
        program.read()
        sites, summary, _ = explain(seep, program.pid, "--duration", "12s", "--budget", "8%")
        assert program.process.poll() is None
    leak, churn = sites[0], site_in(sites, "cache_answer")
    assert leak["verdict"] == "keeps", sites
    frame = leak["stack"][0]
    assert frame["function"] == "remember_session" and frame["file"].endswith("heap_churn.c")
    source = open(os.path.join(os.path.dirname(__file__), "../workloads/heap_churn.c")).readlines()
    assert "malloc(SESSION)" in "".join(source[frame["line"] - 2:frame["line"]])
    assert leak["destroyed"] == 0 and leak["live"] == leak["created"]
    assert churn["verdict"] == "returns" and churn["destroyed"] > 0
    assert all(site["verdict"] != "keeps" for site in sites[1:])
    assert summary["windows"] > 5 and summary["cost_ratio"] < 0.16


# The same churn without a leak: nobody keeps.
def test_churn_alone_keeps_nothing(seep, workloads):
    with Program(workloads / "heap_churn", 2, 500, 60, 0) as program:
        program.read()
        sites, _, _ = explain(seep, program.pid, "--duration", "4s", "--budget", "20%")
    assert sites and all(site["verdict"] != "keeps" for site in sites)


def test_exact_stops_at_its_budget(seep, workloads):
    with Program(workloads / "heap_churn", 2, 0, 120) as program:
        before = program.read()["rate"]
        began = time.monotonic()
        _, summary, said = explain(seep, program.pid, "--exact", "--duration", "60s",
                                   "--budget", "1%")
        assert time.monotonic() - began < 30
        assert "times slower" in said
        assert summary["seconds"] < 15, "it went on"
        assert summary["hits"] > 1000, "nothing was attached"
        for _ in range(int(time.monotonic() - began)):
            program.read()
        assert reaches(program, lambda rate: rate > before / 3, 3), "it is still slow"


# Links die with their descriptors: whatever ends seep, the traps go.
def test_kill_leaves_no_trap(seep, workloads):
    with Program(workloads / "heap_churn", 2, 0, 120) as program:
        before = program.read()["rate"]
        with counting(seep, program.pid, "--duration", "60s") as run:
            assert reaches(program, lambda rate: rate < before / 10), "nothing was attached"
            run.kill()
            run.wait()
        assert reaches(program, lambda rate: rate > before / 3), "a trap is left"


# Attached and detached all the time, two threads that check each block: it must not notice.
def test_target_survives_many_windows(seep, workloads):
    windows = 0
    with Program(workloads / "heap_churn", 2, 200, 120) as program:
        while windows < 20:
            _, summary, _ = explain(seep, program.pid, "--duration", "5s", "--budget", "30%")
            assert summary["windows"] > 2
            windows += summary["windows"]
        assert program.process.poll() is None, "the target ended"
        line = program.read()
        while line["taken"] < 1000000:
            line = program.read()


def lies_above(pid, one, other):
    """Whether that library of a process lies at a higher address than the other."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        starts = {line.split()[-1]: int(line.split("-")[0], 16) for line in maps}
    return starts[one] > starts[os.path.realpath(other)]


# Loaded first and below: so it happens by chance, where the kernel puts large files on boundaries
# of large pages, and the C library into the gap above.
def start_replaced(command, libc_above):
    for _ in range(STARTS):
        program = Program(*command, env={**os.environ, "LD_PRELOAD": JEMALLOC})
        program.read()
        if lies_above(program.pid, LIBC, JEMALLOC) == libc_above:
            return program
        program.__exit__()
    pytest.skip(f"the C library {'is never' if libc_above else 'is always'} above what is loaded "
                f"first, in {STARTS} starts")


# An allocator that replaces the C library's is the one that is probed.
@pytest.mark.skipif(not os.path.exists(JEMALLOC), reason="no libjemalloc on this host")
@pytest.mark.parametrize("libc_above", [False, True], ids=["below", "above"])
def test_replaced_allocator(seep, workloads, libc_above):
    with start_replaced((workloads / "heap_books", 3, 300), libc_above) as program:
        with counting(seep, program.pid, "--duration", "60s") as run:
            program.go_on()
            books = program.read()["sites"]
            sites, _ = finish(run)
    counted = sums_by_function(sites, books)
    assert counted["take_malloc"] == books["take_malloc"]
    assert counted["take_new"] == books["take_new"]
    assert counted["grow"] == books["grow"]


def test_own_functions(seep, workloads):
    with Program(workloads / "heap_churn", 1, 5000) as program:
        program.read()
        sites, _, _ = explain(seep, program.pid, "--exact", "--duration", "2s",
                              "--alloc-fn", "cache_answer", "--free-fn", "drop_answer")
    assert len(sites) == 1 and functions(sites[0])[0] == "serve"
    assert sites[0]["created"] > 50 and sites[0]["live"] <= 1000


def test_functions_that_are_not_there(seep, workloads):
    with Program(workloads / "heap_churn", 1, 5000) as program:
        _, _, said = explain(seep, program.pid, "--alloc-fn", "no_such", "--free-fn", "free", status=3)
    assert len(said.splitlines()) == 1 and "no_such" in said


def test_program_without_allocator(seep):
    with Program("busybox", "sleep", 60) as program:
        _, _, said = explain(seep, program.pid, status=3)
    assert len(said.splitlines()) == 1 and "no malloc" in said


# Return probes would crash a Go program. One mark of it is enough.
def test_go_is_refused(seep, workloads, tmp_path):
    fake = tmp_path / "go"
    shutil.copy(workloads / "heap_churn", fake)
    (tmp_path / "info").write_bytes(b"Go buildinf:")
    subprocess.run(["objcopy", "--add-section", f".go.buildinfo={tmp_path / 'info'}", fake], check=True)
    with Program(fake, 1, 5000) as program:
        _, _, said = explain(seep, program.pid, "--exact", status=3)
        program.read()
    assert len(said.splitlines()) == 1 and "Go" in said
