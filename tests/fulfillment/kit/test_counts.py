"""``getdata counts``: what it writes, the portal's reader reads; small counts are never in it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from typer.testing import CliRunner

from fulfillment.conformance import ImageFacts
from fulfillment.conformance.read import read_facts
from fulfillment.kit import counting
from fulfillment.kit.counting import ReadHeader, Tally, count_for, profile
from getdata.cli import app
from requests_app.feasibility import equations, read_counts, suppress
from requests_app.spec import spec_document, spec_sha256
from tests.fulfillment.kit import mixed

pytestmark = pytest.mark.pure


def images(**kinds: int) -> list[ImageFacts]:
    """So many images of each projection, each of its own patient."""
    one = read_facts(pydicom.dcmread(io.BytesIO(mixed.good(1)), stop_before_pixels=True))
    return [
        replace(one, sop_instance_uid=f"{view}{n}", patient=f"p{view}{n}", view=view)
        for view, number in kinds.items()
        for n in range(number)
    ]


def test_the_portal_reads_what_the_kit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def here(work: Any, tasks: Any, *, jobs: int) -> Any:
        return ((task, work(task)) for task in tasks)

    monkeypatch.setattr("fulfillment.duplicates.processes.shared_out", here)
    folder = tmp_path / "in"
    folder.mkdir()
    header = mixed.good(1)[:8000]  # a header is enough
    (folder / "IM1").write_bytes(header)
    (folder / "IM1 again").write_bytes(header)
    (folder / "notes.txt").write_text("nothing")
    (tmp_path / "spec.json").write_text(json.dumps(spec_document(mixed.spec())))
    for name in ("counts.csv", "counts.json"):
        arguments = ["counts", str(folder), "--request", str(tmp_path / "spec.json"), "--out", str(tmp_path / name)]
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert "1 image counted" in done.output and "1 file repeated" in done.output and "Pneumothorax" in done.output
        read = read_counts((tmp_path / name).read_bytes())
        assert read.spec_sha256 == spec_sha256(mixed.spec())
        assert read.counts["cohort.images"] == "<11"
        assert not [key for key in read.counts if "pneumothorax" in key], "no header says what is on the picture"
        assert "SMITH" not in (tmp_path / name).read_text()


def test_small_counts_cannot_be_read_or_worked_out() -> None:
    spec = mixed.spec()
    shown = count_for(images(PA=40, AP=4), spec)
    assert shown["projection.ap"] == "<11"
    assert shown["projection.pa"] == "withheld" or shown["cohort.images"] == "withheld", (
        "40 and 44 would give the 4 away"
    )
    assert suppress(shown, equations(spec)) == shown, "the portal finds nothing left to suppress"
    assert count_for(images(PA=40, AP=20), spec)["cohort.images"] == 60


def test_images_that_the_request_refuses_are_not_counted() -> None:
    assert count_for(images(PA=30, LL=30), mixed.spec())["cohort.images"] == 30


def test_without_a_request_the_folder_is_described_with_small_cells_suppressed() -> None:
    lines = {line.key: line.count for line in profile(images(PA=30, AP=15, LL=3))}
    assert lines["view.LL"] == "<11"
    assert "withheld" in (lines["view.PA"], lines["view.AP"], lines["images"])
    assert lines["age.40-59"] in (48, "withheld")


def test_a_header_leaves_its_process_without_identity(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(mixed.good(1))
    facts = ReadHeader(tmp_path, b"k" * 32)("a").facts
    assert facts is not None and "000001" not in repr(facts) and mixed.UID not in repr(facts)
    tally = Tally()
    tally.add(counting.Header("instance", facts))
    tally.add(counting.Header("instance", facts))
    assert (len(tally.images), tally.twice) == (1, 1)
