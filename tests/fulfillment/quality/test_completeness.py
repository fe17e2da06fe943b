"""Completeness of a header and of labels: what is there, what is not, what it would be worth."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
import pytest

from fulfillment.conformance import read_facts
from fulfillment.quality.completeness import Completeness, State, label_completeness
from fulfillment.quality.header import ATTRIBUTES, ON_DEMAND, REMEDIES, header_completeness
from getdata.demo.dicomize import encode
from requests_app.spec import DatasetSpec
from requests_app.taxonomy import LabelState

pytestmark = pytest.mark.pure
PIXELS = np.arange(24 * 20, dtype=np.uint16).reshape(24, 20)


def header(sop_class: str = "DX", *, without: tuple[str, ...] = (), **values: Any) -> pydicom.Dataset:
    full = {
        "PatientSex": "F",
        "PatientAge": "051Y",
        "StudyDate": "20240305",
        "Manufacturer": "SIEMENS",
        "ManufacturerModelName": "Ysio Max",
    }
    dataset = pydicom.dcmread(io.BytesIO(encode(PIXELS, {**full, **values}, sop_class=sop_class)))
    for keyword in without:
        del dataset[keyword]
    return dataset


def judged(dataset: pydicom.Dataset, spec: DatasetSpec | None = None) -> tuple[Completeness, dict[str, State]]:
    found = header_completeness(dataset, read_facts(dataset), spec)
    return found, {item.name: item.state for item in found.items}


def asking(**changes: Any) -> DatasetSpec:
    return DatasetSpec.model_validate({"title": "Chest radiographs", **changes})


def test_a_full_header_is_complete_and_every_attribute_has_a_remedy() -> None:
    found, _ = judged(header())
    assert (found.score, found.coverage, found.lacking) == (100.0, 1.0, ())
    assert set(REMEDIES) == {entry.keyword for entry in (*ATTRIBUTES, *ON_DEMAND)} and all(REMEDIES.values())


@pytest.mark.parametrize(
    ("keyword", "value", "state"),
    [
        ("KVP", "0", State.PLACEHOLDER),
        ("KVP", "9000", State.IMPLAUSIBLE),
        ("Manufacturer", "UNKNOWN", State.PLACEHOLDER),
        ("Manufacturer", "anonymized", State.IMPLAUSIBLE),
        ("PatientAge", "000Y", State.PLACEHOLDER),
        ("PatientAge", "999Y", State.IMPLAUSIBLE),
        ("PatientSex", "", State.MISSING),
        ("StudyDate", "19990101", State.PRESENT),
        ("PatientOrientation", ["X", "Y"], State.IMPLAUSIBLE),
        ("ImageLaterality", "U", State.PRESENT),
    ],
)
def test_a_placeholder_is_not_an_answer(keyword: str, value: Any, state: State) -> None:
    dates = ("AcquisitionDate", "SeriesDate", "ContentDate") if keyword == "StudyDate" else ()
    found, states = judged(header(without=dates, **{keyword: value}))
    assert states[keyword] is state
    assert (found.score == 100.0) is (state is State.PRESENT)


def test_another_attribute_serves_and_a_description_counts_half() -> None:
    dataset = header(without=("ViewPosition", "ViewCodeSequence", "Exposure", "BodyPartExamined"))
    _, states = judged(dataset)
    assert states["ViewPosition"] is State.MISSING
    assert states["Exposure"] is State.PRESENT, "time and current say it too"
    assert states["BodyPartExamined"] is State.PRESENT, "the anatomic region's code says it too"
    dataset.SeriesDescription = "CHEST PA"
    found, states = judged(dataset)
    assert states["ViewPosition"] is State.ELSEWHERE and found.lacking[0].name == "ViewPosition"


def test_what_the_policy_takes_out_is_not_held_against_the_hospital() -> None:
    spec = asking(deidentification={"device": "removed", "patient_characteristics": "removed", "dates": "removed"})
    bare = header(
        without=(
            "PatientSex",
            "PatientAge",
            "Manufacturer",
            "ManufacturerModelName",
            "StudyDate",
            "SeriesDate",
            "ContentDate",
        )
    )
    found, states = judged(bare, spec)
    assert {states[name] for name in ("PatientSex", "PatientAge", "Manufacturer", "StudyDate")} == {State.REMOVED}
    assert found.score == 100.0 and found.coverage < 1


def test_what_the_request_asks_for_weighs_more_and_points_add_up() -> None:
    spec = asking(projections=[{"view": "PA", "level": "must", "position": "erect"}])
    bare = header(without=("ViewPosition", "ViewCodeSequence", "KVP"))
    found, states = judged(bare, spec)
    items = {item.name: item for item in found.items}
    assert "PatientPosition" in states and items["ViewPosition"].asked == "must"
    assert items["ViewPosition"].points == pytest.approx(3 * items["KVP"].points, abs=0.2)
    assert found.score is not None
    assert found.score + sum(item.points for item in found.items) == pytest.approx(100, abs=0.5)


def test_it_survives_a_hostile_header_and_keeps_no_value() -> None:
    dataset = header(without=("KVP",), Manufacturer="MARGARETE HINTERHUBER CLINIC")
    dataset.add_new("KVP", "LO", "MARGARETE")
    dataset.add_new("PatientOrientation", "OB", b"\xff" * 6)
    dataset.add_new("Exposure", "SQ", [pydicom.Dataset()])
    found, states = judged(dataset)
    assert states["KVP"] is State.IMPLAUSIBLE and states["PatientOrientation"] is State.MISSING
    assert "MARGARETE" not in str(found.as_dict())
    assert Completeness.from_dict(found.as_dict()) == found
    assert Completeness.from_dict({}) is None


def test_labels_are_complete_when_each_finding_has_a_state_and_its_shape() -> None:
    spec = asking(
        labels={
            "taxonomy": "getdata-cxr",
            "findings": [
                {"finding": "Pneumothorax", "annotation": "box"},
                {"finding": "Pleural Effusion", "annotation": "mask"},
                {"finding": "Nodule"},
            ],
        }
    )
    present, absent = [LabelState.PRESENT], [LabelState.ABSENT]
    nothing = label_completeness(spec, {}, {})
    assert (nothing.score, nothing.coverage) == (0.0, 0.6)
    part = label_completeness(spec, {"Pneumothorax": present, "Pleural effusion": absent, "Nodule": absent}, {})
    states = {item.name: item.state for item in part.items}
    assert states["Pneumothorax: bounding box"] is State.MISSING
    assert states["Pleural effusion: segmentation mask"] is State.NOT_NEEDED
    assert part.score == 75.0
    whole = label_completeness(
        spec, {"Pneumothorax": present, "Pleural effusion": absent, "Nodule": absent}, {"Pneumothorax": ["polygon"]}
    )
    assert whole.score == 100.0 and not whole.lacking
    silent = label_completeness(spec, {"Nodule": [LabelState.NOT_MENTIONED]}, {})
    assert silent.score == 0.0, "not mentioned is no answer unless the request reads it as absent"
