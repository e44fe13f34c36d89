# SPDX-License-Identifier: GPL-2.0-only
"""What agent/probe/kernel_types.c copies of the kernel's types is all that the BPF objects ask for: of a
type that is missing there, a field would be taken for one that this kernel has not."""

import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("O", "build")
KERNEL = pathlib.Path("/sys/kernel/btf/vmlinux")
BPFTOOL = "/usr/sbin/bpftool"


def held_by_value(types, of):
    """The numbers of types, and of all that they hold but by a pointer."""
    found, left = set(), list(of)
    while left:
        number = left.pop()
        if number in found or number not in types or types[number]["kind"] == "PTR":
            continue
        found.add(number)
        left += [member["type_id"] for member in types[number].get("members", [])]
        left += [types[number].get("type_id", 0)]
    return found


@pytest.mark.skipif(not KERNEL.exists(), reason="this kernel has no BTF")
def test_every_type_that_is_asked_for_is_copied(tmp_path):
    objects = sorted((BUILD / "bpf").glob("*.bpf.o"))
    names = set(re.findall(r'"(\w+)"', (BUILD / "bpf/kernel_types.inc").read_text()))
    least = tmp_path / "least.btf"
    subprocess.run([BPFTOOL, "gen", "min_core_btf", KERNEL, least, *objects], check=True)
    dump = subprocess.run([BPFTOOL, "--json", "btf", "dump", "file", least], check=True,
                          capture_output=True, text=True).stdout
    types = {row["id"]: row for row in json.loads(dump)["types"]}
    asked = {number: row["name"] for number, row in types.items()
             if row["kind"] in ("STRUCT", "UNION", "ENUM", "ENUM64") and row["name"] != "(anon)"}
    assert "task_struct" in asked.values()
    copied = held_by_value(types, [n for n, name in asked.items() if name in names])
    assert {name for number, name in asked.items() if number not in copied} == set()
