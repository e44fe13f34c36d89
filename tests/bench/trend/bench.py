#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Precision, recall and delay of `seep replay` and of five rules in use, on labelled traces.

    O=build python3 tests/bench/trend/bench.py [DIR | --readme]

DIR holds labels.csv (name,family,truth,onset_seconds[,window_seconds]) and NAME.csv
(time_seconds,value); without it, the traces of generate.py, its parts apart, and recordings of
servers, which are played with the window that they were made with, for the rules as if that had been
an hour. The first verdict `leaking` is the alarm; one on a steady trace, or before the leak begins,
is false. --readme puts all into README.md's table.
"""

import collections
import csv
import json
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import generate
import rules

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests/bench/servers"))

import recordings  # noqa: E402

SEEP = ROOT / os.environ.get("O", "build") / "seep"


def seep(path, window):
    done = subprocess.run([SEEP, "replay", "--json", "--window", f"{round(window * 1000)}ms", path],
                          check=True, text=True, stdout=subprocess.PIPE)
    rows = (json.loads(line) for line in done.stdout.splitlines())
    return next((row["time_seconds"] for row in rows if row["verdict"] == "leaking"), None)


def by_rule(rule):
    def detect(path, window):
        with open(path, encoding="ascii") as lines:
            next(lines)
            points = [line.split(",") for line in lines]
        hours = 3600 / window
        at = rule([float(p[0]) * hours for p in points], [float(p[1]) for p in points])
        return at if at is None else at / hours
    return detect


def window_of(label):
    return float(label.get("window_seconds") or 3600)


class Score:
    def __init__(self):
        self.hits, self.delays = 0, []
        self.false, self.missed = collections.Counter(), collections.Counter()

    def add(self, label, at):
        leaks, onset = label["truth"] == "leak", float(label["onset_seconds"])
        if leaks and at is not None and at >= onset:
            self.hits += 1
            self.delays.append((at - onset) / window_of(label))
            return
        self.false[label["family"]] += at is not None
        self.missed[label["family"]] += leaks

    def precision(self):
        return self.hits / max(1, self.hits + sum(self.false.values()))

    def recall(self):
        return self.hits / max(1, self.hits + sum(self.missed.values()))

    def delay(self):
        return statistics.median(self.delays)

    def delay_text(self):
        return f"{self.delay():.1f} h" if self.delays else "none found"

    def line(self, name):
        return f"{name:24} {self.precision():9.3f} {self.recall():7.3f} {self.delay_text():>10}"


def named(counter):
    return ", ".join(f"{family} {n}" for family, n in counter.items() if n) or "none"


DETECTORS = {"seep": seep, **{rule.__name__: by_rule(rule) for rule in rules.RULES}}


def detect(job):
    name, path, window = job
    return DETECTORS[name](path, window)


def score(name, folder, labels, pool):
    result = Score()
    jobs = ((name, folder / f"{row['name']}.csv", window_of(row)) for row in labels)
    found = pool.map(detect, jobs, 8)
    for label, at in zip(labels, found):
        result.add(label, at)
    return result


def report(folder, title, pool):
    """Print the scores of one folder; returns its column of README's table."""
    with open(folder / "labels.csv", encoding="ascii") as lines:
        labels = list(csv.DictReader(lines))
    size = f"{len(labels)} traces of {len({row['family'] for row in labels})} families"
    print(f"\n{title}: {size}\n{'':24} precision  recall      delay")
    column = [f"{title}: {size}"]
    for name in DETECTORS:
        result = score(name, folder, labels, pool)
        print(result.line(name), flush=True)
        if name == "seep":
            print(f"  false alarms: {named(result.false)}; missed: {named(result.missed)}")
        column.append(f"{result.precision():.3f}, {result.recall():.3f}, {result.delay_text()}")
    return column


TITLES = {"seen": "seen while tuning", "fresh": "the same families, other seeds",
          "unseen": "other families, looked at twice",
          "last": "families written last"}
BEGIN, END = "<!-- made by make bench-trend-readme -->", "<!-- end of bench-trend -->"


def write_readme(columns):
    """A row for each rule, a column for each set of traces."""
    path = ROOT / "README.md"
    before, rest = path.read_text().split(BEGIN)
    names = [name.replace("_", " ") if name != "seep" else "**seep**" for name in DETECTORS]
    rows = [" | ".join(cells) for cells in zip(["rule", *names], *columns)]
    rows.insert(1, " | ".join(["---"] * (1 + len(columns))))
    table = "".join(f"| {row} |\n" for row in rows)
    path.write_text(f"{before}{BEGIN}\n{table}{END}{rest.split(END)[1]}")


def main():
    readme = "--readme" in sys.argv
    folders = [argument for argument in sys.argv[1:] if argument and argument != "--readme"]
    columns = []
    with multiprocessing.Pool(2) as pool, tempfile.TemporaryDirectory() as scratch:
        for folder in folders:
            report(pathlib.Path(folder), folder, pool)
        for part in () if folders else generate.SEEDS:
            folder = pathlib.Path(scratch) / part
            generate.write(folder, part)
            columns.append(report(folder, TITLES[part], pool))
        if not folders:
            folder = pathlib.Path(scratch) / "servers"
            recordings.write(folder)
            columns.append(report(folder, "recorded servers", pool))
    if readme:
        write_readme(columns)


if __name__ == "__main__":
    main()
