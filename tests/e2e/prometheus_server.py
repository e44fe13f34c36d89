# SPDX-License-Identifier: GPL-2.0-only
"""A Prometheus of its own, in a folder, on loopback: never the one that the host may run."""

import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: seep
    static_configs: [{{targets: ["{target}"]}}]
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def shipped_rules(window):
    maker = ROOT / "deploy/prometheus/make_rules.py"
    with open(ROOT / "deploy/prometheus/seep.rules.yml.in") as template:
        return subprocess.run([sys.executable, maker, window], stdin=template, check=True,
                              capture_output=True, text=True).stdout


class Prometheus:
    """Scrapes one target each second and judges it by the shipped rules of a short window."""

    def __init__(self, folder, target, window):
        self.folder, self.address = folder, f"127.0.0.1:{free_port()}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rules.yml").write_text(shipped_rules(window))
        (folder / "prometheus.yml").write_text(CONFIG.format(target=target))
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", f"--web.listen-address={self.address}",
             "--log.level=warn"], stdout=self.log, stderr=self.log)

    def get(self, path, **query):
        url = f"http://{self.address}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def wait_ready(self, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                return self.get("/api/v1/status/buildinfo")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        raise TimeoutError("Prometheus does not answer")

    def firing(self):
        """The labels of every alert that fires now."""
        return [alert["labels"] for alert in self.get("/api/v1/alerts")["alerts"]
                if alert["state"] == "firing"]

    def values(self, query):
        """[(labels, value)] of an instant query."""
        return [(row["metric"], float(row["value"][1]))
                for row in self.get("/api/v1/query", query=query)["result"]]

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def __enter__(self):
        self.wait_ready()
        return self

    def __exit__(self, *error):
        self.close()
