"""Identifiers of one object: gathered from every depth of its header, to be dropped from text and searched for
afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from deid.dicomfile.charset import decode, read_charset
from deid.dicomfile.element import SPECIFIC_CHARACTER_SET, STRING_VRS, DataSet, Element, standard_vr
from deid.headers.dates import parse_da
from deid.profile.table import find_row
from deid.text.vocabulary import device_words, fold, radiology_words

# Values that stand for "no value"; they identify nobody and occur everywhere.
PLACEHOLDERS = frozenset(
    [
        "anonymous",
        "anonymized",
        "anonymised",
        "anon",
        "unknown",
        "unspecified",
        "none",
        "null",
        "na",
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
        "not",
        "available",
        "applicable",
        "undefined",
        "deidentified",
        "blank",
        "hospital",
        "clinic",
        "doctor",
        "dr",
        "md",
    ]
)
_SPLIT = re.compile(r"[^\w]+|_", re.UNICODE)
# Attributes whose values identify although Table E.1-1 treats them with a descriptor or date action.
_ID_VRS_BY_TABLE = frozenset({"LO", "SH", "AE", "PN", "UC", "UR", "ST", "LT", "UT"})
_NAMES = frozenset({0x00100010, 0x00101001, 0x00101005, 0x00101060})
_ADDRESS_LIKE = frozenset({0x00080081, 0x00101040, 0x00080092})


@dataclass
class Identifiers:
    """What must not survive.

    words: folded words dropped from any text (whole words). strong: strings searched for in the output's bytes.
    names: folded words of person names, which go from text even when radiology uses the word. dates: DA spellings.
    """

    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    strong: set[str] = field(default_factory=set)
    uids: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)

    def phrases(self) -> list[str]:
        """Identifiers that hold punctuation or blanks, longest first: they are removed whole before words are
        judged."""
        return sorted((text for text in self.strong if _SPLIT.search(text)), key=lambda text: (-len(text), text))

    def spread_numbers(self) -> list[str]:
        """Identifiers of five characters and more that hold digits, without punctuation, longest first."""
        found = {word for word in self.words if len(word) >= 5 and word.isalnum() and any(c.isdigit() for c in word)}
        return sorted(found, key=lambda word: (-len(word), word))

    def add_name(self, text: str) -> None:
        """A person's name: every part of every component group, ideographic and phonetic ones too."""
        for part in _SPLIT.split(text):
            word = fold(part)
            if (len(word) >= 2 and word not in PLACEHOLDERS) or (word and not word.isascii()):
                self.names.add(word)
                self.words.add(word)
                self.strong.add(part)

    def add_number(self, text: str) -> None:
        """A record number, accession number or the like: as written, without punctuation, without leading zeros."""
        plain = text.strip(" \0")
        if not plain or fold(plain) in PLACEHOLDERS:
            return
        compact = re.sub(r"[^\w]|_", "", plain)
        for spelling in {plain, compact, compact.lstrip("0")}:
            if len(spelling) >= 2:
                self.words.add(fold(spelling))
                self.strong.add(spelling)
        for part in _SPLIT.split(plain):
            # Groups of up to three digits of a phone number are also kilovolts and sizes; alone they name nobody.
            if len(part) >= (4 if part.isdigit() else 3) and fold(part) not in device_words():
                self.words.add(fold(part))
                if len(part) >= 4:
                    self.strong.add(part)

    def add_phrase(self, text: str) -> None:
        """An institution, address, department or AE title: the words that radiology and the device trade do not use."""
        for part in _SPLIT.split(text):
            word = fold(part)
            if len(word) >= 3 and word not in PLACEHOLDERS and word not in device_words():
                self.words.add(word)
                self.strong.add(part)


def gather(root: DataSet, extra: Iterable[str] = ()) -> Identifiers:
    """Identifiers of a data set at every depth, and those the caller knows besides."""
    found = Identifiers()
    for dataset, codecs in _walk(root, ("iso8859",)):
        for element in dataset.elements.values():
            _gather_element(found, element, codecs)
    for text in extra:
        # A known string of several words that holds digits is a number with words around it ("chest PA 123456"), not a name.
        if not any(c.isdigit() for c in text):
            found.add_name(text)
        found.add_number(text)
    return found


def _walk(root: DataSet, codecs: tuple[str, ...]) -> Iterator[tuple[DataSet, tuple[str, ...]]]:
    stack = [(root, codecs)]
    while stack:
        dataset, inherited = stack.pop()
        declared = dataset.get(SPECIFIC_CHARACTER_SET)
        own = read_charset(declared.raw) if declared is not None and declared.raw else inherited
        yield dataset, own
        for element in dataset.elements.values():
            stack.extend((item, own) for item in element.items)


def _gather_element(found: Identifiers, element: Element, codecs: tuple[str, ...]) -> None:
    tag = element.tag
    if not isinstance(element.value, bytes) or not element.value or len(element.value) > 4096:
        return
    expected = standard_vr(tag)
    vr = expected if expected in STRING_VRS else element.vr
    if vr not in STRING_VRS or (expected is not None and " or " in expected):
        return
    text = decode(element.value, codecs)
    if vr == "PN" or tag in _NAMES:
        found.add_name(text)
        return
    if vr == "UI":
        found.uids.update(part.strip(" \0") for part in text.split("\\") if part.strip(" \0"))
        return
    if vr in ("DA", "DT"):
        for part in text.split("\\"):
            parsed = parse_da(part.strip()[:8])
            if parsed and parsed[1] == 8:
                found.dates.add(parsed[0].strftime("%Y%m%d"))
        return
    if (tag >> 16) % 2 or expected is None:
        return
    row = find_row(tag)
    if row is None or vr not in _ID_VRS_BY_TABLE:
        return
    if "clean_descriptors" in row.options or "modified_dates" in row.options or "retain_patient" in row.options:
        return  # descriptors are cleaned word by word; their words are not identifiers of themselves
    for part in text.split("\\"):
        if any(c.isdigit() for c in part) and tag not in _ADDRESS_LIKE:
            found.add_number(part)
            found.add_phrase(part)
        else:
            found.add_phrase(part)
    return


def in_vocabulary(word: str) -> bool:
    """Whether radiology itself uses the word."""
    return fold(word) in radiology_words()
