# SPDX-License-Identifier: GPL-2.0-only
"""What the agent exports of a Go program, against what the program says of itself."""

import re
import subprocess

import pytest

import gobooks
from agent import Agent
from patience import wait

LIMIT = 123 << 20


def rows(agent):
    """{what: value} of the one group with a program of that name."""
    found = re.findall(r'^seep_go_(\w+)\{group="[^"]*/gobooks-[\d.]+"\} (\S+)$', agent.get(), re.MULTILINE)
    return {what: float(value) for what, value in found}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("version", gobooks.ends())
def test_program(seep, version, tmp_path, monkeypatch):
    monkeypatch.setenv("GOMEMLIMIT", str(LIMIT))
    with Agent(seep, tmp_path, "--interval=500ms", "--trend.window=10s") as agent:
        with gobooks.Books(version, "full"):
            # A counter has a row when it has counted: a collection, and a tick of the program's CPU.
            wait(lambda: {"gc_cycles_total", "cpu_seconds_total"} <= rows(agent).keys())
            now = rows(agent)
            check = subprocess.run(["promtool", "check", "metrics"], input=agent.get(), text=True,
                                   capture_output=True)
        assert (check.returncode, check.stdout, check.stderr) == (0, "", "")
        assert now.keys() == {"goroutines", "goroutines_standard_error", "timers", "channel_timers",
                              "heap_live_bytes", "memory_limit_bytes",
                              "gc_cycles_total", "gc_cpu_ratio", "gc_cpu_seconds_total",
                              "cpu_seconds_total", "allocated_bytes_total"}
        assert now["goroutines_standard_error"] == 0  # they were all read
        assert now["memory_limit_bytes"] == LIMIT
        assert 1 <= now["goroutines"] < 100
        assert 1 << 16 < now["heap_live_bytes"] < LIMIT
        assert 0 <= now["gc_cpu_ratio"] <= 1
        wait(lambda: rows(agent)["heap_live_bytes"] == 0)  # it has ended
        after = rows(agent)
        assert after["goroutines"] == 0 and "memory_limit_bytes" not in after
        assert after["gc_cycles_total"] >= now["gc_cycles_total"]
