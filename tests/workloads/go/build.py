#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds the shop by the Go versions that toolchains.py fetches.

    O=build python3 tests/workloads/go/build.py [VERSION[-TIMERS][-VARIANT]…]

TIMERS is old or new, the semantics of timers, which the program's go.mod chooses from 1.23 to 1.26.
VARIANT is one of VARIANTS. Nothing comes from a network: one driver, from Debian. One build at a
time.
"""

import collections
import fcntl
import os
import pathlib
import subprocess
import sys

import toolchains

SOURCES = pathlib.Path(__file__).resolve().parent
FOLDER = toolchains.FOLDER
CHOICE = ((1, 23), (1, 26))  # versions that have both semantics
VARIANTS = {
    "plain": {},
    "stripped": {"flags": ["-trimpath", "-ldflags=-s -w"]},
    "pie": {"flags": ["-trimpath", "-ldflags=-s -w", "-buildmode=pie"]},
    "cgo": {"flags": ["-trimpath", "-ldflags=-s -w"], "cgo": True},
    "cgopie": {"flags": ["-trimpath", "-ldflags=-s -w", "-buildmode=pie"], "cgo": True},
}

Build = collections.namedtuple("Build", "version timers variant")


def name(build):
    return "-".join(build)


def timers_of(version):
    """The semantics that a version may have, its own default first."""
    key = toolchains.key(version)
    if key < CHOICE[0]:
        return ["old"]
    return ["new", "old"] if key <= CHOICE[1] else ["new"]


def parse(word):
    version, *rest = word.split("-")
    timers = next((part for part in rest if part in ("old", "new")), timers_of(version)[0])
    variant = next((part for part in rest if part in VARIANTS), "stripped")
    if timers not in timers_of(version) or len(rest) > 2:
        raise ValueError(f"no build {word}")
    return Build(version, timers, variant)


def language(build):
    if toolchains.key(build.version) < CHOICE[0]:
        return "1.19"
    return "1.22" if build.timers == "old" else "1.23"


def module_file(build):
    folder = FOLDER / "modules" / language(build)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "go.mod"
    text = (SOURCES / "go.mod").read_text().replace("\ngo 1.19\n", f"\ngo {language(build)}\n")
    text += f"\nreplace github.com/lib/pq => {toolchains.driver()}\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


def environment(build):
    root = toolchains.goroot(build.version)
    cgo = VARIANTS[build.variant].get("cgo", False)
    return dict(os.environ, GOROOT=str(root), GOPATH=str(FOLDER / "path"), GOENV="off", GOPROXY="off",
                GOCACHE=str(FOLDER / "cache"), GOTOOLCHAIN="local", GOFLAGS="-mod=mod",
                CGO_ENABLED="1" if cgo else "0")


def is_current(binary):
    newest = max(path.stat().st_mtime for path in [*SOURCES.rglob("*.go"), SOURCES / "build.py"])
    return binary.exists() and binary.stat().st_mtime > newest


def make(build):
    """The path of the binary, built when it is not there or old."""
    binary = FOLDER / "bin" / name(build) / "shop"
    if is_current(binary):
        return binary
    toolchains.fetch([build.version])
    print(f"  GO       {name(build)}", flush=True)
    binary.parent.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        compile_shop(build, binary)
    return binary


def compile_shop(build, binary):
    go = toolchains.goroot(build.version) / "bin/go"
    command = [go, "build", "-buildvcs=false", f"-modfile={module_file(build)}", "-o", binary,
               *VARIANTS[build.variant].get("flags", []), "."]
    done = subprocess.run(["nice", *map(str, command)], cwd=SOURCES, env=environment(build),
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name(build)}: {done.stderr.strip()}")


def every():
    """The full matrix: each version and semantics stripped, and the odd forms of two."""
    found = toolchains.versions()
    builds = [Build(version, timers, "stripped") for version in found for timers in timers_of(version)]
    for version in (found[0], found[-1]):
        builds += [Build(version, timers_of(version)[0], variant)
                   for variant in VARIANTS if variant != "stripped"]
    return builds


def few():
    """The oldest and the newest, which are one of each timer semantics too."""
    found = toolchains.versions()
    return [parse(found[0]), parse(found[-1])]


def main(words):
    for build in [parse(word) for word in words] or every():
        print(f"{name(build):20} {make(build)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
