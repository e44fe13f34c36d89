# SPDX-License-Identifier: GPL-2.0-only
"""Starts agents on a port of their own and waits for their first census."""

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

START_SECONDS = 60

class Agent:
    """One running `seep agent`; closed by SIGTERM, by SIGKILL after two seconds."""

    def __init__(self, seep, folder, *options, before=(), runtime=None):
        folder.mkdir(parents=True, exist_ok=True)
        # Beside whatever agent this machine runs for itself.
        self.environment = dict(os.environ, RUNTIME_DIRECTORY=str(runtime or folder / "run"))
        self.log = folder / "agent.log"
        command = [*before, seep, "agent", "--web.listen-address=127.0.0.1:0",
                   "--interval=250ms", "--trend.window=5s", *options]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log,
                                            env=self.environment)
        self.url = self._wait_for_url()
        self.pid = self._find_pid(seep)
        self.wait_until_ready()

    def _wait_for_url(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = re.search(r"serving on (http://[^/]+)", self.log.read_text())
            if found:
                return found[1]
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        raise AssertionError(f"no agent after {START_SECONDS} s: {self.log.read_text()}")

    def _find_pid(self, seep):
        """Behind a tracer the agent is its child."""
        for pid in (self.process.pid, *children(self.process.pid)):
            if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(seep):
                return pid
        raise AssertionError("the agent is not there")

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                return self.get("/-/ready")
            except urllib.error.URLError:
                time.sleep(0.02)
        raise AssertionError(f"no census after {START_SECONDS} s")

    def get(self, path="/metrics", accept="text/plain"):
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read().decode()

    def sample(self, name, **labels):
        """The value of one series, or None."""
        for line in self.get().splitlines():
            if not line.startswith((name + "{", name + " ")):
                continue
            if all(f'{key}="{value}"' in line for key, value in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        return None

    def close(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(word) for word in f.read().split()]
