#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What seep costs, measured on this machine: `make bench`, or bench.py [SECTION…] [--pairs N].

Sections: events census trends always-on go throughput. Each figure is printed with what it was measured by;
ratios are of interleaved pairs, with the 95 % interval of their median (order statistics).
"""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from go_section import bench_go
from harness import HOLDER, SEEP, TRENDS, failures, figure, interval, judge, say, write_readme

BPFTOOL = "/usr/sbin/bpftool"


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Agent:
    """A running agent; ends with the block."""

    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="seep-bench-")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [SEEP, "agent", f"--web.listen-address=127.0.0.1:{port}", *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, RUNTIME_DIRECTORY=self.folder))
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.url + "/-/ready", timeout=5).read()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, "no agent"
                time.sleep(0.05)

    def get(self, path="/metrics"):
        return urllib.request.urlopen(self.url + path, timeout=30).read().decode()

    def metric(self, name):
        return float(re.search(rf"^{name} (\S+)$", self.get(), re.M)[1])

    def pids(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return [self.process.pid, *map(int, f.read().split())]

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def programs(self):
        """{name: (runs, ns)} of the BPF programs that the agent holds, by the kernel's statistics."""
        ids = set()
        for fd in os.listdir(f"/proc/{self.process.pid}/fdinfo"):
            text = open(f"/proc/{self.process.pid}/fdinfo/{fd}").read()
            found = re.search(r"^prog_id:\s+(\d+)", text, re.M)
            if found:
                ids.add(int(found[1]))
        rows = json.loads(subprocess.run([BPFTOOL, "-j", "prog", "show"], check=True,
                                         capture_output=True, text=True).stdout)
        return {row["name"]: (row.get("run_cnt", 0), row.get("run_time_ns", 0))
                for row in rows if row["id"] in ids}

    def map_bytes(self):
        total = 0
        for fd in os.listdir(f"/proc/{self.process.pid}/fdinfo"):
            text = open(f"/proc/{self.process.pid}/fdinfo/{fd}").read()
            found = re.search(r"^memlock:\s+(\d+)", text, re.M)
            total += int(found[1]) if found and "map_type" in text else 0
        return total

    def pss_bytes(self):
        total = 0
        for pid in self.pids():
            text = open(f"/proc/{pid}/smaps_rollup").read()
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]) * 1024
        return total

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class Statistics:
    """The kernel counts the run time of BPF programs while this is on."""

    FILE = "/proc/sys/kernel/bpf_stats_enabled"

    def __enter__(self):
        self.before = open(self.FILE).read()
        open(self.FILE, "w").write("1")

    def __exit__(self, *error):
        open(self.FILE, "w").write(self.before)


