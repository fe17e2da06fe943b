"""Which action an attribute gets: an allow-list over PS3.6, ruled by Table E.1-1 and the policy (DEID.md,
section 1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from deid.dicomfile.element import PIXEL_DATA, standard_vr
from deid.headers.required import type_1, type_2
from deid.policy import Policy
from deid.profile.table import TableRow, find_row

Action = Literal[
    "remove",  # the element goes
    "empty",  # zero length
    "dummy",  # a value that says nothing
    "uid",  # registered UIDs stay, others are replaced
    "date",  # shifted, cut to the year, or kept, by policy
    "text",  # cleaned descriptor
    "device",  # maker and model: cleaned against identifiers and device words
    "recurse",  # a sequence whose items are judged one by one
    "patient-name",
    "patient-id",
    "accession",
    "study-id",
    "age",
    "value",  # kept when it is valid for its VR
    "private",
    "pixels",
]

_REMOVED_GROUPS = frozenset({0x0400, 0x4FFE, 0x5400, 0xFFFA, 0xFFFC, 0x0088, 0x0042, 0x0070, 0x0004, 0x0006})
_REMOVED_TAGS = frozenset(
    {
        0x00080001,  # LengthToEnd
        0x00120063,  # DeidentificationMethod: an earlier one may hold anything; ours is written afresh
        0x00120064,
        0x00120062,
        0x00280303,  # LongitudinalTemporalInformationModified: ours
        0x00282000,  # ICCProfile: carries free text of its own
        0x0040E010,  # RetrieveURI
        0x00081190,  # RetrieveURL
        0x00080056,  # InstanceAvailability
        0x7FE00008,
        0x7FE00009,
    }
)
_NAMED: dict[int, Action] = {
    0x00100010: "patient-name",
    0x00100020: "patient-id",
    0x00080050: "accession",
    0x00200010: "study-id",
    0x00101010: "age",
    0x00080070: "device",  # Manufacturer
    0x00081090: "device",  # ManufacturerModelName
    0x00181020: "device",  # SoftwareVersions
    PIXEL_DATA: "pixels",
}
# LUT Data belongs to rendering; palettes do not, where no accepted image has one.
_ALLOWED_BULK = frozenset({0x00283006})
_FREE_TEXT = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})


@lru_cache(maxsize=16_384)
def decide(tag: int, policy: Policy, sop_class: str, *, top: bool) -> Action:
    """The action for one attribute. `top` says whether it stands in the main data set, where Type 1 and 2 bind."""
    group = tag >> 16
    if group % 2:
        return "private"
    vr = standard_vr(tag)
    if (
        vr is None
        or group in _REMOVED_GROUPS
        or group < 0x0008
        or 0x5000 <= group <= 0x50FF
        or 0x6000 <= group <= 0x60FF
    ):
        return "remove"
    if tag in _REMOVED_TAGS or (tag & 0xFFFF) == 0 or (0x7F00 <= group <= 0x7FFF and tag != PIXEL_DATA):
        return "remove"
    named = _NAMED.get(tag)
    if named is not None:
        if not top and named in ("patient-name", "patient-id"):
            return "empty"
        if not top and named == "pixels":
            return "remove"  # an icon or a referenced image keeps what was masked elsewhere
        if named == "age" and not policy.retain_patient_characteristics:
            return "remove"
        if named == "device" and not policy.retain_device_model:
            return "empty" if top and tag in type_2(sop_class) else "remove"
        return named
    row = find_row(tag)
    if row is not None:
        return _by_table(row, tag, vr, policy, sop_class, top)
    return _by_vr(tag, vr, policy)


def _by_table(row: TableRow, tag: int, vr: str, policy: Policy, sop_class: str, top: bool) -> Action:
    options = row.options
    if policy.retain_patient_characteristics and "retain_patient" in options:
        return _by_vr(tag, vr, policy)
    if "modified_dates" in options:
        return "date" if vr in ("DA", "DT", "TM") or tag == 0x00080201 else "remove"
    if policy.clean_descriptors and "clean_descriptors" in options and vr in _FREE_TEXT | {"SQ", "CS"}:
        return "recurse" if vr == "SQ" else "text"
    if row.basic == "U":
        return "uid" if vr == "UI" else "remove"
    if row.basic == "X/Z/U*":
        return "recurse"
    return _resolve(row.basic, tag, vr, sop_class, top)


def _resolve(basic: str, tag: int, vr: str, sop_class: str, top: bool) -> Action:
    """The standard's choices by attribute type: Type 1 keeps a value, Type 2 may be empty, Type 3 goes (PS3.15
    E.1.1)."""
    choices = basic.split("/")
    if len(choices) > 1:
        if "D" in choices and top and tag in type_1(sop_class) and vr != "SQ":
            return "uid" if vr == "UI" else "dummy"
        if "Z" in choices and (not top or tag in type_2(sop_class)):
            return "empty"
        if "X" in choices:
            return "remove"
        return "empty"
    if basic == "Z":
        return "empty"
    if basic == "D":
        if vr == "UI":
            return "uid"  # a UID must be one, and equal ones must stay equal
        return "remove" if vr in ("SQ", "OB", "OW", "UN") else "dummy"
    if basic == "K":
        return "value"
    return "remove"


def _by_vr(tag: int, vr: str, policy: Policy) -> Action:
    """Attributes that the table leaves alone: allowed by kind of value, because the standard names attributes,
    not values."""
    if vr == "SQ":
        return "recurse"
    if vr == "UI":
        return "uid"
    if vr in ("DA", "DT", "TM"):
        return "date"
    if vr in _FREE_TEXT:
        return "text"
    if vr in ("PN", "AE", "UR", "UN"):
        return "remove"
    if vr in ("OB", "OW", "OD", "OF", "OL", "OV", "OB or OW"):
        return "value" if tag in _ALLOWED_BULK else "remove"
    if "OW" in vr and tag not in _ALLOWED_BULK and " or " in vr:
        return "remove"
    return "value"
