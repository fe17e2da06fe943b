"""Attribute matching of searches (PS3.18 8.3.4, PS3.4 C.2.2.2): which attributes each level gives, and whether a header matches."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

STUDY, SERIES, INSTANCE = "study", "series", "instance"
#: What a search gives at each level without ``includefield`` (PS3.18 tables 10.6.3-3 to 10.6.3-5), as far as the header has it.
RETURNED: dict[str, tuple[str, ...]] = {
    STUDY: (
        "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "PatientName", "PatientID", "PatientBirthDate",
        "PatientSex", "StudyInstanceUID", "StudyID",
    ),
    SERIES: (
        "Modality", "SeriesDescription", "SeriesInstanceUID", "SeriesNumber", "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
    ),
    INSTANCE: (
        "SOPClassUID", "SOPInstanceUID", "InstanceNumber", "Rows", "Columns", "BitsAllocated", "NumberOfFrames",
    ),
}  # fmt: skip
#: What ``includefield`` may add and searches may match besides.
MORE: dict[str, tuple[str, ...]] = {
    STUDY: ("StudyDescription", "PatientAge", "PatientSize", "PatientWeight", "InstitutionName"),
    SERIES: (
        "BodyPartExamined", "ProtocolName", "Manufacturer", "ManufacturerModelName", "SeriesDate", "SeriesTime", "Laterality",
        "PatientPosition", "StationName",
    ),
    INSTANCE: (
        "ViewPosition", "PhotometricInterpretation", "BitsStored", "SamplesPerPixel", "PixelSpacing", "ImagerPixelSpacing",
        "AcquisitionDate", "ContentDate", "ImageType", "KVP", "WindowCenter", "WindowWidth", "LossyImageCompression",
        "PresentationIntentType", "PatientOrientation",
    ),
}  # fmt: skip
KEPT: tuple[str, ...] = tuple(
    keyword for level in (STUDY, SERIES, INSTANCE) for keyword in (*RETURNED[level], *MORE[level])
)
MAX_LIMIT, USUAL_LIMIT = 500, 100
_DATES = {"DA", "TM", "DT"}
_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_TAG = re.compile(r"[0-9A-Fa-f]{8}\Z")


class BadQuery(ValueError):
    """A query that cannot be understood. ``args[0]`` names the parameter by its keyword; never its value."""


@dataclass(frozen=True)
class Query:
    """A search: what must match (keyword -> value), what is given, how many, from where, and what was not understood."""

    match: Mapping[str, str]
    include: frozenset[str]
    everything: bool
    limit: int
    offset: int
    fuzzy: bool
    ignored: tuple[str, ...]


def levels_of(level: str) -> tuple[str, ...]:
    """The levels a search at this level can match."""
    return {STUDY: (STUDY,), SERIES: (STUDY, SERIES), INSTANCE: (STUDY, SERIES, INSTANCE)}[level]


def parse_query(pairs: Iterable[tuple[str, str]], level: str) -> Query:
    """Read the parameters of a search. Raises ``BadQuery``."""
    match: dict[str, str] = {}
    include: set[str] = set()
    ignored: list[str] = []
    numbers = {"limit": USUAL_LIMIT, "offset": 0}
    everything = fuzzy = False
    known = {keyword for each in levels_of(level) for keyword in (*RETURNED[each], *MORE[each])} | {"ModalitiesInStudy"}
    for name, value in pairs:
        lower = name.lower()
        if lower in numbers:
            if not _NUMBER.match(value):
                raise BadQuery(lower)
            numbers[lower] = int(value)
        elif lower == "fuzzymatching":
            fuzzy = value.lower() == "true"
        elif lower == "includefield":
            fields = [field.strip() for field in value.split(",") if field.strip()]
            everything = everything or "all" in fields
            include |= {keyword_of(field, name) for field in fields if field != "all"}
        elif lower in ("accept", "charset", "orderby"):
            continue
        else:
            keyword = keyword_of(name, "an attribute")
            if keyword not in known:
                ignored.append(keyword)
            elif value and value != "*":
                match[keyword] = value
    limit = min(numbers["limit"], MAX_LIMIT)
    return Query(match, frozenset(include), everything, limit, numbers["offset"], fuzzy, tuple(ignored))


def keyword_of(name: str, parameter: str) -> str:
    """An attribute by keyword or by eight hexadecimal digits; of a path its first. Raises ``BadQuery``."""
    first = name.split(".")[0]
    keyword = keyword_for_tag(int(first, 16)) if _TAG.match(first) else first
    if not keyword or tag_for_keyword(keyword) is None:
        raise BadQuery(parameter)
    return keyword


def matches(query: str, keyword: str, values: list[Any]) -> bool:
    """Whether one attribute's values match: single value, list of UIDs, wild card, or range of dates and times."""
    vr = dictionary_VR(keyword)
    if vr == "UI":
        wanted = {one.strip() for one in re.split(r"[,\\]", query)}
        return any(str(value) in wanted for value in values)
    texts = [_text(value) for value in values]
    if vr in _DATES:
        return any(_in_range(query, text) for text in texts)
    if vr in ("IS", "DS", "US", "SS", "UL", "SL", "FL", "FD"):
        return any(_same_number(query, text) for text in texts)
    pattern = query.strip().lower().replace("[", "[[]")
    return any(fnmatch.fnmatchcase(text.strip().lower(), pattern) for text in texts)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("Alphabetic", ""))
    return str(value)


def _in_range(query: str, text: str) -> bool:
    if not text:
        return False
    if "-" not in query:
        return text[: len(query)] == query
    first, _, last = query.partition("-")
    return text >= first and (not last or text[: len(last)] <= last)


def _same_number(query: str, text: str) -> bool:
    try:
        return float(query) == float(text)
    except ValueError:
        return False
