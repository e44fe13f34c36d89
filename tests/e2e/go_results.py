#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Keeps what test_go.py saw of each build, and writes the table of it into README.

    O=build python3 tests/e2e/go_results.py     after make test-go, of all builds or of some
"""

import json
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/workloads/go"))
import build as go_build  # noqa: E402
import expected  # noqa: E402

FOLDER = ROOT / os.environ.get("O", "build") / "go/results"
# What the table stands on: each build as it was run last.
RECORD = ROOT / "tests/workloads/go/results.json"
BEGIN, END = "<!-- made by make go-readme -->", "<!-- end of go -->"
FOUND, SILENT, MISSED, WRONG = "✓", "○", "·", "✗"


def accused(said):
    return sorted(service for service, sites in said.items() if sites)


def keep(verdict):
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{go_build.name(verdict.build)}.json").write_text(json.dumps({
        "date": time.strftime("%Y-%m-%d"), "seconds": round(verdict.seconds),
        "found": sorted(verdict.found()), "accused": accused(verdict.guilty),
        "twins": accused(verdict.repaired),
    }) + "\n")


def record():
    """{name of a build: its result}: those of the record, and over them what was run since."""
    results = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for path in sorted(FOLDER.glob("*.json")):
        results[path.stem] = json.loads(path.read_text())
    lines = (f" {json.dumps(name)}: {json.dumps(results[name])}" for name in sorted(results))
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return results


def kept():
    """{build: result} of the whole matrix, in its order; a build without one was never run."""
    results = record()
    return {build: results[go_build.name(build)] for build in go_build.every()
            if go_build.name(build) in results}


def guilty_mark(row, build, result):
    if expected.is_mistake(row, build.timers):
        return FOUND if row.service in result["found"] else MISSED
    return WRONG if row.service in result["accused"] else SILENT


def cell(row, build, result):
    return guilty_mark(row, build, result) + (WRONG if row.service in result["twins"] else SILENT)


def heading(build):
    both = len(go_build.timers_of(build.version)) == 2
    return f"{build.version} {build.timers}" if both else build.version


def table(results):
    stripped = [build for build in results if build.variant == "stripped"]
    lines = ["| | mistake | pattern | " + " | ".join(heading(build) for build in stripped) + " |",
             "|---" * (3 + len(stripped)) + "|"]
    for row in expected.ROWS:
        cells = " | ".join(cell(row, build, results[build]) for build in stripped)
        lines.append(f"| {row.number or ''} | {row.mistake} | `{row.pattern}` | {cells} |")
    return lines


def summary(build, result):
    """One line for a build in another form than stripped."""
    mistakes = [row for row in expected.ROWS if expected.is_mistake(row, build.timers)]
    found = sum(row.service in result["found"] for row in mistakes)
    silent = len(expected.ROWS) - len(result["twins"])
    return (f"{build.version} {build.variant}: {found} of {len(mistakes)} found, "
            f"{silent} of {len(expected.ROWS)} twins silent")


def text(results):
    others = [summary(build, results[build]) for build in results if build.variant != "stripped"]
    dates = sorted({result["date"] for result in results.values()})
    slowest = max(result["seconds"] for result in results.values())
    return [f"{' to '.join(dict.fromkeys((dates[0], dates[-1])))}, each build as it was run last, "
            f"stripped binaries, each answer within {slowest} s; of the mistake, then of its repaired "
            f"twin: {FOUND} found with pattern and function, {MISSED} not found, {SILENT} silent as it "
            f"should be, {WRONG} accused wrongly.",
            "", *table(results), *(["", "In other forms: " + "; ".join(others) + "."] if others else [])]


def main():
    results = kept()
    if not results:
        print("nothing was run yet: make test-go", file=sys.stderr)
        return 1
    path = ROOT / "README.md"
    before, rest = path.read_text().split(BEGIN)
    lines = "\n".join(text(results))
    path.write_text(f"{before}{BEGIN}\n{lines}\n{END}{rest.split(END)[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
