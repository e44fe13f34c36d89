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
    document = judge(["leak", "host runs out of pids", "proved", "full and steady"])
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
                   "the host takes more and more (process). At this pace kernel.pid_max can be met in "
                   "2h 11m 59s, and what asks for more then fails."),
        # One alert, by the kind that is proved, and none for the resource as a whole.
        alert_test("proved", "SeepLeaking", 60,
                   {"severity": "warning", "group": "app.service/app", "resource": "fd",
                    "kind": "socket"},
                   "app.service/app on proved leaks fd (socket), as seep has proved",
                   "app.service/app keeps 41 an hour more of fd (socket). It grew for more than a "
                   "day of windows without levelling off, and the usual innocent shapes are ruled "
                   "out."),
        alert_test("full and steady", "SeepBoundFull", 60,
                   {"severity": "critical", "group": "app.service/app", "resource": "fd",
                    "source": "RLIMIT_NOFILE"},
                   "app.service/app on full and steady has used up 97.66% of its RLIMIT_NOFILE",
                   "app.service/app takes 97.66% of RLIMIT_NOFILE (fd). What asks for more than is "
                   "left fails."),
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
    return re.sub(r"expr: seep:leak:per_hour unless .*\n",
                  "expr: deriv(seep_group_live[%W%]) > 0 or deriv(seep_group_live_bytes[%W%]) > 0\n",
                  template)


def after_one_sample(template):
    template = template.replace('seep:bound:low{source!="MemTotal"} > 0.8',
                                'seep:bound:ratio{source!="MemTotal"} > 0.8')
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
    "verdicts at once": (instead("0.9 * count_over_time(seep_last", "0 * count_over_time(seep_last"),
                         {"a verdict now and then", "a verdict at each other scrape"}),
    "a verdict less is an end": (instead("last_over_time(seep:leaking:per_hour[%4W%])",
                                         "seep:leaking:per_hour"), {"proved with holes"}),
    "growing is proved": (instead('seep_group_verdict{verdict="leaking"}',
                                  'seep_group_verdict{verdict=~"growing|leaking"}'),
                          {"grows, not proved"}),
    "one leak, two alerts": (
        instead("seep:leak:per_hour unless on (instance, job, group, resource) seep:leaking:lately",
                "seep:leak:per_hour"), {"proved, and seen by Prometheus"}),
    "one leak hides another": (
        instead("unless on (instance, job, group, resource) seep:leaking:lately",
                "unless on (instance, job, group) seep:leaking:lately"),
        {"another leak of the group"}),
    "forecast of a warm-up": (instead('verdict=~"growing|leaking"',
                                      'verdict=~"warming|growing|leaking"'),
                              {"warms up towards a bound"}),
    "no word of the agent's forecast": (instead("group_left () seep_group_eta_low_seconds",
                                                "group_left () seep_group_eta_none"),
                                        {"forecast by the agent", "forecast of a leak"}),
    "full at once": (without("        for: %W/6%\n"), {"peaks at the bound"}),
    "full when it is late": (instead("for: %W/6%", "for: %W%"), {"full within minutes"}),
    "any collector": (without("          and rate(seep_go_gc_cycles_total[%W/4%]) >= 1\n"),
                      {"collector waits for a processor"}),
    "any share": (instead("rate(seep_go_cpu_seconds_total[%W/4%]) > 0.1",
                          "rate(seep_go_cpu_seconds_total[%W/4%])"),
                  {"allocates much, collects cheaply"}),
    "any allocation": (instead("64 * 1024 * 1024 * rate", "1024 * rate"),
                       {"small heap of many collections", "collections back to back"}),
    "bursts of an allocator": (instead("_total[%W/4%]", "_total[%W%]"), {"churns for half an hour"}),
    "the limit is no matter": (without("          unless seep_go_memory_limit_bytes\n"),
                               {"knows its limit"}),
    "a handful of timers": (instead("> 1000 + 2 * max", "> 100 + 2 * max"),
                            {"a short timeout in a busy loop"}),
    "garbage before the first collection": (
        without("          unless on (instance, job, group) seep:go:uncollected\n"),
        {"fills its first heap"}),
    "any timers": (instead("> 1000 + 2 * max_over_time(seep_go_goroutines[%W%])", "> 1000"),
                   {"a timer of each goroutine", "goroutines of a burst"}),
    "one burst is a habit": (instead("for: %2W%\n        labels:\n          severity: info\n"
                                     "        annotations:\n          summary: '{{ $labels.group }} on "
                                     "{{ $labels.instance }} has a database",
                                     "for: %W/6%\n        labels:\n          severity: info\n"
                                     "        annotations:\n          summary: '{{ $labels.group }} on "
                                     "{{ $labels.instance }} has a database"), {"one burst of a pool"}),
    "connections of any number of processes": (instead(">= 4 * seep_group_processes", ">= 4"),
                                               {"a connection of each process"}),
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
    assert [d for d in found if not re.fullmatch(r"%\d*W(/\d)?%", d)] == []


def test_what_alertmanager_is_told_to_silence():
    advice = yaml.safe_load(re.search(r"```yaml\n(.*?)```", (PROMETHEUS / "RUNBOOK.md").read_text(),
                                      re.DOTALL)[1])
    names = {alert["alert"] for alert in alerts()}
    for rule in advice["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            pattern = re.fullmatch(r'alertname=~?"(.*)"', matcher)[1]
            assert any(re.fullmatch(pattern, name) for name in names)
            # Each alternative is an alert, or the beginning of one.
            assert all(any(re.match(word, name) for name in names) for word in pattern.split("|"))


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_each_alert_says_what_and_where_to_look(alert):
    assert alert["labels"]["severity"] in ("info", "warning", "critical")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["description"].endswith(".")
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^## (\w+)$", (PROMETHEUS / page).read_text(), re.MULTILINE)
    assert anchor == alert["alert"].lower()
    assert alert["alert"] in headings
