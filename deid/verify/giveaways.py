"""What the input gives away, gathered from its bytes: names, numbers, places, UIDs and dates, by VR and keyword."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from pydicom.datadict import dictionary_keyword
from pydicom.uid import UID_dictionary

from deid.verify.walk import PIXELS, Seen, Walked, standard
from deid.verify.words import codec, fold, is_ordinary, read

_STRINGS = frozenset({"LO", "SH", "AE", "PN", "UC", "UR", "ST", "LT", "UT"})
_NAMED = frozenset({"OtherPatientNames", "PatientBirthName", "PatientMotherBirthName"})
_NUMBERED = re.compile(
    r"(?:Patient|Admission|Study|Accession|Procedure|Step|Plate|Cassette|Detector|Gantry|Order|Plan|Record|Device|Request|Visit|Specimen|"
    r"Container|Serial|Generator|Grid|Filler|Placer|Service|Confidentiality|Insurance)\w*?(?:IDs?|Number|Numbers|Locator|Identification|Identifier)\Z"
    r"|AccessionNumber\Z|DeviceSerialNumber\Z|PatientTelephoneNumbers\Z|(?:Filler|Placer)OrderNumber\w*\Z"
)
_PLACED = re.compile(
    r"InstitutionName\Z|InstitutionAddress\Z|PatientAddress\Z|StationName\Z|AETitle\Z|InstitutionalDepartmentName\Z"
)
_SEPARATORS = re.compile(r"[^\w]+|_")
_PLACEHOLDERS = frozenset(
    [
        "anonymous",
        "anonymized",
        "anonymised",
        "anon",
        "unknown",
        "unspecified",
        "none",
        "null",
        "nil",
        "test",
        "patient",
        "name",
        "noname",
        "other",
        "default",
        "removed",
        "empty",
        "void",
        "available",
        "applicable",
        "undefined",
        "deidentified",
        "blank",
        "hospital",
        "clinic",
        "doctor",
    ]
)
_DEVICE = frozenset({0x00080070, 0x00081090, 0x00181020})


@cache
def keyword(tag: int) -> str:
    """The keyword, or (gggg,eeee)."""
    try:
        found = dictionary_keyword(tag) if not (tag >> 16) % 2 else ""
    except KeyError:
        found = ""
    return found or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


@dataclass
class Secrets:
    """Folded words unless said otherwise.

    names: parts of person names. common: those that are ordinary words too. places: words of institutions and machines.
    numbers: identifying numbers without punctuation and leading zeros. dates: YYYYMMDD. uids: as written. own: parts of
    the patient's name and number as bytes, for the search of Pixel Data. encoded: names outside ASCII in their own sets.
    device: words of maker and model, which are kept on purpose.
    """

    names: set[str] = field(default_factory=set)
    common: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    all_dates: set[str] = field(default_factory=set)
    uids: set[str] = field(default_factory=set)
    own: set[bytes] = field(default_factory=set)
    encoded: set[bytes] = field(default_factory=set)
    device: set[str] = field(default_factory=set)


def gather(source: Walked, known: Iterable[str]) -> Secrets:
    """Everything identifying in the input, and what the batch knows of the patient besides."""
    found = Secrets()
    for seen in source.elements:
        if seen.tag in _DEVICE and not seen.path:
            found.device |= {fold(w) for text in read(seen.value, seen.charsets) for w in _SEPARATORS.split(text)}
    for seen in source.elements:
        if seen.value and seen.tag != PIXELS and len(seen.value) <= 8192:
            _element(found, seen)
    for text in known:
        _number(found, text) if any(c.isdigit() for c in text) else _place(found, text)
    found.numbers = {number for number in found.numbers if not _harmless(number, found.device)}
    found.places -= found.device | found.names
    return found


def _harmless(number: str, device: set[str]) -> bool:
    return number in device and sum(c.isdigit() for c in number) < 5


def _element(found: Secrets, seen: Seen) -> None:
    tag, vr = seen.tag, standard(seen.tag) or seen.vr
    if (tag >> 16) % 2:
        vr = seen.vr if seen.vr in ("PN", "UI", "DA", "DT") else ""
    name = keyword(tag)
    if vr == "PN" or name in _NAMED:
        for text in read(seen.value, seen.charsets):
            _name(found, text, seen, own=tag == 0x00100010)
    elif vr == "UI":
        uids = (part.strip(b" \0").decode("latin-1") for part in seen.value.split(b"\\"))
        found.uids.update(uid for uid in uids if len(uid) >= 8 and uid not in UID_dictionary)
    elif vr in ("DA", "DT"):
        for part in seen.value.decode("latin-1").split("\\"):
            for day in re.findall(r"(?<!\d)(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})", part):
                found.all_dates.add("".join(day))
                if "1900" <= day[0] <= "2100":
                    found.dates.add("".join(day))
    elif vr in _STRINGS:
        for text in read(seen.value, seen.charsets):
            if _NUMBERED.search(name):
                for part in text.split("\\"):
                    _number(found, part)
                    if tag == 0x00100020 and len(part.strip(" \0")) >= 7 and part.isascii():
                        found.own.add(part.strip(" \0").encode("ascii"))
            elif _PLACED.search(name) or vr == "AE":
                _place(found, text)


def _name(found: Secrets, text: str, seen: Seen, *, own: bool) -> None:
    for part in _SEPARATORS.split(text):
        word = fold(part)
        if not word or word in _PLACEHOLDERS or (word.isascii() and len(word) < 2) or word.isdigit():
            continue
        (found.common if is_ordinary(word) or (word.isascii() and len(word) < 4) else found.names).add(word)
        if own and len(part.encode("utf-8")) >= 7 and not is_ordinary(word):
            found.own.add(part.encode("utf-8"))
        if not part.isascii():
            found.encoded |= _encodings(part, seen.charsets)


def _encodings(part: str, charsets: tuple[str, ...]) -> set[bytes]:
    """A name outside ASCII as bytes of the declared sets and of UTF-16, in three cases; UTF-8 is read as text."""
    names = {codec(term) for term in charsets} - {"utf-8"} | {"utf-16-le", "utf-16-be"}
    made = set()
    for spelling in {part, part.upper(), part.lower()}:
        for name in names:
            try:
                raw = spelling.encode(name)
            except (UnicodeEncodeError, LookupError):
                continue
            if len(raw) >= 4:
                made.add(raw)
    return made


def _number(found: Secrets, text: str) -> None:
    compact = fold(re.sub(r"[\W_]", "", text)).lstrip("0")
    digits = sum(c.isdigit() for c in compact)
    if digits == 0:
        _place(found, text)
        return
    found.numbers.update(run.lstrip("0") for run in re.findall(r"\d{6,}", compact) if len(run.lstrip("0")) >= 5)
    if len(compact) >= 5 and (digits >= 4 or not _spelled(compact)):
        found.numbers.add(compact)


def _spelled(compact: str) -> bool:
    """Whether a short code is made of an ordinary word and a digit or three (CHEST1, XR120)."""
    return all(len(part) < 3 or is_ordinary(part) for part in re.findall(r"[^\W\d_]+", compact))


def _place(found: Secrets, text: str) -> None:
    for part in _SEPARATORS.split(text):
        word = fold(part)
        if len(word) >= 4 and word not in _PLACEHOLDERS and not word.isdigit() and not is_ordinary(word):
            found.places.add(word)
