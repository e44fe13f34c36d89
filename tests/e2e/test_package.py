# SPDX-License-Identifier: GPL-2.0-only
"""The Debian package: built, installed below a folder, run from there, and purged."""

import gzip
import os
import pathlib
import subprocess

import pytest

pytestmark = pytest.mark.waits

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("O", "build")

FILES = """
etc/default/seep
lib/systemd/system/seep.service
usr/bin/seep
usr/share/doc/seep/copyright
usr/share/man/man1/seep.1.gz
usr/share/man/man1/seep-check.1.gz
usr/share/man/man1/seep-explain.1.gz
usr/share/man/man1/seep-replay.1.gz
usr/share/man/man1/seep-top.1.gz
usr/share/man/man8/seep-agent.8.gz
usr/share/seep/grafana/seep.json
usr/share/seep/prometheus/METRICS.md
usr/share/seep/prometheus/RUNBOOK.md
usr/share/seep/prometheus/seep.rules.yml
""".split()


def run(*command):
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def package():
    run("nice", "make", "-s", "-C", ROOT, "deb", f"O={BUILD.relative_to(ROOT)}")
    (path,) = (BUILD / "deb").glob("seep_*.deb")
    return path


@pytest.fixture
def root(tmp_path, package):
    """A root of its own with the package in it; its scripts run outside of it, as it has no shell.
    The libraries are those of this host."""
    (tmp_path / "var/lib/dpkg/updates").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/info").mkdir()
    (tmp_path / "var/lib/dpkg/status").touch()
    run(*dpkg(tmp_path), "--install", package)
    return tmp_path


def dpkg(root):
    return ["dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless",
            f"--log={root}/dpkg.log"]


def files_of(root):
    return {str(p.relative_to(root)) for p in root.rglob("*")
            if p.is_file() and not p.relative_to(root).parts[0] == "var"}


@pytest.mark.timeout(600)
def test_package_says_what_it_needs(package):
    depends = run("dpkg-deb", "--field", package, "Depends")
    for library in ("libbpf1", "libdw1", "libmicrohttpd12", "libseccomp2"):
        assert library in depends
    assert run("dpkg-deb", "--info", package, "conffiles").split() == ["/etc/default/seep"]


@pytest.mark.timeout(600)
def test_installed_program_runs(root, seep):
    assert set(FILES) - files_of(root) == set()
    program = root / "usr/bin/seep"
    assert run(program, "--version") == run(seep, "--version")
    assert '"resource":"fd"' in run(program, "top", "--once", "--json", "-p", str(os.getpid()))
    unit = (root / "lib/systemd/system/seep.service").read_text()
    assert "ExecStart=/usr/bin/seep agent" in unit
    page = gzip.decompress((root / "usr/share/man/man8/seep-agent.8.gz").read_bytes())
    assert b"web.listen" in page


@pytest.mark.timeout(600)
def test_purged_package_leaves_nothing(root):
    state = root / "var/lib/seep"
    state.mkdir()
    (state / "trends").touch()
    run(*dpkg(root), "--purge", "seep")
    assert files_of(root) - {"dpkg.log"} == set()
    assert not state.exists()


@pytest.mark.timeout(600)
def test_rules_can_be_made_from_the_package(root):
    folder = root / "usr/share/seep/prometheus"
    with open(folder / "seep.rules.yml.in") as template:
        made = subprocess.run([folder / "make_rules.py", "1h"], stdin=template, text=True,
                              check=True, capture_output=True).stdout
    assert made == (folder / "seep.rules.yml").read_text()
