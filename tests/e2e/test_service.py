# SPDX-License-Identifier: GPL-2.0-only
"""The shipped service file: what it takes away is not missed. systemd need not run here."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.request

import pytest

import prometheus_server

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy/systemd/seep.service"
NOBODY = 65534


def settings(name):
    """All words of a setting that may be given several times."""
    return [word for line in UNIT.read_text().splitlines() if line.startswith(name + "=")
            for word in line.partition("=")[2].split()]


def with_unit_capabilities(*command, without=()):
    names = [word.lower().removeprefix("cap_") for word in settings("CapabilityBoundingSet")]
    kept = ",".join("+" + name for name in names if name not in without)
    return ["setpriv", f"--bounding-set=-all,{kept}", *command]


def rows_of(pid, *command):
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in text.splitlines()]
    return {(row["resource"], row["kind"]): (row["live"], row.get("reason")) for row in rows
            if row["pid"] == pid and row["resource"] != "memory"}


@pytest.fixture
def stranger():
    """A process of another user."""
    with subprocess.Popen(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                           "sleep", "60"]) as process:
        time.sleep(0.3)
        yield process.pid
        process.kill()


def test_capabilities_suffice_for_a_census(seep, stranger):
    look = [seep, "top", "--once", "--json", "-p", str(stranger)]
    everything = rows_of(stranger, *look)
    assert everything[("fd", None)][0] == len(list(pathlib.Path(f"/proc/{stranger}/fd").iterdir()))
    assert rows_of(stranger, *with_unit_capabilities(*look)) == everything


def allowed_calls():
    """The names in the unit's filter, with systemd's own sets spelled out."""
    names, groups = set(), [word for word in settings("SystemCallFilter")]
    while groups:
        word = groups.pop()
        if not word.startswith("@"):
            names.add(word)
            continue
        text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", word], check=True,
                              capture_output=True, text=True).stdout
        groups += re.findall(r"^    (@?[\w-]+)$", text, re.MULTILINE)
    return names


def traced_calls(seep, folder):
    """The system calls of all seep processes: start, censuses, a scrape, the end."""
    target, trace = f"127.0.0.1:{prometheus_server.free_port()}", folder / "trace"
    command = with_unit_capabilities(
        "strace", "-f", "-qq", "-e", "signal=none", "-o", trace, seep, "agent",
        f"--web.listen-address={target}", "--interval=500ms", "--trend.window=10s",
        f"--state.directory={folder}")
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://{target}/metrics", timeout=5) as answer:
                    assert b"seep_group_live" in answer.read()
                    break
            except OSError:
                time.sleep(0.5)
        time.sleep(2)
        # strace keeps the signal for itself; its only child is the agent.
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        os.kill(int(children), signal.SIGTERM)
        process.wait(30)
    return set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))


def test_system_calls_are_in_the_filter(seep, tmp_path):
    calls = traced_calls(seep, tmp_path)
    assert {"bpf", "read"} <= calls
    assert calls - allowed_calls() == set()
