# SPDX-License-Identifier: GPL-2.0-only
"""Three days of windows of redis, nginx and PostgreSQL under a varied load: nothing of theirs is
ever called a leak, what a client makes leak beside the same load is, and `seep replay` says of the
recording what the agent said at the time. Windows are of two seconds here; `make test-servers` takes
the same days at five, which is seven minutes."""

import csv
import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT

BENCH = ROOT / "tests/bench/servers"
sys.path.insert(0, str(BENCH))

import recordings  # noqa: E402

WINDOW = float(os.environ.get("SERVERS_WINDOW", 2))  # seconds of --trend.window
WINDOWS = 78
LEAST_WINDOWS = 72
LEAST_LOOKS = 0.9  # of the censuses that the windows have room for
LIMIT = WINDOW * WINDOWS + 120
NEAR = 2  # windows between what the agent said and what a replay says
# A recording has all that is live; of these the agent follows what is older than a window.
AGED = ("fd", "tcp", "udp", "unix", "timer", "thread")
LEAST_DONE = {"Redis": (10000, 100), "Nginx": (4000, 100), "Postgres": (1500, 60)}

pytestmark = [pytest.mark.timeout(LIMIT + 60), pytest.mark.played]


@pytest.fixture(scope="module")
def recorded(seep, tmp_path_factory):
    """Both recordings, made side by side; what was told, and the folder of unpacked series."""
    folder = tmp_path_factory.mktemp("servers")
    made = {kind: subprocess.Popen(
        [sys.executable, "-B", BENCH / "record.py", kind, folder, "--window", str(WINDOW),
         "--windows", str(WINDOWS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for kind in ("healthy", "leaky")}
    told = {}
    try:
        for kind, process in made.items():
            output, complaint = process.communicate(timeout=LIMIT)
            assert process.returncode == 0, f"{kind}: {complaint}"
            told[kind] = json.loads(output)
    finally:
        for process in made.values():
            process.kill()  # its whole namespace ends with it
            process.wait()
    recordings.write(folder / "series", folder)
    return told, folder


def labels(folder, truth):
    with open(folder / "series/labels.csv", encoding="ascii") as rows:
        return [row for row in csv.DictReader(rows) if row["truth"] == truth]


def first_leaking(changes):
    return next((now for now, verdict in changes if verdict == "leaking"), None)


def replayed(seep, folder, row):
    done = subprocess.run([seep, "replay", "--json", "--window", f"{round(WINDOW * 1000)}ms",
                           folder / "series" / f"{row['name']}.csv"], check=True, text=True,
                          stdout=subprocess.PIPE)
    told = map(json.loads, done.stdout.splitlines())
    return first_leaking([(line["time_seconds"], line["verdict"]) for line in told])


@pytest.mark.parametrize("kind", ("healthy", "leaky"))
def test_all_of_it_was_seen(recorded, kind):
    told = recorded[0][kind]
    assert told["windows"] >= LEAST_WINDOWS
    assert told["looks"] >= LEAST_LOOKS * 20 * LEAST_WINDOWS
    for server, (requests, connections) in LEAST_DONE.items():
        assert told["load"][server]["requests"] >= requests * WINDOW / 5
        assert told["load"][server]["connections"] >= connections


def lows(folder, series):
    """The least value of each window: what the verdict was made of, for who has to find out why."""
    windows = {}
    for now, value in recordings.read_table(folder / "healthy.groups.csv.xz").get(series, []):
        windows.setdefault(float(now) // WINDOW, []).append(float(value))
    return [min(values) for values in windows.values()]


def test_a_varied_load_is_no_leak(recorded):
    told, folder = recorded[0]["healthy"], recorded[1]
    assert told["leaking"] == {}, {name: lows(folder, name) for name in told["leaking"]}
    assert [name for name, changes in told["verdicts"].items()
            if first_leaking(changes) is not None] == []


def test_what_leaks_beside_it_is_found(recorded):
    told, folder = recorded[0]["leaky"], recorded[1]
    missed = []
    for row in labels(folder, "leak"):
        at = first_leaking(told["verdicts"][row["series"]])
        if at is None or at < float(row["onset_seconds"]):
            missed.append((row["series"], row["onset_seconds"], at))
    assert missed == []


def test_a_replay_says_the_same(seep, recorded):
    told, folder = recorded
    other, compared = [], 0
    for row in labels(folder, "steady") + labels(folder, "leak"):
        if row["table"] != "groups":
            continue  # top looks at other times than the agent
        if row["series"].split()[-1].split("/")[0] in AGED:
            continue
        compared += 1
        live = first_leaking(told[row["kind"]]["verdicts"][row["series"]])
        again = replayed(seep, folder, row)
        # Verdicts change with windows, which begin at other moments of the same look.
        if (live is None) != (again is None) or (live and round(abs(live - again) / WINDOW) > NEAR):
            other.append((row["series"], live, again))
    assert other == [] and compared > 0
