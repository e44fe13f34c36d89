#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the suites and ends with one line: N passed, N failed, N skipped.

    O=build python3 tests/run.py [all | SUITE…] [-- ARGUMENT…]

What follows -- goes to pytest ("-- -k counts") or, as words, chooses unit tests by part of a name.
A suite that is no pytest and no cmocka is a command which closes with that same line.
"""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("O", "build")
UNIT_SECONDS = 120
SUITE_SECONDS = 2400
FUZZ_SECONDS = 4  # each harness; `make fuzz` takes longer

Counts = collections.Counter  # of "passed", "failed", "skipped"


def failed(what, why):
    print(f"FAILED  {what}: {why}", flush=True)
    return Counts(failed=1)


def skipped(what, why):
    print(f"SKIPPED {what}: {why}", flush=True)
    return Counts(skipped=1)


def run_bounded(command, seconds, **options):
    """subprocess.run in a session of its own: at the time limit everything it started ends."""
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **options)
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output or ""
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        return f"no end after {seconds} s", output or ""


TAP_LINE = re.compile(r"^(not )?ok \d+(?: -)?(?: (# SKIP))? ?(.*)$")


def count_tap(program, output):
    """One program's cmocka output in TAP form; a group that stopped before its plan has failed."""
    counts, planned = Counts(), 0
    comment = "no reason given"
    for line in output.splitlines():
        plan, test = re.match(r"^1\.\.(\d+)", line), TAP_LINE.match(line)
        if plan:
            planned += int(plan[1])
        elif test and test[2]:
            counts += skipped(f"{program} {test[3]}", comment)
        elif test and test[1]:
            counts += failed(f"{program} {test[3]}", "see below")
        elif test:
            counts["passed"] += 1
        comment = line.lstrip("# ")
    missing = planned - sum(counts.values())
    return counts, missing


