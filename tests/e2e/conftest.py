# SPDX-License-Identifier: GPL-2.0-only
"""What every end-to-end test has: seep, workloads, a time limit, and nothing left behind."""

import os
import pathlib
import signal
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("O", "build")
TEST_SECONDS = 120

sys.path.insert(0, str(ROOT / "tests"))


def pytest_configure(config):
    config.addinivalue_line("markers", f"timeout(seconds): another limit than {TEST_SECONDS} s")
    config.addinivalue_line("markers", "played: days of windows in minutes, mostly waiting")
    config.addinivalue_line("markers", "probes: explains programs of its own, which take little")
    config.addinivalue_line("markers", "waits: mostly; sets no probe and looks at no other's process")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """A test that hangs fails by itself; its fixtures still clean up."""
    marker = item.get_closest_marker("timeout")
    seconds = marker.args[0] if marker else TEST_SECONDS

    def expire(signum, frame):
        pytest.fail(f"no end after {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds, 10)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def seep():
    """Path of the program under test; SEEP names another than the one built here."""
    path = pathlib.Path(os.environ.get("SEEP") or BUILD / "seep")
    assert path.exists(), f"{path} is not built"
    return str(path)


@pytest.fixture(scope="session")
def workloads():
    """Folder of the built workloads."""
    return BUILD / "workloads"
