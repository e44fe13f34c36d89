# SPDX-License-Identifier: GPL-2.0-only
"""What a running agent says of some processes, look for look, as tables of series.

Of groups the page of metrics has each census of the agent with its time: the very values that its
verdicts come from. Of processes `seep top --json` has the values of its own looks, at its own
times, beside the verdicts of the agent.
"""

import collections
import json
import re
import subprocess
import sys
import threading
import time

LABEL = re.compile(r'(\w+)="([^"]*)"')
TIME = re.compile(r"^seep_last_census_timestamp_seconds (.+)$", re.M)
SAMPLE = re.compile(r"^seep_(group_live|group_live_bytes|group_verdict|verdict)\{(.*)\} (\S+)$",
                    re.M)


class Table:
    """Series by name, sampled together; a row is (time, {name: value})."""

    def __init__(self):
        self.rows = []
        self.verdicts = collections.defaultdict(list)  # name: [(time, verdict)] at each change

    def add(self, now, values):
        self.rows.append((now, values))

    def judge(self, now, name, verdict):
        told = self.verdicts[name]
        if not told or told[-1][1] != verdict:
            told.append((now, verdict))

    def names(self):
        return sorted({name for _, values in self.rows for name in values})

    def series(self, name):
        return [(now, values[name]) for now, values in self.rows if name in values]


def add_totals(values):
    """The page has kinds; a resource is their sum, and has a trend of its own."""
    for name, value in list(values.items()):
        group, _, key = name.rpartition(" ")
        if not key.endswith("/all"):
            total = f"{group} {key.partition('/')[0]}/all"
            values[total] = values.get(total, 0) + value


def group_of(name):
    """Series are "GROUP RESOURCE/KIND" of a group and "GROUP@PID RESOURCE/KIND" of a process."""
    return name.rpartition(" ")[0].partition("@")[0]


def process_series(row):
    name = f"{row['group']}@{row['pid']} {row['resource']}/{row['kind'] or 'all'}"
    return sys.intern(name)  # a key of thousands of looks


class Groups(threading.Thread):
    """Reads the page until stopped."""

    PAUSE = 0.08  # seconds: several looks at each census, so that none is missed

    def __init__(self, agent):
        super().__init__(daemon=True)
        self.agent = agent
        self.table, self.accused = Table(), {}  # accused: {series of a process: since when}
        self.stopped, self.failure = threading.Event(), None

    def run(self):
        last = None
        try:
            while not self.stopped.wait(self.PAUSE):
                page = self.agent.get()
                now = float(TIME.search(page)[1])
                if now != last:
                    self.look(now, page)
                last = now
        except Exception as error:  # told by whoever stops it
            self.failure = error

    def look(self, now, page):
        values, verdicts = {}, {}
        for kind, labels, value in SAMPLE.findall(page):
            labels = dict(LABEL.findall(labels))
            name = sys.intern(f"{labels['group']} {labels['resource']}/{labels['kind']}")
            if kind.startswith("group_live"):
                values[name] = int(float(value))
            elif kind == "group_verdict":
                verdicts[name] = labels["verdict"]
            elif labels["verdict"] == "leaking":
                self.accused.setdefault(process_series(labels), now)
        add_totals(values)
        self.table.add(now, values)
        for name in {*values, *verdicts, *self.table.verdicts}:
            self.table.judge(now, name, verdicts.get(name, "steady"))

    def stop(self):
        self.stopped.set()
        self.join()
        if self.failure:
            raise self.failure


class Processes(threading.Thread):
    """Reads `seep top` until stopped; a process that ends takes its rows with it."""

    def __init__(self, seep, agent, names, delay):
        super().__init__(daemon=True)
        self.marks = tuple(f'"group":"{name}"' for name in names)
        self.table = Table()
        self.process = subprocess.Popen([seep, "top", "--json", "--all", "-d", str(delay)],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env=agent.environment)

    def run(self):
        """A look has no end mark: it ends where a row comes again, which begins the next."""
        now, values = time.time(), {}
        for line in self.process.stdout:
            if not any(mark in line for mark in self.marks):
                continue
            row = json.loads(line)
            name = process_series(row)
            if name in values:
                self.table.add(now, {n: v for n, v in values.items() if v is not None})
                now, values = time.time(), {}
            values[name] = row["live"]
            self.table.judge(now, name, row["verdict"])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.join()
        self.process.stdout.close()
