# SPDX-License-Identifier: GPL-2.0-only
"""Names that a watched process chooses: none may drive a terminal, end a line or forge a field."""

import contextlib
import gzip
import json
import os
import re
import shutil
import subprocess

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

import rows
import workload
from agent import Agent

NAMES = {
    "terminal": b"\x1b[2J\x1b]0;x\x07\x7f",
    "line": b"new\nline\r\ttab",
    "quotes": b"q\"'`$(id)",
    "backslash": b"a\\n\\\"b\\",
    "invalid": b"\xff\xfe\xc3(\xed\xa0\x80\xf8",
    "cut": "äääääääääää".encode(),  # the kernel keeps 15 bytes of a comm: half a letter
    "c1": "\u0085\u009b2J".encode(),
    "bidi": "\u202egpj.exe\u2066".encode(),
    "markup": b"<script>alert(1)&amp;",
    "label": b"x\",pid=\"1\"} 7 #",
    "stack": b"a;b c;d 12",
    "stat": b") R 1 (x) S 0",
    "format": b"%s%n%s {} [0]",
}
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def escape(name):
    """agent/model/escape.h said again: bytes to what every output shows."""
    shown = []
    for character in name.decode("utf-8", "surrogateescape"):
        code = ord(character)
        raw = character.encode("utf-8", "surrogateescape")
        if character == "\\":
            shown.append("\\\\")
        elif code < 32 or 127 <= code < 160 or 0xDC80 <= code <= 0xDCFF or character in BIDI:
            shown.append("".join(f"\\x{byte:02x}" for byte in raw))
        else:
            shown.append(character)
    return "".join(shown)


def assert_tame(output):
    """UTF-8 without a control but the ends of lines, and none that turns the direction."""
    text = output.decode("utf-8")
    wild = [c for c in text if c in BIDI or (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160]
    assert not wild, f"{wild[:5]} in the output"
    return text


@pytest.fixture(scope="module")
def hostile(workloads, tmp_path_factory):
    """{name: running workload} whose program file, and so its comm, is called like that."""
    folder = tmp_path_factory.mktemp("hostile")
    with contextlib.ExitStack() as stack:
        running = {}
        for name, raw in NAMES.items():
            path = os.path.join(os.fsencode(folder), name.encode(), raw)
            os.makedirs(os.path.dirname(path))
            shutil.copy(workloads / "fds", path)
            running[name] = stack.enter_context(
                workload.Workload(path, "eventfd", folder / name, "--leak", 20))
            running[name].path = path
            running[name].read()
        yield running


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, timeout=60)
    assert_tame(done.stderr)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_top_json_by_proc(seep, hostile, name):
    """Without BPF the names come out of /proc/PID/stat, which they can confuse."""
    seen = rows.top(seep, "-p", hostile[name].pid, before=rows.WITHOUT_BPF,
                    complaint=rows.FALLS_BACK)
    row = rows.find(seen, pid=hostile[name].pid, resource="fd", kind="eventfd")[0]
    assert row["comm"] == escape(NAMES[name][:15])
    assert row["exe"] == escape(hostile[name].path)


@pytest.mark.parametrize("name", NAMES)
def test_top_json(seep, hostile, name):
    text = assert_tame(run(seep, "top", "--once", "--json", "-p", hostile[name].pid))
    row = rows.find(rows.parse(text), pid=hostile[name].pid, resource="fd", kind="eventfd")[0]
    assert row["comm"] == escape(NAMES[name][:15])
    assert row["exe"] == escape(hostile[name].path)


def test_top_text(seep, hostile):
    assert_tame(run(seep, "top", "--once"))


@pytest.mark.parametrize("accept,parse", [
    ("text/plain", parser.text_string_to_metric_families),
    ("application/openmetrics-text", openmetrics.text_string_to_metric_families)],
    ids=["text", "openmetrics"])
def test_metrics(seep, hostile, tmp_path, accept, parse):
    with Agent(seep, tmp_path) as agent:
        text = assert_tame(agent.get("/metrics", accept).encode())
        groups = {sample.labels["group"] for family in parse(text) for sample in family.samples
                  if "group" in sample.labels}
        page = assert_tame(agent.get("/").encode())
        log = agent.log.read_bytes()
    for name, raw in NAMES.items():
        assert f"session/{escape(raw)}" in groups, name
    assert "<script>alert" not in page
    assert_tame(log)


@pytest.mark.parametrize("name", ["terminal", "line", "invalid", "stat"])
def test_check(seep, hostile, name):
    assert_tame(run(seep, "check", "-p", hostile[name].pid))
    text = assert_tame(run(seep, "check", "--json", "-p", hostile[name].pid))
    assert all(isinstance(json.loads(line), dict) for line in text.splitlines())


@pytest.mark.parametrize("name", ["terminal", "line", "invalid", "stack"])
def test_explain(seep, hostile, tmp_path, name):
    """One run writes three formats; the module of its sites is the hostile file itself."""
    pid = hostile[name].pid
    text = assert_tame(run(seep, "explain", "-p", pid, "--duration", "3s", "--resource", "fd",
                           "--json", "--pprof", tmp_path / "pprof", "--folded",
                           tmp_path / "folded"))
    sites = [json.loads(line) for line in text.splitlines()]
    modules = {frame["module"] for site in sites for frame in site.get("stack", [])}
    assert escape(hostile[name].path) in modules
    for line in assert_tame((tmp_path / "folded").read_bytes()).splitlines():
        assert re.fullmatch(r"\S[^;]*(;[^;]+)* \d+", line), line
    profile = gzip.decompress((tmp_path / "pprof").read_bytes())
    assert NAMES[name] not in profile or escape(NAMES[name]).encode() == NAMES[name]


def test_explain_text(seep, hostile):
    assert_tame(run(seep, "explain", "-p", hostile["terminal"].pid, "--duration", "2s",
                    "--resource", "fd"))


def test_cgroup_name(seep, workloads, tmp_path):
    """A group is named after a cgroup, which a container's owner may call as he likes."""
    root = b"/sys/fs/cgroup/systemd" if os.path.isdir("/sys/fs/cgroup/systemd") else b"/sys/fs/cgroup"
    name = b"evil\"\x1b[2J\xff}.service"
    path = os.path.join(root, name)
    try:
        os.mkdir(path)
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error.strerror}")
    try:
        with workload.Workload(workloads / "fds", "eventfd", tmp_path) as running:
            running.read()
            with open(os.path.join(path, b"cgroup.procs"), "w") as procs:
                procs.write(str(running.pid))
            seen = rows.parse(assert_tame(run(seep, "top", "--once", "--json", "-p", running.pid)))
            assert seen[0]["group"] == escape(name) + "/fds"
    finally:
        os.rmdir(path)
