# SPDX-License-Identifier: GPL-2.0-only
"""The rules of the tree that a program can check."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("bpf", "agent", "exporters")
                 for path in (ROOT / folder).rglob("*.[ch]"))
TOP_LEVEL = {"Makefile", "bpf", "agent", "exporters", "tests", "deploy", "README.md", "LICENSE"}

LONGEST_FILE, LONGEST_BPF, LONGEST_FUNCTION = 500, 310, 80


def name(path):
    return str(path.relative_to(ROOT))


def includes(path):
    return re.findall(r'^#include "([^"]+)"', path.read_text(), re.M)


def tracked():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a checkout: what belongs to the tree is not known")
    return done.stdout.splitlines()


def test_top_level_is_what_the_design_names():
    found = {path.split("/")[0] for path in tracked()}
    assert {entry for entry in found if not entry.startswith(".")} <= TOP_LEVEL


# Who may include what, beside the folder itself and agent/base. Includes point one way:
# kernel, bpf, agent, exporters.
LAYERS = {
    "bpf/": ["bpf/", "agent/model/loss.h"],
    "agent/base/": ["agent/base/"],
    "agent/trend/": ["agent/base/", "agent/trend/"],
    "agent/model/": ["agent/base/", "agent/model/", "agent/trend/"],
    "agent/state/": ["agent/base/", "agent/model/", "agent/state/", "agent/trend/"],
    "agent/replay/": ["agent/base/", "agent/commands.h", "agent/model/", "agent/replay/",
                      "agent/trend/"],
    "exporters/": ["agent/base/", "agent/model/", "agent/trend/", "exporters/"],
    "agent/top/": ["agent/", "exporters/"],
    "agent/sites/": ["agent/base/", "agent/model/", "agent/sites/", "bpf/lib/"],
    # What both sides of a probe agree on is the probe's.
    "agent/runtime/go/": ["agent/base/", "agent/model/", "agent/runtime/go/", "agent/sites/",
                          "bpf/survivor.h"],
    "agent/probe/": ["agent/base/", "agent/model/", "agent/probe/", "agent/runtime/go/census.h",
                     "agent/sites/", "bpf/"],
    "agent/explain/": ["agent/base/", "agent/commands.h", "agent/explain/", "agent/model/",
                       "agent/probe/", "agent/runtime/go/", "agent/sites/", "bpf/",
                       "exporters/explain.h"],
}

# Of explain: what all sources share knows none of them, but for the table of them (source.h); and
# no source knows another.
SOURCES_OF_EXPLAIN = ["acquire", "go", "heap", "transaction"]


@pytest.mark.parametrize("folder", LAYERS)
def test_includes_point_one_way(folder):
    wrong = [f"{name(path)} includes {what}" for path in SOURCES if name(path).startswith(folder)
             for what in includes(path) if not what.startswith(tuple(LAYERS[folder]))]
    assert not wrong


def test_sources_of_explain_do_not_know_each_other():
    folders = {name: f"agent/explain/{name}/" for name in SOURCES_OF_EXPLAIN}
    assert set(folders) == {path.name for path in (ROOT / "agent/explain").iterdir() if path.is_dir()}
    wrong = [f"{name(path)} includes {what}" for path in SOURCES
             if name(path).startswith("agent/explain/") for what in includes(path)
             if any(what.startswith(folder) and not name(path).startswith(folder)
                    for folder in folders.values())]
    assert not wrong


def test_a_skeleton_is_included_by_one_topic_alone():
    users = {}
    for path in SOURCES:
        for what in includes(path):
            if what.endswith(".skel.h"):
                users.setdefault(what, set()).add(path)
    for skeleton, paths in users.items():
        topic = pathlib.Path(skeleton).name.split(".")[0]
        for path in paths:
            assert name(path).startswith("agent/probe/"), f"{name(path)} includes {skeleton}"
            assert path.stem.startswith(topic), f"{name(path)} includes {skeleton}"


def functions(path):
    """(name, lines) of each function of a C file in kernel form: its braces stand at column 0."""
    begin = None
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if line == "{":
            begin = number
        elif line == "}" and begin is not None:
            yield lines[begin - 1].strip(), number - begin - 1
            begin = None


def test_files_and_functions_are_short():
    long = []
    for path in SOURCES:
        if path.name == "vmlinux.h":
            continue
        lines = len(path.read_text().splitlines())
        if lines > (LONGEST_BPF if path.name.endswith(".bpf.c") else LONGEST_FILE):
            long.append(f"{name(path)}: {lines} lines")
        long += [f"{name(path)}: {what}: {lines} lines" for what, lines in functions(path)
                 if lines > LONGEST_FUNCTION]
    assert not long


def test_nine_functions_in_ten_are_under_45_lines_and_half_under_15():
    lengths = sorted(lines for path in SOURCES for _, lines in functions(path))
    assert len(lengths) > 300
    assert lengths[len(lengths) * 9 // 10] < 45
    assert lengths[len(lengths) // 2] < 15


def test_nothing_is_left_open():
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    open_ends = [f"{name(path)}:{number}" for path in SOURCES
                 for number, line in enumerate(path.read_text().splitlines(), 1) if mark.search(line)]
    assert not open_ends


def test_windows_know_who_is_in_the_way():
    """What is begun can be refused, and then they are asked for the process that keeps a lock."""
    ops = [(name(path), found[1]) for path in SOURCES
           for found in re.finditer(r"struct window_ops \w+ = \{(.*?)\};", path.read_text(), re.DOTALL)]
    assert len(ops) >= 3
    assert not [path for path, text in ops
                if not {".begin", ".obstacle", ".end", ".cost"} <= set(re.findall(r"\.\w+", text))]


def test_each_known_mistake_has_its_sentence():
    """What explain names as a pattern is in the table for people, and nothing else is."""
    words = r'"([a-z]+(?:-[a-z]+)+)"'
    named = {word for path in SOURCES if name(path).startswith(("agent/explain/", "agent/runtime/go/"))
             for word in re.findall(words, path.read_text())}
    told = set(re.findall(r"\{ " + words, (ROOT / "agent/model/mistake.c").read_text()))
    assert named - told == {"alloc-fn", "free-fn", "rw-p"}
    assert told <= named


def test_every_source_names_its_licence():
    bare = [path for path in tracked() if path.endswith((".c", ".h", ".py"))
            and "SPDX-License-Identifier: GPL-2.0-only" not in (ROOT / path).read_text()[:200]]
    assert not bare


def test_sources_have_the_format_of_the_tree():
    if subprocess.run(["which", "clang-format"], capture_output=True).returncode:
        pytest.fail("clang-format is in TEST_PACKAGES and not here")
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *SOURCES], capture_output=True, text=True)
    wrong = {line.split(":", 1)[0] for line in done.stderr.splitlines() if "error:" in line}
    assert not wrong, "make format mends these"
