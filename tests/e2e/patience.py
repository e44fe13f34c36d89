# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for what an agent comes to in its turn: other Go programs of the host have theirs too."""

import time

import pytest

PATIENT_SECONDS = 100


def wait(condition):
    end = time.monotonic() + PATIENT_SECONDS
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    return pytest.fail(f"not within {PATIENT_SECONDS} s")
