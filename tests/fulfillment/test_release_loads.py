"""A release opens with the tools that researchers use, and each counts the same."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections import Counter
from pathlib import Path

import bagit
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment.audits.splits import Item, leave_one_site_out
from fulfillment.release import (
    Entry,
    ReleasedImage,
    ReleasedLabel,
    ReleasedMark,
    clusters,
    describe,
    documents,
    masks_of,
    objects_of,
    write_bag,
)
from getdata.demo.dicomize import encode
from requests_app.spec import LabelFormat
from tests.fulfillment.test_release_package import SPEC, facts, image

pytestmark = pytest.mark.pure
ASKED = SPEC.model_copy(
    update={
        "delivery": SPEC.delivery.model_copy(
            update={"label_formats": (LabelFormat.GENERIC_CSV, LabelFormat.COCO, LabelFormat.DICOM_SEG)}
        )
    }
)
MASK = np.zeros((24, 20), np.uint8)
MASK[4:9, 3:8] = 255
STORED = {"m": cv2.imencode(".png", MASK)[1].tobytes()}


def pixels(number: int) -> np.ndarray:
    return np.full((24, 20), 100 * number, np.uint16)


def delivered(number: int) -> tuple[ReleasedImage, bytes]:
    uids = {"sop_instance_uid": f"2.25.{number}1", "series_uid": f"2.25.{number}2", "study_uid": f"2.25.{number}3"}
    data = encode(
        pixels(number), {"SOPInstanceUID": uids["sop_instance_uid"], "PatientID": f"P{number}", "PatientSex": "F"}
    )
    labels = [ReleasedLabel("Pleural Effusion", "absent" if number % 2 else "present", "single_reader", f"r{number}")]
    if number == 2:
        mark = ReleasedMark("mask", [3, 4, 5, 5], mask="m")
        labels.append(ReleasedLabel("Pneumothorax", "present", "adjudicated", "r1", readers=2, marks=[mark]))
    known = {
        **image(number).facts, **uids, "rows": 24, "columns": 20, "age_years": 40.5 + number if number > 1 else None,
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1", "portable": True if number == 1 else None,
    }  # fmt: skip
    path = f"dicom/P{number}/{uids['study_uid']}/{uids['series_uid']}/{uids['sop_instance_uid']}.dcm"
    made = image(number, path=path, facts=known, labels=labels, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    return made, data


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    (folder / "made").mkdir()
    about = facts(spec=ASKED, address="https://portal.example/releases/1/")
    images = [delivered(number) for number in (1, 2, 3)]
    survey, tables = describe(folder / "made", about, [one for one, _ in images], STORED.get)
    entries = documents(about, survey, tables)
    for one, data in images:
        entries.append(Entry(one.path, lambda data=data: data, one.sha256))  # type: ignore[misc]
        for path, made in [
            *objects_of(one, ASKED, STORED.get, about.date),
            *masks_of(one, ASKED.taxonomy(), STORED.get),
        ]:
            entries.append(Entry(path, lambda made=made: made))  # type: ignore[misc]
    target = io.BytesIO()
    write_bag(target, name=about.name, entries=entries, info={}, folder=folder / "made")
    zipfile.ZipFile(target).extractall(folder)
    return folder / about.name


def test_bagit_accepts_every_byte(bag: Path) -> None:
    assert bagit.Bag(str(bag)).validate(processes=1)


def test_croissant_is_clean_and_its_records_are_the_tables(bag: Path) -> None:
    import mlcroissant

    found = mlcroissant.Dataset(jsonld=bag / "data" / "croissant.json")
    issues = found.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())
    assert "http://mlcommons.org/croissant/1.1" in str(found.metadata.conforms_to) or found.metadata.ctx.is_v1_1()
    images = list(found.records("images"))
    assert [one["images/image_id"] for one in images] == [b"2.25.11", b"2.25.21", b"2.25.31"]
    assert [one["images/age"] for one in images] == [None, 42.5, 43.5]
    labels = Counter((one["labels/finding"], one["labels/state"]) for one in found.records("labels"))
    assert labels == {
        (b"Pleural Effusion", b"absent"): 2, (b"Pleural Effusion", b"present"): 1, (b"Pneumothorax", b"present"): 1
    }  # fmt: skip


def test_pandas_and_datasets_read_the_same_rows(bag: Path, tmp_path: Path) -> None:
    import datasets
    import pandas

    tables = bag / "data" / "metadata"
    for name, rows in (("images", 3), ("labels", 4)):
        parquet, text = pandas.read_parquet(tables / f"{name}.parquet"), pandas.read_csv(tables / f"{name}.csv")
        loaded = datasets.load_dataset(str(bag / "data"), name, cache_dir=str(tmp_path))["train"]
        assert len(parquet) == len(text) == loaded.num_rows == rows
        assert list(parquet.columns) == list(text.columns) == loaded.column_names
        assert list(parquet["image_id"]) == [str(one) for one in text["image_id"]] == loaded["image_id"][:]
    first = pandas.read_parquet(tables / "labels.parquet").query("finding == 'Pneumothorax'").iloc[0]
    assert (first["adjudicated"], first["readers"], first["reader"]) == (True, 2, "r1")


def test_pydicom_opens_each_image_where_the_table_says(bag: Path) -> None:
    import pydicom

    rows = list(csv.DictReader((bag / "data" / "metadata" / "images.csv").open(newline="")))
    for number, row in enumerate(rows, start=1):
        dataset = pydicom.dcmread(bag / "data" / row["path"])
        assert (dataset.SOPInstanceUID, dataset.PatientID) == (row["image_id"], row["patient_id"])
        assert np.array_equal(dataset.pixel_array, pixels(number))
        assert hashlib.sha256((bag / "data" / row["path"]).read_bytes()).hexdigest() == row["sha256"]


def test_pycocotools_and_highdicom_find_the_mask(bag: Path) -> None:
    import highdicom
    from pycocotools.coco import COCO

    coco = COCO(str(bag / "data" / "metadata" / "coco.json"))
    (annotation,) = coco.loadAnns(coco.getAnnIds())
    assert np.array_equal(coco.annToMask(annotation), MASK // 255)
    assert len(coco.getImgIds()) == 3 and coco.loadImgs(annotation["image_id"])[0]["file_name"].startswith("dicom/P2/")
    (path,) = (bag / "data" / "seg").glob("*.dcm")
    segmentation = highdicom.seg.segread(path)
    assert segmentation.number_of_segments == 1 and np.array_equal(segmentation.pixel_array, MASK // 255)
    (mask,) = (bag / "data" / "masks").rglob("*.png")
    assert mask.read_bytes() == STORED["m"]


def test_the_documents_say_what_is_known_and_what_is_not(bag: Path) -> None:
    sheet = (bag / "data" / "docs" / "datasheet.md").read_text()
    assert "3 images of 3 patients, 4 labels on 3 images." in sheet and "**Who funded it?** Not stated." in sheet
    assert "Missing: age of 1." in sheet
    table = (bag / "data" / "docs" / "standing_together.md").read_text()
    assert "| Ethnicity, race | not stated: not collected |" in table and "F: 3 (100 %)" in table


# --- copies ------------------------------------------------------------------------------------------------------------

IDS = st.integers(0, 11).map(str)


@settings(max_examples=150, deadline=None)
@given(
    pairs=st.lists(st.tuples(IDS, IDS), max_size=14), sites=st.lists(st.sampled_from("abcd"), min_size=12, max_size=12)
)
def test_copies_are_in_one_cluster_and_no_cluster_crosses_a_split(
    pairs: list[tuple[str, str]], sites: list[str]
) -> None:
    found = clusters(pairs)
    assert found == clusters([(other, one) for one, other in reversed(pairs)])
    for one, other in pairs:
        assert one == other or found[one] == found[other]
    assert all(count > 1 for count in Counter(found.values()).values())
    items = [Item(str(n), "", site, (found[str(n)],) if str(n) in found else ()) for n, site in enumerate(sites)]
    for fold in leave_one_site_out(items).folds:
        sides = [{found.get(str(n), f"alone {n}") for n in side.tolist()} for side in (fold.test, fold.train)]
        assert not sides[0] & sides[1]
