# SPDX-License-Identifier: GPL-2.0-only
"""A real Prometheus, the shipped rules with a short window, and the agent: who leaks is told, who
only looks so is not."""

import resource
import shutil
import subprocess
import time
import urllib.request

import pytest

import prometheus_server
import workload

pytestmark = pytest.mark.waits

WINDOW = 3  # seconds; growth is judged over 32 of them
SECONDS = 150
OPEN_FILES = 1024

# Group, program, its arguments.
GUILTY = [
    ("leaks-pipes", "fds", "pipe --leak 3 --churn 20"),
    ("leaks-threads", "tasks", "thread --leak 1"),
]
INNOCENT = [
    ("saw-tooth", "innocents", f"sawtooth-fd --size 200 --period {0.9 * WINDOW}"),
    ("daily", "innocents", f"wave-fd --size 200 --period {24 * WINDOW}"),
    ("warm-up", "innocents", f"warmup-fd --size 200 --period {20 * WINDOW}"),
    ("step", "innocents", f"step-thread --size 40 --period {10 * WINDOW}"),
    ("fills", "innocents", f"pool-fd --size 200 --period {16 * WINDOW}"),
]
FILLS_UP = ("fills-up", "innocents", f"pool-fd --size {OPEN_FILES - 40} --period {16 * WINDOW}")


def start(workloads, folder, row):
    """A workload under a name of its own, so that it is a group of its own."""
    group, program, arguments = row
    folder.mkdir()
    shutil.copy(workloads / program, folder / group)
    name, *options = arguments.split()
    return workload.Workload(folder / group, name, folder, *options, "--seconds", SECONDS + 60)


def start_limited(workloads, folder, row):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, before[1]))
    try:
        return start(workloads, folder, row)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Agent:
    def __init__(self, seep, folder):
        self.target = f"127.0.0.1:{prometheus_server.free_port()}"
        self.log = open(folder / "agent.log", "w")
        self.process = subprocess.Popen(
            [seep, "agent", f"--web.listen-address={self.target}", "--interval=500ms",
             "--trend.window=10s"], stdout=self.log, stderr=self.log)

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.target}/metrics", timeout=5) as answer:
            return answer.read().decode()

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


@pytest.fixture
def town(seep, workloads, tmp_path):
    """The agent, Prometheus over it, and all workloads."""
    running = [start(workloads, tmp_path / row[0], row) for row in GUILTY + INNOCENT]
    running.append(start_limited(workloads, tmp_path / FILLS_UP[0], FILLS_UP))
    agent = Agent(seep, tmp_path)
    try:
        with prometheus_server.Prometheus(tmp_path / "prometheus", agent.target,
                                          f"{WINDOW}s") as prometheus:
            yield prometheus
    finally:
        agent.close()
        for one in running:
            one.close()


def watch(prometheus, seconds, expected):
    """Every (group, alert) that fires, until the expected ones did or the time is over."""
    seen, end = set(), time.monotonic() + seconds
    while time.monotonic() < end and not expected <= seen:
        seen |= {(labels.get("group"), labels["alertname"]) for labels in prometheus.firing()}
        time.sleep(0.5)
    return seen


@pytest.mark.timeout(SECONDS + 60)
def test_a_leak_fires_and_an_innocent_does_not(town):
    expected = {(f"session/{group}", "SeepGrowing") for group, _, _ in GUILTY}
    expected |= {("session/fills-up", "SeepBoundSoon"), ("session/fills-up", "SeepBoundNear")}
    fired = watch(town, SECONDS, expected)
    assert expected - fired == set()
    innocent = {f"session/{group}" for group, _, _ in INNOCENT}
    assert {(group, alert) for group, alert in fired if group in innocent} == set()
    # Nothing was silent because nothing was seen.
    watched = {labels["group"] for labels, _ in town.values("seep:live:low")}
    assert innocent <= watched
    assert town.values("up")[0][1] == 1
