"""What a screen needs to draw an image as its header says (PS3.3 C.7.6.3, C.11.1, C.11.2, 10.7). Pure.

Nothing of a header leaves this module but numbers, and words of a list that is written here.
"""

from __future__ import annotations

import math
from struct import unpack_from
from typing import Any

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

BAD_VALUE = (ValueError, TypeError, AttributeError, IndexError, KeyError, NotImplementedError, OverflowError)
FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
#: The words of WindowCenterWidthExplanation and LUTExplanation that say something; all others are numbered.
_WORDS = {"NORMAL": "Normal", "HARDER": "Harder", "SOFTER": "Softer"}
#: A header of ours has a handful; one with thousands is no help to anybody.
_MOST = 8
#: Where a length on the picture can be measured, best first, and what it then means.
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_CALIBRATED = ("GEOMETRY", "FIDUCIAL")


def describe(header: Dataset) -> dict[str, Any]:
    """The header's part of the viewer's JSON. What cannot be read is left out; no value makes it raise."""
    with disable_value_validation():  # pydicom prints what it finds wrong: a header value must never reach a log
        return {
            "rows": int(header.Rows),
            "columns": int(header.Columns),
            "frames": max(1, _whole(header.get("NumberOfFrames")) or 1),
            "samples": _whole(header.get("SamplesPerPixel")) or 1,
            "bits_allocated": int(header.BitsAllocated),
            "bits_stored": int(header.BitsStored),
            "signed": _whole(header.get("PixelRepresentation")) == 1,
            "photometric": str(header.PhotometricInterpretation),
            "rescale": _rescale(header),
            "modality_lut": _modality_lut(header),
            "windows": _windows(header),
            "luts": _voi_luts(header),
            "padding": _padding(header),
            "spacing": _spacing(header),
        }


def _numbers(value: Any) -> list[float]:
    try:
        many = value if isinstance(value, (list, tuple)) or hasattr(value, "__iter__") else [value]
        found = [float(one) for one in many] if not isinstance(value, str) else [float(value)]
    except BAD_VALUE:
        return []
    return found if all(math.isfinite(one) for one in found) else []


def _whole(value: Any) -> int | None:
    numbers = _numbers(value) if value not in (None, "") else []
    return int(numbers[0]) if numbers else None


def _rescale(header: Dataset) -> dict[str, float] | None:
    slope = _numbers(header.get("RescaleSlope"))
    intercept = _numbers(header.get("RescaleIntercept"))
    if not slope or not intercept or slope[0] == 0:
        return None
    return {"slope": slope[0], "intercept": intercept[0]}


def _table(item: Dataset) -> dict[str, Any] | None:
    """One item of a LUT sequence: entries, the value that the first stands for, the bits an entry has."""
    try:
        entries, first, bits = (int(number) for number in item.LUTDescriptor)
        entries = entries or 65_536
        data = item.LUTData
        values = (
            list(unpack_from(f"<{entries}H", data))
            if isinstance(data, bytes)
            else [int(number) for number in (data if hasattr(data, "__iter__") else [data])]
        )
    except (*BAD_VALUE, Exception):  # struct.error has no other parent; a table that cannot be read is left out
        return None
    if bits not in (8, *range(10, 17)) or not values or len(values) < entries:
        return None
    values = values[:entries]
    if min(values) < 0 or max(values) > 2**bits - 1:
        return None
    return {"first": first, "bits": bits, "values": values}


def _modality_lut(header: Dataset) -> dict[str, Any] | None:
    sequence = header.get("ModalityLUTSequence")
    return _table(sequence[0]) if sequence else None


def _voi_luts(header: Dataset) -> list[dict[str, Any]]:
    found = []
    for number, item in enumerate(list(header.get("VOILUTSequence") or [])[:_MOST], 1):
        table = _table(item)
        if table is not None:
            found.append({"name": _name(item.get("LUTExplanation"), "Table", number), **table})
    return found


def _windows(header: Dataset) -> list[dict[str, Any]]:
    centres, widths = _numbers(header.get("WindowCenter")), _numbers(header.get("WindowWidth"))
    said = header.get("WindowCenterWidthExplanation")
    words = [said] if isinstance(said, str) else list(said or [])
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    function = function if function in FUNCTIONS else "LINEAR"
    least = 1 if function == "LINEAR" else 0
    found = []
    for number, (centre, width) in enumerate(list(zip(centres, widths, strict=False))[:_MOST], 1):
        if width < least or width <= 0:
            continue
        name = _name(words[number - 1] if number <= len(words) else "", "Window", number)
        found.append({"name": name, "centre": centre, "width": width, "function": function})
    return found


def _name(said: Any, kind: str, number: int) -> str:
    known = _WORDS.get(str(said or "").strip().upper())
    return f"{known} ({kind.lower()} {number} of the image)" if known else f"{kind} {number} of the image"


def _padding(header: Dataset) -> list[int] | None:
    """The range of stored values that are no picture (PS3.3 C.7.5.1.1.2)."""
    value, limit = header.get("PixelPaddingValue"), header.get("PixelPaddingRangeLimit")
    if not isinstance(value, int):
        return None
    other = limit if isinstance(limit, int) else value
    return [min(value, other), max(value, other)]


def _spacing(header: Dataset) -> dict[str, Any] | None:
    """Millimetres a pixel down and across, which attribute says so, and what a length then is (PS3.3 10.7.1.3)."""
    for keyword in _SPACINGS:
        numbers = _numbers(header.get(keyword))
        if len(numbers) >= 2 and numbers[0] > 0 and numbers[1] > 0:
            return {"down": numbers[0], "across": numbers[1], "source": keyword, "meaning": _meaning(keyword, header)}
    ratio = _numbers(header.get("PixelAspectRatio"))
    if len(ratio) >= 2 and ratio[0] > 0 and ratio[1] > 0 and ratio[0] != ratio[1]:
        return {"down": ratio[0] / ratio[1], "across": 1.0, "source": "", "meaning": "Pixels that are not square."}
    return None


def _meaning(keyword: str, header: Dataset) -> str:
    if keyword == "NominalScannedPixelSpacing":
        return "On the film that was scanned: the chest is smaller than its shadow."
    if keyword == "ImagerPixelSpacing":
        return "At the detector: the chest is smaller than its shadow."
    kind = str(header.get("PixelSpacingCalibrationType") or "").upper()
    if kind in _CALIBRATED:
        return f"Calibrated ({kind.lower()}): in the plane of the calibration."
    at_detector = _numbers(header.get("ImagerPixelSpacing"))
    if at_detector and at_detector[:2] != _numbers(header.get("PixelSpacing"))[:2]:
        return "Calibrated, the header does not say how."
    return "Not corrected for magnification: the chest is smaller than its shadow."
