"""SIGKILL of the worker in mid-batch, then a restart: every file settles exactly once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.portal import ROOT, Portal, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FILES = 24


def test_every_file_settles_exactly_once_after_the_worker_was_killed(portal_without_worker: Portal) -> None:
    portal = portal_without_worker
    made = json.loads(portal.manage("-m", "tests.e2e.killed", "stage", str(FILES)).strip().splitlines()[-1])

    def state() -> dict[str, int]:
        result: dict[str, int] = json.loads(
            portal.manage("-m", "tests.e2e.killed", "state", made["batch"]).splitlines()[-1]
        )
        return result

    portal.start_worker()
    until(lambda: state()["settled"] >= 3, seconds=120, what="the worker to get into the batch")
    portal.kill_worker()
    at_kill = state()
    assert at_kill["settled"] < FILES, "the worker was too quick to be killed in mid-batch"

    portal.start_worker()
    until(lambda: state()["settled"] == FILES, seconds=300, what="every file to settle")
    end = state()
    assert end["passed"] == FILES
    assert end["images"] == FILES, "one image a file, no more"
    assert end["settling_events"] == FILES, "each file was settled once"
    portal.manage("manage.py", "verify_audit")


@pytest.fixture
def portal_without_worker(tmp_path: Path):  # type: ignore[no-untyped-def]
    from tests.e2e.portal import portal as start_portal

    assert (ROOT / "manage.py").exists()
    with start_portal(tmp_path / "portal") as running:
        yield running
