# SPDX-License-Identifier: GPL-2.0-only
"""What a process holds in the kernel: descriptors, and by them links and programs of BPF."""

import json
import os
import subprocess


def descriptors(pid):
    """{number: what it is} of a process."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


def fdinfo(pid, fd):
    try:
        with open(f"/proc/{pid}/fdinfo/{fd}") as f:
            return dict(line.strip().split(":", 1) for line in f if ":" in line)
    except FileNotFoundError:
        return {}


def links(pid):
    """[(type, name)] of the BPF links that a process holds."""
    found = []
    for fd, what in descriptors(pid).items():
        if what not in ("anon_inode:bpf_link", "anon_inode:bpf-link"):
            continue
        info = fdinfo(pid, fd)
        name = info.get("tp_name") or info.get("target_name") or ""
        found.append((info.get("link_type", "").strip(), name.strip()))
    return found


def program_ids(pid):
    """Of the BPF programs that a process holds."""
    infos = [fdinfo(pid, fd) for fd, what in descriptors(pid).items() if "bpf-prog" in what]
    return {int(info["prog_id"]) for info in infos if "prog_id" in info}


def loaded_programs():
    """{id: name} of all BPF programs in the kernel. A name is cut to 15 bytes where the kernel has no
    types of the program."""
    text = subprocess.run(["/usr/sbin/bpftool", "-j", "prog", "show"], check=True,
                          capture_output=True, text=True).stdout
    return {row["id"]: row.get("name", "") for row in json.loads(text)}
