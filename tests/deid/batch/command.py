"""The command with a detector that sees nothing, as a program of its own: for tests that kill it or count its memory.

    python -m tests.deid.batch.command INPUT OUTPUT --key-file ... (as python -m deid)

DEID_TEST_PAUSE: seconds that each file waits before it is cleaned, so that a test can strike in the middle.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import deid.engine
from deid.__main__ import main
from deid.batch import run, work


class Blind:
    """A detector and reader without eyes."""

    name = "blind"

    def find(self, image: object, near: object = None) -> list[Any]:
        return []

    def read(self, image: object, region: object) -> tuple[str, float]:
        return "", 0.0


def slow_job(job: work.Job) -> work.Done:
    """The real work after a pause."""
    time.sleep(float(os.environ["DEID_TEST_PAUSE"]))
    return work.run_job(job)


def blind() -> None:
    """Put the blind detector, and the pause that was asked for, in this process and those forked from it."""
    deid.engine._shipped_detector = Blind  # type: ignore[assignment]
    deid.engine._shipped_reader = Blind  # type: ignore[assignment]
    if os.environ.get("DEID_TEST_PAUSE"):
        run.run_job = slow_job  # type: ignore[assignment]


if __name__ == "__main__":
    blind()
    sys.exit(main())
