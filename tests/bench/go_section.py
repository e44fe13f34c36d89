# SPDX-License-Identifier: GPL-2.0-only
"""What reading a Go program costs it and the agent: a scan, the program's lock, its throughput."""

import pathlib
import statistics
import subprocess
import sys
import time

import locks
from harness import GOSCAN, ROOT, SEEP, figure, interval, judge, say


def go_scans(pid, *arguments):
    """Rows of tests/drivers/goscan.c: CPU ns, live, error, dead, implausible, failed, bytes."""
    text = subprocess.run([GOSCAN, str(pid), *map(str, arguments)], check=True, capture_output=True,
                          text=True).stdout
    return [list(map(int, line.split())) for line in text.splitlines()]


def go_scan_cost(books, version):
    for name, most in (("as the agent", []), ("of every goroutine", [0, 0])):
        rows = go_scans(books.pid, 41, *most)
        cpu = [row[0] / 1e6 for row in rows]
        say(f"    {version:5} 100,000 goroutines, {name:18} {statistics.median(cpu):5.1f} ms ({min(cpu):.1f} - "
            f"{max(cpu):.1f})   {rows[-1][1]} found, standard error {rows[-1][2]} at most")
        figure(f"Go {version}: a scan of 100,000 goroutines, {name}",
               f"{statistics.median(cpu):.1f} ms of CPU, {rows[-1][1]} ± {rows[-1][2]}")
        if not most:
            judge(f"a scan, Go {version}", statistics.median(cpu) < 15, "under 15 ms of CPU")


LOCK_ROUNDS = 5


def go_locks(books, version):
    """Nobody can map memory while a reader holds the program's lock. A host that gives the CPU of a
    reader to others lengthens a hold, as it does any that /proc takes, and a virtual machine does
    not even see it: so of some rounds the median of the longest is judged."""
    for what, command in (("as the agent", [GOSCAN, str(books.pid), "4"]),
                          ("explained", [SEEP, "explain", "-p", str(books.pid), "--duration", "2"])):
        whole, longest, lost = [], [], 0
        for _ in range(LOCK_ROUNDS):
            with locks.Trace() as trace:
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            holds = trace.most()
            whole += holds.whole
            longest.append(max(holds.ran))
            lost += trace.lost
        text = (f"{len(whole)} holds, median {statistics.median(whole) * 1e6:.0f} µs, 99th percentile "
                f"{sorted(whole)[len(whole) * 99 // 100] * 1e6:.0f} µs, longest of a run "
                f"{statistics.median(longest) * 1e6:.0f} µs of CPU")
        say(f"    {version:5} the program's lock, {what:13} {text} ({max(whole) * 1e6:.0f} µs with what "
            f"others ran), {lost} not seen")
        figure(f"Go {version}: lock of a program with 100,000 goroutines, {what}", text)
        judge(f"lock, Go {version}", statistics.median(longest) < 1e-3 and not lost, "under 1 ms")


def cpu_ns(pid):
    return sum(int(path.read_text().split()[0]) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


SLICE_SECONDS = 2
SCAN_PAUSE_MS = 100  # the agent scans such a program every few seconds


def go_rounds(books, scans):
    """Rounds a second of the program, and a second of its own CPU time, over a slice, and the scans a
    second meanwhile: of a reader that knows the program, as the agent's does, or none."""
    scanner = scans and subprocess.Popen([GOSCAN, str(books.pid), "1000", str(SCAN_PAUSE_MS)],
                                         stdout=subprocess.PIPE, text=True)
    if scanner:
        assert scanner.stdout.readline()
    before, begin, cpu = books.read()["rounds"], time.monotonic(), cpu_ns(books.pid)
    time.sleep(SLICE_SECONDS)
    rounds, end, used = books.read()["rounds"] - before, time.monotonic(), cpu_ns(books.pid) - cpu
    done = 0
    if scanner:
        scanner.kill()
        done = scanner.communicate()[0].count("\n")
    return rounds / (end - begin), rounds / used, done / (end - begin)


def go_throughput(books, version, pairs):
    """What a scan takes of the program is far less than what a host that is not ours alone takes and
    gives. So there are many short pairs, and in one half of each as many scans as make their share
    plain; they do not overlap, each takes the same, and what one takes is what they took, divided."""
    ratios, rates = [], []
    for i in range(2 * pairs):
        order = (True, False) if i % 2 else (False, True)
        found = {scans: go_rounds(books, scans) for scans in order}
        rate = found[True][2]
        rates.append(rate)
        ratios.append([1 - (1 - found[True][k] / found[False][k]) / rate for k in range(2)])
    for k, what in enumerate(("throughput", "throughput by the program's own CPU time")):
        median, low, high = interval([pair[k] for pair in ratios])
        say(f"    {version:5} {what}, a scan a second: {median:.4f}  (95 %: {low:.4f} - {high:.4f}), "
            f"from {statistics.median(rates):.1f} a second")
        figure(f"Go {version}: {what}, a scan a second against none", f"{median:.4f} ({low:.4f} – {high:.4f})")
        if low < 0.99 <= high:
            say("    the interval holds 0.99: more --pairs, or a host that is at rest, would decide")
        judge(f"{what}, Go {version}", low >= 0.99, "at least 0.99, all of the interval")


def go_storm(books, version, scans=1000):
    before, begin = books.read()["rounds"], time.monotonic()
    rows = go_scans(books.pid, scans, 5)
    rate = (books.read()["rounds"] - before) / (time.monotonic() - begin)
    implausible = sum(row[4] for row in rows)
    say(f"    {version:5} {rate:.0f} starts a second: {implausible} implausible of "
        f"{sum(row[1] for row in rows)} goroutines in {scans} scans, {min(row[1] for row in rows)} to "
        f"{max(row[1] for row in rows)} at once")
    figure(f"Go {version}: implausible values in {scans} scans at {rate:.0f} starts a second", f"{implausible}")
    judge(f"storm, Go {version}", not implausible and rate >= 1e5, "none, at 100,000 starts a second")


def bench_go(pairs):
    say(f"go: scans of goroutines by the reader child, {pairs} interleaved pairs")
    sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests")]
    import gobooks
    for version in gobooks.ends():
        with gobooks.Books(version, "park") as books:
            go_scan_cost(books, version)
            go_locks(books, version)
            go_throughput(books, version, pairs)
        with gobooks.Books(version, "storm") as books:
            go_storm(books, version)
