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
from deid.text.spelling import spellings
from deid.text.vocabulary import FUNCTION, GENERIC, NAME, RADIOLOGY, classify, device_words, fold, radiology_words

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
_COMPONENTS = re.compile(r"[\^=\\,;]+")
# Parts of names that every text uses: they are removed only where they stand beside another part of the name.
PARTICLES = frozenset(
    [
        "van",
        "von",
        "der",
        "den",
        "de",
        "del",
        "della",
        "di",
        "da",
        "do",
        "dos",
        "das",
        "du",
        "la",
        "le",
        "las",
        "los",
        "el",
        "al",
        "bin",
        "ibn",
        "ben",
        "abu",
        "st",
        "san",
        "mac",
        "mc",
        "y",
        "e",
        "zu",
        "zur",
        "ten",
        "ter",
        "of",
    ]
)
# Attributes whose values identify although Table E.1-1 treats them with a descriptor or date action.
_ID_VRS_BY_TABLE = frozenset({"LO", "SH", "AE", "PN", "UC", "UR", "ST", "LT", "UT"})
_NAMES = frozenset({0x00100010, 0x00101001, 0x00101005, 0x00101060})
_ADDRESS_LIKE = frozenset({0x00080081, 0x00101040, 0x00080092})


@dataclass
class Identifiers:
    """What must not survive.

    words: folded words dropped from any text (whole words). strong: strings searched for in the output's bytes.
    names: folded words of person names, which go from text even when radiology uses the word. dates: DA spellings.
    guarded: parts of names that are also the smallest words of every text ("No", "Pa", "van"): they go only beside another
    part of the name. numbers: record numbers without punctuation and leading zeros. places: phrases of several words.
    """

    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    strong: set[str] = field(default_factory=set)
    uids: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    guarded: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        *,
        names: Iterable[str] = (),
        numbers: Iterable[str] = (),
        phrases: Iterable[str] = (),
        dates: Iterable[str] = (),
    ) -> Identifiers:
        """Identifiers from plain values: names as in a PN, record and accession numbers, institutions, dates as YYYYMMDD."""
        made = cls(dates=set(dates))
        for name in names:
            made.add_name(name)
        for number in numbers:
            made.add_number(number)
        for phrase in phrases:
            made.add_phrase(phrase)
        return made

    def phrases(self) -> list[str]:
        """Identifiers that hold punctuation or blanks, longest first: they are removed whole before words are
        judged."""
        return sorted((text for text in self.strong if _SPLIT.search(text)), key=lambda text: (-len(text), text))

    def spread_numbers(self) -> list[str]:
        """Identifiers of five characters and more that hold digits, without punctuation, longest first."""
        found = {word for word in self.words if len(word) >= 5 and word.isalnum() and any(c.isdigit() for c in word)}
        return sorted(found, key=lambda word: (-len(word), word))

    def add_name(self, text: str) -> None:
        """A person's name: every part of every component group, ideographic and phonetic ones too, in the spellings that
        people type (Mueller for Müller, OConnor for O'Connor, SMITHJOHN)."""
        components = [[part for part in _SPLIT.split(component) if part] for component in _COMPONENTS.split(text)]
        for parts in components:
            for part in parts:
                self._add_name_part(part)
            if len(parts) > 1:
                self._add_joined("".join(parts))
        full = ["".join(parts) for parts in components if parts]
        for first, second in zip(full, full[1:], strict=False):  # noqa: RUF007
            if len(first) > 1 and len(second) > 1:
                self._add_joined(first + second)
                self._add_joined(second + first)

    def _add_joined(self, text: str) -> None:
        if len(text) >= 5:
            for word in spellings(text):
                if not classify(word) & RADIOLOGY:
                    self.names.add(word)
                    self.words.add(word)

    def _add_name_part(self, part: str) -> None:
        word = fold(part)
        if word in PLACEHOLDERS or not (len(word) >= 2 or (word and not word.isascii())):
            return
        flags = classify(word)
        small = len(word) <= 3 and (flags & FUNCTION or (flags & RADIOLOGY and not flags & NAME))
        if word in PARTICLES or small or (flags & FUNCTION and not flags & NAME):
            self.guarded.add(word)
            return
        self.names.update(spellings(part))
        self.words.update(spellings(part))
        self.strong.add(part)

    def add_number(self, text: str) -> None:
        """A record number, accession number or the like: as written, without punctuation, without leading zeros."""
        plain = text.strip(" \0")
        if not plain or fold(plain) in PLACEHOLDERS:
            return
        compact = re.sub(r"[^\w]|_", "", plain)
        if len(compact.lstrip("0")) >= 4 and any(c.isdigit() for c in compact):
            self.numbers.add(fold(compact.lstrip("0")))
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
        words = [fold(part) for part in _SPLIT.split(text) if part]
        if len(words) > 1 and any(not classify(word) & GENERIC for word in words):
            self.places.add(" ".join(words))
        for part in _SPLIT.split(text):
            word = fold(part)
            if (
                len(word) >= 3
                and word not in PLACEHOLDERS
                and word not in device_words()
                and not classify(word) & (GENERIC | FUNCTION)
            ):
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
