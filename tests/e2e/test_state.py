# SPDX-License-Identifier: GPL-2.0-only
"""--state.directory: trends outlive the agent, whatever ends it."""

import concurrent.futures
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest

from agent import Agent

WINDOW = 1.5  # seconds; a leak is proved by 28 of them and more
FAST = (f"--trend.window={WINDOW}s", "--interval=75ms")
LOOK = 0.5  # seconds that looking may take

pytestmark = pytest.mark.played

LEAK = """
import os, resource, time
resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
while True:
    os.eventfd(0)
    time.sleep(0.1)
"""


@pytest.fixture
def leak():
    with subprocess.Popen([sys.executable, "-c", LEAK]) as process:
        yield process.pid
        process.kill()


def start(seep, tmp_path, name, *options):
    """An agent with a state directory of this name; the next of the name goes on with it."""
    return Agent(seep, tmp_path / name, *FAST, f"--state.directory={tmp_path / name / 'state'}", *options)


def end(agent, by):
    os.kill(agent.pid, by)
    agent.process.wait(5)


def is_leaking(agent, pid):
    return any(line.startswith("seep_verdict{") and f'pid="{pid}"' in line and 'verdict="leaking"' in line
               for line in agent.get().splitlines())


def trends(seep, agent, pid):
    """{(resource, kind): row} of what seep top knows of a process from an agent."""
    text = subprocess.run([seep, "top", "--once", "--json", "-p", str(pid)], check=True, text=True,
                          capture_output=True, env=agent.environment).stdout
    return {(row["resource"], row["kind"]): row for row in map(json.loads, text.splitlines())}


def complaints(agent):
    return [line for line in agent.log.read_text().splitlines()
            if "state:" in line and not re.search(r"\d+ of \d+ trends go on", line)]


def look_until(agents, pid, proved, deadline):
    """Note the moment when each agent calls the process a leak, until the deadline or all have."""
    while len(proved) < len(agents) and time.monotonic() < deadline:
        for name in agents.keys() - proved.keys():
            if is_leaking(agents[name], pid):
                proved[name] = time.monotonic()
        time.sleep(0.1)


@pytest.mark.timeout(180)
def test_a_restarted_agent_proves_a_leak_when_it_would_have(seep, tmp_path, leak):
    ends = {"kept": None, "killed": signal.SIGKILL, "terminated": signal.SIGTERM}
    with concurrent.futures.ThreadPoolExecutor() as pool:  # at once: they are to see the same
        agents = dict(zip(ends, pool.map(lambda name: start(seep, tmp_path, name), ends)))
    proved, begin = {}, time.monotonic()
    try:
        look_until(agents, leak, proved, begin + 15 * WINDOW)
        assert not proved
        for name, by in ends.items():
            if by:
                end(agents[name], by)
                agents[name] = start(seep, tmp_path, name)
                assert "trends go on" in agents[name].log.read_text()
                row = trends(seep, agents[name], leak)["fd", "eventfd"]
                assert row["verdict"] != "unknown" and row["rate_per_hour"] is not None
        look_until(agents, leak, proved, begin + 70 * WINDOW)
        print({name: round((at - begin) / WINDOW, 2) for name, at in proved.items()}, "windows")
        for name in ends:
            assert not complaints(agents[name])
            assert abs(proved[name] - proved["kept"]) <= WINDOW + LOOK, proved
    finally:
        for agent in agents.values():
            agent.close()


def test_kill_9_at_any_moment_leaves_what_can_be_loaded(seep, tmp_path):
    moments = random.Random(3)
    found = 0
    for i in range(20):
        agent = start(seep, tmp_path, "agent", "--trend.window=1s", "--interval=50ms")
        time.sleep(moments.uniform(0, 0.4))
        end(agent, signal.SIGKILL)
        assert not complaints(agent)
        found += "trends go on" in agent.log.read_text()
    assert found == 19
    assert not list((tmp_path / "agent" / "state").glob("*.bad"))


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("names, goes_on", [
    (["trends"], True), (["trends", "trends.old"], False), (["journal"], True)])
def test_a_corrupt_file_is_set_aside_with_one_warning(seep, tmp_path, names, goes_on):
    # A snapshot each second, so that the journal fills between two, however slow the censuses are.
    slow = "--trend.window=8s"
    state = tmp_path / "agent" / "state"
    first = start(seep, tmp_path, "agent", slow)
    deadline = time.monotonic() + 90
    while not (state / "trends.old").exists() or (state / "journal").stat().st_size < 100:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    end(first, signal.SIGKILL)
    for name in names:
        damage(state / name)
    with start(seep, tmp_path, "agent", slow) as agent:
        assert len(complaints(agent)) == 1, agent.log.read_text()
        assert "set aside" in complaints(agent)[0]
        assert {f"{name}.bad" for name in names} == {path.name for path in state.glob("*.bad")}
        assert ("trends go on" in agent.log.read_text()) == goes_on
        assert agent.sample("seep_lost_events_total", topic="state", reason="write_failed") == 0


def test_a_directory_that_others_may_write_to_is_not_used(seep, tmp_path):
    state = tmp_path / "agent" / "state"
    state.mkdir(parents=True)
    state.chmod(0o777)
    with start(seep, tmp_path, "agent") as agent:
        assert agent.sample("seep_lost_events_total", topic="state", reason="refused") == 1
        assert len(complaints(agent)) == 1
    assert not list(state.iterdir())


def test_another_window_begins_anew(seep, tmp_path):
    with start(seep, tmp_path, "agent"):
        time.sleep(1)
    with start(seep, tmp_path, "agent", "--trend.window=4s") as agent:
        (line,) = complaints(agent)
        assert "another --trend.window" in line
