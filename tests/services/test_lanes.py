"""Every part of the suite runs, and a failure in any is a failure of the whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.environment import SERVER_VARIABLES
from tests.lanes import combined

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [((0, 0), 0), ((0, 5), 0), ((5, 0), 0), ((5, 5), 5), ((1, 0), 1), ((0, 1), 1), ((5, 2), 2), ((0, -9), 9)],
)
def test_a_failure_of_any_part_wins(statuses: tuple[int, int], whole: int) -> None:
    assert combined(statuses) == whole


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in ("GETDATA_TESTS_VAR", "GETDATA_VAR")}
    return subprocess.run(
        [sys.executable, "-m", "tests.lanes", "rest", "pure", "--", *arguments],
        cwd=ROOT,
        env=environment | {"GETDATA_TEST_BACKEND": "embedded"},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_tests_of_both_lanes_run_and_are_reported() -> None:
    pure, other = (
        "tests/services/test_lock.py::test_the_makefile_accepts_the_pythons_that_are_checked_here",
        ("tests/common/test_crypto.py"),
    )
    done = run(pure, other)
    assert done.returncode == 0, done.stdout + done.stderr
    first, _, second = done.stdout.partition("The other tests that touch no backend:")
    assert " passed" in first and "1 passed" in second
    assert "1 deselected" in first


def test_nothing_selected_is_not_taken_for_success() -> None:
    assert run("tests/common/test_crypto.py", "-k", "no_such_test_at_all").returncode == 5


def test_a_signal_ends_both_lanes() -> None:
    lanes = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.lanes",
            "rest",
            "pure",
            "--",
            "tests/common/test_crypto.py",
            "tests/services/test_lock.py",
        ],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key not in ("GETDATA_TESTS_VAR", "GETDATA_VAR")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started = time.monotonic()
    while len(_members(lanes.pid)) < 3 and time.monotonic() < started + 60:
        time.sleep(0.05)
    assert len(_members(lanes.pid)) >= 3, "this process and both lanes"
    lanes.terminate()
    assert lanes.wait(timeout=60) != 0
    assert _members(lanes.pid) == []


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


def test_a_part_that_fails_keeps_no_other_from_running() -> None:
    done = run("tests/services/test_lanes.py::test_a_failure_of_any_part_wins", "--no-such-option")
    assert done.returncode == 4
    assert done.stdout.count("tests that") == 2


def test_a_name_that_is_no_part_is_refused() -> None:
    command = [sys.executable, "-m", "tests.lanes", "everything"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "usage" in done.stderr


def test_the_embedded_run_ignores_a_developers_servers() -> None:
    makefile = (ROOT / "Makefile").read_text()
    listed = re.search(r"^SERVER_VARIABLES := ((?:.*\\\n)*.*)", makefile, re.MULTILINE)
    assert listed and set(SERVER_VARIABLES) == set(listed[1].replace("\\", "").split()), (
        "the Makefile has the same list"
    )
    seen = subprocess.run(
        [sys.executable, "-c", "import tests.environment, os; print(sorted(os.environ))"],
        cwd=ROOT,
        env=os.environ | dict.fromkeys(SERVER_VARIABLES, "x") | {"GETDATA_TEST_BACKEND": "embedded"},
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert not [name for name in SERVER_VARIABLES if f"'{name}'" in seen]
