# SPDX-License-Identifier: GPL-2.0-only
"""What looks guilty and is not is left alone, while what is guilty beside it is found."""

import contextlib
import time

import pytest

import workload
from agent import Agent

pytestmark = pytest.mark.waits

WINDOW = 5  # seconds of --trend.window. Four have to pass before seep accuses anybody:
# one until the first descriptors are old, and three that rise.
WATCHED = 5.5 * WINDOW

# Shape and resource: seconds that the shape takes. A rise is judged over three windows, so what is to
# be told apart from a leak has to turn within them.
INNOCENTS = {
    "pool-fd": WINDOW,
    "cache-fd": WINDOW,
    "warmup-fd": WINDOW,
    "sawtooth-fd": 1.7 * WINDOW,
    "burst-fd": 1.1 * WINDOW,
    "step-fd": 1.5 * WINDOW,
    "wave-fd": 2 * WINDOW,
    "pool-thread": WINDOW,
    "sawtooth-heap": 1.7 * WINDOW,
    "cache-heap": WINDOW,
}
GUILTY = {"fds": "eventfd", "tasks": "thread", "memory": "malloc_large"}


@pytest.fixture(scope="module")
def accused(seep, workloads, tmp_path_factory):
    """{name: [lines of seep_verdict that would alert]} after all have run side by side."""
    folder = tmp_path_factory.mktemp("innocents")
    with contextlib.ExitStack() as stack:
        def start(program, name, *arguments):
            return stack.enter_context(
                workload.Workload(workloads / program, name, folder / name, *arguments))

        running = {name: start("innocents", name, "--size", 200, "--period", period)
                   for name, period in INNOCENTS.items()}
        running |= {name: start(program, name, "--leak", 5) for program, name in GUILTY.items()}
        agent = stack.enter_context(Agent(seep, folder, f"--trend.window={WINDOW}s"))
        time.sleep(WATCHED)
        lines = [line for line in agent.get().splitlines() if line.startswith("seep_verdict{")
                 and ('"growing"' in line or '"leaking"' in line)]
        return {name: [line for line in lines if f'pid="{process.pid}"' in line]
                for name, process in running.items()}


@pytest.mark.parametrize("name", INNOCENTS)
def test_innocent(accused, name):
    assert accused[name] == []


@pytest.mark.parametrize("name,resource", [("eventfd", "fd"), ("thread", "thread"),
                                           ("malloc_large", "memory")])
def test_guilty(accused, name, resource):
    assert any(f'resource="{resource}"' in line for line in accused[name])
