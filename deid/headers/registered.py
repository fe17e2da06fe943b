"""UIDs that PS3.6 registers: SOP classes, transfer syntaxes, coding schemes, context groups. They name things,
not patients."""

from __future__ import annotations

from functools import cache

from pydicom.uid import UID_dictionary


@cache
def _registered() -> frozenset[str]:
    return frozenset(UID_dictionary)


def is_registered_uid(uid: str) -> bool:
    """Whether PS3.6 Annex A lists the UID (exactly; the DICOM root alone proves nothing)."""
    return uid in _registered()
