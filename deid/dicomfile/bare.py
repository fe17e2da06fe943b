"""Data sets without the frame of Part 10: old exports leave out the preamble, the mark, or the file meta group.

What is missing is put in front, so that everything behind reads one form. The encoding is told from the first elements (PS3.5 7.1);
what is no data set stays as it is and is refused for what it is.
"""

from __future__ import annotations

import struct

from deid.dicomfile.element import ALL_VRS

_IMPLICIT_LE, _EXPLICIT_LE, _EXPLICIT_BE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
_VRS = frozenset(vr.encode("ascii") for vr in ALL_VRS)
#: A data set of a radiograph begins with an element of this group, and its first values are short.
_FIRST_GROUP, _MOST = 0x0008, 1024
_HEAD = 2048


def as_part10(data: bytes) -> bytes:
    """The file with preamble, mark and file meta; unchanged where it has them, or where no data set begins."""
    head = bytes(data[:_HEAD])
    if head[128:132] == b"DICM":
        if head[132:134] == b"\x02\x00" or (syntax := _encoding(head[132:])) is None:
            return data
        return _framed(syntax, data[132:])
    if head.startswith(b"DICM"):
        return as_part10(b"\0" * 128 + data)
    if head[:2] == b"\x02\x00" and head[4:6] in _VRS:
        return b"\0" * 128 + b"DICM" + data
    syntax = _encoding(head)
    return data if syntax is None else _framed(syntax, data)


def _framed(syntax: str, body: bytes) -> bytes:
    value = syntax.encode("ascii") + b"\0" * (len(syntax) % 2)
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(value)) + value
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(element))
    return b"".join((b"\0" * 128, b"DICM", length, element, body))


def _encoding(head: bytes) -> str | None:
    """The transfer syntax of a data set that begins here, or None where none does."""
    if len(head) < 16:
        return None
    if head[4:6] in _VRS:
        if struct.unpack_from("<H", head)[0] == _FIRST_GROUP:
            return _EXPLICIT_LE
        return _EXPLICIT_BE if struct.unpack_from(">H", head)[0] == _FIRST_GROUP else None
    group, _, length = struct.unpack_from("<HHI", head)
    if group != _FIRST_GROUP or length > _MOST or length % 2 or 8 + length + 4 > len(head):
        return None
    following, number = struct.unpack_from("<HH", head, 8 + length)
    return _IMPLICIT_LE if following == _FIRST_GROUP and number > struct.unpack_from("<H", head, 2)[0] else None
