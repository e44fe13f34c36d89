#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fetches Debian's own kernels: one of each wanted series, and the newest that there is.

    O=build python3 tests/vm/kernels.py [--refresh]

They come as tests/mirror.py says, and nothing is installed. What was once fetched is kept: a second
run asks nobody. --refresh looks for newer versions.
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
sys.path.insert(0, str(ROOT / "tests"))
from mirror import Apt, Missing  # noqa: E402

FOLDER = ROOT / os.environ.get("O", "build") / "vm"
PICKED = FOLDER / "kernels.json"
SERIES = ("5.10", "6.1", "6.12", "newest")
IMAGE = re.compile(r"^Package: linux-(image|binary)-(\d+\.\d+\S*-cloud-amd64)$", re.MULTILINE)


def images(apt):
    """{release: package} of every kernel image; linux-binary-… is where newer ones keep it."""
    found = {}
    for index in apt.indexes():
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


def fetch(apt, release, name):
    """From the package to build/vm/RELEASE/vmlinuz and build/vm/btf/RELEASE.btf."""
    if (FOLDER / release / "vmlinuz").exists():
        return
    scratch = FOLDER / "unpacked"
    shutil.rmtree(scratch, ignore_errors=True)
    apt.unpack(name, scratch)
    found = list(scratch.rglob("vmlinuz*"))
    if not found:
        raise Missing(f"{name} holds no vmlinuz")
    (FOLDER / "btf").mkdir(exist_ok=True)
    (FOLDER / "btf" / f"{release}.btf").write_bytes(section_of(vmlinux_of(found[0]), b".BTF"))
    (FOLDER / release).mkdir(exist_ok=True)
    shutil.move(found[0], FOLDER / release / "vmlinuz")
    shutil.rmtree(scratch)


def kernels(refresh=False):
    """{series: path of its vmlinuz, or why there is none}, fetched when they are not here yet."""
    if PICKED.exists() and not refresh:
        picked = json.loads(PICKED.read_text())
    else:
        apt = Apt(FOLDER.parent / "mirror")
        apt.update()
        packages, picked = images(apt), {}
        for series in SERIES:
            try:
                picked[series] = pick(packages, series)
                fetch(apt, picked[series], packages[picked[series]])
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
