"""What three images of a device show is looked for again in its others, within one run of the command."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import deid.engine
from deid.__main__ import main
from deid.pixels.detector import Region
from tests.deid.objects import make_file, plain_chest

CORNER = Region(20, 16, 60, 16, 0.0)


class Brightness:
    """Is as sure of text in the corner as the corner is bright."""

    name = "brightness"

    def find(self, image: NDArray[np.float32], near: Sequence[Region] | None = None) -> list[Region]:
        level = float(image[CORNER.y + 8, CORNER.x + 30])
        if near is not None or level < 3000:
            return []
        return [Region(CORNER.x, CORNER.y, CORNER.width, CORNER.height, 0.95 if level > 3800 else 0.5)]

    def read(self, image: NDArray[np.float32], region: Region) -> tuple[str, float]:
        return "", 0.0


def radiograph(number: int, level: int, station: str) -> bytes:
    pixels = plain_chest(seed=number)
    pixels[CORNER.y : CORNER.y + CORNER.height, CORNER.x : CORNER.x + CORNER.width] = level
    return make_file(
        pixels,
        SOPInstanceUID=f"1.2.826.0.1.3680043.8.498.7{number}",
        StudyInstanceUID=f"1.2.826.0.1.3680043.8.498.8{number}",
        PatientID=f"00718{number:03d}",
        StationName=station,
    )


def run(folder: Path, out: Path, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit status, and the record of each original UID's last number."""
    (out.parent / "key").write_text("5a" * 32)
    status = main(
        [str(folder), str(out), "--key-file", str(out.parent / "key"), "--map", str(out.parent / "map.csv"),
         "--report", str(out.parent / "report.json"), *more]
    )  # fmt: skip
    report = json.loads((out.parent / "report.json").read_text())
    by_output = {record["output"]: record for record in report["records"]}
    with (out.parent / "map.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return status, {row["original_sop_instance_uid"][-1]: by_output[row["output"]] for row in rows}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_hint_is_masked_where_the_device_writes_on_its_other_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setattr(deid.engine, "_shipped_detector", Brightness)
    monkeypatch.setattr(deid.engine, "_shipped_reader", Brightness)
    folder = tmp_path / "in"
    folder.mkdir()
    for number, level, station in (
        (1, 3400, "ROOM A"), (2, 4000, "ROOM A"), (3, 4000, "ROOM A"), (4, 4000, "ROOM A"), (5, 3400, "ROOM B"),
    ):  # fmt: skip
        (folder / f"{number}.dcm").write_bytes(radiograph(number, level, station))
    status, records = run(folder, tmp_path / "out", "--workers", workers)
    assert status == 0
    assert [bool(records[n]["masks"]) for n in "12345"] == [True, True, True, True, False]
    assert records["5"]["hints"] and not records["1"]["hints"]
    assert records["1"]["device"] == records["2"]["device"] != records["5"]["device"]
    assert "ROOM" not in json.dumps(records)
    first = {path.relative_to(tmp_path): path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}
    assert len(first) == 5 and not [p for p in (tmp_path / "out").rglob("*") if p.suffix == ".again"]
    assert run(folder, tmp_path / "out", "--workers", workers)[1] == records
    assert {path.relative_to(tmp_path): path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")} == first
