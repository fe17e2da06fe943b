"""One image against a request."""

from __future__ import annotations

from typing import Any

import pytest

from fulfillment.conformance import Finding, check_image
from requests_app.spec import example_specs
from tests.fulfillment.conformance.builders import facts
from tests.requests_app.spec.builders import complete


def found(image: Any, spec: Any) -> dict[str, Finding]:
    return {finding.code: finding for finding in check_image(image, spec)}


def test_an_image_that_meets_every_line_has_no_findings() -> None:
    assert check_image(facts(), complete(projections=[{"view": "PA"}])) == []


def test_another_projection_is_refused_with_what_is_accepted() -> None:
    finding = found(facts(view="LL"), complete(projections=[{"view": "PA"}, {"view": "AP", "position": "supine"}]))[
        "VIEW_MISMATCH"
    ]
    assert finding.refuses
    assert finding.tag == "ViewPosition"
    assert finding.message == "The projection is LL; the request accepts PA or AP supine."


def test_a_missing_projection_says_where_was_looked() -> None:
    finding = found(facts(view=None, view_source=None), complete(projections=[{"view": "PA"}]))["VIEW_MISSING"]
    assert finding.severity == "must"
    assert "ViewCodeSequence" in finding.message
    assert "ViewPosition" in finding.remedy


def test_a_projection_read_from_a_description_is_only_remarked() -> None:
    findings = check_image(facts(view_source="SeriesDescription"), complete(projections=[{"view": "PA"}]))
    assert [(finding.code, finding.severity) for finding in findings] == [("VIEW_INFERRED", "info")]


def test_a_wish_for_a_projection_does_not_refuse() -> None:
    finding = found(facts(view="AP"), complete(projections=[{"view": "PA", "level": "should"}]))["VIEW_MISMATCH"]
    assert finding.severity == "should"


def test_an_unknown_position_is_refused_only_where_no_line_takes_it() -> None:
    strict = complete(projections=[{"view": "AP", "position": "supine"}])
    assert found(facts(view="AP"), strict)["POSITION_MISSING"].refuses
    relaxed = complete(projections=[{"view": "AP", "position": "supine"}, {"view": "AP"}])
    assert check_image(facts(view="AP"), relaxed) == []


def test_a_lateral_request_takes_either_side_and_a_left_one_only_left() -> None:
    assert check_image(facts(view="RL"), complete(projections=[{"view": "LATERAL"}])) == []
    assert "VIEW_MISMATCH" in found(facts(view="RL"), complete(projections=[{"view": "LL"}]))


@pytest.mark.parametrize(
    ("change", "code", "check_id"),
    [
        ({"modality": "CT"}, "MODALITY_MISMATCH", "image.modality"),
        ({"bits_stored": 8}, "BITS_TOO_FEW", "image.bits_stored"),
        ({"bits_stored": None}, "BITS_TOO_FEW", "image.bits_stored"),
        ({"rows": 512}, "TOO_SMALL", "image.short_side"),
        ({"spacing_mm": None}, "SPACING_MISSING", "image.pixel_spacing"),
        ({"photometric": "RGB"}, "PHOTOMETRIC_MISMATCH", "image.photometric"),
        ({"lossy": True}, "LOSSY", "image.lossless"),
    ],
)
def test_each_image_rule_refuses_what_breaks_it(change: dict[str, Any], code: str, check_id: str) -> None:
    finding = found(facts(**change), complete())[code]
    assert finding.refuses
    assert finding.check_id == check_id
    assert finding.message.endswith(".") and finding.remedy.endswith(".")


def test_a_rule_that_is_switched_off_says_nothing() -> None:
    spec = complete(image={"bits_stored": None, "lossless": None, "short_side": None, "pixel_spacing": None})
    assert check_image(facts(bits_stored=8, lossy=True, rows=100, spacing_mm=None), spec) == []


def test_an_unknown_maker_is_reported_but_not_refused_by_default() -> None:
    assert found(facts(vendor=None), complete())["MANUFACTURER_MISSING"].severity == "should"


def test_compression_that_is_not_known_is_not_held_against_an_image() -> None:
    assert check_image(facts(lossy=None), complete()) == []


def test_a_patient_outside_the_ages_is_refused_without_telling_the_age() -> None:
    spec = complete(cohort={"images": {"min": 5}, "age": {"min": 70}})
    finding = found(facts(), spec)["AGE_OUTSIDE"]
    assert "67" not in finding.message
    assert "aged 70 and over" in finding.message


def test_an_age_band_includes_both_its_ends() -> None:
    spec = complete(cohort={"images": {"min": 5}, "age": {"min": 67, "max": 67}})
    assert check_image(facts(age_years=67.9), spec) == []
    assert "AGE_OUTSIDE" in found(facts(age_years=66.99), spec)


def test_spacing_at_the_detector_is_refused_where_the_patients_is_asked() -> None:
    spec = complete(image={"pixel_spacing": {"detector_plane_ok": False}})
    assert "SPACING_AT_DETECTOR" in found(facts(spacing_source="ImagerPixelSpacing"), spec)


def test_what_a_quota_counts_by_and_the_header_lacks_is_told_but_refuses_nothing() -> None:
    finding = found(facts(sex=None), complete(quotas=[{"sex": "F", "min": 5}]))["UNCOUNTED_SEX"]
    assert finding.severity == "info"
    assert finding.check_id == "quota.f"


def test_labels_are_judged_only_once_they_have_come() -> None:
    spec = complete(labels={"findings": [{"finding": "Pneumothorax"}]})
    assert check_image(facts(), spec) == []
    assert found(facts(labels={}), spec)["LABEL_MISSING"].refuses
    assert check_image(facts(labels={"pneumothorax": "absent"}), spec) == []
    assert "LABEL_MISSING" in found(facts(labels={"pneumothorax": "not_mentioned"}), spec)


def test_a_required_report_that_did_not_come_refuses() -> None:
    spec = complete(reports={"linkage": "required"})
    assert found(facts(report_linked=False), spec)["REPORT_MISSING"].refuses
    assert check_image(facts(report_linked=None), spec) == []


def test_years_are_judged_only_where_dates_are_not_shifted() -> None:
    cohort = {"images": {"min": 5}, "years": {"first": 2020}}
    old = facts(acquisition_year=2011)
    assert check_image(old, complete(cohort=cohort)) == []
    spec = complete(cohort=cohort, deidentification={"policy": "safe-harbor"})
    assert "YEAR_OUTSIDE" in found(old, spec)


def test_every_finding_of_every_example_tells_cause_and_remedy() -> None:
    empty = facts(**dict.fromkeys(("view", "sex", "age_years", "vendor", "rows", "bits_stored", "modality")))
    for spec in example_specs().values():
        for finding in check_image(empty, spec):
            assert finding.message and finding.remedy
            assert finding.severity in {"must", "should", "info"}
