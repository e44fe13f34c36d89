#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The kernel matrix: boots each kernel with seep and judges what it did there.

    O=build python3 tests/vm/run.py [SERIES | CASE…]

A word that is a series (5.10, 6.1, 6.12, newest) or a case (boot, load, …) narrows the run. Ends
with the line of tests/run.py: N passed, N failed, N skipped.
"""

import collections
import concurrent.futures
import os
import pathlib
import sys

import image
import judge
import kernels
import vm

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("O", "build")
CASES = tuple(judge.JUDGES)
LIMIT = 420  # seconds a boot; alone it takes about 60
AT_ONCE = 2


def run_one(series, kernel, archive, cases):
    if kernel is None:
        return series, 0, [judge.Result("boot", "FAIL", "no such kernel, see above")]
    release = kernel.parent.name
    log = BUILD / "vm" / f"{series}.log"
    boot = vm.boot(kernel, archive, cases, log, LIMIT)
    return release, boot.seconds, judge.judge(boot, release, cases)


def show(release, seconds, results):
    counts = collections.Counter(result.word for result in results)
    print(f"{release}: {counts['ok']} ok, {counts['FAIL']} FAIL, {counts['skip']} skip, "
          f"{seconds:.0f} s", flush=True)
    for result in results:
        if result.word != "ok":
            print(f"  {result.word:4} {result.name}: {result.why}", flush=True)
    return counts


def choose(words, known):
    return [word for word in known if word in words] or list(known)


def main(words):
    unknown = set(words) - set(kernels.SERIES) - set(CASES)
    if unknown:
        print(f"no series and no case: {' '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    cases = choose(words, CASES)
    images = kernels.kernels()
    archive = image.pack(BUILD)
    total = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(run_one, series, images[series], archive, cases)
                for series in choose(words, kernels.SERIES)]
        for job in jobs:
            total += show(*job.result())
    print(f"{total['ok']} passed, {total['FAIL']} failed, {total['skip']} skipped")
    return 1 if total["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
