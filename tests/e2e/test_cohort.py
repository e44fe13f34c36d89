# SPDX-License-Identifier: GPL-2.0-only
"""Load is told from a leak by age: the trend follows what is older than a window."""

import contextlib
import subprocess
import sys
import time

import pytest

from agent import Agent

WINDOW = 5  # seconds of --trend.window
WATCHED = 6.5 * WINDOW  # one until the first come of age, three that must rise, and some

pytestmark = pytest.mark.played

# level(t) pipes are held that each live for less than a window, and `leak` a second for ever. Pipes,
# since an eventfd that takes the place of another at once is taken for the same.
LOAD = """
import collections, os, sys, time
level, leak, life = eval("lambda t: " + sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
begin, live, kept = time.monotonic(), collections.deque(), []
while True:
    t = time.monotonic() - begin
    while live and (live[0][0] < t - life or len(live) > level(t)):
        for end in live.popleft()[1]:
            os.close(end)
    while len(live) < level(t):
        live.append((t, os.pipe()))
    while len(kept) < leak * t:
        kept.append(os.pipe())
    time.sleep(0.02)
"""
RISING = ("10 * t", 0)
BURSTY = ("150 if t % 12 < 7 else 10", 2)


@pytest.fixture(scope="module")
def verdicts(seep, tmp_path_factory):
    """{load: its lines of seep_verdict that would alert, from all of the run}"""
    loads = {"rising": RISING, "bursty": BURSTY}
    with contextlib.ExitStack() as stack:
        agent = stack.enter_context(Agent(seep, tmp_path_factory.mktemp("agent"),
                                          f"--trend.window={WINDOW}s"))
        pids = {}
        for name, (level, leak) in loads.items():
            process = stack.enter_context(subprocess.Popen(
                [sys.executable, "-c", LOAD, level, str(leak), str(WINDOW / 2)]))
            stack.callback(process.kill)
            pids[name] = process.pid
        found = {name: set() for name in loads}
        end = time.monotonic() + WATCHED
        while time.monotonic() < end:
            lines = [line for line in agent.get().splitlines() if line.startswith("seep_verdict{")
                     and ('"growing"' in line or '"leaking"' in line)]
            for name, pid in pids.items():
                found[name] |= {line for line in lines
                                if f'pid="{pid}"' in line and 'resource="fd"' in line}
            time.sleep(0.5)
        return found


def test_load_that_rises_is_no_leak(verdicts):
    assert verdicts["rising"] == set()


def test_a_leak_shows_beneath_bursts(verdicts):
    assert any('kind="pipe"' in line for line in verdicts["bursty"])
