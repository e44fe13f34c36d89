# SPDX-License-Identifier: GPL-2.0-only
"""The table of metrics against all that speaks of metrics: documents, rules, dashboards."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = (ROOT / "exporters/metrics.h").read_text()
MAKER = ROOT / "deploy/prometheus/make_metrics.py"

sys.path.insert(0, str(MAKER.parent))
import make_metrics  # noqa: E402

TABLE = {name: labels for name, _, _, _, labels in make_metrics.rows(HEADER)}


def test_every_row_is_parsed():
    assert len(TABLE) == len(re.findall(r"^\tX\(", HEADER, re.MULTILINE)) > 30


def test_document_is_made_from_the_table():
    made = subprocess.run([sys.executable, MAKER], input=HEADER, text=True, check=True,
                          capture_output=True).stdout
    assert (ROOT / "deploy/prometheus/METRICS.md").read_text() == made, "run `make metrics`"


def speakers():
    yield from (p for p in [ROOT / "README.md"] if p.exists())
    yield from (p for p in sorted((ROOT / "deploy").rglob("*")) if p.is_file())


def test_nobody_names_what_is_not_there():
    """An alert on a metric that does not exist never fires, and a panel of it is empty."""
    wrong = [f"{path.relative_to(ROOT)}: {name}" for path in speakers()
             for name in re.findall(r"(?<![\w:/.-])seep_[a-z_]+[a-z](?=[{\[\s`)])",
                                    path.read_text(errors="replace"))
             if name not in TABLE]
    assert not wrong


def test_nobody_asks_for_a_label_that_is_not_there():
    wrong = []
    for path in speakers():
        for name, matchers in re.findall(r"\b(seep_[a-z_]+)\{([^}]*)\}",
                                         path.read_text(errors="replace")):
            labels = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)
            known = set(TABLE.get(name, [])) | {"instance", "job"}
            wrong += [f"{path.relative_to(ROOT)}: {name}{{{x}}}" for x in labels if x not in known]
    assert not wrong
