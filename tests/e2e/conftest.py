"""One real delivery, built once a run, and a portal of its own for each end-to-end test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.portal import ROOT, Portal
from tests.e2e.portal import portal as start_portal
from tests.support.corpus import Delivery, build_delivery


@pytest.fixture(scope="session")
def delivery() -> Iterator[Delivery]:
    """Forty radiographs of two hospitals with planted identity: real ones where ``../shared/data`` is, else phantoms.

    With ``GETDATA_REQUIRE_ALL=1`` they must be real. While pictures for the documentation are taken always phantoms:
    nobody else's radiograph is kept in this repository.
    """
    with tempfile.TemporaryDirectory(prefix="getdata-delivery-") as folder:
        there = (ROOT.parent / "shared" / "data").is_dir() or os.environ.get("GETDATA_REQUIRE_ALL") == "1"
        source = "real" if there and os.environ.get("GETDATA_SCREENSHOTS") != "1" else "phantom"
        yield build_delivery(Path(folder), seed=20261123, source=source)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A running portal: web, worker, an empty database."""
    with start_portal(tmp_path_factory.mktemp("portal")) as running:
        running.start_worker()
        yield running
