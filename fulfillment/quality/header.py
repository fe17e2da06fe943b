"""How complete one image's header is: which attributes are there, plausible, and no placeholder. Pure.

The attributes are those that a study of chest radiographs needs to be used at all, to be measured in millimetres, or to be
audited for shortcuts. What the request's de-identification takes out is not held against the hospital.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.read import age_in_years
from fulfillment.conformance.values import BAD_VALUE
from fulfillment.quality.completeness import Completeness, State, complete
from requests_app.spec.document import DatasetSpec
from requests_app.spec.vendors import canonical_vendor
from requests_app.spec.vocabulary import CharacteristicsHandling, DatesHandling, DeviceHandling, Level, ShareAxis

Check = Callable[[list[str]], bool]

_WEIGHT = {"must": 3.0, "should": 2.0, "": 1.0}
_FILLERS = frozenset(
    {"", "NONE", "UNKNOWN", "UNDEFINED", "N/A", "NA", "NULL", "NOT AVAILABLE", "NOT SPECIFIED", "0", "000Y"}
)
_VIEWS = frozenset({"PA", "AP", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "LAO", "RAO", "LPO", "RPO"})
_TRUNK = (
    "CHEST",
    "THORAX",
    "LUNG",
    "RIB",
    "STERN",
    "CLAVIC",
    "HEART",
    "MEDIASTIN",
    "ABDOMEN",
    "SPINE",
    "TRUNK",
    "BODY",
)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _between(low: float, high: float) -> Check:
    def check(values: list[str]) -> bool:
        numbers = [_number(text) for text in values]
        return all(number is not None and low <= number <= high for number in numbers)

    return check


def _one_of(*known: str) -> Check:
    return lambda values: values[0].upper() in known


def _dated(values: list[str]) -> bool:
    digits = values[0].replace(".", "").replace("-", "")
    # A shift by the policy may take a date before the portal's own time; only what is no date at all is refused.
    return digits[:4].isdigit() and 1900 <= int(digits[:4]) <= 2200


def _oriented(values: list[str]) -> bool:
    return len(values) >= 2 and all(text and set(text.upper()) <= set("LRAPHF") for text in values[:2])


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of the list. ``others`` serve as well; ``sequences`` count when they hold an item."""

    keyword: str
    remedy: str
    others: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()
    plausible: Check = field(default=lambda values: True)


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        "ViewPosition",
        "Have the modality write ViewPosition (PA, AP, LL or RL) for each protocol.",
        sequences=("ViewCodeSequence",),
        plausible=lambda values: values[0].upper() in _VIEWS,
    ),
    Attribute(
        "PixelSpacing",
        "Have ImagerPixelSpacing written from the detector's data sheet, or PixelSpacing where the image is calibrated.",
        others=("ImagerPixelSpacing", "NominalScannedPixelSpacing"),
        plausible=_between(0.02, 0.9),
    ),
    Attribute(
        "PatientSex",
        "Take the sex over from the hospital's information system through the worklist.",
        plausible=_one_of("F", "M", "O"),
    ),
    Attribute(
        "PatientAge",
        "Have PatientAge written with the image: the birth date does not survive de-identification.",
        plausible=lambda values: age_in_years(values[0]) is not None,
    ),
    Attribute(
        "Manufacturer",
        "Send the image as the modality made it; gateways and viewers may drop the maker.",
        plausible=lambda values: canonical_vendor(values[0]) is not None,
    ),
    Attribute(
        "ManufacturerModelName", "Send the image as the modality made it; gateways and viewers may drop the model."
    ),
    Attribute(
        "KVP",
        "Link the generator to the detector, so that the tube voltage is written; 0 counts as missing.",
        plausible=_between(30, 160),
    ),
    Attribute(
        "Exposure",
        "Link the generator to the detector, so that the exposure is written: mAs, or time and current.",
        others=("ExposureInuAs", "ExposureInmAs"),
        plausible=_between(1e-3, 1e7),
    ),
    Attribute(
        "PhotometricInterpretation",
        "Send the original grey-scale image, MONOCHROME1 or MONOCHROME2.",
        plausible=_one_of("MONOCHROME1", "MONOCHROME2"),
    ),
    Attribute(
        "ImageLaterality",
        "Have ImageLaterality written: U where the body part is not paired, as a chest.",
        others=("Laterality",),
        plausible=_one_of("R", "L", "U", "B"),
    ),
    Attribute(
        "PatientOrientation",
        r"Have PatientOrientation written (L\F for an upright frontal view), so that left and right are known.",
        plausible=_oriented,
    ),
    Attribute(
        "BodyPartExamined",
        "Have the protocol write BodyPartExamined (CHEST).",
        sequences=("AnatomicRegionSequence",),
        plausible=lambda values: any(word in values[0].upper() for word in _TRUNK),
    ),
    Attribute(
        "StudyDate",
        "Send the study with its date; it is moved or shortened as the policy says.",
        others=("AcquisitionDate", "SeriesDate", "ContentDate"),
        plausible=_dated,
    ),
)
#: Counted only where the request asks for them.
ON_DEMAND: tuple[Attribute, ...] = (
    Attribute(
        "PatientPosition",
        "Have the protocol say erect, supine or portable, in PatientOrientationCodeSequence or the series' description.",
        sequences=("PatientOrientationCodeSequence",),
    ),
    Attribute("WindowCenter", "Send the image as it was displayed, with its window.", sequences=("VOILUTSequence",)),
    Attribute(
        "LossyImageCompression",
        "Have the archive say whether the image was ever compressed with loss (00 or 01).",
        plausible=_one_of("00", "01"),
    ),
    Attribute("SliceThickness", "Send the series as it was reconstructed.", plausible=_between(0.05, 50)),
)
REMEDIES: dict[str, str] = {entry.keyword: entry.remedy for entry in (*ATTRIBUTES, *ON_DEMAND)}
#: Without a meaning in cross-sectional images.
_RADIOGRAPHS_ONLY = frozenset({"ViewPosition", "ImageLaterality"})
_CROSS_SECTIONAL = frozenset({"CT", "MR", "PT"})
_OF_AXIS: dict[ShareAxis, tuple[str, ...]] = {
    ShareAxis.SCANNER: ("Manufacturer", "ManufacturerModelName"),
    ShareAxis.VENDOR: ("Manufacturer",),
    ShareAxis.SEX: ("PatientSex",),
    ShareAxis.VIEW: ("ViewPosition",),
}


