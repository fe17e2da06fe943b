"""Faults that real deliveries have: pictures exported, smoothed, enlarged or cut off on their way, and headers with gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint16]


def eight_bit_export(pixels: Pixels, bits: int) -> Pixels:
    """Saved by a viewer with 256 grey levels and put back into a larger file."""
    shift = bits - 8
    return np.asarray((pixels >> shift) << shift, dtype=np.uint16)


def motion(pixels: Pixels, bits: int) -> Pixels:
    """The patient moved: smeared along one direction."""
    kernel = np.zeros((21, 21), np.float32)
    cv2.line(kernel, (0, 14), (20, 6), 1.0)
    return _stored(cv2.filter2D(pixels.astype(np.float32), cv2.CV_32F, kernel / kernel.sum()), bits)


def enlarged(pixels: Pixels, bits: int) -> Pixels:
    """Reduced for a viewer's window and enlarged again."""
    rows, columns = pixels.shape
    small = cv2.resize(pixels.astype(np.float32), (columns // 4, rows // 4), interpolation=cv2.INTER_AREA)
    return _stored(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_CUBIC), bits)


def underexposed(pixels: Pixels, bits: int) -> Pixels:
    """Too little exposure: strong grain. The same picture gets the same grain."""
    grain = np.random.default_rng(int(pixels.sum()) % 2**32).normal(0, 0.05 * (1 << bits), pixels.shape)
    return _stored(pixels + grain, bits)


def narrow_window(pixels: Pixels, bits: int) -> Pixels:
    """Saved with a narrow display window: what was outside is plain black or white."""
    low, high = np.percentile(pixels, (20, 80))
    return _stored((pixels - low) / max(1.0, high - low) * ((1 << bits) - 1), bits)


def _stored(values: Any, bits: int) -> Pixels:
    return np.round(np.clip(values, 0, (1 << bits) - 1)).astype(np.uint16)


#: By the number of an image in a demonstration, modulo eleven: most are as the modality made them.
FAULTS: dict[int, Callable[[Pixels, int], Pixels]] = {
    1: eight_bit_export,
    3: motion,
    5: eight_bit_export,
    7: underexposed,
    9: enlarged,
    10: narrow_window,
}


def spoiled(pixels: Pixels, number: int, bits: int) -> Pixels:
    """The picture as it would arrive."""
    fault = FAULTS.get(number % 11)
    return pixels if fault is None else fault(pixels, bits)


def gaps(number: int) -> dict[str, Any]:
    """Header values that are missing or placeholders."""
    found: dict[str, Any] = {}
    if number % 3 == 1:
        found["KVP"] = "0"
    if number % 5 == 4:
        found["ManufacturerModelName"] = ""
    return found
