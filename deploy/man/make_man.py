#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes a manual page: make_man.py SEEP PAGE.in >PAGE

A line %OPTIONS COMMAND% of the page becomes the list of that command's options, as the program's own
table of options tells them by --help; %MISTAKES% the list of known mistakes, from the table that
explain tells them by (agent/model/mistake.c); %VERSION% is the version that it reports.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MISTAKE = re.compile(r'\{ "([a-z]+(?:-[a-z]+)+)",\s*((?:"[^"]*"\s*)+)\}')
ROW = re.compile(r"^  (?:-(?P<letter>\w), |    )--(?P<name>[\w.-]+)(?:=(?P<value>\S+))? +(?P<help>\S.*)$")


def say(seep, *words):
    return subprocess.run([seep, *words], check=True, capture_output=True, text=True).stdout


def escape(text):
    """mdoc reads a leading dot or quote as a request, and a backslash as an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in ".'" else text


def item(row):
    words = [f"Fl {row['letter']} ,"] if row["letter"] else []
    words.append("Fl \\-" + escape(row["name"]))
    if row["value"]:
        words.append("Ns = Ns Ar " + escape(row["value"]))
    return f".It {' '.join(words)}\n{escape(row['help'])}."


def options(help_text):
    rows = [match for match in map(ROW.match, help_text.splitlines()) if match]
    if not rows:
        raise ValueError("--help lists no option")
    return "\n".join([".Bl -tag -width Ds", *map(item, rows), ".El"])


def mistakes():
    """Rows of the table; a string may be parted over lines."""
    rows = MISTAKE.findall((ROOT / "agent/model/mistake.c").read_text())
    if not rows:
        raise ValueError("no table of mistakes")
    sentences = {name: "".join(re.findall('"([^"]*)"', text)) for name, text in rows}
    items = [f".It Li {escape(name)}\n{escape(text)}." for name, text in sorted(sentences.items())]
    return "\n".join([".Bl -tag -width Ds", *items, ".El"])


def make(seep, template):
    version = say(seep, "--version").split()[-1]
    return re.sub(r"(?m)^%OPTIONS (\w+)%$", lambda match: options(say(seep, match[1], "--help")),
                  template).replace("%MISTAKES%", mistakes()).replace("%VERSION%", version)


if __name__ == "__main__":
    sys.stdout.write(make(sys.argv[1], pathlib.Path(sys.argv[2]).read_text()))
