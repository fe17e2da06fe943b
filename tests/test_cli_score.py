"""``getdata score``: one row a file, whatever is wrong with it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fulfillment.quality.folder import COLUMNS, score_file
from getdata.cli import app
from getdata.demo.phantom import make_phantom
from tests.support.images import tiny_dicom

pytestmark = pytest.mark.pure


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["score", *arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    chest = make_phantom(5, view="PA", size=(1100, 1040)).pixels
    (root / "deep").mkdir()
    cv2.imwrite(str(root / "deep" / "chest.png"), (chest.astype(np.int64) * 16).astype(np.uint16))
    cv2.imwrite(str(root / "chest.jpg"), (chest >> 4).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 30])
    (root / "tiny.dcm").write_bytes(tiny_dicom())
    (root / "notes.txt").write_text("no image")
    (root / "cut.png").write_bytes((root / "deep" / "chest.png").read_bytes()[:2000])
    return root


def test_every_file_has_a_row_with_a_verdict_and_what_would_raise_it(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    assert run(str(folder), "--out", str(out), "--jobs", "1").exit_code == 0
    with out.open(encoding="utf-8", newline="") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {"deep/chest.png", "chest.jpg", "tiny.dcm", "notes.txt", "cut.png"}
    assert list(rows["chest.jpg"]) == list(COLUMNS)
    deep, jpeg = rows["deep/chest.png"], rows["chest.jpg"]
    assert (jpeg["gate"], jpeg["reason"]) == ("closed", "BITS_STORED")
    assert 0 < float(jpeg["total"]) < float(deep["total"]) <= 100
    assert float(jpeg["blockiness"]) < float(deep["blockiness"])
    for name in ("notes.txt", "cut.png"):
        assert (rows[name]["gate"], rows[name]["reason"], rows[name]["total"]) == ("closed", "NOT_READABLE", "")
        assert rows[name]["remedy"]
    assert rows["tiny.dcm"]["gate"] == "closed"
    assert rows["tiny.dcm"]["sop_instance_uid"]


def test_a_folder_that_is_not_there_and_a_broken_request_are_named_with_their_cure(tmp_path: Path) -> None:
    missing = run(str(tmp_path / "nowhere"), "--out", str(tmp_path / "o.csv"))
    assert missing.exit_code == 2 and "no such folder" in missing.output
    (tmp_path / "request.json").write_text("{}")
    broken = run(str(tmp_path), "--out", str(tmp_path / "o.csv"), "--request", str(tmp_path / "request.json"))
    assert broken.exit_code == 2 and "lint" in broken.output


def test_a_file_scores_the_same_twice(folder: Path) -> None:
    first, again = (score_file(folder, "chest.jpg").row() for _ in range(2))
    assert first == again
