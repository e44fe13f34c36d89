#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Precision, recall and delay of `seep replay` and of five rules in use, on labelled traces.

    O=build python3 tests/bench/trend/bench.py [DIR]

DIR holds labels.csv (name,family,truth,onset_seconds[,window_seconds]) and NAME.csv
(time_seconds,value); without it, the traces of generate.py, the part that tuning saw and the part
that it did not see apart, and recordings of servers, which are played with the window that they
were made with, for the rules as if that had been an hour. The first verdict `leaking` is the alarm;
one on a steady trace, or before the leak begins, is false.
"""

import collections
import csv
import json
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

    def line(self, name):
        false, missed = sum(self.false.values()), sum(self.missed.values())
        precision = self.hits / max(1, self.hits + false)
        recall = self.hits / max(1, self.hits + missed)
        delay = statistics.median(self.delays) if self.delays else float("nan")
        return f"{name:24} {precision:9.3f} {recall:7.3f} {delay:7.1f} h"


def named(counter):
    return ", ".join(f"{family} {n}" for family, n in counter.items() if n) or "none"


def report(folder, title):
    with open(folder / "labels.csv", encoding="ascii") as rows:
        labels = list(csv.DictReader(rows))
    print(f"\n{title}: {len(labels)} traces of {len({row['family'] for row in labels})} families")
    print(f"{'':24} precision  recall    delay")
    for name, detect in (("seep", seep), *((r.__name__, by_rule(r)) for r in rules.RULES)):
        score = Score()
        for label in labels:
            score.add(label, detect(folder / f"{label['name']}.csv", window_of(label)))
        print(score.line(name), flush=True)
        if name == "seep":
            print(f"  false alarms: {named(score.false)}; missed: {named(score.missed)}")


def main():
    if len(sys.argv) > 1 and sys.argv[1]:
        report(pathlib.Path(sys.argv[1]), sys.argv[1])
        return
    with tempfile.TemporaryDirectory() as scratch:
        for part in generate.SEEDS:
            folder = pathlib.Path(scratch) / part
            generate.write(folder, part)
            report(folder, part)
        folder = pathlib.Path(scratch) / "servers"
        recordings.write(folder)
        report(folder, "servers")


if __name__ == "__main__":
    main()
