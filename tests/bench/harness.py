# SPDX-License-Identifier: GPL-2.0-only
"""What the sections of the bench share: where things are, how a figure is said, judged and kept."""

import math
import os
import pathlib
import statistics

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("O", "build")
SEEP, HOLDER, TRENDS, GOSCAN = (str(BUILD / name) for name in (
    "seep", "bench/holder", "bench/trends", "tests/drivers/goscan"))

failures = []
figures = []  # rows of README's table


def say(text):
    print(text, flush=True)


def figure(what, value):
    figures.append((what, value))


def judge(what, good, goal):
    say(f"    aim: {goal}: {'met' if good else 'MISSED'}")
    if not good:
        failures.append(what)


def interval(ratios):
    """Median and its distribution-free 95 % interval (binomial order statistics)."""
    r, n = sorted(ratios), len(ratios)
    k = 0
    while sum(math.comb(n, i) for i in range(k + 1)) / 2**n <= 0.025:
        k += 1
    low = max(k - 1, 0)
    return statistics.median(r), r[low], r[n - 1 - low]


BEGIN, END = "<!-- made by make bench-readme -->", "<!-- end of bench -->"


def write_readme(machine):
    """Put the table of this run between README's marks."""
    path = ROOT / "README.md"
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    rows = "\n".join(f"| {what} | {value} |" for what, value in figures)
    path.write_text(f"{before}{BEGIN}\n{machine}.\n\n| what | figure |\n|---|---|\n{rows}\n{END}{after}")
