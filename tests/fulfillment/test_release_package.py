"""The package of a release without a database: what is in it, byte for byte."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import bagit
import cv2
import numpy as np
import pydicom
import pytest

from fulfillment.release import (
    DamagedEntry,
    Entry,
    PackageFacts,
    ReleasedImage,
    ReleasedLabel,
    ReleasedMark,
    Written,
    as_png,
    describe,
    documents,
    write_bag,
)
from fulfillment.release.archive import directory, local_header
from getdata.demo.dicomize import encode
from requests_app.spec import DatasetSpec, ImageFormat, spec_sha256

pytestmark = pytest.mark.pure

SPEC = DatasetSpec.model_validate(
    {
        "title": "Frontal chests",
        "projections": [{"view": "PA"}],
        "labels": {
            "taxonomy": "getdata-cxr",
            "findings": [{"finding": "Pneumothorax"}, {"finding": "Pleural Effusion"}],
        },
        "delivery": {"image_formats": ["dicom", "png8"], "label_formats": ["generic_csv", "chexpert_csv", "coco"]},
    }
)


def facts(**changes: Any) -> PackageFacts:
    given = PackageFacts(
        name="getdata-frontal-v1",
        title="Frontal chests",
        number=1,
        published_for="Group 1",
        date="2026-03-01",
        spec=SPEC,
        spec_version=2,
        spec_sha256=spec_sha256(SPEC),
        terms="Data use agreement\n",
        withheld={"NOT_DICOM": 3},
    )
    return replace(given, **changes)


def image(number: int, **changes: Any) -> ReleasedImage:
    path = f"dicom/P{number}/1.{number}/2.{number}/3.{number}.dcm"
    given = ReleasedImage(
        path=path,
        sha256=hashlib.sha256(path.encode()).hexdigest(),
        site="site-01",
        facts={
            "sop_instance_uid": f"3.{number}",
            "patient": f"P{number}",
            "view": "PA",
            "sex": "F",
            "manufacturer": "Maker",
            "spacing_mm": [0.2, 0.2],
            "age_years": None,
            "site": None,
            "labels": None,
        },
        quality_version="q1",
        quality_total=81.26,
        quality_components={"contrast": 70.04},
        masks=number,
        labels=(),
        deid={"engine": "deid/1", "table": "2026c", "policy": "cxr-research", "actions": {"X": 2}},
    )
    return replace(given, **changes)


def bag(entries: list[Entry], **info: str) -> tuple[bytes, list[Written]]:
    target = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        told = {"Source-Organization": "GetDATA", **info}
        made = write_bag(target, name="release", entries=entries, info=told, folder=Path(folder))
    return target.getvalue(), made


def made_of(images: list[ReleasedImage], given: PackageFacts | None = None) -> dict[str, bytes]:
    """Path below ``data/`` -> bytes of every document and table."""
    given = given or facts()
    with tempfile.TemporaryDirectory() as folder:
        survey, tables = describe(Path(folder), given, images, lambda key: None)
        found = {entry.path: entry.read() for entry in documents(given, survey, tables)}
        return {path: data if isinstance(data, bytes) else data.read_bytes() for path, data in found.items()}


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


# --- the bag -----------------------------------------------------------------------------------------------------------


def test_the_unpacked_package_is_a_valid_bag(tmp_path: Path) -> None:
    payload = {"README.md": b"# Hello\n", "dicom/P1/1/2/3.dcm": b"\0" * 200, "metadata/images.csv": "ä,ö\n".encode()}
    data, made = bag([Entry(path, lambda data=data: data) for path, data in payload.items()])
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    found = bagit.Bag(str(tmp_path / "release"))
    assert found.validate(processes=1)
    assert found.info["Payload-Oxum"] == f"{sum(map(len, payload.values()))}.3"
    digests = {file.path: file.sha256 for file in made if file.path.startswith("data/")}
    assert digests == {f"data/{path}": hashlib.sha256(data).hexdigest() for path, data in payload.items()}
    for file in made:
        assert hashlib.sha256(data[file.offset : file.end]).hexdigest() == file.sha256, "a file is a byte range"


def test_a_byte_changed_after_unpacking_makes_the_bag_invalid(tmp_path: Path) -> None:
    data, _ = bag([Entry("a.dcm", lambda: b"abc")])
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    (tmp_path / "release" / "data" / "a.dcm").write_bytes(b"abd")
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(tmp_path / "release")).validate(processes=1)


def test_the_same_entries_give_the_same_bytes() -> None:
    entries = [Entry("a", lambda: b"1"), Entry("b", lambda: b"2")]
    assert bag(entries)[0] == bag(entries)[0]


def test_an_entry_that_changed_in_storage_is_refused_by_its_path() -> None:
    right = hashlib.sha256(b"as released").hexdigest()
    assert bag([Entry("dicom/x.dcm", lambda: b"as released", right)])[1][0].sha256 == right
    with pytest.raises(DamagedEntry, match=r"^data/dicom/x\.dcm$"):
        bag([Entry("dicom/x.dcm", lambda: b"as released?", right)])


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "a/./b", "a\nb", "a\\b", ""])
def test_a_path_that_leaves_the_bag_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="leaves the bag"):
        bag([Entry(path, lambda: b"")])


def test_an_archive_beyond_four_gigabytes_and_64k_files_opens(tmp_path: Path) -> None:
    large = 5 * 1024**3
    names = ["a", "ü", *(f"f{number:05}" for number in range(66_000))]
    target = tmp_path / "large.zip"
    files, at = [], 0
    with target.open("wb") as out:
        for name in names:
            size = large if name == "a" else 1
            head = local_header(f"r/{name}", size, 0 if name == "a" else zlib.crc32(b"x"))
            out.write(head)
            files.append(Written(name, size, "", 0 if name == "a" else zlib.crc32(b"x"), at + len(head)))
            at = files[-1].end
            if name == "a":  # a hole
                out.seek(at - 1)
            out.write(b"\0" if name == "a" else b"x")
        out.writelines(directory("r", files, at))
    with zipfile.ZipFile(target) as bundle:
        assert len(bundle.infolist()) == len(names) and bundle.getinfo("r/a").file_size == large
        assert bundle.read("r/ü") == b"x" and bundle.read("r/f65999") == b"x"


def test_what_people_wrote_cannot_add_lines_to_the_bag_info() -> None:
    data, _ = bag([Entry("a", lambda: b"1")], **{"External-Description": "A title\nContact-Email: x@y.z"})
    info = zipfile.ZipFile(io.BytesIO(data)).read("release/bag-info.txt").decode()
    assert "External-Description: A title Contact-Email: x@y.z\n" in info
    assert info.count("\n") == 3


# --- the documents -----------------------------------------------------------------------------------------------------


def test_every_document_is_there_and_the_same_each_time() -> None:
    made = made_of([image(1), image(2)])
    assert sorted(made) == [
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "audit/quality.csv",
        "audit/quality.parquet",
        "croissant.json",
        "deidentification.json",
        "docs/datasheet.md",
        "docs/standing_together.md",
        "metadata/annotations.parquet",
        "metadata/chexpert.csv",
        "metadata/coco.json",
        "metadata/images.csv",
        "metadata/images.parquet",
        "metadata/labels.csv",
        "metadata/labels.parquet",
        "spec.json",
    ]
    assert made == made_of([image(1), image(2)])


def test_the_specification_in_the_package_reads_back_to_the_same_one() -> None:
    read = DatasetSpec.model_validate(json.loads(made_of([image(1)])["spec.json"]))
    assert read == SPEC and spec_sha256(read) in made_of([image(1)])["README.md"].decode()


def test_the_image_table_has_a_row_an_image_and_no_secret_columns() -> None:
    table = rows(made_of([image(1), image(2)])["metadata/images.csv"])
    assert [row["path"] for row in table] == [image(1).path, image(2).path]
    assert list(table[0])[:9] == "image_id patient_id site vendor model view sex age path".split()
    assert (table[0]["image_id"], table[0]["patient_id"], table[0]["site"]) == ("3.1", "P1", "site-01")
    assert (table[0]["row_spacing_mm"], table[0]["age"], table[1]["masked_regions"]) == ("0.2", "", "2")
    assert "labels" not in table[0]


def test_the_quality_table_leaves_missing_scores_blank() -> None:
    unscored = image(2, quality_version="", quality_total=None, quality_components={})
    table = rows(made_of([image(1), unscored])["audit/quality.csv"])
    assert [(row["total"], row["contrast"]) for row in table] == [("81.3", "70"), ("", "")]


def test_cells_that_a_spreadsheet_would_run_are_made_harmless() -> None:
    evil = image(1, facts={**image(1).facts, "manufacturer": '=HYPERLINK("http://x")', "age_years": -1})
    row = rows(made_of([evil])["metadata/images.csv"])[0]
    assert row["manufacturer"] == '\'=HYPERLINK("http://x")'
    assert row["age"] == "-1", "a number is no formula"


def test_labels_are_rows_with_their_source() -> None:
    made = {"readers": 2, "board_certified": True, "adjudication": "majority", "laterality": "R"}
    marks = [ReleasedMark("box", [1, 2, 3, 4])]
    labelled = image(1, labels=[ReleasedLabel("Pneumothorax", "likely", "report_read", "r1", marks=marks, **made)])
    table = rows(made_of([labelled, image(2)])["metadata/labels.csv"])
    assert table == [
        {
            "image_id": "3.1",
            "finding": "Pneumothorax",
            "state": "likely",
            "source": "report_read",
            "reader": "r1",
            "adjudicated": "yes",
            "patient_id": "P1",
            "site": "site-01",
            "path": image(1).path,
            "readers": "2",
            "board_certified": "yes",
            "blind_to_report": "",
            "adjudication": "majority",
            "consensus": "",
            "tool": "",
            "tool_version": "",
            "laterality": "R",
            "marks": "box",
            "key": "pneumothorax",
            "snomed_ct": "36118008",
            "radlex": "RID5352",
            "umls": "C2073565",
        }
    ]


def test_the_chexpert_table_maps_findings_and_states() -> None:
    labelled = image(
        1,
        labels=[
            ReleasedLabel("Pneumothorax", "present", "", ""),
            ReleasedLabel("Pleural Effusion", "present", "", "a"),
            ReleasedLabel("Pleural Effusion", "absent", "", "b"),
            ReleasedLabel("A finding of an earlier version", "present", "", ""),
        ],
    )
    absent = image(2, labels=[ReleasedLabel("Pneumothorax", "absent", "", "")])
    table = rows(made_of([labelled, absent, image(3)])["metadata/chexpert.csv"])
    assert [row["Path"] for row in table] == [image(n).path for n in (1, 2, 3)]
    assert len(table[0]) == 15
    assert [row["Pneumothorax"] for row in table] == ["1.0", "0.0", ""]
    assert [row["Pleural Effusion"] for row in table] == ["-1.0", "", ""], "readers who differ are uncertain"


def test_the_chexpert_table_comes_only_when_it_was_asked_for() -> None:
    plain = SPEC.model_copy(update={"delivery": SPEC.delivery.model_copy(update={"label_formats": ()})})
    assert "metadata/chexpert.csv" not in made_of([image(1)], facts(spec=plain))


def test_the_card_says_what_is_here_and_what_is_not() -> None:
    card = made_of([image(1), image(2, site="site-02")])["README.md"].decode()
    assert "2 images of 2 patients from 2 sites." in card
    assert "| site-01 | 1 |" in card and "| Maker | 2 |" in card
    assert "version 2" in card
    assert "not included in this release" not in card and "`metadata/coco.json`" in card
    assert "No labels were delivered." in card
    assert "`png8/<patient>/<study>/<series>/*.png`" in card


def test_a_maker_cannot_break_the_tables_of_the_card() -> None:
    odd = image(1, facts={**image(1).facts, "manufacturer": "A | B\n| C | 9 |"})
    assert "| A / B / C / 9 / | 1 |" in made_of([odd])["README.md"].decode()


def test_the_summary_of_de_identification_adds_up() -> None:
    told = json.loads(made_of([image(1), image(2)])["deidentification.json"])
    assert told["engines"] == ["deid/1"] and told["policies"] == ["cxr-research"]
    assert (told["images"], told["images_with_masks"], told["masks"]) == (2, 2, 3)
    assert told["actions"] == {"X": 4} and told["withheld_by_reason"] == {"NOT_DICOM": 3}


# --- pictures ----------------------------------------------------------------------------------------------------------


def decoded(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


def ramp() -> np.ndarray:
    return np.linspace(0, 4095, 64 * 50).reshape(64, 50).astype(np.uint16)


def test_png16_keeps_the_stored_values() -> None:
    picture = decoded(as_png(encode(ramp(), {}), ImageFormat.PNG16))
    assert picture.dtype == np.uint16 and np.array_equal(picture, ramp())


def test_bones_are_bright_in_both_forms_whatever_the_photometric_interpretation() -> None:
    data = encode(ramp(), {}, photometric="MONOCHROME1")
    assert np.array_equal(decoded(as_png(data, ImageFormat.PNG16)), 4095 - ramp())
    eight = decoded(as_png(data, ImageFormat.PNG8))
    assert eight[0, 0] == 255 and eight[-1, -1] == 0


def test_png8_without_a_window_stretches_between_the_percentiles() -> None:
    pixels = ramp()
    pixels[0, 0] = 4095  # one hot pixel must not darken the picture
    data = _with(encode(pixels // 4, {}), WindowCenter=None, WindowWidth=None)
    picture = decoded(as_png(data, ImageFormat.PNG8))
    assert picture.dtype == np.uint8 and picture.min() == 0 and picture.max() == 255
    assert abs(int(picture[32, 0]) - 127) < 4


def test_png8_uses_the_headers_window_over_its_full_range() -> None:
    flat = np.full((64, 50), 1000, np.uint16)
    flat[:32] = 2000
    picture = decoded(as_png(_with(encode(flat, {}), WindowCenter=2048, WindowWidth=4096), ImageFormat.PNG8))
    assert abs(int(picture[0, 0]) - 255 * 2000 / 4095) <= 1 and abs(int(picture[40, 0]) - 255 * 1000 / 4095) <= 1


def test_signed_values_move_up_by_half_the_range() -> None:
    dataset = pydicom.dcmread(io.BytesIO(_with(encode(ramp(), {}), PixelRepresentation=1)))
    dataset.PixelData = (ramp().astype(np.int32) - 2048).astype(np.int16).tobytes()
    assert np.array_equal(decoded(as_png(_saved(dataset), ImageFormat.PNG16)), ramp())


def test_colour_becomes_grey() -> None:
    dataset = pydicom.dcmread(io.BytesIO(encode(ramp(), {})))
    dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.PhotometricInterpretation = 3, 0, "RGB"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = np.full((64, 50, 3), (30, 60, 90), np.uint8).tobytes()
    dataset.WindowCenter, dataset.WindowWidth = 128, 256
    assert set(decoded(as_png(_saved(dataset), ImageFormat.PNG16)).ravel()) == {60}
    assert decoded(as_png(_saved(dataset), ImageFormat.PNG8)).shape == (64, 50)


def _with(data: bytes, **values: Any) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(data))
    for keyword, value in values.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return _saved(dataset)


def _saved(dataset: pydicom.Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()
