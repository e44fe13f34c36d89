#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fetches every Go from 1.19 on that Debian packages, and the PostgreSQL driver of the programs.

    O=build python3 tests/workloads/go/toolchains.py [--refresh] [VERSION…]

They come as tests/mirror.py says, are unpacked side by side below build/go, and nothing is
installed. What was once fetched is kept: a second run asks nobody.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))
import mirror  # noqa: E402

FOLDER = mirror.BUILD / "go"
PICKED = FOLDER / "toolchains.json"
OLDEST = (1, 19)
COMPILER = re.compile(r"^Package: golang-(1\.\d+)-go$", re.MULTILINE)
DRIVER = "golang-github-lib-pq-dev"


def key(version):
    return tuple(int(number) for number in version.split("."))


def offered(apt):
    """Versions, oldest first."""
    found = {version for index in apt.indexes() for version in COMPILER.findall(index)}
    return sorted((version for version in found if key(version) >= OLDEST), key=key)


def goroot(version):
    return FOLDER / "toolchains" / version / "usr/lib" / f"go-{version}"


def driver():
    """Sources of the module github.com/lib/pq."""
    return FOLDER / "driver/usr/share/gocode/src/github.com/lib/pq"


def versions(refresh=False):
    """What the mirror has, asked once."""
    if refresh or not PICKED.exists():
        apt = mirror.Apt(mirror.BUILD / "mirror")
        apt.update()
        found = offered(apt)
        if not found:
            raise mirror.Missing("no index of this machine's mirror has a Go")
        FOLDER.mkdir(parents=True, exist_ok=True)
        PICKED.write_text(json.dumps(found) + "\n")
    return json.loads(PICKED.read_text())


def fetch(wanted):
    """The named versions and the driver, into build/go."""
    mirror.put(FOLDER / "driver", DRIVER)
    for version in wanted:
        mirror.put(FOLDER / "toolchains" / version, f"golang-{version}-go", f"golang-{version}-src")


def main(words):
    wanted = [word for word in words if not word.startswith("-")]
    found = versions(refresh="--refresh" in words)
    unknown = set(wanted) - set(found)
    if unknown:
        print(f"no Go {unknown.pop()}; the mirror has {' '.join(found)}", file=sys.stderr)
        return 2
    fetch(wanted or found)
    for version in wanted or found:
        print(f"{version:5} {(goroot(version) / 'VERSION').read_text().splitlines()[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
