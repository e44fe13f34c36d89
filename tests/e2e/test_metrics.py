# SPDX-License-Identifier: GPL-2.0-only
"""What the agent exports about a process whose books are known, and that all of it is well-formed."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from agent import Agent, children
from conftest import ROOT

pytestmark = pytest.mark.waits

HOARDER = """
import os, resource, sys, time
limit = 4096 if "leak" in sys.argv else 512
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
kept = [os.eventfd(0) for _ in range(37)] + [os.pipe() for _ in range(4)]
while "leak" in sys.argv:
    kept.append(os.eventfd(0))
    time.sleep(0.1)
time.sleep(600)
"""
TABLE = re.findall(r'X\(\w+, "(\w+)"', (ROOT / "exporters/metrics.h").read_text())


class Scraped(Agent):
    """An agent whose metrics are read by Prometheus's own parser."""

    def wait(self, condition, seconds=30):
        """The first true answer of the condition."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()
            if found := condition():
                return found
            time.sleep(0.05)
        return pytest.fail(f"not within {seconds} s; the agent said: {self.log.read_text()}")

    def rows(self, name, **labels):
        """[(labels, value)] of the samples of this name that have these labels."""
        return [(s.labels, s.value)
                for family in parser.text_string_to_metric_families(self.get())
                for s in family.samples
                if s.name == name and labels.items() <= s.labels.items()]

    def value(self, name, **labels):
        found = self.rows(name, **labels)
        assert len(found) == 1, found
        return found[0][1]


@pytest.fixture
def agent(seep, tmp_path):
    with Scraped(seep, tmp_path, "--interval=200ms", "--trend.window=4s") as running:
        yield running


def start_hoarder(folder, name, *arguments):
    """A copy of the interpreter under a name of its own is a group of its own."""
    path = folder / name
    shutil.copy(shutil.which("python3", path="/usr/bin"), path)
    return subprocess.Popen([path, "-c", HOARDER, *arguments])


@pytest.fixture
def hoarder(tmp_path):
    process = start_hoarder(tmp_path, "seep-hoarder")
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def leaker(tmp_path):
    process = start_hoarder(tmp_path, "seep-leaker", "leak")
    yield process
    process.kill()
    process.wait()


def group_of(agent, name):
    return agent.wait(lambda: [labels["group"] for labels, _ in agent.rows("seep_group_processes")
                               if labels["group"].endswith("/" + name)])[0]


def test_well_formed(agent, hoarder):
    group_of(agent, "seep-hoarder")
    check = subprocess.run(["promtool", "check", "metrics"], input=agent.get(), text=True,
                           capture_output=True)
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")
    opened = agent.get(accept="application/openmetrics-text")
    names = {sample.name for family in openmetrics.text_string_to_metric_families(opened)
             for sample in family.samples}
    assert not names - set(TABLE)
    assert {"seep_group_live", "seep_group_bound", "seep_rung_info", "seep_build_info",
            "seep_census_seconds", "seep_lost_events_total", "process_cpu_seconds_total"} <= names


def test_counts_and_bounds(agent, hoarder):
    group = group_of(agent, "seep-hoarder")
    agent.wait(lambda: agent.rows("seep_group_live", group=group, kind="eventfd") and
               agent.value("seep_group_live", group=group, kind="eventfd") == 37 and
               agent.rows("seep_group_live", group=group, kind="pipe"))
    assert agent.value("seep_group_live", group=group, kind="pipe") in (8, 9, 10, 11)
    assert agent.value("seep_group_live", group=group, resource="thread", kind="all") == 1
    assert agent.value("seep_group_processes", group=group) == 1
    assert agent.value("seep_group_bound", group=group, resource="fd",
                       source="RLIMIT_NOFILE") == 512
    total = sum(value for _, value in agent.rows("seep_group_live", group=group, resource="fd"))
    assert agent.value("seep_group_bound_used", group=group, resource="fd") == total
    anon = agent.value("seep_group_live_bytes", group=group, resource="memory", kind="anon")
    assert 1 << 20 < anon < 1 << 28
    assert not agent.rows("seep_process_live", pid=str(hoarder.pid))


@pytest.mark.timeout(90)
def test_suspect(agent, leaker):
    """Rows of one process appear when it leaks, with its verdict and the time that is left."""
    pid = str(leaker.pid)
    verdict = agent.wait(lambda: agent.rows("seep_verdict", pid=pid, kind="eventfd"), 60)[0][0]
    assert verdict["verdict"] in ("growing", "leaking")
    live = agent.rows("seep_process_live", pid=pid, resource="fd")
    assert all(float(labels["start_time"]) > time.time() - 120 for labels, _ in live)
    assert len({labels["kind"] for labels, _ in live}) == len(live)
    group = group_of(agent, "seep-leaker")
    rate = agent.value("seep_group_rate_per_hour", group=group, resource="fd", kind="eventfd")
    assert 0.3 * 36000 < rate < 1.2 * 36000
    eta = agent.wait(lambda: agent.rows("seep_eta_seconds", pid=pid, resource="fd", kind="eventfd"))
    assert 0 < eta[0][1] < 1500


def test_restart_keeps_the_group(agent, tmp_path):
    """A restarted service is the same series, and zero is a value of it in between."""
    first = start_hoarder(tmp_path, "seep-hoarder")
    group = group_of(agent, "seep-hoarder")
    agent.wait(lambda: agent.rows("seep_group_live", group=group, kind="eventfd"))
    first.kill()
    first.wait()
    agent.wait(lambda: agent.value("seep_group_processes", group=group) == 0)
    assert agent.value("seep_group_live", group=group, kind="eventfd") == 0
    second = start_hoarder(tmp_path, "seep-hoarder")
    agent.wait(lambda: agent.value("seep_group_live", group=group, kind="eventfd") == 37)
    second.kill()
    second.wait()


def test_web_child_is_replaced(agent):
    def web_children():
        return [pid for pid in children(agent.pid)
                if open(f"/proc/{pid}/comm", encoding="ascii").read() == "seep-web\n"]

    time.sleep(1.1)
    child = agent.wait(web_children)[0]
    os.kill(child, signal.SIGKILL)
    agent.wait(lambda: web_children() not in ([], [child]))
    assert agent.value("seep_lost_events_total", topic="web", reason="crashed") in (0, 1)
    agent.wait(lambda: agent.value("seep_lost_events_total", topic="web", reason="crashed") == 1)
