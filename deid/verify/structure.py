"""The form of an output: our own preamble and file meta, VRs of PS3.6, even lengths, rising tags, no forbidden group, values
that fit their VR, UIDs that are registered or ours, required attributes, and the marks."""

from __future__ import annotations

import re

from pydicom.uid import UID_dictionary

from deid.verify.giveaways import keyword
from deid.verify.iods import always, not_to_lose, present
from deid.verify.walk import PIXELS, Seen, Walked, standard

_META = (0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013)
_FORBIDDEN = frozenset({0x0002, 0x0004, 0x0006, 0x0042, 0x0070, 0x0088, 0x0400, 0x4FFE, 0x5400, 0xFFFA, 0xFFFC})
_BINARY = {
    "US": 2,
    "SS": 2,
    "UL": 4,
    "SL": 4,
    "FL": 4,
    "FD": 8,
    "AT": 4,
    "OW": 2,
    "SV": 8,
    "UV": 8,
    "OF": 4,
    "OD": 8,
    "OL": 4,
    "OV": 8,
}
_STRINGS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
_CHOICES = frozenset({"US", "SS", "OB", "OW"})
_FORMS = {
    "DA": r"(?:\d{4}(?:\d{2}(?:\d{2})?)?)?-?(?:\d{4}(?:\d{2}(?:\d{2})?)?)?",
    "TM": r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?",
    "DT": r"[\d.+\-]*",
    "AS": r"\d{3}[DWMY]",
    "CS": r"[A-Z0-9_ ]{1,16}",
    "IS": r"[+-]?\d{1,12}",
    "DS": r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?",
    "UI": r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+",
    "UR": r"[\x21-\x7e]*",
}
_FORM = {vr: re.compile(pattern + r"\Z") for vr, pattern in _FORMS.items()}
_LENGTHS = {"SH": 16, "LO": 64, "ST": 1024, "LT": 10240, "AE": 16}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_OUR_UID = re.compile(r"2\.25\.\d{1,39}\Z")


class Malformed(ValueError):
    """The output's form is wrong; `required` says whether an attribute that the class demands is missing."""

    def __init__(self, where: str, *, required: bool = False) -> None:
        super().__init__(where)
        self.required = required


def check_form(data: bytes, output: Walked) -> None:
    """Raise Malformed. `output` is the walk over `data`."""
    if data[:128] != b"\0" * 128:
        raise Malformed("preamble")
    if tuple(output.meta) != _META or output.end != len(data):
        raise Malformed("file meta" if tuple(output.meta) != _META else "bytes after the last element")
    if int.from_bytes(output.meta[0x00020000], "little") != output.begin - 144:
        raise Malformed("file meta")
    for meta_tag, tag in ((0x00020002, 0x00080016), (0x00020003, 0x00080018)):
        if output.meta[meta_tag].decode("latin-1").strip("\0 ") != output.text(tag):
            raise Malformed("file meta")
    previous: dict[tuple[int, ...], int] = {}
    for seen in output.elements:
        _element(seen)
        if not seen.path:
            if seen.tag <= previous.get((), 0):
                raise Malformed(f"order of {keyword(seen.tag)}")
            previous[()] = seen.tag
    if output.text(0x00080005) != "ISO_IR 192" or any(s.tag == 0x00080005 and s.path for s in output.elements):
        raise Malformed("SpecificCharacterSet")


def _element(seen: Seen) -> None:
    group, where = seen.tag >> 16, keyword(seen.tag)
    if (
        group in _FORBIDDEN
        or 0x5000 <= group <= 0x50FF
        or 0x6000 <= group <= 0x60FF
        or (group >= 0x7F00 and (seen.tag != PIXELS or seen.path))
    ):
        raise Malformed(where)
    if group % 2:
        if seen.vr not in _BINARY and seen.vr not in ("DS", "IS", "CS", "LO", "SH"):
            raise Malformed(f"private element in group {group:04X}")
    else:
        expected = standard(seen.tag)
        if not expected or (seen.vr != expected and not {seen.vr, expected} <= _CHOICES):
            raise Malformed(f"VR of {where}")
    if seen.size % 2:
        raise Malformed(f"odd length of {where}")
    if seen.tag == PIXELS or seen.vr == "SQ":
        return
    if seen.vr in _BINARY and len(seen.value) % _BINARY[seen.vr]:
        raise Malformed(f"length of {where}")
    if seen.vr in _STRINGS:
        _string(seen, where)


def _string(seen: Seen, where: str) -> None:
    try:
        text = seen.value.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"text of {where}") from None
    if _CONTROL.search(text.rstrip("\0")):
        raise Malformed(f"control characters in {where}")
    parts = [text] if seen.vr in ("ST", "LT", "UT", "UR") else text.split("\\")
    form, longest = _FORM.get(seen.vr), _LENGTHS.get(seen.vr)
    for part in parts:
        part = part.strip(" \0")
        if part and ((form and not form.match(part)) or (longest and len(part) > longest)):
            raise Malformed(f"value of {where}")
        if part and seen.vr == "UI" and (len(part) > 64 or (part not in UID_dictionary and not _OUR_UID.match(part))):
            raise Malformed(f"UID in {where}")


def check_required(output: Walked, source: Walked) -> None:
    """Raise Malformed(required=True) where the object lost what its class demands, or a coded entry or reference is half there."""
    sop_class = output.text(0x00080016)
    have = {seen.tag: _filled(seen) for seen in output.elements if not seen.path}
    had = {seen.tag: _filled(seen) for seen in source.elements if not seen.path}
    for tag in always(sop_class):
        if not have.get(tag):
            raise Malformed(keyword(tag), required=True)
    for tag in present(sop_class):
        if tag not in have:
            raise Malformed(keyword(tag), required=True)
    for tag in not_to_lose(sop_class):
        if had.get(tag) and not have.get(tag):
            raise Malformed(keyword(tag), required=True)
    blank = {seen.tag for seen in source.elements if not seen.value.strip(b" \0")}
    for seen in output.elements:
        half = seen.tag in (0x00080100, 0x00081150, 0x00081155) and not seen.value.strip(b" \0")
        if seen.path and half and seen.tag not in blank:
            raise Malformed(keyword(seen.tag), required=True)


def _filled(seen: Seen) -> bool:
    return (
        bool(seen.items)
        if seen.vr == "SQ"
        else bool(seen.bulk)
        if seen.tag == PIXELS
        else bool(seen.value.strip(b" \0") or (seen.value and standard(seen.tag) in _BINARY))
    )


def check_marks(output: Walked, temporal: str) -> None:
    """Raise Malformed where the marks of de-identification are missing or say something else (DEID.md, section 10)."""
    wanted = ((0x00120062, "YES"), (0x00280303, temporal), (0x00280301, "NO"))
    for tag, value in wanted:
        if output.text(tag) != value:
            raise Malformed(keyword(tag))
    codes = {s.value.strip() for s in output.elements if s.path == (0x00120064,) and s.tag == 0x00080100}
    if b"113100" not in codes or (temporal == "UNMODIFIED") != (b"113106" in codes):
        raise Malformed("DeidentificationMethodCodeSequence")
    name, number, born = output.text(0x00100010), output.text(0x00100020), output.text(0x00100030)
    if name != number or not re.fullmatch(r"[A-Z2-7]{16}", number) or born:
        raise Malformed("PatientName, PatientID or PatientBirthDate")
