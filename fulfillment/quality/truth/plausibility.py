"""What a header says of itself that cannot be: placeholders, impossible sizes, exposures, windows, ages and dates.

All are hints ("should" or "info"): a header that is wrong somewhere may still belong to a good picture. Messages name
attributes and limits; of values only those of physics are repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from fulfillment.conformance.finding import Finding, Severity
from fulfillment.conformance.read import age_in_years
from fulfillment.conformance.values import count_value, number_values, text_value

_CHESTS = ("CHEST", "THORA", "TORAX", "TÓRAX", "LUNG", "PULM", "POUMON", "RIB", "STERN", "HEART", "TRUNK", "CLAVIC")
#: A chest of a newborn to a chest on the largest detector, and what is meant to be generous on both sides.
_FIELD_MM = (80.0, 620.0)
_SPACING_MM = (0.04, 1.2)
#: Lowest and highest value that a radiograph of a chest is taken with; zero is a placeholder and said apart.
_EXPOSURE: dict[str, tuple[float, float, str]] = {
    "KVP": (40, 160, "kV"),
    "ExposureTime": (0.1, 5000, "ms"),
    "XRayTubeCurrent": (1, 2000, "mA"),
    "Exposure": (0.05, 500, "mAs"),
    "DistanceSourceToDetector": (700, 5000, "mm"),
}
#: What de-identification writes where a date had to go.
_REMOVED = "19000101"
_AT_SOURCE = "Correct it at the source if it is wrong; leave it out rather than writing a placeholder."


def plausibility(dataset: Dataset, *, today: date | None = None) -> list[Finding]:
    """Remarks on the header of one radiograph; PixelData is not touched. Never raises on a malformed value.

    `today`: dates after it are in the future; None leaves that out (shifted dates lie in the past anyway).
    """
    with disable_value_validation():
        return [
            *_body(dataset),
            *_size(dataset),
            *_grey(dataset),
            *_exposure(dataset),
            *_age(dataset),
            *_dates(dataset, today),
        ]


def _remark(code: str, tag: str, message: str, severity: Severity = "should", remedy: str = _AT_SOURCE) -> Finding:
    return Finding(code, severity, "", tag, message, remedy)


def _body(ds: Dataset) -> Iterator[Finding]:
    part = (text_value(ds, "BodyPartExamined") or "").upper()
    if part and not any(word in part for word in _CHESTS):
        yield _remark(
            "BODY_PART_OTHER",
            "BodyPartExamined",
            "BodyPartExamined names another part of the body than the chest.",
            remedy="Look at the picture: leave it out, or correct the attribute.",
        )
    for keyword in ("ImageLaterality", "Laterality"):
        side = (text_value(ds, keyword) or "").upper()
        if side in {"L", "R"} and (not part or any(word in part for word in _CHESTS[:6])):
            yield _remark(
                "LATERALITY_OF_A_CHEST",
                keyword,
                f"{keyword} names one side, but the chest is not a paired part of the body.",
                "info",
                "Use ImageLaterality U or leave it out; the side of a lateral belongs in ViewPosition (LL or RL).",
            )
            return


def _size(ds: Dataset) -> Iterator[Finding]:
    rows, columns = count_value(ds, "Rows") or 0, count_value(ds, "Columns") or 0
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        spacing = number_values(ds, keyword)
        if len(spacing) < 2:
            continue
        if min(spacing) <= 0:
            yield _placeholder(keyword)
            continue
        if max(spacing) / min(spacing) > 1.02:
            yield _remark(
                "SPACING_UNEQUAL", keyword, f"{keyword} differs between rows and columns: pixels are not square."
            )
        field = (rows * spacing[0], columns * spacing[1])
        if not _SPACING_MM[0] <= min(spacing) <= max(spacing) <= _SPACING_MM[1] or not (
            _FIELD_MM[0] <= min(field) and max(field) <= _FIELD_MM[1]
        ):
            yield _remark(
                "SPACING_IMPLAUSIBLE",
                keyword,
                f"By {keyword} the picture would measure {field[0]:.0f} by {field[1]:.0f} mm, which no chest radiograph does.",
            )


def _grey(ds: Dataset) -> Iterator[Finding]:
    allocated, stored, high = (count_value(ds, name) for name in ("BitsAllocated", "BitsStored", "HighBit"))
    if allocated and stored and stored > allocated:
        yield _remark("BITS_IMPOSSIBLE", "BitsStored", "BitsStored is larger than BitsAllocated.")
    elif stored and high is not None and high != stored - 1:
        yield _remark("BITS_IMPOSSIBLE", "HighBit", "HighBit is not one less than BitsStored.")
    centres, widths = number_values(ds, "WindowCenter"), number_values(ds, "WindowWidth")
    if len(centres) != len(widths):
        yield _remark(
            "WINDOW_INCOMPLETE", "WindowCenter", "WindowCenter and WindowWidth do not have equally many values."
        )
        return
    slope = (number_values(ds, "RescaleSlope") or [1.0])[0] or 1.0
    shift = (number_values(ds, "RescaleIntercept") or [0.0])[0]
    signed = bool(count_value(ds, "PixelRepresentation"))
    top = 2.0 ** (stored or 16)
    ends = sorted(slope * value + shift for value in ((-top / 2, top / 2) if signed else (0.0, top)))
    for centre, width in zip(centres, widths, strict=True):
        if width < 1:
            yield _remark("WINDOW_IMPLAUSIBLE", "WindowWidth", "WindowWidth is below 1, which the standard forbids.")
        elif centre + width / 2 < ends[0] or centre - width / 2 > ends[1]:
            yield _remark(
                "WINDOW_IMPLAUSIBLE", "WindowCenter", "The display window lies outside the values that can be stored."
            )


def _placeholder(keyword: str) -> Finding:
    return _remark(
        "PLACEHOLDER_ZERO", keyword, f"{keyword} is zero, which is a placeholder and is taken as not known.", "info"
    )


def _exposure(ds: Dataset) -> Iterator[Finding]:
    for keyword, (low, high, unit) in _EXPOSURE.items():
        values = number_values(ds, keyword)
        if not values:
            continue
        if values[0] == 0:
            yield _placeholder(keyword)
        elif not low <= values[0] <= high:
            yield _remark(
                "EXPOSURE_IMPLAUSIBLE",
                keyword,
                f"{keyword} is {values[0]:g}; radiographs of the chest are taken with {low:g} to {high:g} {unit}.",
            )


def _age(ds: Dataset) -> Iterator[Finding]:
    text = text_value(ds, "PatientAge")
    years = age_in_years(text)
    if text and years is None:
        yield _remark(
            "AGE_IMPLAUSIBLE",
            "PatientAge",
            "PatientAge is zero, malformed, or above 130 years: it is taken as not known.",
        )
    born, taken = _day(text_value(ds, "PatientBirthDate")), _first_day(ds)
    if years is None or born is None or taken is None:
        return
    by_dates = (taken - born).days / 365.25
    if by_dates < 0 or abs(by_dates - years) > 1.6:
        yield _remark(
            "AGE_AGAINST_DATES",
            "PatientAge",
            "PatientAge does not agree with PatientBirthDate and the date of the study.",
        )


def _dates(ds: Dataset, today: date | None) -> Iterator[Finding]:
    days = {name: _day(text_value(ds, name)) for name in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")}
    known = {name: day for name, day in days.items() if day is not None}
    for name, day in known.items():
        if day.year < 1970 or (today is not None and day > today):
            yield _remark("DATE_IMPLAUSIBLE", name, f"{name} is before 1970 or in the future.")
    study, taken = known.get("StudyDate"), known.get("AcquisitionDate")
    if study is not None and taken is not None and abs((taken - study).days) > 31:
        yield _remark("DATES_APART", "AcquisitionDate", "AcquisitionDate and StudyDate are more than a month apart.")


def _first_day(ds: Dataset) -> date | None:
    for name in ("AcquisitionDate", "ContentDate", "SeriesDate", "StudyDate"):
        day = _day(text_value(ds, name))
        if day is not None:
            return day
    return None


def _day(text: str | None) -> date | None:
    digits = (text or "")[:8]
    if digits == _REMOVED:
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) if len(digits) == 8 else None
    except ValueError:
        return None
