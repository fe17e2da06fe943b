"""The labels of a release in every format that was asked for, with where they come from."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fulfillment.labels.formats import read
from fulfillment.release import ReleasedLabel, ReleasedMark, describe, masks_of, objects_of
from requests_app.spec import LabelFormat
from tests.fulfillment.test_release_package import SPEC, facts, image, made_of

pytestmark = pytest.mark.pure


def test_labels_with_marks_are_read_back_from_every_format_with_where_they_come_from(tmp_path: Path) -> None:
    spec = SPEC.model_copy(
        update={
            "delivery": SPEC.delivery.model_copy(
                update={
                    "label_formats": (
                        LabelFormat.PARQUET,
                        LabelFormat.COCO,
                        LabelFormat.DICOM_SEG,
                        LabelFormat.DICOM_SR,
                    )
                }
            )
        }
    )
    mask = np.zeros((24, 20), np.uint8)
    mask[4:9, 3:8] = 255
    stored = cv2.imencode(".png", mask)[1].tobytes()
    sized = {
        **image(1).facts, "rows": 24, "columns": 20, "sop_instance_uid": "2.25.11", "series_uid": "2.25.12", "study_uid": "2.25.13",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1",
    }  # fmt: skip
    made = {"readers": 1, "board_certified": True, "blind_to_report": False, "laterality": "L"}
    shown = image(
        1,
        facts=sized,
        labels=[
            ReleasedLabel(
                "Pneumothorax", "present", "single_reader", "r1", marks=[ReleasedMark("box", [1, 2, 3, 4])], **made
            ),
            ReleasedLabel(
                "Nodule", "present", "single_reader", "r2", marks=[ReleasedMark("mask", [3, 4, 5, 5], mask="m")]
            ),
            ReleasedLabel("Mass", "absent", "consensus", "", readers=3, is_consensus=True),
        ],
    )
    load = {"m": stored}.get
    _, tables = describe(tmp_path, facts(spec=spec), [shown, image(2)], load)
    objects = dict(objects_of(shown, spec, load, "2026-03-01"))
    assert sorted(path.split("/")[0] for path in objects) == ["seg", "sr", "sr"], "a report for each reader"
    assert objects == dict(objects_of(shown, spec, load, "2026-03-01")), "the same labels give the same bytes"
    assert dict(masks_of(shown, spec.taxonomy(), load)) == {"masks/2.25.11/nodule-01.png": stored}
    files = {**{path: file.read_bytes() for path, file in tables.items()}, **objects}

    table = read(files["metadata/annotations.parquet"], taxonomy=spec.taxonomy())
    assert {(entry.key, entry.reader, entry.shape.kind) for entry in table.entries if entry.shape} == {
        ("pneumothorax", "r1", "box"),
        ("nodule", "r2", "mask"),
    }
    nodule = next(entry for entry in table.entries if entry.key == "nodule")
    assert nodule.shape is not None and np.array_equal(nodule.shape.to_mask(24, 20), mask > 0)

    table = read(files["metadata/labels.parquet"], taxonomy=spec.taxonomy())
    said = {(entry.key, entry.state.value, entry.reader) for entry in table.entries}
    assert table.problems == ()
    assert said == {
        ("pneumothorax", "present", "r1"),
        ("nodule", "present", "r2"),
        ("mass", "absent", ""),
    }
    first = next(entry for entry in table.entries if entry.key == "pneumothorax")
    assert {name: first.note(name) for name in ("board_certified", "blind_to_report", "laterality", "readers")} == {
        "board_certified": "yes", "blind_to_report": "no", "laterality": "L", "readers": "1"
    }  # fmt: skip

    coco = json.loads(files["metadata/coco.json"])
    assert [row["file_name"] for row in coco["images"]] == [shown.path, image(2).path]
    (seg,) = (
        read(data, taxonomy=spec.taxonomy(), name=path) for path, data in files.items() if path.startswith("seg/")
    )
    assert {(entry.key, entry.image.value) for entry in seg.entries} == {
        ("pneumothorax", "2.25.11"),
        ("nodule", "2.25.11"),
    }


def test_a_mask_that_is_gone_is_its_box_and_a_label_of_an_earlier_list_keeps_its_name() -> None:
    lost = image(
        1,
        labels=[
            ReleasedLabel("Nodule", "present", "", "", marks=[ReleasedMark("mask", [3, 4, 5, 5], mask="gone")]),
            ReleasedLabel("A finding of an earlier version", "present", "", ""),
        ],
    )
    made = made_of([lost])
    (shape,) = read(made["metadata/annotations.parquet"], taxonomy=SPEC.taxonomy()).entries
    assert shape.shape is not None and shape.shape.bounds == (3.0, 4.0, 5.0, 5.0)
    said = read(made["metadata/labels.parquet"], taxonomy=SPEC.taxonomy()).entries
    assert [entry.finding for entry in said] == ["Nodule", "A finding of an earlier version"]


def test_the_card_says_how_labels_were_made_and_by_how_many() -> None:
    labels = [
        ReleasedLabel("Nodule", "present", "single_reader", "r1", marks=[ReleasedMark("box", [1, 1, 2, 2])]),
        ReleasedLabel("Mass", "absent", "single_reader", "r2"),
        ReleasedLabel("Mass", "absent", "report_nlp", ""),
    ]
    card = made_of([image(1, labels=labels)])["README.md"].decode()
    assert "| one radiologist | 2 | 2 | 1 |" in card and "| report, read by software | 1 | not named | 0 |" in card
