"""What is read off a picture, and what of it becomes a remark."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from pydicom.dataset import Dataset

from fulfillment.conformance import ImageFacts
from fulfillment.quality.truth import Truth, as_displayed, look, plausibility, truth_findings
from fulfillment.quality.truth.look import Reading, judge
from getdata.demo.phantom import make_phantom
from requests_app.spec import DatasetSpec

pytestmark = pytest.mark.pure
SPEC = DatasetSpec(title="Any")


@cache
def chest() -> np.ndarray:
    return make_phantom(11, view="PA", size=(520, 440)).pixels


def seen(pixels: np.ndarray, photometric: str = "MONOCHROME2") -> Truth:
    return look(pixels, photometric=photometric)


def codes(truth: Truth, facts: ImageFacts | None = None, spec: DatasetSpec | None = SPEC) -> dict[str, str]:
    found = truth_findings(truth, facts or ImageFacts(modality="DX", view="PA"), spec)
    return {finding.code: finding.severity for finding in found}


@pytest.mark.parametrize("turns", range(4))
def test_a_frontal_is_known_however_it_is_turned_and_inverted(turns: int) -> None:
    for inverted in (False, True):
        shown = np.rot90(chest(), -turns)
        truth = seen(4095 - shown if inverted else shown)
        assert (truth.view, truth.rotation, truth.not_chest) == ("frontal", 90 * turns, False), truth
        assert truth.polarity == ("inverted" if inverted else "normal")


def test_the_photometric_interpretation_decides_what_is_seen() -> None:
    assert seen(4095 - chest(), "MONOCHROME1").polarity == "normal"
    assert seen(chest(), "MONOCHROME1").polarity == "inverted"


def test_padding_and_bit_depth_change_nothing() -> None:
    padded = np.pad(chest(), ((60, 40), (90, 10)))
    for pixels in (padded, (chest() >> 4).astype(np.uint8), chest().astype(np.int16) - 1000):
        truth = seen(pixels)
        assert (truth.view, truth.polarity, truth.rotation) == ("frontal", "normal", 0)
    assert (seen(padded).collimated or 0) > 0.1


def test_what_is_no_picture_of_a_chest_is_said_and_nothing_else_is() -> None:
    rng = np.random.default_rng(5)
    for junk in (
        rng.integers(0, 4000, (300, 300)).astype(np.uint16),
        np.tile(np.repeat([0, 3000], 30), (360, 6)).astype(np.uint16),
        np.full((200, 200), 7, np.uint16),
    ):
        truth = seen(junk)
        assert truth.not_chest and truth.view == "unknown" and truth.rotation is None
        assert codes(truth) == {"NOT_A_CHEST": "should"}


def test_what_cannot_be_looked_at_is_not_assessed_and_not_blamed() -> None:
    for odd in (np.zeros((64, 64), np.uint16), np.zeros((200, 200, 3), np.uint8), np.zeros((200, 200), bool)):
        truth = seen(odd)
        assert not truth.assessed and truth.reason and not codes(truth)
    with_gaps = chest().astype(np.float32)
    with_gaps[:20] = np.nan
    assert seen(with_gaps).view == "frontal"


def test_doubt_is_never_a_verdict() -> None:
    torn = Reading(np.array([0.5, 0.45, 0.05]), np.array([0.5, 0.3, 0.1, 0.1]), 0.6, 0.5, 0.5)
    truth = judge(torn)
    assert (truth.view, truth.polarity, truth.rotation, truth.mirrored) == ("unknown", "unknown", None, None)
    assert codes(truth) == {}


def test_only_polarity_and_rotation_can_refuse() -> None:
    wrong = Truth("frontal", 0.99, "inverted", 0.99, 90, 0.99, assessed=True)
    lateral = ImageFacts(modality="DX", view="LL", view_source="ViewPosition")
    assert codes(wrong, lateral) == {"VIEW_CONTRADICTED": "should", "POLARITY_INVERTED": "must", "ROTATED": "must"}
    for view in ("lateral", "unknown"):
        unsure = Truth(view, 0.99, "inverted", 0.99, 90, 0.99, assessed=True)  # type: ignore[arg-type]
        assert set(codes(unsure).values()) == {"should"}
    lenient = DatasetSpec.model_validate({"title": "x", "image": {"upright": {"level": "should"}}})
    silent = DatasetSpec.model_validate({"title": "x", "image": {"upright": None}})
    for spec in (lenient, silent):
        assert set(codes(wrong, spec=spec).values()) == {"should"}
    mirrored = Truth("frontal", 0.99, "normal", 0.99, 0, 0.99, True, 0.99, assessed=True)
    assert codes(mirrored) == {"MIRRORED": "should"}


def test_where_turned_or_inverted_can_be_right_it_is_only_said() -> None:
    raw = ImageFacts(modality="DX", view="PA", presentation_intent="FOR PROCESSING")
    assert codes(Truth("frontal", 1, "inverted", 1, 0, 1, assessed=True), raw) == {"POLARITY_INVERTED": "info"}
    lying = ImageFacts(modality="DX", view="DECUBITUS")
    assert codes(Truth("frontal", 1, "normal", 1, 90, 1, assessed=True), lying) == {"ROTATED": "info"}
    assert codes(Truth(assessed=True, not_chest=True), ImageFacts(modality="CT")) == {}


def test_ap_is_never_held_against_pa() -> None:
    frontal = Truth("frontal", 1, "normal", 1, 0, 1, assessed=True)
    assert codes(frontal, ImageFacts(modality="DX", view="AP")) == {}
    assert codes(frontal, ImageFacts(modality="DX", view="LL", view_source="ViewPosition")) == {
        "VIEW_CONTRADICTED": "should"
    }
    assert codes(frontal, ImageFacts(modality="DX")) == {"VIEW_SEEN": "info"}


def test_a_falling_lookup_is_part_of_what_is_shown() -> None:
    ds = Dataset()
    ds.RescaleSlope, ds.RescaleIntercept = "-1", "4095"
    assert seen(as_displayed(chest(), ds)).polarity == "inverted"
    assert as_displayed(chest(), Dataset()) is not None


def header(**values: object) -> Dataset:
    ds = Dataset()
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 2000, 1800, 16, 12, 11
    for keyword, value in {"BodyPartExamined": "CHEST", "PixelSpacing": [0.2, 0.2], "KVP": "120", **values}.items():
        setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, None),
        ({"BodyPartExamined": "HAND"}, "BODY_PART_OTHER"),
        ({"BodyPartExamined": "THORAX PA"}, None),
        ({"ImageLaterality": "L"}, "LATERALITY_OF_A_CHEST"),
        ({"PixelSpacing": [1.0, 1.0]}, "SPACING_IMPLAUSIBLE"),
        ({"PixelSpacing": [0.2, 0.25]}, "SPACING_UNEQUAL"),
        ({"PixelSpacing": [0, 0]}, "PLACEHOLDER_ZERO"),
        ({"HighBit": 15}, "BITS_IMPOSSIBLE"),
        ({"WindowCenter": "2000", "WindowWidth": "0"}, "WINDOW_IMPLAUSIBLE"),
        ({"WindowCenter": "90000", "WindowWidth": "100"}, "WINDOW_IMPLAUSIBLE"),
        ({"WindowCenter": ["2000", "1000"], "WindowWidth": "100"}, "WINDOW_INCOMPLETE"),
        ({"WindowCenter": "2000", "WindowWidth": "3000"}, None),
        ({"KVP": "0"}, "PLACEHOLDER_ZERO"),
        ({"KVP": "900"}, "EXPOSURE_IMPLAUSIBLE"),
        ({"PatientAge": "000Y"}, "AGE_IMPLAUSIBLE"),
        ({"PatientAge": "040Y", "PatientBirthDate": "19500101", "StudyDate": "20200101"}, "AGE_AGAINST_DATES"),
        ({"PatientAge": "070Y", "PatientBirthDate": "19500101", "StudyDate": "20200101"}, None),
        ({"StudyDate": "19650101"}, "DATE_IMPLAUSIBLE"),
        ({"StudyDate": "19000101"}, None),
        ({"StudyDate": "20200101", "AcquisitionDate": "20210101"}, "DATES_APART"),
    ],
)
def test_a_header_that_cannot_be_is_told_without_its_values(values: dict[str, object], code: str | None) -> None:
    found = plausibility(header(**values))
    assert [finding.code for finding in found] == ([code] if code else [])
    assert all(finding.severity != "must" and finding.remedy for finding in found)
    assert "1950" not in str(found) and "HAND" not in str(found)
