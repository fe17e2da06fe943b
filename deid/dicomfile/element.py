"""Data elements as this engine holds them: little-endian bytes, items, or encapsulated fragments."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from pydicom.datadict import dictionary_keyword, dictionary_VM, dictionary_VR

TEXT_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""VRs whose bytes depend on SpecificCharacterSet (PS3.5 6.1.2.3)."""
ASCII_VRS = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})
STRING_VRS = TEXT_VRS | ASCII_VRS
NUMBER_SIZES = {"AT": 2, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
BULK_SIZES = {"OB": 1, "OD": 8, "OF": 4, "OL": 4, "OV": 8, "OW": 2, "UN": 1}
LONG_HEADER_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
ALL_VRS = STRING_VRS | frozenset(NUMBER_SIZES) | frozenset(BULK_SIZES) | {"SQ"}

PIXEL_DATA = 0x7FE00010
SPECIFIC_CHARACTER_SET = 0x00080005


@dataclass
class Encapsulated:
    """Encapsulated Pixel Data (PS3.5 A.4): `raw` is everything between the element's header and its end,
    delimiter included."""

    offsets: bytes
    fragments: list[bytes]
    raw: bytes


@dataclass
class Element:
    """One data element. `tag` is GGGGEEEE as an integer; `value` little-endian bytes, a list of items, or fragments; native
    Pixel Data is a view into the file's bytes, because it is never changed in place and copying it costs."""

    tag: int
    vr: str
    value: bytes | memoryview | list[DataSet] | Encapsulated = b""

    @property
    def raw(self) -> bytes:
        """The value's bytes; empty for sequences and encapsulated data."""
        return self.value if isinstance(self.value, bytes) else b""

    @property
    def bulk(self) -> bytes | memoryview:
        """The value's bytes without copying them; empty for sequences and encapsulated data."""
        return self.value if isinstance(self.value, bytes | memoryview) else b""

    @property
    def items(self) -> list[DataSet]:
        """The items of a sequence; empty for anything else."""
        return self.value if isinstance(self.value, list) else []


@dataclass
class DataSet:
    """A data set or item: elements by tag."""

    elements: dict[int, Element] = field(default_factory=dict)

    def __contains__(self, tag: int) -> bool:
        return tag in self.elements

    def get(self, tag: int) -> Element | None:
        """The element with that tag, or None."""
        return self.elements.get(tag)

    def put(self, element: Element) -> None:
        """Add or replace an element."""
        self.elements[element.tag] = element

    def ascii(self, tag: int) -> str:
        """The first value of an ASCII string element, trimmed; empty when absent or not text."""
        element = self.elements.get(tag)
        if element is None or not isinstance(element.value, bytes):
            return ""
        return element.value.decode("latin-1").split("\\")[0].strip(" \0")

    def number(self, tag: int) -> int | None:
        """The first value of a US, SS, UL, SL or IS element, or None."""
        element = self.elements.get(tag)
        if element is None or not isinstance(element.value, bytes) or not element.value:
            return None
        size = NUMBER_SIZES.get(element.vr)
        if size and element.vr in ("US", "SS", "UL", "SL") and len(element.value) >= size:
            return int.from_bytes(element.value[:size], "little", signed=element.vr[0] == "S")
        if element.vr in ("IS", "DS"):
            try:
                return int(float(self.ascii(tag)))
            except (ValueError, OverflowError):
                return None
        return None


@cache
def standard_vr(tag: int) -> str | None:
    """The VR that PS3.6 gives a tag, None when PS3.6 does not list it; ambiguous ones as pydicom spells them
    ("US or SS")."""
    if (tag >> 16) % 2:
        return None
    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return None


@cache
def standard_vm(tag: int) -> str:
    """Value multiplicity by PS3.6, "1" when unknown."""
    try:
        return str(dictionary_VM(tag))
    except KeyError:
        return "1"


@cache
def keyword(tag: int) -> str:
    """The DICOM keyword, or (gggg,eeee) where there is none: what may be written into audit records."""
    try:
        word = dictionary_keyword(tag)
    except KeyError:
        word = ""
    return word or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
