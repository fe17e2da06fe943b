"""A de-identified header in the DICOM JSON Model (PS3.18 annex F), with addresses in place of bulk data."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, BinaryIO

from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

#: Values of these kinds above this size are given as an address.
BULK_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
BULK_ABOVE = 1024
PIXEL_DATA = "7FE00010"
_PATH = re.compile(r"[0-9A-F]{8}(?:/[0-9]{1,5}/[0-9A-F]{8}){0,8}\Z")


def read_header(handle: BinaryIO) -> Dataset:
    """The data set without Pixel Data, with group 0002 as ``file_meta``. The file is one that we wrote."""
    return dcmread(handle, stop_before_pixels=True, force=False)


def syntax_of(dataset: Dataset) -> str:
    """The transfer syntax the file is stored in."""
    return str(dataset.file_meta.TransferSyntaxUID)


def as_json(dataset: Dataset, address_of: Callable[[str], str], *, pixels: bool = True) -> dict[str, Any]:
    """The data set as JSON. ``address_of`` gives the address of bulk data by its path (``bulk_path``)."""
    made = _level(dataset, "", address_of)
    made["00083002"] = {"vr": "UI", "Value": [syntax_of(dataset)]}  # AvailableTransferSyntaxUID
    if pixels and "Rows" in dataset:
        made[PIXEL_DATA] = {"vr": "OW", "BulkDataURI": address_of(PIXEL_DATA)}
    return dict(sorted(made.items()))


def _level(dataset: Dataset, inside: str, address_of: Callable[[str], str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for element in dataset:
        tag = f"{element.tag:08X}"
        if element.tag == Tag(0x7FE0, 0x0010) or element.tag.element == 0:
            continue
        if element.VR == "SQ":
            items = [_level(item, f"{inside}{tag}/{at}/", address_of) for at, item in enumerate(element.value)]
            made[tag] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        elif element.VR in BULK_VRS and element.value and len(element.value) > BULK_ABOVE:
            made[tag] = {"vr": element.VR, "BulkDataURI": address_of(inside + tag)}
        else:
            made[tag] = _plain(element)
    return made


def _plain(element: DataElement) -> dict[str, Any]:
    try:
        return dict(element.to_json_dict(None, BULK_ABOVE + 1))
    except (ValueError, TypeError, AttributeError, OverflowError):
        # A number or date that JSON cannot carry in its VR is left out rather than made up.
        return {"vr": str(element.VR)}


def bulk_value(dataset: Dataset, path: str) -> bytes | None:
    """The bytes behind a bulk data path: a tag, or tags and item numbers alternating. None: there is no such value."""
    if not _PATH.match(path):
        return None
    *outer, last = path.split("/")
    place: Dataset | None = dataset
    for sequence, number in zip(outer[::2], outer[1::2], strict=True):
        element = place.get(Tag(int(sequence, 16))) if place is not None else None
        items = element.value if element is not None and element.VR == "SQ" else []
        place = items[int(number)] if int(number) < len(items) else None
    element = place.get(Tag(int(last, 16))) if place is not None else None
    if element is None or element.VR not in BULK_VRS or not isinstance(element.value, bytes):
        return None
    return element.value
