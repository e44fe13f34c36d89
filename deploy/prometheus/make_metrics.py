# SPDX-License-Identifier: GPL-2.0-only
"""Prints METRICS.md: the table of exporters/metrics.h for people.

    python3 make_metrics.py <exporters/metrics.h
"""

import re
import sys

HEAD = """# Metrics of seep agent

Made from `exporters/metrics.h` by `make metrics`; edit that one.

%s

| metric | type | labels | meaning |
|---|---|---|---|
"""
ROW = re.compile(r'X\((\w+), "(\w+)", (\w+), (\w+),((?:\s*"[^"]*",?)+)\)')


def unfold(text):
    """The table as the compiler sees it: without the continuation marks."""
    return re.sub(r"[ \t]*\\\n[ \t]*", " ", text)


def rows(header):
    """(name, type, unit, help, [label, …]) of each family."""
    table = unfold(header.partition("#define SEEP_METRICS(X)")[2])
    for _, name, kind, unit, rest in ROW.findall(table):
        texts = re.findall(r'"([^"]*)"', rest)
        yield name, kind.lower(), unit.lower(), texts[0], texts[1:]


def explanation(header):
    """The paragraphs on sums, names and units: what a reader of the numbers has to know."""
    found = [re.search(begin + r".*?\n \*\n", header, re.DOTALL)[0]
             for begin in (r"How to add up\.", r"Who is named\.", "Counts and bytes never")]
    return "\n\n".join(re.sub(r"\s*\n \*\s?", " ", text).strip() for text in found)


def main():
    header = sys.stdin.read()
    sys.stdout.write(HEAD % explanation(header))
    for name, kind, _, text, labels in rows(header):
        print(f"| `{name}` | {kind} | {', '.join(f'`{x}`' for x in labels)} | {text} |")


if __name__ == "__main__":
    main()
