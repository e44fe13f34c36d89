#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""recordings.py DIR [FROM]: unpack recordings for `seep replay` and for the trend benchmark.

FROM, by default the recordings beside this file, holds what record.py wrote; DIR gets a labels.csv
of all of it and a NAME.csv (time_seconds,value) for each row.
"""

import csv
import lzma
import pathlib
import sys

RECORDED = pathlib.Path(__file__).resolve().parent / "recorded"


def read_labels(source):
    rows = []
    for path in sorted(source.glob("*.labels.csv")):
        with open(path, encoding="ascii") as lines:
            rows += [dict(row, kind=path.name.partition(".")[0]) for row in csv.DictReader(lines)]
    return rows


def read_table(path):
    """{series: [(time, value)]}, as text."""
    with lzma.open(path, "rt") as lines:
        rows = csv.reader(lines)
        names = next(rows)[1:]
        found = {name: [] for name in names}
        for now, *values in rows:
            for name, value in zip(names, values):
                if value:
                    found[name].append((now, value))
    return found


def write(folder, source=RECORDED):
    folder.mkdir(parents=True, exist_ok=True)
    labels, tables = read_labels(source), {}
    for row in labels:
        path = source / f"{row['kind']}.{row['table']}.csv.xz"
        if path not in tables:
            tables[path] = read_table(path)
        with open(folder / f"{row['name']}.csv", "w", encoding="ascii") as out:
            out.write("time_seconds,value\n")
            out.writelines(f"{now},{value}\n" for now, value in tables[path][row["series"]])
    with open(folder / "labels.csv", "w", encoding="ascii") as out:
        rows = csv.DictWriter(out, list(labels[0]), lineterminator="\n")
        rows.writeheader()
        rows.writerows(labels)


if __name__ == "__main__":
    write(*map(pathlib.Path, sys.argv[1:]))