def header_completeness(ds: Dataset, facts: ImageFacts, spec: DatasetSpec | None = None) -> Completeness:
    """Which attributes of one de-identified header are there. ``facts`` are the same image's. Never raises on a bad value.

    An attribute counts 1; 2 where the request says "should", 3 where it says "must".
    """
    return complete(_rows(ds, facts, spec))


def _rows(ds: Dataset, facts: ImageFacts, spec: DatasetSpec | None) -> Iterator[tuple[str, State, str, float]]:
    asked = _asked(spec)
    removed = _removed(spec)
    for entry in (*ATTRIBUTES, *(extra for extra in ON_DEMAND if extra.keyword in asked)):
        level = asked.get(entry.keyword, "")
        state = _state(ds, facts, entry)
        if entry.keyword in removed:
            state = State.REMOVED
        yield entry.keyword, state, level, _WEIGHT[level]


def _state(ds: Dataset, facts: ImageFacts, entry: Attribute) -> State:
    if entry.keyword in _RADIOGRAPHS_ONLY and (facts.modality or "") in _CROSS_SECTIONAL:
        return State.NOT_NEEDED
    if any(_items(ds, keyword) for keyword in entry.sequences):
        return State.PRESENT
    seen = [_one(ds, keyword, entry.plausible) for keyword in (entry.keyword, *entry.others)]
    if State.PRESENT in seen:
        return State.PRESENT
    if entry.keyword == "Exposure" and all(
        _one(ds, keyword, _between(1e-3, 1e6)) is State.PRESENT for keyword in ("ExposureTime", "XRayTubeCurrent")
    ):
        return State.PRESENT
    if entry.keyword == "ViewPosition" and facts.view is not None:
        return State.ELSEWHERE
    if entry.keyword == "PatientPosition" and (facts.position is not None or facts.portable is not None):
        return State.PRESENT
    # CR asks for a laterality of paired body parts only (PS3.3 C.7.3.1); DX always (C.8.11.3).
    if entry.keyword == "ImageLaterality" and facts.sop_class == "CR" and set(seen) <= {State.MISSING}:
        return State.NOT_NEEDED
    for state in (State.IMPLAUSIBLE, State.PLACEHOLDER):
        if state in seen:
            return state
    return State.MISSING


