"""Looks for planted identity anywhere in bytes: raw, in archives, in decoded DICOM strings.

A finding names the kind of the identifier and where it was, never the identifier itself, so a
failing test prints nothing that a reader could mistake for permission to log values.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import unicodedata
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from tests.support.identities import DATE, Planted

SHORTEST: Final = 6
"""Shorter needles (in bytes) would turn up by chance in megabytes of compressed pixels."""

_ENCODINGS: Final = (
    "utf-8", "latin-1", "utf-16-le", "utf-16-be", "iso2022_jp", "iso2022_kr", "shift_jis",
    "euc_jp", "euc_kr", "gb18030", "iso8859_2", "iso8859_5", "iso8859_7", "cp1251", "cp1252",
)  # fmt: skip
_PUNCTUATION: Final = b"\0 \t\r\n^=-._/,:;'\"()\\"
_DEEPEST: Final = 6
_LARGEST_MEMBER: Final = 1 << 30


@dataclass(frozen=True)
class Leak:
    """Planted item number ``index`` of ``kind`` was found at ``where`` (a path of our own words).

    ``view`` tells which reading of the bytes showed it: "raw", "without punctuation", "text".
    """

    kind: str
    index: int
    where: str
    view: str


@dataclass(frozen=True)
class _Needle:
    index: int
    kind: str
    bytes: bytes
    digits: bool  # a date: a longer run of digits around it is a UID, not a leak


class LeakFinder:
    """Prepared once for a list of planted items, used on any number of blobs."""

    def __init__(self, planted: Iterable[Planted | str | bytes]) -> None:
        raw: dict[bytes, _Needle] = {}
        bare: dict[bytes, _Needle] = {}
        for index, item in enumerate(planted):
            kind = item.kind if isinstance(item, Planted) else "planted"
            is_date = isinstance(item, Planted) and item.sort == DATE
            for needle in _spellings(item):
                if len(needle) >= SHORTEST:
                    raw.setdefault(needle, _Needle(index, kind, needle, is_date))
                squeezed = needle.translate(None, _PUNCTUATION)
                if len(squeezed) >= SHORTEST:
                    bare.setdefault(squeezed, _Needle(index, kind, squeezed, is_date))
        self._raw = _Index(list(raw.values()))
        self._bare = _Index(list(bare.values()))

    def find(self, data: bytes, *, where: str = "bytes") -> list[Leak]:
        """Every planted item seen in ``data``, each once a place."""
        found: dict[tuple[int, str], Leak] = {}
        for leak in self._walk(data, where, 0):
            found.setdefault((leak.index, leak.where), leak)
        return sorted(found.values(), key=lambda leak: (leak.where, leak.index))

    def _walk(self, data: bytes, where: str, depth: int) -> Iterator[Leak]:
        yield from self._scan(data, where, "raw")
        if b"\\u" in data:
            yield from self._scan(_unescaped(data), where, "text")
        if depth >= _DEEPEST:
            return
        for name, inner in _members(data):
            yield from self._walk(inner, f"{where}/{name}", depth + 1)
        if data[128:132] == b"DICM":
            text = dicom_text(data)
            for form in ("NFC", "NFD"):
                plain = unicodedata.normalize(form, text)
                yield from self._scan(plain.encode(), f"{where}/dataset", "text")

    def _scan(self, data: bytes, where: str, view: str) -> Iterator[Leak]:
        low = data.lower()
        for needle in self._raw.hits(low):
            yield Leak(needle.kind, needle.index, where, view)
        squeezed = low.translate(None, _PUNCTUATION)
        for needle in self._bare.hits(squeezed):
            yield Leak(needle.kind, needle.index, where, "without punctuation")


def find_leaks(data: bytes, planted: Iterable[Planted | str | bytes]) -> list[Leak]:
    """Every planted item that can be read out of ``data``.

    Reads raw bytes in many encodings, with and without case and punctuation, members of zip, tar
    and gzip archives, JSON escapes, and every string of a DICOM data set at any depth.
    """
    return LeakFinder(planted).find(data)


class _Index:
    """Finds thousands of needles in one pass over megabytes.

    Two tables of byte pairs (bytes 0-1 and 2-3 of any needle) throw out almost every position at
    the speed of numpy; the few left are compared for real.
    """

    def __init__(self, needles: Sequence[_Needle]) -> None:
        self._first = np.zeros(1 << 16, bool)
        self._second = np.zeros(1 << 16, bool)
        self._by_prefix: dict[bytes, list[_Needle]] = {}
        for needle in needles:
            b = needle.bytes
            self._first[b[0] | b[1] << 8] = True
            self._second[b[2] | b[3] << 8] = True
            self._by_prefix.setdefault(b[:4], []).append(needle)

    def hits(self, data: bytes) -> list[_Needle]:
        found: dict[bytes, _Needle] = {}
        step = 1 << 24
        for start in range(0, len(data), step):
            block = np.frombuffer(data, np.uint8, min(step + 3, len(data) - start), start)
            if len(block) < 4:
                continue
            pairs = block[:-1].astype(np.uint16) | (block[1:].astype(np.uint16) << 8)
            places = np.flatnonzero(self._first[pairs[:-2]] & self._second[pairs[2:]])
            for place in (places + start).tolist():
                for needle in self._by_prefix.get(data[place : place + 4], ()):
                    if needle.bytes in found or not data.startswith(needle.bytes, place):
                        continue
                    if needle.digits and _inside_number(data, place, len(needle.bytes)):
                        continue
                    found[needle.bytes] = needle
        return list(found.values())


def _inside_number(data: bytes, place: int, length: int) -> bool:
    before = data[place - 1 : place] if place else b""
    after = data[place + length : place + length + 1]
    # A date is followed by a time in DT values; twelve to twenty digits are not a UID yet.
    run_before = before.isdigit()
    run_after = after.isdigit() and not re.match(rb"\d{6}(?!\d)", data[place + length :][:7])
    return bool(run_before or run_after)


def _spellings(item: Planted | str | bytes) -> set[bytes]:
    """Every byte string, in lower case, that would give the item away."""
    if isinstance(item, bytes):
        return {item.lower()}
    value = item.value if isinstance(item, Planted) else item
    forms = {value}
    if isinstance(item, Planted) and item.sort == DATE:
        forms |= date_spellings(value)
    if "^" in value:
        forms.add(value.replace("^", " ").strip())
        forms.add(", ".join(part for part in value.split("^") if part))
    folded = unicodedata.normalize("NFKD", value)
    forms.add(folded)
    forms.add("".join(c for c in folded if not unicodedata.combining(c)))
    german = value
    for letter, pair in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ø", "oe")):
        german = german.replace(letter, pair).replace(letter.upper(), pair.title())
    forms.add(german)
    needles: set[bytes] = set()
    for form in forms:
        for cased in {form, form.lower(), form.upper()}:
            for encoding in _ENCODINGS:
                try:
                    needles.add(cased.encode(encoding).lower())
                except UnicodeError:
                    continue
    return needles


def date_spellings(value: str) -> set[str]:
    """A DA value as people write it; separators need no forms of their own."""
    day = datetime.strptime(value, "%Y%m%d")
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    name = months[day.month - 1]
    return {
        day.strftime("%Y-%m-%d"),
        day.strftime("%d.%m.%Y"),
        day.strftime("%m/%d/%Y"),
        f"{day.day} {name} {day.year}",
        f"{day.day:02d} {name} {day.year}",
        f"{name} {day.day}, {day.year}",
    }


def _unescaped(data: bytes) -> bytes:
    def character(match: re.Match[bytes]) -> bytes:
        return chr(int(match[1], 16)).encode("utf-8", "replace")

    return re.sub(rb"\\u([0-9a-fA-F]{4})", character, data)


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The parts of an archive, named by number: a member's own name may be a leak itself."""
    if data[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = "\n".join(archive.namelist()).encode("utf-8", "surrogateescape")
            yield "names", names
            for number, info in enumerate(archive.infolist()):
                if not info.is_dir() and info.file_size <= _LARGEST_MEMBER:
                    yield f"member[{number}]", archive.read(info)
    elif data[:2] == b"\x1f\x8b":
        try:
            yield "gunzipped", gzip.decompress(data)
        except (OSError, EOFError):
            return
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for number, entry in enumerate(tar):
                source = tar.extractfile(entry)
                if source is not None:
                    yield f"member[{number}]", source.read()


def dicom_text(data: bytes) -> str:
    """Every string and short byte value of a Part-10 file, decoded, one a line.

    Pixel Data is left out: the raw scan has read its bytes already.  A data set that does not
    parse gives what was readable.
    """
    lines: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ds = dcmread(io.BytesIO(data), force=True)
            for part in (ds.file_meta, ds):
                lines.extend(_strings(part))
        except Exception:
            lines.append("")
    return "\n".join(lines)


def _strings(ds: Dataset) -> Iterator[str]:
    for element in ds:
        if element.tag == 0x7FE00010:
            continue
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _strings(item)
            continue
        yield from _values(element)


def _values(element: DataElement) -> Iterator[str]:
    value = element.value
    many = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    for one in many:
        if one is None:
            continue
        if isinstance(one, bytes):
            for encoding in ("utf-8", "latin-1"):
                yield one.decode(encoding, "ignore")
        elif isinstance(one, PersonName):
            yield str(one)
            yield from (part for part in one.components if part)
        else:
            yield str(one)
