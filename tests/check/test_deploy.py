# SPDX-License-Identifier: GPL-2.0-only
"""What is shipped around the program: well-formed, and in step with the program and with itself."""

import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BUILD = ROOT / os.environ.get("O", "build")
SEEP = BUILD / "seep"
UNIT = DEPLOY / "systemd/seep.service"
PAGES = sorted(DEPLOY.glob("man/*.in"))


def run(*command, **options):
    return subprocess.run(command, text=True, capture_output=True, **options)


# Metrics: what rules, runbook and dashboard name is exported.

def exported():
    table = (ROOT / "exporters/metrics.h").read_text()
    return set(re.findall(r'X\(\w+, "(\w+)"', table))


def recorded():
    rules = yaml.safe_load((DEPLOY / "prometheus/seep.rules.yml").read_text())
    return {rule["record"] for group in rules["groups"] for rule in group["rules"]
            if "record" in rule}


def rule_expressions():
    rules = yaml.safe_load((DEPLOY / "prometheus/seep.rules.yml").read_text())
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads((DEPLOY / "grafana/seep.json").read_text())


def dashboard_expressions():
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]


def named(text):
    return set(re.findall(r"\b(?:seep_\w+|process_\w+|seep(?::\w+)+)", text))


@pytest.mark.parametrize("texts", [
    pytest.param(rule_expressions, id="rules"),
    pytest.param(dashboard_expressions, id="dashboard"),
    pytest.param(lambda: [(DEPLOY / "prometheus/RUNBOOK.md").read_text()], id="runbook"),
    pytest.param(lambda: [json.dumps(dashboard()["templating"])], id="dashboard variables"),
])
def test_metrics_that_are_named_exist(texts):
    names = set().union(*map(named, texts()))
    assert names
    assert names - exported() - recorded() == set()


def test_every_recorded_series_is_used():
    used = set().union(*map(named, rule_expressions() + dashboard_expressions()))
    assert recorded() - used == set()


# Grafana.

