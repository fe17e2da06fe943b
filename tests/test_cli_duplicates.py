"""``getdata duplicates``: pairs in order, bad files named, whatever the format."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fulfillment.duplicates.hashlist import read_list
from getdata.cli import app
from getdata.demo.dicomize import encode
from tests.fulfillment.duplicates.pictures import chest

pytestmark = pytest.mark.pure


def dicom(pixels: np.ndarray, photometric: str = "MONOCHROME2") -> bytes:
    return encode(pixels.astype(np.uint16) * 16, {"PhotometricInterpretation": photometric, "SOPInstanceUID": "2.25.1"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    (root / "b" / "deep").mkdir(parents=True)
    one, two = chest(1), chest(4, sex="M")
    (root / "b" / "one.dcm").write_bytes(dicom(one))
    (root / "b" / "deep" / "negative").write_bytes(dicom(255 - one, "MONOCHROME1"))
    Image.fromarray(one).save(root / "one.png")
    Image.fromarray(one).save(root / "a copy.png")
    Image.fromarray(np.stack([one] * 3, axis=-1)).resize((300, 360)).save(root / "b" / "small.jpg", quality=70)
    Image.fromarray(cv2.flip(two, 1)).save(root / "two.png")
    Image.fromarray(np.full((90, 80), 7, np.uint8)).save(root / "plain.png")
    (root / "cut.dcm").write_bytes(dicom(two)[:4000])
    (root / "empty.png").touch()
    (root / "notes.txt").write_text("no picture")
    return root


def test_pairs_of_every_format_in_order_and_bad_files_with_their_cause(folder: Path, tmp_path: Path) -> None:
    out, hashes = tmp_path / "pairs.csv", tmp_path / "hashes.csv"
    done = CliRunner().invoke(
        app, ["duplicates", str(folder), "--out", str(out), "--jobs", "1", "--hashes-out", str(hashes)]
    )
    assert done.exit_code == 0, done.output
    with out.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["file_a", "file_b", "kind", "distance", "inliers", "verified"]
    same = ["a copy.png", "b/deep/negative", "b/one.dcm", "b/small.jpg", "one.png"]
    wanted = [(a, b) for i, a in enumerate(same) for b in same[i + 1 :]]
    assert [(row["file_a"], row["file_b"]) for row in rows] == wanted
    kinds = {(row["file_a"], row["file_b"]): row["kind"] for row in rows}
    assert [pair for pair, kind in kinds.items() if kind == "exact"] == [("a copy.png", "one.png")]
    assert {row["verified"] for row in rows} == {"true"}
    assert all(int(row["distance"]) <= 64 and int(row["inliers"]) >= 10 for row in rows)
    told = {line.split(": ")[0]: line for line in done.stderr.splitlines() if ": " in line}
    assert "damaged" in told["cut.dcm"]
    assert "empty" in told["empty.png"]
    assert "neither DICOM nor PNG nor JPEG" in told["notes.txt"]
    assert "Only its exact pixels" in told["plain.png"]
    assert "7 images compared, 3 files not read" in done.stderr
    listed = read_list(hashes.read_bytes())
    assert isinstance(listed, list) and len(listed) == 7


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "--out", "x.csv"], "no such folder"),
        ([".", "--out", "no/such/folder/x.csv"], "cannot be written"),
        ([".", "--out", "x.csv", "--hashes-out", "x.json"], ".csv or .parquet"),
    ],
)
def test_what_cannot_be_done_is_refused(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app, ["duplicates", *arguments])
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.output
    assert not list(tmp_path.iterdir())
