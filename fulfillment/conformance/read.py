"""`read_facts`: from a de-identified pydicom Dataset to `ImageFacts`. Never raises on a malformed value."""

from __future__ import annotations

import re

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.technique import read_technique
from fulfillment.conformance.values import (
    BAD_VALUE,
    count_value,
    number_values,
    positive_number,
    text_value,
)
from requests_app.spec.vendors import canonical_vendor

_SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.1": "CR",
    "1.2.840.10008.5.1.4.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "MR",
    "1.2.840.10008.5.1.4.1.1.6.1": "US",
    "1.2.840.10008.5.1.4.1.1.3.1": "US",
    "1.2.840.10008.5.1.4.1.1.7": "SC",
    "1.2.840.10008.5.1.4.1.1.7.1": "SC",
    "1.2.840.10008.5.1.4.1.1.7.2": "SC",
    "1.2.840.10008.5.1.4.1.1.7.3": "SC",
    "1.2.840.10008.5.1.4.1.1.7.4": "SC",
    "1.2.840.10008.5.1.4.1.1.12.1": "XA",
}
# Transfer syntaxes that can only be lossy. JPEG 2000 (.91) and HTJ2K (.203) may be either: the flag decides.
_LOSSY_SYNTAXES = frozenset(
    {
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.51",
        "1.2.840.10008.1.2.4.81",
        "1.2.840.10008.1.2.4.100",
        "1.2.840.10008.1.2.4.101",
        "1.2.840.10008.1.2.4.102",
        "1.2.840.10008.1.2.4.103",
        "1.2.840.10008.1.2.4.107",
        "1.2.840.10008.1.2.4.108",
    }
)
_AGE = re.compile(r"^(\d{1,3})\s*([DWMY]?)$")
_YEARS_PER_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}
OLDEST_BELIEVED = 130


def age_in_years(text: str | None) -> float | None:
    """PatientAge (VR AS, PS3.5 6.2) in years. Zero is a placeholder; a bare number is read as years."""
    match = _AGE.match((text or "").strip().upper())
    if match is None:
        return None
    age = int(match[1]) * _YEARS_PER_UNIT[match[2]]
    return round(age, 3) if 0 < age <= OLDEST_BELIEVED else None


def _sex(text: str | None) -> str | None:
    letter = (text or "").upper()[:1]
    return letter if letter in {"F", "M", "O"} else None


def _spacing(ds: Dataset) -> tuple[tuple[float, float] | None, str | None]:
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        numbers = number_values(ds, keyword)
        if len(numbers) >= 2 and numbers[0] > 0 and numbers[1] > 0:
            return (numbers[0], numbers[1]), keyword
    return None, None


def _lossy(ds: Dataset, syntax: str | None) -> tuple[bool | None, str | None]:
    flag = text_value(ds, "LossyImageCompression")
    if flag == "01":
        return True, "LossyImageCompression"
    if syntax in _LOSSY_SYNTAXES:
        return True, "TransferSyntaxUID"
    if number_values(ds, "LossyImageCompressionRatio"):
        return True, "LossyImageCompressionRatio"
    if flag == "00":
        return False, "LossyImageCompression"
    # Absent means "not known to be" (the flag is Type 3 in most image IODs).
    return None, None


def _year(ds: Dataset) -> tuple[int | None, str | None]:
    for keyword in ("AcquisitionDate", "AcquisitionDateTime", "ContentDate", "SeriesDate", "StudyDate"):
        digits = (text_value(ds, keyword) or "")[:4]
        if digits.isdigit() and 1970 <= int(digits) <= 2200:
            return int(digits), keyword
    return None, None


def _syntax(ds: Dataset) -> str | None:
    meta = getattr(ds, "file_meta", None)
    return text_value(meta, "TransferSyntaxUID") if isinstance(meta, Dataset) else None


def _window(ds: Dataset) -> bool:
    if number_values(ds, "WindowCenter") and positive_number(ds, "WindowWidth") is not None:
        return True
    try:
        return bool(ds.get("VOILUTSequence"))
    except BAD_VALUE:
        return False


def read_facts(ds: Dataset) -> ImageFacts:
    """The facts of one de-identified image; PixelData is not touched. What cannot be read is None."""
    # pydicom warns about a malformed value by printing it; a header value must never reach a log.
    with disable_value_validation():
        return _read(ds)


def _read(ds: Dataset) -> ImageFacts:
    sop_class_uid = text_value(ds, "SOPClassUID")
    syntax = _syntax(ds)
    technique = read_technique(ds)
    spacing, spacing_source = _spacing(ds)
    lossy, lossy_source = _lossy(ds, syntax)
    year, year_source = _year(ds)
    manufacturer = text_value(ds, "Manufacturer")
    return ImageFacts(
        sop_instance_uid=text_value(ds, "SOPInstanceUID"),
        study_uid=text_value(ds, "StudyInstanceUID"),
        series_uid=text_value(ds, "SeriesInstanceUID"),
        patient=text_value(ds, "PatientID"),
        sop_class_uid=sop_class_uid,
        sop_class=_SOP_CLASSES.get(sop_class_uid or "", "OTHER") if sop_class_uid else None,
        modality=text_value(ds, "Modality"),
        transfer_syntax_uid=syntax,
        body_part=text_value(ds, "BodyPartExamined"),
        view=technique.view,
        view_source=technique.view_source,
        view_conflict=technique.view_conflict,
        position=technique.position,
        position_source=technique.position_source,
        portable=technique.portable,
        portable_source=technique.portable_source,
        sex=_sex(text_value(ds, "PatientSex")),
        age_years=age_in_years(text_value(ds, "PatientAge")),
        manufacturer=manufacturer,
        vendor=canonical_vendor(manufacturer),
        model=text_value(ds, "ManufacturerModelName"),
        rows=count_value(ds, "Rows") or None,
        columns=count_value(ds, "Columns") or None,
        frames=count_value(ds, "NumberOfFrames") or 1,
        samples_per_pixel=count_value(ds, "SamplesPerPixel") or None,
        bits_allocated=count_value(ds, "BitsAllocated") or None,
        bits_stored=count_value(ds, "BitsStored") or None,
        pixel_representation=count_value(ds, "PixelRepresentation"),
        photometric=text_value(ds, "PhotometricInterpretation"),
        spacing_mm=spacing,
        spacing_source=spacing_source,
        slice_thickness_mm=positive_number(ds, "SliceThickness"),
        lossy=lossy,
        lossy_source=lossy_source,
        window_present=_window(ds),
        presentation_intent=text_value(ds, "PresentationIntentType"),
        burned_in_annotation=text_value(ds, "BurnedInAnnotation"),
        kvp=positive_number(ds, "KVP"),
        exposure_index=positive_number(ds, "ExposureIndex"),
        acquisition_year=year,
        year_source=year_source,
    )
