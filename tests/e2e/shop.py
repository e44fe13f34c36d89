# SPDX-License-Identifier: GPL-2.0-only
"""The shop of tests/workloads/go: its processes, what explain says of them, and the judgement."""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import time

from conftest import ROOT
import explainer
import go_results

sys.path.insert(0, str(ROOT / "tests/workloads/go"))
import build as go_build  # noqa: E402
import expected  # noqa: E402

# The services that GO_ROWS names; all where GO_BUILDS does; else, in the short form that every run of
# the tests takes, those that seep claims to find. There each build has a third of their twins.
WHOLE = "GO_BUILDS" in os.environ
ALL = [row.service for row in expected.ROWS]
SHORT = ALL if WHOLE else expected.CLAIMED
ROWS = [row for row in expected.ROWS
        if row.service in os.environ.get("GO_ROWS", " ".join(SHORT)).split()]
MODULE = "example.org/shop/"
SERVE_SECONDS = 900  # then a service ends by itself
SETTLE_SECONDS = 8  # until all have started, and what fills up at the start is full
WATCH_SECONDS = 20
SECOND_WATCH_SECONDS = 40  # for a mistake that the first watch missed
AT_ONCE = 6  # nine starve each other where others work too
CLOSURE = re.compile(r"(\.func\d+|\.gowrap\d+|\.deferwrap\d+|\.\d+|-fm)+$")


def builds():
    """Those that GO_BUILDS names ("all", or as build.py takes them); the few of build.few()."""
    words = os.environ.get("GO_BUILDS", "").split()
    if not words:
        return go_build.few()
    return go_build.every() if words == ["all"] else [go_build.parse(word) for word in words]


def twins(build):
    """The services whose repaired twins are watched too."""
    turn = 0 if WHOLE else builds().index(build) % 3
    return {row.service for row in (ROWS if WHOLE else ROWS[turn::3])}


class Process:
    """`shop WORD…`; it ends with its standard input."""

    def __init__(self, binary, folder, *words):
        log = open(folder / ("-".join(words[:2]) + ".log"), "w")
        self.process = subprocess.Popen([binary, *words], stdin=subprocess.PIPE, stderr=log,
                                        stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        assert line, f"shop {' '.join(words)}: {open(log.name).read()}"
        self.said = json.loads(line)

    def close(self):
        self.process.kill()
        self.process.communicate()


class Shop:
    """Services of one binary, guilty and repaired, side by side. apart: what ends the
    name of its own that each has, "render-guilty" before it, so that it is a group of its own."""

    def __init__(self, binary, folder, postgres, rows=ROWS, twins=ALL, apart=None):
        folder.mkdir(parents=True, exist_ok=True)
        if apart is not None:
            binary = shutil.copy(binary, folder)  # links reach no further than a file system
        self.apart = apart
        self.running = []
        self.guilty, self.repaired = {}, {}
        try:
            self.peers = self.start(binary, folder, "peers")
            source = f"host=127.0.0.1 port={postgres.port} user=postgres sslmode=disable"
            options = ["-seconds", str(SERVE_SECONDS), "-store", self.peers.said["store"],
                       "-upstream", self.peers.said["upstream"], "-postgres", source]
            for row in rows:
                self.guilty[row.service] = self.start(binary, folder, row.service, "guilty", *options)
                if row.service in twins:
                    self.repaired[row.service] = self.start(binary, folder, row.service, "repaired",
                                                            *options)
        except BaseException:
            self.close()
            raise

    def start(self, binary, folder, *words):
        if self.apart is not None:
            name = folder / ("-".join(words[:2]) + self.apart)
            os.link(binary, name)
            binary = name
        process = Process(binary, folder, *words)
        self.running.append(process)
        return process

    def close(self):
        for process in self.running:
            process.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def own_function(site):
    """The innermost function of a site that is the service's own, without its package's path and
    without the numbers of closures in it."""
    for frame in site["stack"]:
        name = frame["function"] or ""
        if name.startswith(MODULE):
            return CLOSURE.sub("", name[len(MODULE):])
    return None


def accusations(answer):
    """(patterns, resource, function) of what is held against a process, the first pattern first."""
    return [([site["pattern"], *site["also"]], site["resource"], own_function(site))
            for site in answer.rows if site["pattern"]]


class Verdict:
    """What seep said of one build: {service: accusations} of the guilty and of the repaired."""

    def __init__(self, build, guilty, repaired, seconds):
        self.build, self.guilty, self.repaired, self.seconds = build, guilty, repaired, seconds

    def found(self):
        return {row.service for row in ROWS
                if any(is_named(row, said) for said in self.guilty.get(row.service, []))}


def is_named(row, said):
    """What is beside the fifteen may stand in `also` of one of them."""
    patterns, resource, function = said
    return (row.pattern in (patterns[:1] if row.number else patterns)
            and resource in row.resources and function in row.functions)


def explain_all(seep, processes, settle=SETTLE_SECONDS, watch=WATCH_SECONDS):
    """{key: Answer}, some at a time: every watch sees all system calls of this machine."""
    def ask(process):
        return explainer.explain(seep, process.pid, watch)

    time.sleep(settle)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(processes, pool.map(ask, processes.values())))


def verdict_of(build, answers):
    said = {key: accusations(answer) for key, answer in answers.items()}
    return Verdict(build, *({service: said[kind, service] for kind, service in said if kind == word}
                            for word in ("guilty", "repaired")),
                   max(answer.summary["seconds"] for answer in answers.values()))


def judge(seep, build, running):
    """Lets every service settle, explains each, and keeps the verdict for README's table. What is
    claimed and was missed is watched once more and longer: six watches at a time take each other's
    time, which one user's watch does not meet."""
    processes = {(word, service): process
                 for word, some in (("guilty", running.guilty), ("repaired", running.repaired))
                 for service, process in some.items()}
    answers = explain_all(seep, processes)
    verdict = verdict_of(build, answers)
    missed = {("guilty", row.service) for row in ROWS
              if row.service in expected.CLAIMED - verdict.found()
              and expected.is_mistake(row, build.timers)}
    if missed:
        again = {key: processes[key] for key in missed}
        print(f"  AGAIN    {' '.join(sorted(service for _, service in missed))}", flush=True)
        answers |= explain_all(seep, again, settle=0, watch=SECOND_WATCH_SECONDS)
        verdict = verdict_of(build, answers)
    if WHOLE and ROWS == expected.ROWS:
        go_results.keep(verdict)
    return verdict
