"""What the linter says of requests that ask what images of their kind cannot have, or what is rarely meant."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from requests_app.spec import example_specs, lint
from tests.requests_app.spec.builders import TODAY, codes, complete

CT = {"category": "ct", "image": {"modality": {"allowed": ["CT"]}, "short_side": {"min_px": 512}}}


def delivered(**changes: Any) -> dict[str, Any]:
    return {"deadline": "2027-06-30", **changes}


IMPOSSIBLE: list[tuple[str, str, dict[str, Any]]] = [
    ("SUM_OVER_MAXIMUM", "cohort.patients", {
        "cohort": {"images": {"min": 100}, "patients": {"max": 50}},
        "quotas": [{"sex": sex, "unit": "patients", "min": 30} for sex in "FM"]}),
    ("SUM_OVER_MAXIMUM", "cohort.patients", {
        "cohort": {"images": {"min": 100}, "patients": {"max": 50}}, "quota_counting": "once",
        "quotas": [{"view": view, "unit": "patients", "min": 30} for view in ("AP", "PA")]}),
    ("OVER_MAXIMUM", "quotas.0", {
        "cohort": {"images": {"min": 10, "max": 50}}, "quotas": [{"unit": "studies", "min": 60}]}),
    ("CAP_AGAINST_CELL", "quotas.0", {
        "share_caps": [{"axis": "site", "max_percent": 40, "within": {"view": "AP"}}],
        "quotas": [{"view": "AP", "site": "a", "min": 90}, {"view": "AP", "max": 100}]}),
    ("CAP_IMPOSSIBLE", "share_caps.0.max_percent", {
        "cohort": {"images": {"min": 10, "max": 100}}, "share_caps": [{"axis": "patient", "max_percent": 0.5}]}),
    ("YEARS_TO_COME", "cohort.years.first", {"cohort": {"images": {"min": 10}, "years": {"first": 2030}}}),
    ("PROJECTIONS_WITHOUT_RADIOGRAPHS", "projections", {**CT, "projections": [{"view": "PA"}]}),
    ("VIEW_WITHOUT_RADIOGRAPHS", "quotas.0.view", {**CT, "quotas": [{"view": "AP", "min": 10}]}),
    ("SLICES_WITHOUT_CT", "image.slice_thickness", {"image": {"slice_thickness": {"max_mm": 1}}}),
    ("PRESENTATION_WITHOUT_DX", "image.windowing.presentation", {
        "image": {"modality": {"allowed": ["CR"]}, "windowing": {"presentation": "FOR PROCESSING"}}}),
]  # fmt: skip
UNUSUAL: list[tuple[str, str, dict[str, Any]]] = [
    ("PART_OVER_WHOLE", "quotas.0", {"quotas": [
        {"sex": "F", "age_min": 66, "view": "AP", "position": "supine", "min": 900}, {"sex": "F", "min": 800}]}),
    ("DEADLINE_SOON", "delivery.deadline", {"delivery": {"deadline": "2026-12-09"}}),
    ("RARE_TECHNIQUE", "projections.0", {"projections": [{"view": "LATERAL", "portable": True}]}),
    ("RARE_TECHNIQUE", "quotas.0", {"quotas": [{"view": "PA", "position": "supine", "min": 5}]}),
    ("RARE_TECHNIQUE", "quotas.0", {"quotas": [{"view": "PA", "portable": True, "min": 5}]}),
    ("LANGUAGES_WITHOUT_REPORTS", "reports.languages", {"reports": {"languages": ["en"]}}),
    ("SPACING_TOO_FINE", "image.pixel_spacing.max_mm", {"image": {"pixel_spacing": {"max_mm": 0.01}}}),
    ("SIDE_TOO_LARGE", "image.short_side.min_px", {"image": {"short_side": {"min_px": 10_000}}}),
    ("SIDE_TOO_LARGE", "image.short_side.min_px", {"category": "ct", "image": {"modality": {"allowed": ["CT"]}}}),
    ("SCORE_TOO_HIGH", "quality.total.min", {"quality": {"total": {"min": 99}}}),
    ("SCORE_TOO_HIGH", "quality.components.0.min", {"quality": {"components": [{"component": "noise", "min": 95}]}}),
    ("READERS_OF_SOFTWARE", "labels.findings.0.source", {"labels": {"findings": [
        {"finding": "Mass", "source": {"method": "report_nlp", "board_certified": True}}]}}),
    ("MARK_OF_WHOLE_IMAGE_LABEL", "labels.findings.0.annotation", {"labels": {
        "taxonomy": "vindr-cxr", "findings": [{"finding": "Pneumonia", "annotation": "box"}]}}),
    ("UNCERTAINTY_REVERSED", "labels.uncertainty", {"labels": {"uncertainty": {"possible": "present", "likely": "absent"}}}),
    ("CHEXPERT_LOSES", "delivery.label_formats", {
        "delivery": delivered(label_formats=["chexpert_csv"]), "labels": {"findings": [{"finding": "Emphysema"}]}}),
    ("CAP_BELOW_ONE", "share_caps.0.max_percent", {
        "cohort": {"images": {"min": 100}}, "share_caps": [{"axis": "patient", "max_percent": 0.5}]}),
    ("CAP_RAISES_TOTAL", "cohort.images", {
        "share_caps": [{"axis": "site", "max_percent": 40}], "quotas": [{"site": "a", "min": 600}]}),
    ("ONCE_WITHOUT_EFFECT", "quota_counting", {
        "quotas": [{"sex": "F", "min": 5}, {"sex": "M", "min": 5}], "quota_counting": "once"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "path", "parts"), IMPOSSIBLE)
def test_what_cannot_be_had_blocks_at_its_place(code: str, path: str, parts: dict[str, Any]) -> None:
    notes = [note for note in lint(complete(**parts), today=TODAY) if note.code == code]
    assert [(note.path, note.blocking) for note in notes] == [(path, True)]
    assert notes[0].message.endswith(".") and notes[0].remedy.endswith(".")


@pytest.mark.parametrize(("code", "path", "parts"), UNUSUAL)
def test_what_is_rarely_meant_is_said_and_does_not_block(code: str, path: str, parts: dict[str, Any]) -> None:
    notes = [note for note in lint(complete(**parts), today=TODAY) if note.code == code]
    assert [(note.path, note.blocking) for note in notes] == [(path, False)]
    assert notes[0].message.endswith(".") and notes[0].remedy.endswith(".")


NEW = {code for code, _, _ in (*IMPOSSIBLE, *UNUSUAL)} - {"CAP_AGAINST_CELL", "SUM_OVER_MAXIMUM", "OVER_MAXIMUM"}


@pytest.mark.parametrize("name", example_specs())
def test_no_example_is_called_unusual(name: str) -> None:
    found = codes(lint(example_specs(today=TODAY)[name], today=TODAY))
    assert not found & (NEW - {"CAP_RAISES_TOTAL", "PART_OVER_WHOLE"})


def test_the_same_patients_may_have_both_projections() -> None:
    quotas = [{"view": view, "unit": "patients", "min": 30} for view in ("AP", "PA")]
    spec = complete(cohort={"images": {"min": 100}, "patients": {"max": 50}}, quotas=quotas)
    assert "SUM_OVER_MAXIMUM" not in codes(lint(spec))


def test_counts_of_patients_and_of_images_are_told_apart() -> None:
    spec = complete(cohort={"images": {"min": 10, "max": 50}, "patients": {"min": 100}})
    (note,) = [note for note in lint(spec) if note.code == "OVER_MAXIMUM"]
    assert note.message == (
        "The request asks for 100 patients, but the whole request allows at most 50 images, and each needs one."
    )


def test_a_wish_for_what_cannot_be_had_does_not_block() -> None:
    spec = complete(image={"slice_thickness": {"max_mm": 1, "level": "should"}})
    (note,) = [note for note in lint(spec) if note.code == "SLICES_WITHOUT_CT"]
    assert not note.blocking


def test_a_year_that_has_begun_is_no_year_to_come() -> None:
    spec = complete(cohort={"images": {"min": 10}, "years": {"first": 2026}})
    assert "YEARS_TO_COME" not in codes(lint(spec, today=date(2026, 1, 1)))
