#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fetches Debian's own kernels: one of each wanted series, and the newest that there is.

    O=build python3 tests/vm/kernels.py [--refresh]

The mirror is the one of this machine's apt configuration; only the suites differ. Everything of
apt's (lists, cache, state) is private and lies below build/vm, nothing is installed. What was once
fetched is kept: a second run asks nobody. --refresh looks for newer versions.
"""

import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / os.environ.get("O", "build") / "vm"
PICKED = FOLDER / "kernels.json"
SUITES = ("bullseye", "bookworm", "bookworm-backports", "trixie", "sid")
SERIES = ("5.10", "6.1", "6.12", "newest")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
IMAGE = re.compile(r"^Package: linux-(image|binary)-(\d+\.\d+\S*-cloud-amd64)$", re.MULTILINE)


class Missing(Exception):
    """What the mirror does not have, or what an image does not hold."""


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
        self.environment = dict(os.environ, APT_CONFIG=str(folder / "apt.conf"))

    def run(self, *words, cwd=None):
        done = subprocess.run(words, env=self.environment, cwd=cwd, capture_output=True, text=True)
        if done.returncode:
            raise Missing(f"{' '.join(words[:2])}: {done.stderr.strip().splitlines()[-1:]}")
        return done.stdout

    def update(self):
        """A suite that the mirror no longer carries must not hide the others."""
        subprocess.run(["apt-get", "-q", "update"], env=self.environment, capture_output=True)

    def images(self):
        """{release: package} of every kernel image; linux-binary-… is where newer ones keep it."""
        found = {}
        for target in self.run("apt-get", "indextargets", "--format", "$(FILENAME)",
                               "Created-By: Packages").split():
            index = self.run("/usr/lib/apt/apt-helper", "cat-file", target)
            for kind, release in IMAGE.findall(index):
                if kind == "binary" or release not in found:
                    found[release] = f"linux-{kind}-{release}"
        return found


def release_key(release):
    """5.10.0-32, 6.12.117+deb13, 6.12.90+deb12.1: the numbers decide."""
    return [int(n) for n in re.findall(r"\d+", release.partition("-cloud")[0])]


def pick(releases, series):
    """The newest release of a series. A backport's +deb12 is below the same version's +deb13."""
    fitting = [r for r in releases if series == "newest" or r.startswith(series + ".")]
    if not fitting:
        raise Missing(f"no index of this machine's mirror has a {series} cloud kernel")
    return max(fitting, key=release_key)


MAGICS = {b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b": "gzip",
          b"\x02\x21\x4c\x18": "lz4"}


def vmlinux_of(image):
    """The ELF file inside a bzImage (Documentation/arch/x86/boot.rst: setup_sects, payload_*)."""
    data = image.read_bytes()
    setup = ((data[0x1f1] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", data, 0x248)
    payload = data[setup + offset:setup + offset + length]
    tool = next((t for magic, t in MAGICS.items() if payload.startswith(magic)), None)
    if not tool:
        raise Missing(f"{image.name}: payload of an unknown compression")
    # The kernel appends the length, at which each tool complains after it has done its work.
    vmlinux = subprocess.run([tool, "-dc"], input=payload, capture_output=True).stdout
    if not vmlinux.startswith(b"\x7fELF"):
        raise Missing(f"{image.name}: {tool} found no ELF file in it")
    return vmlinux


def section_of(elf, wanted):
    """One section of a 64-bit little-endian ELF file."""
    table, = struct.unpack_from("<Q", elf, 40)
    entry_size, entries, names = struct.unpack_from("<HHH", elf, 58)
    headers = [struct.unpack_from("<II4Q", elf, table + i * entry_size) for i in range(entries)]
    names_at = headers[names][4]
    for name, _, _, _, offset, size in headers:
        start = names_at + name
        if elf[start:elf.index(b"\0", start)] == wanted:
            return elf[offset:offset + size]
    raise Missing(f"no section {wanted.decode()}")


def unpack(package, release):
    """From the .deb to build/vm/RELEASE/vmlinuz and build/vm/btf/RELEASE.btf."""
    scratch = FOLDER / "unpacked"
    shutil.rmtree(scratch, ignore_errors=True)
    subprocess.run(["dpkg", "-x", package, scratch], check=True)
    images = list(scratch.rglob("vmlinuz*"))
    if not images:
        raise Missing(f"{package.name} holds no vmlinuz")
    (FOLDER / "btf").mkdir(exist_ok=True)
    (FOLDER / "btf" / f"{release}.btf").write_bytes(section_of(vmlinux_of(images[0]), b".BTF"))
    (FOLDER / release).mkdir(exist_ok=True)
    shutil.move(images[0], FOLDER / release / "vmlinuz")
    shutil.rmtree(scratch)


def fetch(apt, release, name):
    if (FOLDER / release / "vmlinuz").exists():
        return
    print(f"  FETCH    {name}", flush=True)
    folder = FOLDER / "packages"
    folder.mkdir(exist_ok=True)
    apt.run("apt-get", "-q", "download", name, cwd=folder)
    package = next(folder.glob(f"{name}_*.deb"))
    unpack(package, release)
    package.unlink()


def kernels(refresh=False):
    """{series: path of its vmlinuz, or why there is none}, fetched when they are not here yet."""
    if PICKED.exists() and not refresh:
        picked = json.loads(PICKED.read_text())
    else:
        apt = Apt(FOLDER / "apt")
        apt.update()
        images, picked = apt.images(), {}
        for series in SERIES:
            try:
                picked[series] = pick(images, series)
                fetch(apt, picked[series], images[picked[series]])
            except Missing as why:
                picked[series] = None
                print(f"  MISSING  {series}: {why}", file=sys.stderr)
        if all(picked.values()):
            PICKED.write_text(json.dumps(picked, indent=1) + "\n")
    return {series: FOLDER / release / "vmlinuz" if release else None
            for series, release in picked.items()}


def main():
    found = kernels(refresh="--refresh" in sys.argv[1:])
    for series, image in found.items():
        print(f"{series:8} {image.parent.name if image else 'none'}")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
