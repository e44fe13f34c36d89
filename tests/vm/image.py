# SPDX-License-Identifier: GPL-2.0-only
"""Packs the guest: busybox, seep and what it links, workloads, BPF objects, and the guest's script."""

import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
STAY_OUT = {"pool"}  # its peer, a database, is not there


def libraries(programs):
    """Every file that the loader maps for them, the loader included."""
    found = set()
    for program in programs:
        text = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        found.update(re.findall(r"/\S+", text))
    return sorted(found)


def programs_of(build):
    folders = (build / "workloads", build / "tests/vm")
    return [build / "seep", *sorted(p for f in folders for p in f.iterdir()
                                       if not p.suffix and p.name not in STAY_OUT)]


def copy(source, root, place):
    target = root / place.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755)


def lay_out(build, root):
    """The tree as the guest sees it; programs lie in /seep."""
    for folder in ("bin", "dev", "proc", "sys", "tmp", "run", "etc", "root", "seep"):
        (root / folder).mkdir(parents=True)
    copy(shutil.which("busybox"), root, "bin/busybox")
    copy(HERE / "guest/init", root, "init")
    copy(HERE / "guest/cases", root, "seep/cases")
    for program in programs_of(build):
        copy(program, root, f"seep/{program.name}")
    for item in sorted((build / "bpf").glob("*.bpf.o")):
        copy(item, root, f"seep/{item.name}")
    for library in libraries(programs_of(build)):
        copy(library, root, library)


def pack(build):
    """Write build/vm/guest.cpio and return its path. Not compressed: the guest's processor is slow."""
    root, archive = build / "vm/guest", build / "vm/guest.cpio"
    shutil.rmtree(root, ignore_errors=True)
    lay_out(build, root)
    names = "\n".join(str(p.relative_to(root)) for p in sorted(root.rglob("*"))) + "\n"
    with archive.open("wb") as out:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=root, input=names.encode(),
                       stdout=out, check=True)
    shutil.rmtree(root)
    return archive
