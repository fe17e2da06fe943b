"""Both halves of the suite run, and a failure in either is a failure of the whole."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.halves import combined

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [((0, 0), 0), ((0, 5), 0), ((5, 0), 0), ((5, 5), 5), ((1, 0), 1), ((0, 1), 1), ((5, 2), 2), ((0, -9), 9)],
)
def test_a_failure_of_either_half_wins(statuses: tuple[int, int], whole: int) -> None:
    assert combined(statuses) == whole


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in ("GETDATA_TESTS_VAR", "GETDATA_VAR")}
    return subprocess.run(
        [sys.executable, "-m", "tests.halves", *arguments],
        cwd=ROOT,
        env=environment | {"GETDATA_TEST_BACKEND": "embedded"},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_tests_of_both_halves_run_and_are_reported() -> None:
    pure, other = (
        "tests/services/test_lock.py::test_the_makefile_accepts_the_pythons_that_are_checked_here",
        ("tests/common/test_crypto.py"),
    )
    done = run(pure, other)
    assert done.returncode == 0, done.stdout + done.stderr
    first, _, second = done.stdout.partition("The tests that touch no backend:")
    assert " passed" in first and "1 passed" in second
    assert "1 deselected" in first


def test_nothing_selected_is_not_taken_for_success() -> None:
    assert run("tests/common/test_crypto.py", "-k", "no_such_test_at_all").returncode == 5


def test_a_signal_ends_both_halves() -> None:
    halves = subprocess.Popen(
        [sys.executable, "-m", "tests.halves", "tests/common/test_crypto.py", "tests/services/test_lock.py"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key not in ("GETDATA_TESTS_VAR", "GETDATA_VAR")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started = time.monotonic()
    while len(_members(halves.pid)) < 3 and time.monotonic() < started + 60:
        time.sleep(0.05)
    assert len(_members(halves.pid)) >= 3, "this process and both halves"
    halves.terminate()
    assert halves.wait(timeout=60) != 0
    assert _members(halves.pid) == []


def _members(session: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, number = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(number) == session and state != "Z":
            found.append(int(entry.name))
    return found
