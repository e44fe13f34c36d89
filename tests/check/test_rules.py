# SPDX-License-Identifier: GPL-2.0-only
"""The alerting rules against series of known shapes, by promtool, and proof that these can fail."""

import json
import pathlib
import re
import subprocess
import sys

import pytest
import rules_cases
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
TEMPLATE = (PROMETHEUS / "seep.rules.yml.in").read_text()


def make_rules(window, template=TEMPLATE):
    return subprocess.run([sys.executable, PROMETHEUS / "make_rules.py", window], input=template,
                          text=True, capture_output=True)


def failing_cases(folder, rules, document):
    """The cases whose expectation does not hold under these rules."""
    (folder / "rules.yml").write_text(rules)
    (folder / "test.yml").write_text(json.dumps(document))
    done = subprocess.run(["promtool", "test", "rules", "test.yml"], cwd=folder, text=True,
                          capture_output=True)
    output = done.stdout + done.stderr
    failing = set(re.findall(r'instance=\\?"([^"\\]+)\\?"', output))
    assert bool(failing) == (done.returncode != 0), output
    return failing


def judge(names):
    return rules_cases.promtool_file("rules.yml", names)


def test_each_case_raises_what_it_must_and_nothing_else(tmp_path):
    rules = make_rules("1h").stdout
    assert failing_cases(tmp_path, rules, judge(rules_cases.CASES)) == set()


def alert_test(name, alert, hours, labels, summary, description):
    return {"alertname": alert, "eval_time": f"{hours}h", "exp_alerts": [{
        "exp_labels": {"instance": name, "job": "seep", **labels},
        "exp_annotations": {"summary": summary, "description": description,
                            "runbook_url": "RUNBOOK.md#" + alert.lower()}}]}


def test_alerts_are_sentences(tmp_path):
    document = judge(["leak", "host runs out of pids"])
    document["tests"][0]["alert_rule_test"] = [
        alert_test("leak", "SeepGrowing", 60,
                   {"severity": "warning", "group": "app.service/app", "resource": "fd",
                    "kind": "socket"},
                   "app.service/app on leak leaks fd (socket)",
                   "app.service/app takes 3 an hour more of fd (socket) than it gives back, for 28h "
                   "now, through every low of its load and without slowing."),
        alert_test("host runs out of pids", "SeepBoundSoon", 71,
                   {"severity": "critical", "resource": "process", "source": "kernel.pid_max"},
                   "the host on host runs out of pids meets its kernel.pid_max in 2h 11m 59s",
                   "the host took more (process) in each of the last four periods of 1h. At this pace "
                   "kernel.pid_max is met in 2h 11m 59s, and what asks for more then fails."),
    ]
    assert failing_cases(tmp_path, make_rules("1h").stdout, document) == set()


def without(*lines):
    """The template with these lines taken out."""
    def mutate(template):
        for line in lines:
            assert template.count(line) == 1, line
            template = template.replace(line, "")
        return template
    return mutate


def instead(old, new):
    def mutate(template):
        assert old in template, old
        return template.replace(old, new)
    return mutate


def naive(template):
    """What one writes first: the slope of an hour is positive."""
    return re.sub(r"expr: seep:leak:per_hour\n",
                  "expr: deriv(seep_group_live[%W%]) > 0 or deriv(seep_group_live_bytes[%W%]) > 0\n",
                  template)


def after_one_sample(template):
    template = template.replace("seep:bound:low{source", "seep:bound:ratio{source")
    head, tail = template.split("- alert: SeepBoundNear")
    return head + "- alert: SeepBoundNear" + tail.replace("        for: %W%\n", "", 1)


MUTATIONS = {
    "naive": (naive, {"saw-tooth of an hour", "saw-tooth of ten hours", "warm-up",
                      "daily cycle", "target restarts", "cache fills, then stops"}),
    "no look at slowing": (
        without("          and seep:live:low - seep:live:low offset %12W%\n",
                "              >= 0.75 * (seep:live:low offset %16W% - seep:live:low offset %28W%)\n"),
        {"very slow warm-up"}),
    "no least growth": (without("          and seep:live:low >= 1.01 * seep:live:low offset %28W%\n"),
                        {"a drop in the ocean"}),
    "growth may be over": (without("          and seep:live:low_window > seep:live:low\n"),
                           {"cache fills late"}),
    "young series count": (without("          and seep:live:low_window offset %31W%\n"),
                           {"very slow warm-up"}),
    "shorter than a day": (
        without(*(f"          and seep:live:low offset %{n}W% > seep:live:low offset %{n + 4}W%\n"
                  for n in range(12, 28, 4)),
                "          and seep:live:low_window offset %31W%\n"),
        {"daily cycle", "daily cycle with a late peak"}),
    "means for lows": (instead("min_over_time(seep_group_live", "avg_over_time(seep_group_live"),
                       {"leak under noise"}),
    "healed by the night": (instead("last_over_time(seep:live:growth_per_hour[%12W%])",
                                    "seep:live:growth_per_hour"), {"leak by load"}),
    "pages of files": (instead(', kind!~"file|swap"', ""), {"cache of pages"}),
    "the rest as a group": (instead('{group!="other"}', ""), {"group of the rest"}),
    "each sample near a bound": (after_one_sample, {"burst"}),
    "a host's memory": (instead('{source!="MemTotal"} > 0.8', " > 0.8"),
                        {"memory of the host is in use"}),
    "versions are agents": (instead("max without (version) ", ""), {"agent is upgraded"}),
    "silence at once": (instead("seep_build_info[%W%]", "seep_build_info[5m]"), {"agent restarts"}),
    "every loss": (instead(', reason!~"vanished|truncated|rate_limited"', ""),
                   {"processes end while they are read"}),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_worse_rules_are_caught(name, tmp_path):
    mutate, caught = MUTATIONS[name]
    rules = make_rules("1h", mutate(TEMPLATE)).stdout
    assert failing_cases(tmp_path, rules, judge(caught)) == caught


def test_committed_rules_are_what_the_generator_makes():
    assert (PROMETHEUS / "seep.rules.yml").read_text() == make_rules("1h").stdout


@pytest.mark.parametrize("window", ["1s", "5s", "10m", "1h30m", "1d"])
def test_rules_of_every_window_pass_promtool(window, tmp_path):
    (tmp_path / "rules.yml").write_text(make_rules(window).stdout)
    subprocess.run(["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, check=True,
                   stdout=subprocess.PIPE)


@pytest.mark.parametrize("words", [[], ["soon"], ["1"], ["0s"], ["-1h"]])
def test_a_bad_window_is_one_clear_line(words):
    done = subprocess.run([sys.executable, PROMETHEUS / "make_rules.py", *words], text=True,
                          input=TEMPLATE, capture_output=True)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("make_rules.py: ")


def alerts():
    groups = yaml.safe_load(make_rules("1h").stdout)["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def durations(template):
    return re.findall(r"(?:\[|offset |for: )([^\]\s)]+)", template)


def test_every_duration_is_a_multiple_of_the_window():
    lines = [line for line in TEMPLATE.splitlines() if not line.lstrip().startswith(("#", "{{"))]
    found = durations("\n".join(lines))
    assert len(found) > 40
    assert [d for d in found if not re.fullmatch(r"%\d*W%", d)] == []


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_each_alert_says_what_and_where_to_look(alert):
    assert alert["labels"]["severity"] in ("info", "warning", "critical")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["description"].endswith(".")
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^## (\w+)$", (PROMETHEUS / page).read_text(), re.MULTILINE)
    assert anchor == alert["alert"].lower()
    assert alert["alert"] in headings
