# SPDX-License-Identifier: GPL-2.0-only
"""The runner counts what happened: a crash, a silence or a wrong exit is a failure."""

import os
import pathlib
import subprocess
import sys

import pytest

RUN = pathlib.Path(__file__).resolve().parents[1] / "run.py"

PROGRAMS = {
    "passes": ("echo 1..2; echo ok 1 - a; echo ok 2 - b", "2 passed, 0 failed, 0 skipped"),
    "fails": ("echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1",
              "1 passed, 1 failed, 0 skipped"),
    "skips": ("echo 1..2; echo ok 1 - a; echo '# no root'; echo not ok 2 '# SKIP' b",
              "1 passed, 0 failed, 1 skipped"),
    "crashes": ("echo 1..3; echo ok 1 - a; kill -SEGV $$", "1 passed, 1 failed, 0 skipped"),
    "stops_short": ("echo 1..3; echo ok 1 - a; exit 0", "1 passed, 1 failed, 0 skipped"),
    "is_silent": ("exit 0", "0 passed, 1 failed, 0 skipped"),
    "lies": ("echo 1..1; echo ok 1 - a; exit 3", "1 passed, 1 failed, 0 skipped"),
    "two_groups": ("echo 1..1; echo ok 1 - a; echo 1..1; echo ok 1 - b",
                   "2 passed, 0 failed, 0 skipped"),
}


def run(build, *words, **environment):
    return subprocess.run([sys.executable, RUN, *words], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, O=str(build), **environment))


@pytest.mark.parametrize("name", PROGRAMS)
def test_unit_program(tmp_path, name):
    script, closing = PROGRAMS[name]
    program = tmp_path / "tests/unit" / f"{name}_test"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    done = run(tmp_path, "unit")
    assert done.stdout.splitlines()[-1] == closing
    assert done.returncode == (0 if " 0 failed" in closing else 1)


def test_reason_of_a_skip_is_shown(tmp_path):
    program = tmp_path / "tests/unit/skips_test"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{PROGRAMS['skips'][0]}\n")
    program.chmod(0o755)
    assert "SKIPPED skips_test b: no root" in run(tmp_path, "unit").stdout


def test_unknown_suite(tmp_path):
    done = run(tmp_path, "nonsense")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_what_a_killed_run_left_is_cleared(tmp_path):
    """And what one that is alive has is not."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, used = (tmp_path / f"seep-test-{pid}-x" for pid in (ended.pid, os.getpid()))
    for folder in (left, used):
        (folder / "server").mkdir(parents=True)
    run(tmp_path, "check", "--", "-k", "no_test_has_this_name", TMPDIR=str(tmp_path))
    assert list(tmp_path.glob("seep-test-*")) == [used]
