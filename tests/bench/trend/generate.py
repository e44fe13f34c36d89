#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""generate.py DIR PART: write labelled traces, as CSV with a labels.csv, the same each time.

PART is `seen`, what the detector was tuned on; `fresh`, the same families with other seeds; `unseen`,
families that were looked at when that was done, and once more since; or `last`, written after it.
"""

import csv
import math
import pathlib
import random
import sys
import zlib

import held_out  # noqa: F401  it registers its shapes, as the next three do
import last  # noqa: F401
import services  # noqa: F401
import shapes  # noqa: F401
from parts import LAST, LEAKS, STEADY, UNSEEN

SEEDS = {"seen": range(8), "fresh": range(100, 108), "unseen": range(100, 108),
         "last": range(200, 208)}


def render(shape, family, seed):
    """Scale a shape to counts or bytes, with noise; returns values and the onset in hours."""
    rng = random.Random(zlib.crc32(f"{family}/{seed}".encode()))
    made = shape(rng)
    values, onset = made if isinstance(made, tuple) else (made, 0)
    if family == "one_an_hour":
        return [max(0, round(v)) for v in values], onset
    base = math.exp(rng.uniform(math.log(40), math.log(2e9)))
    noise = rng.choice((0.001, 0.005, 0.01, 0.02))
    return [None if v is None else max(0, round(base * (v + rng.gauss(0, noise))))
            for v in values], onset


def chosen(part):
    if part in ("unseen", "last"):
        return UNSEEN if part == "unseen" else LAST
    return (STEADY.keys() | LEAKS.keys()) - UNSEEN - LAST


def families(part):
    for table, truth in ((STEADY, "steady"), (LEAKS, "leak")):
        for family, shape in table.items():
            if family in chosen(part):
                yield family, shape, truth


def write_trace(path, values):
    with open(path, "w", encoding="ascii") as out:
        out.write("time_seconds,value\n")
        out.writelines(f"{60 * i},{v}\n" for i, v in enumerate(values) if v is not None)


def write(folder, part):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "labels.csv", "w", encoding="ascii") as out:
        labels = csv.writer(out, lineterminator="\n")
        labels.writerow(("name", "family", "truth", "onset_seconds"))
        for family, shape, truth in families(part):
            for seed in SEEDS[part]:
                values, onset = render(shape, family, seed)
                write_trace(folder / f"{family}-{seed}.csv", values)
                labels.writerow((f"{family}-{seed}", family, truth, round(onset * 3600)))


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), sys.argv[2])