def run_unit_program(path):
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    status, output = run_bounded([path], UNIT_SECONDS, env=environment, text=True,
                                 errors="replace", stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
    counts, missing = count_tap(path.name, output)
    if missing or not counts or (status != 0 and not counts["failed"]):
        counts += failed(path.name, f"ended with {status}, {missing} tests without a result")
    if counts["failed"]:
        print(output, flush=True)
    return counts


def run_unit(arguments):
    counts = Counts()
    programs = sorted(p for p in BUILD.glob("tests/unit/*_test") if p.is_file())
    for path in programs:
        if not arguments or any(word in path.name for word in arguments):
            counts += run_unit_program(path)
    return counts


def count_junit(path):
    counts = Counts()
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        skip, bad = case.find("skipped"), case.find("failure")
        bad = bad if bad is not None else case.find("error")
        if bad is not None:
            counts += failed(name, (bad.get("message") or "no message").splitlines()[0])
        elif skip is not None:
            counts += skipped(name, skip.get("message") or "no reason given")
        else:
            counts["passed"] += 1
    return counts


def clear_scratches():
    """Those that runs left which were killed."""
    for folder in pathlib.Path(tempfile.gettempdir()).glob("seep-test-*-*"):
        owner = folder.name.split("-")[2]
        if not pathlib.Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def scratch_folder():
    """For all that a suite leaves, on any way that it ends; its servers, which run as others, reach
    theirs in it."""
    clear_scratches()
    with tempfile.TemporaryDirectory(prefix=f"seep-test-{os.getpid()}-") as scratch:
        os.chmod(scratch, 0o711)
        yield scratch


def run_pytest(folder, arguments, seconds=SUITE_SECONDS, **options):
    """options: of its process; output that goes to a pipe is shown when it has ended."""
    with scratch_folder() as scratch:
        report = pathlib.Path(scratch) / "junit.xml"
        status, said = run_bounded([sys.executable, "-B", "-m", "pytest", "-q", "--tb=short",
                                    "-p", "no:cacheprovider", "--durations=5",
                                    f"--basetemp={scratch}/tmp", f"--junitxml={report}",
                                    folder, *arguments], seconds, text=True,
                                   env=dict(os.environ, TMPDIR=scratch), **options)
        print(said, end="", flush=True)
        counts = count_junit(report) if report.exists() else Counts()
    # 5: no test was collected, which is a fact and no failure (no file yet, or a -k that fits none).
    if status not in (0, 1, 5) or (status == 1 and not counts["failed"]):
        counts += failed(folder, f"pytest ended with {status}")
    return counts


def run_e2e(arguments):
    """First those that probe one program and those that wait for agents, side by side: neither takes
    much of a CPU, and neither looks at the other. Then what looks at the whole host, or wants it."""
    def run(which, **options):
        return run_pytest("tests/e2e", ["-m", f"not played and {which}", *arguments], **options)

    with concurrent.futures.ThreadPoolExecutor() as threads:
        waiting = threads.submit(run, "waits", stdout=subprocess.PIPE)
        counts = run("probes")
    return counts + waiting.result() + run("not probes and not waits")


def run_command(command):
    """A command that closes with the plain line; it prints its own failures and skips."""
    status, output = run_bounded(command, SUITE_SECONDS, text=True, errors="replace",
                                 stdout=subprocess.PIPE)
    found = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", output, re.MULTILINE)
    print(re.sub(r"(?m)^\d+ passed, \d+ failed.*\n?", "", output), end="", flush=True)
    numbers = [int(n or 0) for n in found[-1]] if found else [0, 0, 0]
    counts = Counts(dict(zip(("passed", "failed", "skipped"), numbers)))
    if not found or (status != 0 and not counts["failed"]):
        counts += failed(" ".join(map(str, command)), f"ended with {status}")
    return counts


# In the order of their cost. A row: how it runs, and whether "all" includes it.
SUITES = {
    "unit": (run_unit, True),
    "check": (lambda arguments: run_pytest("tests/check", arguments), True),
    "fuzz": (lambda _: run_command([sys.executable, "tests/fuzz/run.py", str(FUZZ_SECONDS)]), True),
    "e2e": (run_e2e, True),
    "played": (lambda arguments: run_pytest("tests/e2e", ["-m", "played", *arguments]), True),
    "vm": (lambda arguments: run_command([sys.executable, "tests/vm/run.py", *arguments]), True),
    "go": (lambda arguments: run_pytest("tests/e2e", ["-k", "test_go", *arguments], 2 * SUITE_SECONDS),
           False),
    "mutations": (lambda arguments: run_command([sys.executable, "tests/mutations/run.py",
                                                 *arguments]), False),
}

# Days played in minutes are mostly waiting: guests boot beside them, in machines of their own. Rules
# and fuzzing take one CPU each, and no time is measured in them.
BESIDE = (("check", "fuzz"), ("played", "vm"))


def run_suite(name, arguments):
    begun = time.monotonic()
    counts = SUITES[name][0](arguments)
    print(f"== {name} took {time.monotonic() - begun:.0f} s", flush=True)
    return counts


def run_suites(names, arguments):
    """One after the other; pairs of BESIDE, together."""
    counts, begun = Counts(), []
    with concurrent.futures.ThreadPoolExecutor() as threads:
        for name, following in zip(names, [*names[1:], None]):
            print(f"== {name}", flush=True)
            begun.append(threads.submit(run_suite, name, arguments))
            if (name, following) in BESIDE:
                continue
            for future in begun:
                counts += future.result()
            begun = []
    return counts


def main(words):
    arguments = words[words.index("--") + 1:] if "--" in words else []
    names = words[:words.index("--")] if "--" in words else words
    if not names or names == ["all"]:
        names = [name for name, (_, in_all) in SUITES.items() if in_all]
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print(f"no suite {unknown[0]}; there are: all {' '.join(SUITES)}", file=sys.stderr)
        return 2
    counts = run_suites(names, arguments)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