def _one(ds: Dataset, keyword: str, plausible: Check) -> State:
    values = _texts(ds, keyword)
    if not any(values):
        return State.MISSING
    numbers = [_number(text) for text in values]
    if all(text.upper() in _FILLERS or number == 0 for text, number in zip(values, numbers, strict=True)):
        # "00" of LossyImageCompression is an answer; only there does a zero say something.
        return State.PRESENT if keyword == "LossyImageCompression" and plausible(values) else State.PLACEHOLDER
    return State.PRESENT if plausible(values) else State.IMPLAUSIBLE


def _texts(ds: Dataset, keyword: str) -> list[str]:
    try:
        value = ds[keyword].value if keyword in ds else None
        if value is None or isinstance(value, bytes | Sequence | Dataset):
            return []
        many = value if isinstance(value, MultiValue | list | tuple) else [value]
        return [str(item).strip().strip("\x00") for item in many if item is not None]
    except BAD_VALUE:
        return []


def _items(ds: Dataset, keyword: str) -> bool:
    try:
        return bool(ds.get(keyword))
    except BAD_VALUE:
        return False


def _asked(spec: DatasetSpec | None) -> dict[str, str]:
    """Keyword -> level, of what the request needs the header for."""
    if spec is None:
        return {}
    levels: dict[str, list[Level]] = {}

    def need(keyword: str, level: Level | None) -> None:
        if level is not None:
            levels.setdefault(keyword, []).append(level)

    cohort, rules = spec.cohort, spec.image
    for line in spec.projections:
        need("ViewPosition", line.level)
        if line.position is not None or line.portable is not None:
            need("PatientPosition", line.level)
    for cell in spec.quotas:
        need("ViewPosition", cell.level if cell.view is not None else None)
        need("PatientSex", cell.level if cell.sex is not None else None)
        need("PatientAge", cell.level if cell.age_min is not None or cell.age_max is not None else None)
        need("Manufacturer", cell.level if cell.vendor is not None else None)
        need("PatientPosition", cell.level if cell.position is not None or cell.portable is not None else None)
    need("PatientAge", cohort.age.level if cohort.age else None)
    need("PatientSex", cohort.sex.level if cohort.sex else None)
    need("StudyDate", cohort.years.level if cohort.years else None)
    need("PixelSpacing", rules.pixel_spacing.level if rules.pixel_spacing else None)
    need("PhotometricInterpretation", rules.photometric.level if rules.photometric else None)
    need("Manufacturer", rules.manufacturer.level if rules.manufacturer else None)
    need("LossyImageCompression", rules.lossless.level if rules.lossless else None)
    need("SliceThickness", rules.slice_thickness.level if rules.slice_thickness else None)
    need("WindowCenter", rules.windowing.level if rules.windowing and rules.windowing.window_required else None)
    for cap in spec.share_caps:
        for keyword in _OF_AXIS.get(cap.axis, ()):
            need(keyword, cap.level)
    return {keyword: ("must" if Level.MUST in found else "should") for keyword, found in levels.items()}


def _removed(spec: DatasetSpec | None) -> frozenset[str]:
    """What the request's de-identification takes out."""
    if spec is None:
        return frozenset()
    gone: set[str] = set()
    if spec.deidentification.device is DeviceHandling.REMOVED:
        gone |= {"Manufacturer", "ManufacturerModelName"}
    if spec.deidentification.patient_characteristics is CharacteristicsHandling.REMOVED:
        gone |= {"PatientSex", "PatientAge"}
    if spec.deidentification.dates is DatesHandling.REMOVED:
        gone.add("StudyDate")
    return frozenset(gone)
