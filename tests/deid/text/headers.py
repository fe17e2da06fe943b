"""Identifiers from what an image's header says, given as {DICOM keyword: value} or as the hard set's {"names": [...], ...}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydicom.datadict import dictionary_VR

from deid.text.identifiers import Identifiers

_PHRASES = frozenset(
    {"InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "PatientAddress", "StationName"}
)


def identifiers_of(header: Mapping[str, Any] | None) -> Identifiers:
    """The identifiers of a header; an unknown keyword counts as a number where it holds digits, as a phrase where not."""
    header = header or {}
    if set(header) & {"names", "numbers", "phrases", "dates"}:
        return Identifiers.of(**{key: header[key] for key in ("names", "numbers", "phrases", "dates") if key in header})
    found = Identifiers()
    for keyword, value in header.items():
        try:
            vr = dictionary_VR(keyword)
        except KeyError:
            vr = "LO"
        for part in value if isinstance(value, list) else [value]:
            text = str(part)
            if vr == "PN":
                found.add_name(text)
            elif vr in ("DA", "DT"):
                digits = "".join(c for c in text if c.isdigit())[:8]
                if len(digits) == 8:
                    found.dates.add(digits)
            elif vr == "AS":
                continue
            elif keyword in _PHRASES or not any(c.isdigit() for c in text):
                found.add_phrase(text)
            else:
                found.add_number(text)
    return found
