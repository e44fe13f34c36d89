# SPDX-License-Identifier: GPL-2.0-only
"""The program of tests/workloads/gobooks, built by any Go and stripped of symbols."""

import json
import os
import subprocess
import sys

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/workloads/go"))
import toolchains  # noqa: E402

SOURCES = ROOT / "tests/workloads/gobooks"


def ends():
    """The oldest and the newest Go that there are."""
    found = toolchains.versions()
    return list(dict.fromkeys((found[0], found[-1])))


def build(version, sources=SOURCES, cgo=False):
    binary = toolchains.FOLDER / "bin" / f"{sources.name}-{version}"
    newest = max(path.stat().st_mtime for path in sources.rglob("*"))
    if binary.exists() and binary.stat().st_mtime > newest:
        return binary
    toolchains.fetch([version])
    binary.parent.mkdir(parents=True, exist_ok=True)
    root = toolchains.goroot(version)
    environment = dict(os.environ, GOROOT=str(root), GOPATH=str(toolchains.FOLDER / "path"), GOENV="off",
                       GOPROXY="off", GOCACHE=str(toolchains.FOLDER / "cache"), GOTOOLCHAIN="local",
                       CGO_ENABLED=str(int(cgo)))
    done = subprocess.run(["nice", root / "bin/go", "build", "-buildvcs=false", "-trimpath",
                           "-ldflags=-s -w", "-o", binary, "."], cwd=sources, env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return binary


class Books:
    def __init__(self, version, word, sources=SOURCES, cgo=False, environment={}):
        self.process = subprocess.Popen([build(version, sources, cgo), word], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, **environment))
        self.pid = self.process.pid
        assert self.process.stdout.readline() == "ready\n"

    def read(self):
        """What the program's own books say; fails when it has ended."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()
