# SPDX-License-Identifier: GPL-2.0-only
"""Packages of any Debian suite, fetched and unpacked below the build folder, never installed.

The mirror is the one of this machine's apt configuration; only the suites differ. Everything of
apt's (lists, cache, state) is private. Kernels of the matrix and Go toolchains come by this way.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("O", "build")
SUITES = ("bullseye", "bookworm", "bookworm-backports", "trixie", "trixie-backports", "sid")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Missing(Exception):
    """What the mirror does not have, or what a package does not hold."""


def own_mirror():
    """Where this machine gets its own release from."""
    codename = re.search(r"^VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text(),
                         re.MULTILINE)[1]
    sites = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)",
                            "Created-By: Packages", f"Release: {codename}"],
                           check=True, capture_output=True, text=True).stdout.split()
    if not sites:
        raise Missing(f"apt's configuration names no source of {codename}")
    return sites[0]


class Apt:
    """apt with lists, cache and state of its own."""

    def __init__(self, folder):
        for sub in ("lists/partial", "cache/archives/partial", "state"):
            (folder / sub).mkdir(parents=True, exist_ok=True)
        (folder / "state/status").touch()
        signed = f" signed-by={KEYRING}" if os.path.exists(KEYRING) else ""
        mirror = own_mirror()
        (folder / "sources.list").write_text("".join(
            f"deb [arch=amd64{signed}] {mirror} {suite} main\n" for suite in SUITES))
        (folder / "apt.conf").write_text(f"""
            Dir::Etc::sourcelist "{folder}/sources.list";
            Dir::Etc::sourceparts "-";
            Dir::State "{folder}/state";
            Dir::State::status "{folder}/state/status";
            Dir::State::lists "{folder}/lists";
            Dir::Cache "{folder}/cache";
            APT::Architecture "amd64";
            APT::Sandbox::User "root";
            Acquire::Languages "none";
            Acquire::Retries "3";
        """)
        self.lock = open(folder / "lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)  # until this object goes
        self.environment = dict(os.environ, APT_CONFIG=str(folder / "apt.conf"))

    def run(self, *words, cwd=None):
        done = subprocess.run(words, env=self.environment, cwd=cwd, capture_output=True, text=True)
        if done.returncode:
            raise Missing(f"{' '.join(words[:2])}: {done.stderr.strip().splitlines()[-1:]}")
        return done.stdout

    def update(self):
        """A suite that the mirror no longer carries must not hide the others."""
        subprocess.run(["apt-get", "-q", "update"], env=self.environment, capture_output=True)

    def has_indexes(self):
        return bool(self.run("apt-cache", "pkgnames").strip())

    def indexes(self):
        """The text of each package index."""
        for target in self.run("apt-get", "indextargets", "--format", "$(FILENAME)",
                               "Created-By: Packages").split():
            yield self.run("/usr/lib/apt/apt-helper", "cat-file", target)

    def unpack(self, name, folder):
        """Downloads a package ("name" or "name/suite") and unpacks it into folder."""
        print(f"  FETCH    {name}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        self.run("apt-get", "-q", "download", name, cwd=folder)
        package = next(folder.glob(f"{name.partition('/')[0]}_*.deb"))
        subprocess.run(["dpkg", "-x", package, folder], check=True)
        package.unlink()


def put(folder, *names):
    """Packages unpacked in a folder, which is there whole or not at all; fetched once."""
    if folder.exists():
        return
    apt = Apt(BUILD / "mirror")
    if folder.exists():  # by another, while this one waited
        return
    if not apt.has_indexes():
        apt.update()
    scratch = folder.with_name(folder.name + ".part")
    shutil.rmtree(scratch, ignore_errors=True)
    for name in names:
        apt.unpack(name, scratch)
    scratch.rename(folder)