class Holder:
    """Processes that hold descriptors."""

    def __init__(self, processes, eventfds, tcp):
        self.process = subprocess.Popen([HOLDER, str(processes), str(eventfds), str(tcp)],
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()


def bench_events():
    """Nanoseconds a run of each program of the ledger, on the rungs that this kernel has."""
    say("events: nanoseconds an event, by the kernel's run time statistics")
    with Statistics():
        for rung in ("tp_btf", "fentry", "kprobe"):
            os.environ["SEEP_RUNG"] = rung
            with Agent("--interval=1s", "--trend.window=20s") as agent:
                subprocess.run([HOLDER, "fork", "5000"], check=True, stdout=subprocess.DEVNULL)
                subprocess.run([HOLDER, "connect", "2000", "2"], check=True, stdout=subprocess.DEVNULL)
                rows = {name: row for name, row in agent.programs().items()
                        if name.endswith(rung.split("_")[0]) and row[0]}
            for name, (runs, ns) in sorted(rows.items()):
                say(f"    {rung:8} {name:20} {ns / runs:8.0f} ns   ({runs} runs)")
                figure(f"one event, {name.replace('_', ' by ')}", f"{ns / runs:.0f} ns")
            if not rows:
                say(f"    {rung:8} not on this kernel")
    del os.environ["SEEP_RUNG"]


CENSUSES = [
    # processes, eventfds and TCP sockets of each
    ("1,000 processes", 1000, 0, 0),
    ("5,000 processes", 5000, 0, 0),
    ("100,000 eventfds", 10, 10000, 0),
    ("100,000 TCP sockets", 10, 0, 10000),
    ("100,000 mixed", 10, 5000, 5000),
    ("500,000 eventfds", 30, 16667, 0),
    ("500,000 TCP sockets", 30, 0, 16666),
    ("500,000 mixed", 30, 8334, 8332),
]


def measure_census(agent, count=8):
    values, last = [], 0
    deadline = time.monotonic() + 60
    while len(values) < count and time.monotonic() < deadline:
        stamp = agent.metric("seep_last_census_timestamp_seconds")
        if stamp != last:
            values.append(agent.metric("seep_census_seconds"))
            last = stamp
        time.sleep(0.2)
    return values[1:]


def bench_census():
    say("census: CPU milliseconds (median, min - max), memory of all seep processes and of their maps, scrape")
    for name, processes, eventfds, tcp in CENSUSES:
        with Holder(processes, eventfds, tcp), Agent("--interval=1s", "--trend.window=20s") as agent:
            values = [1000 * v for v in measure_census(agent)]
            begin = time.monotonic()
            size = len(agent.get())
            scrape = time.monotonic() - begin
            memory = agent.pss_bytes(), agent.map_bytes()
        say(f"    {name:20} {statistics.median(values):7.1f} ({min(values):.1f} - {max(values):.1f}) ms"
            f"   {memory[0] / 2**20:6.1f} + {memory[1] / 2**20:.1f} MiB"
            f"   scrape {1000 * scrape:.1f} ms, {size / 1024:.0f} KiB")
        figure(f"census of {name}", f"{statistics.median(values):.1f} ms of CPU, "
               f"{sum(memory) / 2**20:.1f} MiB")
        if name == "100,000 mixed":
            judge(name, statistics.median(values) < 60, "under 60 ms of CPU")
        if name == "5,000 processes":
            judge(name, sum(memory) < 64 * 2**20, "under 64 MiB")


def count_instructions(function, *command):
    """Of a function and what it calls, by callgrind."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--toggle-collect={function}",
                               f"--callgrind-out-file={folder}/out", *command],
                              check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def state_bytes(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).iterdir())


def bench_agent_state():
    """A running agent with 5,000 processes, before and after a restart."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, Holder(5000, 2, 4):
        options = ["--interval=1s", "--trend.window=20s", f"--state.directory={folder}/state"]
        for life in ("first", "restarted"):
            with Agent(*options) as agent:
                measure_census(agent, 6)
                memory = agent.pss_bytes() + agent.map_bytes()
                lost = agent.metric('seep_lost_events_total{topic="state",reason="write_failed"}')
            say(f"    agent, {life:9} {memory / 2**20:.1f} MiB, state {state_bytes(folder + '/state') / 2**20:.1f}"
                f" MiB with the snapshot before, {lost:.0f} intervals not saved")
            judge(f"memory of the agent, {life}", memory < 64 * 2**20, "under 64 MiB")


def bench_trends():
    say("trends: 5,000 processes of 25 series, one tenth moving, 30 windows; kept in a state directory")
    text = subprocess.run([TRENDS, "5000", "25", "30"], check=True, capture_output=True, text=True).stdout
    value = {name: float(word) for name, word in map(str.split, text.splitlines())}
    samples = 96 * 360  # a window has 360 at the default interval
    instructions = count_instructions("series_add", TRENDS, "add", str(samples)) / (2 * samples)
    say(f"    {value['series']:.0f} series with groups: {value['resident_bytes'] / 2**20:.1f} MiB of model")
    say(f"    a sample         {1e9 * value['sample_seconds']:.0f} ns of CPU, {instructions:.0f} instructions")
    say(f"    snapshot         {1000 * value['snapshot_seconds']:.0f} ms, {value['snapshot_bytes'] / 2**20:.1f} MiB, "
        "once in an eighth of a window")
    say(f"    journal          {1000 * value['journal_seconds']:.0f} ms at most, "
        f"{value['journal_bytes'] / 1024:.0f} KiB an interval")
    say(f"    load             {1000 * value['load_seconds']:.0f} ms with 40 entries of journal, "
        f"then {1000 * value['adopt_seconds']:.0f} ms at the first census")
    figure(f"{value['series']:.0f} series", f"{value['resident_bytes'] / 2**20:.1f} MiB")
    figure("one sample of a series", f"{1e9 * value['sample_seconds']:.0f} ns of CPU")
    figure("their state", f"{value['snapshot_bytes'] / 2**20:.1f} MiB in "
           f"{1000 * value['snapshot_seconds']:.0f} ms each eighth of a window, "
           f"{value['journal_bytes'] / 1024:.0f} KiB an interval, loaded in {1000 * value['load_seconds']:.0f} ms")
    judge("memory of the model", value["resident_bytes"] < 64 * 2**20, "under 64 MiB")
    judge("a sample", value["sample_seconds"] < 1e-6, "under 1 µs")
    judge("the snapshot", value["snapshot_seconds"] < 1, "under 1 s")
    bench_agent_state()


def bench_always_on(seconds=30):
    say("always-on: share of a core, agent and BPF, default interval, 500 processes, 5,000 connections a second")
    with Statistics(), Holder(500, 4, 4), Agent() as agent:
        load = subprocess.Popen([HOLDER, "connect", "5000", str(seconds + 2)], stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        cpu, programs, begin = agent.cpu_seconds(), agent.programs(), time.monotonic()
        time.sleep(seconds)
        spent, wall = agent.cpu_seconds() - cpu, time.monotonic() - begin
        after = agent.programs()
        bpf = sum(after[name][1] - programs.get(name, (0, 0))[1] for name in after
                  if not name.startswith("census")) / 1e9  # a census is in the agent's own time
        rate = load.communicate()[0].strip()
    share = (spent + bpf) / wall
    say(f"    {100 * share:.2f} % of a core ({100 * spent / wall:.2f} % agent and census, "
        f"{100 * bpf / wall:.2f} % events) at {rate} connections a second")
    figure(f"always on: 500 processes, {rate} connections a second", f"{100 * share:.2f} % of a core")
    judge("always-on", share < 0.01, "under 1 %")


def run_redis(port):
    text = subprocess.run(["redis-benchmark", "-p", str(port), "-t", "set", "-n", "30000", "-c", "20", "--csv"],
                          check=True, capture_output=True, text=True).stdout
    return float(text.splitlines()[-1].split(",")[1].strip('"'))


def run_wrk(port):
    text = subprocess.run(["wrk", "-t1", "-c16", "-d1s", f"http://127.0.0.1:{port}/"],
                          check=True, capture_output=True, text=True).stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])


