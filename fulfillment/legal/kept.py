"""What one file keeps that decides its legal class, read from the file itself: keywords and kinds, never a value.

The policy says what should be there; this says what is. A note is ``kind:Keyword``, such as ``date:StudyDate``. The identifiers
are those of 45 CFR 164.514(b)(2)(i); the letters in brackets are its own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import NamedTuple

import pydicom
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

#: Kind -> what it is, as a person reads it.
KINDS: dict[str, str] = {
    "date": "dates finer than the year, as they were (C)",
    "shifted_date": "dates finer than the year, shifted (C)",
    "time": "times of day (C)",
    "birth_date": "date of birth (C)",
    "age_over_89": "ages over 89 that are not grouped (C)",
    "device": "device identifiers or serial numbers (M)",
    "place": "places smaller than a State (B)",
    "person": "names of persons (A)",
    "contact": "addresses, telephone numbers or e-mail (B, D, E, F)",
    "number": "numbers of persons or insurances (G, H, I)",
}
#: Ages above this are grouped, and the group is written as one year more (164.514(b)(2)(i)(C)).
_OLDEST = 89
_UNMODIFIED = "UNMODIFIED"
#: Dummies that the Basic Profile puts where a value must stand (PS3.15 E.1, action D).
_DUMMY_DATES, _DUMMY_TIMES = frozenset({"19000101"}), frozenset({"000000", "0000", "00"})
_BIRTH = re.compile(r"^PatientBirth(Date|Time)|^PatientBirthDateInAlternativeCalendar")
_DEVICE = re.compile(
    r"SerialNumber|^DetectorID$|^PlateID$|^CassetteID$|^GantryID$|^GeneratorID$|^DeviceID$|^StationName$"
    r"|^ScheduledStationName$|^PerformedStationName$|^UniqueDeviceIdentifier$|^UDI|^DeviceUID$|^XRaySourceID$"
)
_PLACE = re.compile(r"^Institution(Name|Address|alDepartmentName)|^RegionOfResidence$|GPS|^ClinicalTrialSite(Name|ID)$")
_CONTACT = re.compile(r"^PatientAddress$|^PersonAddress$|Telephone|Telecom|PhoneNumber|^PatientTelecomInformation$")
_NUMBER = re.compile(
    r"^OtherPatientIDs$|^IssuerOfPatientID$|^MilitaryRank$|^MedicalRecordLocator$|^InsurancePlanIdentification$|^AdmissionID$"
)
#: Names that hold a pseudonym, or a person of the standard rather than of the hospital.
_PSEUDONYMS = frozenset({"PatientName"})
#: Pixels and other bulk are another check's.
_BULK = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})


class Kept(NamedTuple):
    """One kind of element in one attribute."""

    kind: str
    keyword: str

    @classmethod
    def parse(cls, note: str) -> Kept:
        """From ``kind:Keyword``."""
        kind, _, keyword = note.partition(":")
        return cls(kind, keyword)

    def __str__(self) -> str:
        return f"{self.kind}:{self.keyword}"


def kept_in_file(data: bytes) -> list[str]:
    """The notes on a Part-10 file's bytes; pixels are not read. Raises what pydicom raises on a file that is none."""
    return kept_in(pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True))


def kept_in(dataset: Dataset) -> list[str]:
    """The notes on a data set, at every depth, sorted, each once. The file meta information holds none."""
    shifted = str(dataset.get("LongitudinalTemporalInformationModified", "")).strip().upper() not in ("", _UNMODIFIED)
    pseudonym = str(dataset.get("PatientID", ""))
    found = {str(note) for element in _elements(dataset) if (note := _note(element, shifted, pseudonym))}
    return sorted(found)


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _elements(item)
        elif element.VR not in _BULK and not element.is_empty:
            yield element


def _note(element: DataElement, shifted: bool, pseudonym: str) -> Kept | None:
    keyword = keyword_for_tag(element.tag) or f"({element.tag.group:04X},{element.tag.element:04X})"
    if _BIRTH.search(keyword):
        return Kept("birth_date", keyword) if _texts(element) else None
    for kind, pattern in (("device", _DEVICE), ("place", _PLACE), ("contact", _CONTACT), ("number", _NUMBER)):
        if pattern.search(keyword):
            return Kept(kind, keyword)
    match element.VR:
        case "DA" | "DT":
            if any(_finer_than_year(text, element.VR) for text in _texts(element)):
                return Kept("shifted_date" if shifted else "date", keyword)
        case "TM":
            if any(text not in _DUMMY_TIMES and text.rstrip("0.") for text in _texts(element)):
                return Kept("time", keyword)
        case "AS":
            if any(_over_the_limit(text) for text in _texts(element)):
                return Kept("age_over_89", keyword)
        case "PN":
            named = [text for text in _texts(element) if text != pseudonym]
            if named and keyword not in _PSEUDONYMS:
                return Kept("person", keyword)
    return None


def _texts(element: DataElement) -> list[str]:
    values = element.value if element.VM > 1 else [element.value]
    return [text for value in values if (text := str(value).strip(" \0"))]


def _finer_than_year(text: str, vr: str) -> bool:
    """DA has no shorter form, so a year alone is written as its first of January; DT may be four digits."""
    digits = re.sub(r"[.\-/]", "", text)
    if text in _DUMMY_DATES:
        return False
    return not (digits.endswith("0101") and len(digits) == 8 if vr == "DA" else len(digits) == 4)


def _over_the_limit(text: str) -> bool:
    found = re.match(r"(\d{1,3})([DWMY]?)\Z", text.upper())
    return found is not None and found.group(2) in ("Y", "") and int(found.group(1)) > _OLDEST + 1
