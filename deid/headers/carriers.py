"""Numbers that would carry text: values beyond their multiplicity, bytes that spell words, tables longer than they say."""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from deid.dicomfile.element import NUMBER_SIZES, DataSet, standard_vm, standard_vr

LUT_DATA = 0x00283006
_LUT_DESCRIPTOR = 0x00283002
_MOST_PRIVATE_VALUES = 6
_SPELLED = re.compile(rb"[A-Za-z][A-Za-z ^=,.'-]{5,}")
_LONG_SPELLED = re.compile(rb"[A-Za-z][A-Za-z ^=,.'-]{7,}")
_LONG_NUMBER = re.compile(r"[+-]?0*[1-9]\d{8,}")


@cache
def _most_values(tag: int) -> int | None:
    """The largest multiplicity that PS3.6 allows, None for no limit."""
    last = standard_vm(tag).split("-")[-1]
    return int(last) if last.isdigit() else None


def carries_text(tag: int, vr: str, value: bytes) -> bool:
    """Whether a binary number of a standard attribute holds more values than it may, or spells a word, or (VR AT) names
    an attribute that does not exist. Lookup tables have a judge of their own."""
    if tag == LUT_DATA:
        return False
    size = 4 if vr == "AT" else NUMBER_SIZES.get(vr, 0)
    most = _most_values(tag)
    if size and most is not None and len(value) > most * size:
        return True
    if vr == "AT":
        pairs = (value[at : at + 4] for at in range(0, len(value), 4))
        return any(
            standard_vr(int.from_bytes(p[:2], "little") << 16 | int.from_bytes(p[2:], "little")) is None for p in pairs
        )
    return _SPELLED.search(value) is not None


def private_carries_text(vr: str, value: bytes) -> bool:
    """The same of a private number, whose multiplicity nobody states."""
    return len(value) > _MOST_PRIVATE_VALUES * NUMBER_SIZES.get(vr, 16) or _SPELLED.search(value) is not None


def has_long_number(joined: str) -> bool:
    """Whether one of several DS or IS values has nine digits or more before its point: no measure of a radiograph does, but
    record and telephone numbers do."""
    return any(_LONG_NUMBER.match(part.strip()) for part in joined.split("\\"))


def is_true_table(item: DataSet) -> bool:
    """Whether LUT Data is as long as its descriptor says, and no table of words: a table's values rise or fall (PS3.3 C.11.1)."""
    data, descriptor = item.get(LUT_DATA), item.get(_LUT_DESCRIPTOR)
    if data is None or descriptor is None or len(descriptor.raw) != 6:
        return False
    entries = int.from_bytes(descriptor.raw[:2], "little") or 1 << 16
    bits = int.from_bytes(descriptor.raw[4:6], "little")
    allowed = {2 * entries} | ({entries + entries % 2} if bits <= 8 else set())
    if len(data.raw) not in allowed:
        return False
    if not _LONG_SPELLED.search(data.raw):
        return True
    steps = np.diff(np.frombuffer(data.raw, "<u2" if len(data.raw) == 2 * entries else "u1").astype(np.int32))
    return bool((steps >= 0).all() or (steps <= 0).all())
