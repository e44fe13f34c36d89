# SPDX-License-Identifier: GPL-2.0-only
"""The shop of tests/workloads/go: its processes, what explain says of them, and the judgement."""

import json
import re
import subprocess
import sys

from conftest import ROOT
import explainer

sys.path.insert(0, str(ROOT / "tests/workloads/go"))
import build as go_build  # noqa: E402
import expected  # noqa: E402

MODULE = "example.org/shop/"
CLOSURE = re.compile(r"(\.func\d+|\.gowrap\d+|\.deferwrap\d+|\.\d+|-fm)+$")


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
    """All services of one binary, guilty and repaired, side by side."""

    def __init__(self, binary, folder, postgres, rows=expected.ROWS):
        folder.mkdir(parents=True, exist_ok=True)
        self.running = []
        self.guilty, self.repaired = {}, {}
        try:
            self.peers = self.start(binary, folder, "peers")
            source = f"host=127.0.0.1 port={postgres.port} user=postgres sslmode=disable"
            options = ["-store", self.peers.said["store"], "-upstream", self.peers.said["upstream"],
                       "-postgres", source]
            for row in rows:
                for word, where in (("guilty", self.guilty), ("repaired", self.repaired)):
                    where[row.service] = self.start(binary, folder, row.service, word, *options)
        except BaseException:
            self.close()
            raise

    def start(self, *arguments):
        process = Process(*arguments)
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
    """(pattern, resource, function) of what is held against a process."""
    return [(site["pattern"], site["resource"], own_function(site)) for site in answer.rows
            if site["pattern"] and site["verdict"] != "returns"]


def is_found(row, answer):
    return any(pattern == row.pattern and resource in row.resources and function in row.functions
               for pattern, resource, function in accusations(answer))


def explain_all(seep, processes, seconds):
    """{key: Answer} of all at once; None where explain had no answer."""
    begun = {key: explainer.start(seep, process.pid, "--duration", seconds, "--json",
                                  "--budget", explainer.BUDGET)
             for key, process in processes.items()}
    return {key: explainer.finish(process) for key, process in begun.items()}
