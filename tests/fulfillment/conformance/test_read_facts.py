"""What is read from a header, and from which attribute."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from fulfillment.conformance import ImageFacts, age_in_years, read_facts
from requests_app.spec import canonical_vendor
from tests.fulfillment.conformance.builders import coded, header

DICOM = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom"


def test_a_plain_header_is_read_whole() -> None:
    found = read_facts(header())
    assert (found.view, found.view_source, found.view_conflict) == ("PA", "ViewPosition", ())
    assert (found.sex, found.age_years, found.vendor) == ("F", 67.0, "Philips")
    assert (found.short_side, found.bits_stored, found.sop_class) == (2048, 12, "CR")
    assert (found.spacing_mm, found.spacing_source) == ((0.143, 0.143), "PixelSpacing")
    assert (found.acquisition_year, found.year_source) == (2019, "StudyDate")
    assert found.transfer_syntax_uid == "1.2.840.10008.1.2.1"


def test_zero_is_a_placeholder_and_not_a_value() -> None:
    found = read_facts(header(PixelSpacing=[0, 0], PatientAge="000Y", Manufacturer="0", SliceThickness="0"))
    assert found.kvp is None
    assert found.spacing_mm is None
    assert found.age_years is None
    assert found.vendor is None
    assert found.slice_thickness_mm is None


def test_the_view_may_hide_in_the_view_code_sequence() -> None:
    found = read_facts(header(ViewPosition="", ViewCodeSequence=coded("399348003")))
    assert (found.view, found.view_source) == ("AP", "ViewCodeSequence")


@pytest.mark.parametrize(
    ("code", "view"), [("R-40888", "PA"), ("272479007", "PA"), ("R-102CD", "LATERAL"), ("399173006", "LL")]
)
def test_both_snomed_spellings_of_a_view_are_read(code: str, view: str) -> None:
    assert read_facts(header(ViewPosition=None, ViewCodeSequence=coded(code))).view == view


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("Thorax p.a. stehend", "PA"),
        ("CHEST AP PORTABLE", "AP"),
        ("Chest Lateral", "LATERAL"),
        ("W033 Chest LL", "LL"),
        ("CHEST PA AND LATERAL", None),
        ("CHEST AP/PA", None),
        ("MAPPING LATEX PAPER", None),
        ("CHEST", None),
    ],
)
def test_a_series_description_names_a_view_only_when_it_names_one(text: str, view: str | None) -> None:
    found = read_facts(header(ViewPosition=None, SeriesDescription=text))
    assert found.view == view
    assert found.view_source == ("SeriesDescription" if view else None)


def test_sources_that_disagree_are_all_named() -> None:
    found = read_facts(header(SeriesDescription="Chest lateral", PatientOrientation=["A", "F"]))
    assert found.view == "PA"
    assert found.view_conflict == ("ViewPosition", "SeriesDescription", "PatientOrientation")


def test_a_side_named_elsewhere_makes_a_lateral_more_exact_and_is_no_conflict() -> None:
    found = read_facts(header(ViewPosition="LATERAL", SeriesDescription="Thorax LL"))
    assert (found.view, found.view_source, found.view_conflict) == ("LL", "SeriesDescription", ())


@pytest.mark.parametrize(
    ("text", "position", "portable"),
    [
        ("CHEST AP SUPINE PORTABLE", "supine", True),
        ("PORT CHEST SEMI-ERECT", "semi_erect", True),
        ("Port-a-cath check", None, None),
        ("Thorax liegend", "supine", None),
        ("CHEST PA UPRIGHT", "erect", None),
        ("ERECT AND SUPINE", None, None),
    ],
)
def test_position_and_portable_are_hints_in_descriptions(
    text: str, position: str | None, portable: bool | None
) -> None:
    found = read_facts(header(SeriesDescription=text))
    assert (found.position, found.portable) == (position, portable)


def test_a_coded_position_comes_before_a_described_one() -> None:
    found = read_facts(header(PatientOrientationCodeSequence=coded("10904000"), SeriesDescription="SUPINE"))
    assert (found.position, found.position_source) == ("erect", "PatientOrientationCodeSequence")


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("067Y", 67.0),
        ("018M", 1.5),
        ("090Y", 90.0),
        ("45Y", 45.0),
        ("045", 45.0),
        ("999Y", None),
        ("old", None),
        (None, None),
    ],
)
def test_ages_are_read_in_every_unit(text: str | None, years: float | None) -> None:
    assert age_in_years(text) == years


@pytest.mark.parametrize(
    ("flag", "syntax", "lossy", "source"),
    [
        ("01", "1.2.840.10008.1.2.1", True, "LossyImageCompression"),
        (None, "1.2.840.10008.1.2.4.50", True, "TransferSyntaxUID"),
        ("00", "1.2.840.10008.1.2.4.70", False, "LossyImageCompression"),
        (None, "1.2.840.10008.1.2.4.90", None, None),
        (None, "1.2.840.10008.1.2.4.91", None, None),
    ],
)
def test_lossy_is_told_by_the_flag_or_by_a_syntax_that_is_always_lossy(
    flag: str | None, syntax: str, lossy: bool | None, source: str | None
) -> None:
    ds = header(LossyImageCompression=flag)
    ds.file_meta.TransferSyntaxUID = syntax
    found = read_facts(ds)
    assert (found.lossy, found.lossy_source) == (lossy, source)


def test_spacing_at_the_detector_is_taken_when_there_is_no_other_and_says_so() -> None:
    found = read_facts(header(PixelSpacing=None, ImagerPixelSpacing=[0.2, 0.2]))
    assert (found.spacing_mm, found.spacing_source) == ((0.2, 0.2), "ImagerPixelSpacing")


def test_facts_survive_json() -> None:
    found = read_facts(header()).with_context(site="st-anna", labels={"Pneumonia": "present"}, report_linked=True)
    assert ImageFacts.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_an_empty_header_gives_facts_of_nothing() -> None:
    found = read_facts(Dataset())
    assert found == ImageFacts()


@pytest.mark.parametrize(
    ("text", "vendor"),
    [
        ("SIEMENS Healthineers", "Siemens"),
        ('"GE Healthcare"', "GE"),
        ("KODAK", "Carestream"),
        ("FUJIFILM Corporation", "Fujifilm"),
        ("Acme  X-Ray", "Acme X-Ray"),
        ("unknown", None),
        ("", None),
        ("Image Genetics", "Image Genetics"),
    ],
)
def test_makers_are_counted_under_one_name(text: str, vendor: str | None) -> None:
    assert canonical_vendor(text) == vendor


@pytest.mark.real_data
@pytest.mark.skipif(not DICOM.is_dir(), reason="../shared/data is not on this machine")
def test_no_real_or_malformed_file_makes_reading_fail_or_a_value_reach_the_log(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    headers = []
    for path in sorted(DICOM.rglob("*")):
        if not path.is_file():
            continue
        try:
            headers.append(pydicom.dcmread(path, force=True, stop_before_pixels=True))
        except Exception:
            continue
    assert len(headers) > 100
    caplog.clear()
    recwarn.clear()
    with caplog.at_level(logging.DEBUG):
        for ds in headers:
            found = read_facts(ds)
            assert ImageFacts.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    assert caplog.records == []
    assert not [warning for warning in recwarn if "Invalid value" in str(warning.message)]