def run_fork(port):
    text = subprocess.run([HOLDER, "fork", "2000"], check=True, capture_output=True, text=True).stdout
    return 2000 / float(text)


def start_redis(folder, port):
    return subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--dir", folder],
                            stdout=subprocess.DEVNULL)


def start_nginx(folder, port):
    config = pathlib.Path(folder) / "nginx.conf"
    config.write_text(f"""daemon off; pid {folder}/pid; error_log {folder}/error; worker_processes 1;
events {{}} http {{ access_log off; server {{ listen 127.0.0.1:{port}; return 200 "ok"; }} }}""")
    return subprocess.Popen(["nginx", "-c", str(config)], stderr=subprocess.DEVNULL)


def start_nothing(folder, port):
    return subprocess.Popen(["sleep", "infinity"])


LOADS = [("redis", start_redis, run_redis), ("nginx", start_nginx, run_wrk),
         ("fork-heavy", start_nothing, run_fork)]


def bench_throughput(pairs):
    say(f"throughput: with the agent (interval 1 s) against without, {pairs} interleaved pairs")
    for name, start, run in LOADS:
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            server = start(folder, port)
            time.sleep(1)
            run(port)  # warm
            ratios = []
            for i in range(pairs):
                with_agent = None
                if i % 2:  # who goes first alternates, so that a drift favours nobody
                    without = run(port)
                with Agent("--interval=1s", "--trend.window=20s"):
                    with_agent = run(port)
                if not i % 2:
                    without = run(port)
                ratios.append(with_agent / without)
            server.terminate()
            server.wait()
        median, low, high = interval(ratios)
        say(f"    {name:12} ratio {median:.4f}  (95 %: {low:.4f} - {high:.4f})")
        figure(f"throughput of {name}, with against without",
               f"{median:.3f} ({low:.3f} – {high:.3f})")
        judge(name, high >= 0.99, "at least 0.99; missed only if the whole interval is below")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*",
                        default=["events", "census", "trends", "always-on", "go", "throughput"])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--readme", action="store_true", help="write the figures into README.md too")
    options = parser.parse_args()
    machine = (f"{time.strftime('%Y-%m-%d')}: Linux {platform.release()}, {cpu_name()}, "
               f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.2f} before")
    say(f"seep bench, {machine}")
    for section in options.sections:
        if section in ("throughput", "go"):
            {"throughput": bench_throughput, "go": bench_go}[section](options.pairs)
        else:
            {"events": bench_events, "census": bench_census, "trends": bench_trends,
             "always-on": bench_always_on}[section]()
    if options.readme:
        write_readme(machine)
    if failures:
        say(f"missed: {', '.join(failures)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
