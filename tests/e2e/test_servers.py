# SPDX-License-Identifier: GPL-2.0-only
"""Software that nobody here wrote, under load: counted rightly at rest, and not accused."""

import contextlib
import json
import subprocess
import time

import pytest

import rows
import servers
import workload
from agent import Agent

WINDOW = 5  # seconds of --trend.window; three have to pass
LOAD = 4 * WINDOW + 5
PATIENCE = 10 * WINDOW  # for an allocator that is still warming up: windows of seconds call that growing
EXPLAIN = 6
WARM_UP = 3  # until every connection is open and every path was taken once
SLACK = 40  # the load goes on until all is seen, however slow this machine; then it is ended


@pytest.fixture(scope="module")
def running():
    """All four at once, so that one wait serves them all."""
    with contextlib.ExitStack() as stack:
        yield {server.__name__: stack.enter_context(server()) for server in servers.ALL}


@pytest.mark.parametrize("name", [server.__name__ for server in servers.ALL])
def test_at_rest(seep, running, name):
    """After load: /proc/PID/task/*/fd and /proc/PID/task of each process."""
    running[name].load(2).wait(timeout=20)
    held = running[name].at_rest()
    seen = rows.counts(rows.top(seep))
    for pid, counts in held.items():
        exact = {key: live for key, live in counts.items()
                 if workload.resource_of(key) in workload.EXACT}
        assert workload.differences(exact, seen[pid]) == []


def accusations(agent, pids):
    """Verdicts that would alert, on these processes or on the groups that they are in."""
    return [line for line in agent.get().splitlines() if line.startswith("seep_verdict{")
            and any(f'verdict="{word}"' in line for word in ("growing", "leaking"))
            and any(f'pid="{pid}"' in line for pid in pids)]


class Guilty:
    """What the judges have to find beside the servers, or their silence says nothing."""

    def __init__(self, workloads, folder):
        self.leak = workload.Workload(workloads / "fds", "eventfd", folder, "--leak", 20)
        self.leak.read()

    def pids(self):
        return [self.leak.pid]


def explain_all(seep, judged):
    """{name: rows} of explaining the busiest process of each, all at once."""
    begun = {name: subprocess.Popen(
        [seep, "explain", "-p", str(busiest(server)), "--duration", f"{EXPLAIN}s", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE) for name, server in judged.items()}
    sites = {}
    for name, process in begun.items():
        output, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, f"{name}: {complaint.decode()}"
        sites[name] = [json.loads(line) for line in output.splitlines()]
    return sites


def verdicts_at_last(agent, judged, pids):
    """{name: accusations}, once those against the servers are gone; as they are when time is up."""
    end = time.monotonic() + PATIENCE
    while True:
        said = {name: accusations(agent, pids[name] | set(server.pids()))
                for name, server in judged.items()}
        if said["Guilty"] and not any(said[name] for name in said.keys() - {"Guilty"}):
            return said
        if time.monotonic() > end:
            return said
        time.sleep(WINDOW / 2)


@pytest.fixture(scope="module")
def loaded(seep, running, workloads, tmp_path_factory):
    """What agent and explain say of each server, after four windows of steady load and more."""
    guilty = Guilty(workloads, tmp_path_factory.mktemp("guilty"))
    judged = {**running, "Guilty": guilty}
    loads = [server.load(LOAD + PATIENCE + EXPLAIN + SLACK) for server in running.values()]
    time.sleep(WARM_UP)
    pids = {name: set(server.pids()) for name, server in judged.items()}
    with Agent(seep, tmp_path_factory.mktemp("agent"), f"--trend.window={WINDOW}s") as agent:
        time.sleep(LOAD)
        verdicts = verdicts_at_last(agent, judged, pids)
    sites = explain_all(seep, judged)
    for load in loads:
        assert load.poll() is None, "the load ended before it was judged"
        load.kill()
    guilty.leak.close()
    return verdicts, sites


def busiest(server):
    """The process to explain: the one of the server that has used most CPU."""
    def ticks(pid):
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        return int(fields[11]) + int(fields[12])
    return max(server.pids(), key=ticks)


def kept(sites):
    return [site for site in sites if site.get("verdict") == "keeps"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [server.__name__ for server in servers.ALL])
def test_steady_load_is_no_leak(loaded, name):
    verdicts, sites = loaded
    assert verdicts[name] == [], "\n".join(verdicts[name])
    assert kept(sites[name]) == []
    assert "summary" in sites[name][-1]


def test_leak_beside_them_is_found(loaded):
    verdicts, sites = loaded
    assert any('resource="fd"' in line for line in verdicts["Guilty"])
    functions = [frame["function"] for frame in kept(sites["Guilty"])[0]["stack"]]
    assert "make_wakeup_eventfd" in functions[:2]  # the first may be the stub in libc
