"""The report labeler's development set has the form its README states."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.pure

FOLDER = Path(__file__).parent / "reports"
NIH = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
CHEXPERT = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Lung Opacity",
    "Lung Lesion",
    "Fracture",
    "Support Devices",
    "Pleural Other",
)
STATES = ("present", "likely", "possible", "absent")
POSITIVE = ("present", "likely", "possible")
KINDS = {
    "accession",
    "address",
    "age",
    "clinician",
    "date",
    "email",
    "hospital",
    "initials",
    "mrn",
    "other_id",
    "pager",
    "patient",
    "phone",
    "relative",
    "room",
    "time",
    "ward",
}
KEYWORDS = {"PatientName", "PatientID", "AccessionNumber", "ReferringPhysicianName", "StudyDate"}
MINIMUM_REPORTS = 430
MINIMUM_WITH_IDENTIFIERS = 120
MINIMUM_POSITIVE = {finding: 12 if finding == "Hernia" else 25 for finding in NIH}


@pytest.fixture(scope="module")
def reports() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / "dev.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def counts(reports: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter(pair for report in reports for pair in report["labels"].items())


def test_no_id_and_no_text_stands_twice(reports: list[dict[str, Any]]) -> None:
    assert len(reports) >= MINIMUM_REPORTS
    assert len({report["id"] for report in reports}) == len(reports)
    assert len({" ".join(report["text"].lower().split()) for report in reports}) == len(reports)


def test_findings_and_states_are_known(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        assert report["labels"], report["id"]
        assert set(report["labels"]) <= {*NIH, *CHEXPERT}, report["id"]
        assert set(report["labels"].values()) <= set(STATES), report["id"]


def test_no_finding_stands_beside_no_finding_but_devices(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        labels = dict(report["labels"])
        if labels.pop("No Finding", None) is None:
            continue
        labels.pop("Support Devices", None)
        assert not set(labels.values()) & set(POSITIVE), report["id"]


def test_spans_lie_inside_in_order_and_hold_no_blank_edge(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        end = 0
        for span in report["identifiers"]:
            assert end <= span["start"] < span["end"] <= len(report["text"]), report["id"]
            value = report["text"][span["start"] : span["end"]]
            assert value == value.strip(), report["id"]
            assert span["kind"] in KINDS, report["id"]
            end = span["end"]


def test_a_header_comes_with_identifiers_and_holds_known_keywords(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        if "header" in report:
            assert report["identifiers"], report["id"]
            assert set(report["header"]) <= KEYWORDS, report["id"]


def test_the_readme_states_the_counts(counts: Counter[tuple[str, str]]) -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for finding in (*NIH, *CHEXPERT):
        row = " | ".join([finding, *(str(counts[finding, state]) for state in STATES)])
        assert f"| {row} |" in readme


def test_each_finding_is_there_often_enough_to_be_measured(counts: Counter[tuple[str, str]]) -> None:
    for finding, least in MINIMUM_POSITIVE.items():
        assert counts[finding, "present"] + counts[finding, "likely"] >= least, finding


def test_a_third_or_so_carries_identifiers_and_look_alikes_stand_outside(reports: list[dict[str, Any]]) -> None:
    assert sum(bool(report["identifiers"]) for report in reports) >= MINIMUM_WITH_IDENTIFIERS
    for report in reports:
        for span in report["identifiers"]:
            value = report["text"][span["start"] : span["end"]]
            assert not any(
                eponym in value for eponym in ("Kerley", "Swan", "Foley", "Dobhoff", "Hampton", "XXXX", "___")
            )


def test_a_header_value_that_is_a_number_is_marked_where_the_text_says_it(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        for keyword in ("PatientID", "AccessionNumber"):
            value = report.get("header", {}).get(keyword)
            start = report["text"].find(value) if value else -1
            if start >= 0:
                spans = report["identifiers"]
                assert any(span["start"] <= start < span["end"] for span in spans), (report["id"], keyword)