def test_dashboard_expressions_parse(tmp_path):
    plain = [re.sub(r"\$__rate_interval", "5m", e).replace("$instance", ".*")
             for e in dashboard_expressions()]
    rules = [{"record": f"panel:{i}", "expr": re.sub(r"\$\w+", ".*", e)} for i, e in enumerate(plain)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    done = run("promtool", "check", "rules", "--lint=none", tmp_path / "rules.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(plain)} rules found" in done.stdout


def test_dashboard_panels_do_not_overlap():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [(x, y) for panel in panels for box in [panel["gridPos"]]
             for x in range(box["x"], box["x"] + box["w"])
             for y in range(box["y"], box["y"] + box["h"])]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


# systemd, containers: one list of capabilities.

def unit_settings(name):
    return [word for line in UNIT.read_text().splitlines() if line.startswith(name + "=")
            for word in line.partition("=")[2].split()]


def unit_here(folder):
    """The unit with this build as its program, for systemd-analyze."""
    unit = folder / "seep.service"
    unit.write_text(UNIT.read_text().replace("/usr/bin/seep", str(SEEP)))
    return unit


def test_unit_is_clean(tmp_path):
    done = run("systemd-analyze", "verify", "--man=no", unit_here(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_unit_is_hardened(tmp_path):
    done = run("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=40",
               unit_here(tmp_path))
    assert done.returncode == 0, done.stdout[-200:]


def kubernetes(name):
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text()))


def test_capabilities_are_the_same_everywhere():
    unit = {word.removeprefix("CAP_") for word in unit_settings("CapabilityBoundingSet")}
    _, daemon_set = kubernetes("seep.yaml")
    container = daemon_set["spec"]["template"]["spec"]["containers"][0]
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert set(container["securityContext"]["capabilities"]["add"]) == unit
    text = (DEPLOY / "container/Containerfile").read_text()
    added = itertools.chain(*(words.split(",") for words in re.findall(r"--cap-add=(\S+)", text)))
    assert {word.upper() for word in added} == unit


def options_of(command):
    return set(re.findall(r"--[\w.-]+", run(SEEP, command, "--help").stdout))


def test_options_that_are_given_exist():
    _, daemon_set = kubernetes("seep.yaml")
    given = daemon_set["spec"]["template"]["spec"]["containers"][0]["args"][1:]
    given += re.findall(r"--[\w.]\S+=\S+", UNIT.read_text())
    given += re.findall(r"--[\w.]\S+=\S+", (DEPLOY / "systemd/seep.default").read_text())
    assert given and {word.partition("=")[0] for word in given} <= options_of("agent")


def test_kubernetes_objects_find_each_other():
    namespace, daemon_set = kubernetes("seep.yaml")
    (monitor,) = kubernetes("podmonitor.yaml")
    template = daemon_set["spec"]["template"]
    container = template["spec"]["containers"][0]
    ports = {port["name"] for port in container["ports"]}
    assert {document["metadata"].get("namespace") for document in (daemon_set, monitor)} == {
        namespace["metadata"]["name"]}
    for selector in (daemon_set["spec"]["selector"], monitor["spec"]["selector"]):
        assert selector["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert {end["port"] for end in monitor["spec"]["podMetricsEndpoints"]} <= ports
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in template["spec"]["volumes"]}
    assert template["spec"]["hostPID"] and not template["spec"]["automountServiceAccountToken"]


def packages_of_libraries():
    """Of those that the program names itself; what these need comes with them."""
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", SEEP, check=True).stdout))
    paths = [path for name, path in re.findall(r"(\S+) => (\S+)", run("ldd", SEEP).stdout)
             if name in needed]
    found = run("dpkg", "-S", *paths, *("/usr" + path for path in paths)).stdout
    return set(re.findall(r"^([\w.+-]+):", found, re.MULTILINE))


def test_container_has_the_libraries_of_the_program():
    last_stage = (DEPLOY / "container/Containerfile").read_text().split("\nFROM ")[-1]
    packages = packages_of_libraries() - {"libc6"}
    assert "libbpf1" in packages
    assert packages - set(last_stage.split()) == set()


# What people are told to type.

TEXTS = [ROOT / "README.md", DEPLOY / "prometheus/RUNBOOK.md", *PAGES]


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_commands_in_texts_have_these_options(text):
    for command, rest in re.findall(r"seep (top|explain|agent|check|replay)\b([^`\n]*)",
                                    text.read_text()):
        given = set(re.findall(r"(?<=\s)--?[a-z][\w.-]*", rest))
        known = set(re.findall(r"(?<=\s)--?\w[\w.-]*", run(SEEP, command, "--help").stdout))
        assert given - known == set()


@pytest.mark.parametrize("text", TEXTS[:2], ids=lambda path: path.name)
def test_targets_and_links_in_texts_exist(text):
    words = text.read_text()
    named = set(re.findall(r"(?:`|^    |&& )make ([a-z][\w-]*)", words, re.MULTILINE))
    database = run("make", "-pnq", "clean", cwd=ROOT).stdout
    assert named - set(re.findall(r"^([\w-]+):", database, re.MULTILINE)) == set()
    for link in re.findall(r"\]\(([^)#:]+)\)", words):
        assert (text.parent / link).exists(), link


# Manual pages.

def make_page(page):
    return run(sys.executable, DEPLOY / "man/make_man.py", SEEP, page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_is_lint_clean(page, tmp_path):
    done = make_page(page)
    assert done.returncode == 0, done.stderr
    made = tmp_path / page.stem
    made.write_text(done.stdout)
    lint = run("mandoc", "-T", "lint", "-W", "warning", made)
    assert (lint.returncode, lint.stdout) == (0, "")


def test_a_page_of_a_command_without_options_is_refused(tmp_path):
    (tmp_path / "page.in").write_text("%OPTIONS nonsense%\n")
    assert make_page(tmp_path / "page.in").returncode != 0


def test_every_command_has_a_page_with_all_its_options():
    commands = re.findall(r"^  (\w+) ", run(SEEP, "--help").stdout, re.MULTILINE)
    assert commands
    for command in commands:
        (page,) = DEPLOY.glob(f"man/seep-{command}.[18].in")
        shown = run("mandoc", "-T", "ascii", input=make_page(page).stdout).stdout
        shown = re.sub(r".\x08", "", shown)
        assert options_of(command) - set(re.findall(r"--[\w.-]+", shown)) == set()
        assert f".It Cm {command}\n" in (DEPLOY / "man/seep.1.in").read_text()


# Installing and the package.

def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_install_goes_below_destdir(tmp_path):
    done = run("make", "-s", "install", f"O={BUILD.relative_to(ROOT)}", f"DESTDIR={tmp_path}",
               "PREFIX=/opt/seep", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    installed = files_below(tmp_path)
    for name in ("bin/seep", "share/man/man1/seep.1", "share/man/man8/seep-agent.8",
                 "share/seep/prometheus/seep.rules.yml", "share/seep/prometheus/RUNBOOK.md",
                 "share/seep/grafana/seep.json", "lib/systemd/system/seep.service"):
        assert f"opt/seep/{name}" in installed
    assert {name.split("/")[0] for name in installed} == {"opt", "etc"}
    unit = (tmp_path / "opt/seep/lib/systemd/system/seep.service").read_text()
    assert "ExecStart=/opt/seep/bin/seep agent" in unit
    version = run(tmp_path / "opt/seep/bin/seep", "--version")
    assert version.returncode == 0 and version.stdout == run(SEEP, "--version").stdout
