# SPDX-License-Identifier: GPL-2.0-only
"""`seep replay` as people call it: both formats, both outputs, and what it says to bad input."""

import json
import subprocess

HOURS = 40


def leak(minute):
    return 100 + 30 * minute // 60


def csv_of(value, bound=None):
    rows = ["time_seconds,value" + (",bound" if bound else "")]
    rows += [f"{60 * m},{value(m)}" + (f",{bound}" if bound else "") for m in range(HOURS * 60)]
    return "\n".join(rows) + "\n"


def series_of(name, value):
    return {"metric": {"__name__": name}, "values": [[60 * m, str(value(m))] for m in range(HOURS * 60)]}


def replay(seep, *arguments, text=None):
    return subprocess.run([seep, "replay", *arguments], input=text, text=True, capture_output=True,
                          timeout=30)


def rows(seep, *arguments, text):
    done = replay(seep, "--json", *arguments, "-", text=text)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_leak_with_a_bound(seep):
    told = rows(seep, text=csv_of(leak, 4000))
    last = told[-1]
    assert set(last) == {"schema", "time_seconds", "verdict", "rate_per_hour", "eta_seconds"}
    assert last["schema"] == 1 and last["verdict"] == "leaking"
    assert 24 * 3600 < last["time_seconds"] <= 30 * 3600
    assert abs(last["rate_per_hour"] - 30) < 1
    left = 4000 - leak(last["time_seconds"] // 60)
    assert abs(last["eta_seconds"] - left / last["rate_per_hour"] * 3600) < 1
    assert [a["verdict"] for a in told] != [b["verdict"] for b in told[1:]]


def test_why(seep):
    last = rows(seep, "--explain", text=csv_of(leak, 4000))[-1]
    assert "no slowing; longer than a day" in last["evidence"]
    assert last["eta_low_seconds"] <= last["eta_seconds"] <= last["eta_high_seconds"]
    assert last["since"] <= 3600 and last["rate_error"] >= 0
    text = replay(seep, "--explain", "-", text=csv_of(leak)).stdout
    assert "leaking" in text and "the minimum of each of the last" in text


def test_the_window_is_a_setting(seep):
    leaking = [r for r in rows(seep, "--window", "20m", text=csv_of(leak)) if r["verdict"] == "leaking"]
    assert leaking[0]["time_seconds"] <= 10.5 * 3600


def test_a_range_of_prometheus(seep):
    answer = {"status": "success", "data": {"resultType": "matrix", "result": [
        series_of("bad", leak), series_of("good", lambda m: 7)]}}
    told = rows(seep, text=json.dumps(answer))
    assert [r["verdict"] for r in told if r["series"] == "good"] == ["steady"]
    assert [r["verdict"] for r in told if r["series"] == "bad"][-1] == "leaking"


def test_bad_input_is_one_line(seep, tmp_path):
    broken = tmp_path / "broken.csv"
    broken.write_text("time_seconds,value\n1,2\nx\n")
    for arguments, why in (((), "FILE"), ((tmp_path / "none.csv",), "none.csv"), ((broken,), "line 3"),
                           (("--window", "0", broken), "--window"), ((tmp_path,), "cannot read")):
        done = replay(seep, *arguments)
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.count("\n") == 1 and why in done.stderr, done.stderr
