"""What the text network is shown: the image on a scale of its own, and each value against its surroundings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WINDOW = 41
_FLOOR = 0.006
_STRIP = 32


def normalised(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The image with its 1st and 99th percentile at 0 and 1 (percentiles of every third pixel each way).

    A flat image becomes zeros; no bounds are cut off here.
    """
    low, high = (float(v) for v in np.percentile(image[::3, ::3], (1, 99)))
    if high <= low:
        low, high = float(image.min()), float(image.max())
    if high <= low:
        return np.zeros(image.shape, dtype=np.float32)
    return np.asarray((image - np.float32(low)) * np.float32(1.0 / (high - low)), dtype=np.float32)


def network_input(values: NDArray[np.float32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Two channels, shape (2, rows, columns), of a normalised image: itself from -1 to 1, and its local contrast.

    Local contrast is the difference to the mean over WINDOW pixels in local standard deviations, so that a few grey levels on
    flat ground look like much; a floor of 0.6 % of the image's range keeps sensor noise from doing the same.
    out: where to write them.
    """
    size = (WINDOW, WINDOW)
    mean = cv2.blur(values, size, borderType=cv2.BORDER_REFLECT_101)
    spread = cv2.sqrBoxFilter(values, -1, size, borderType=cv2.BORDER_REFLECT_101)
    shown = np.empty((2, *values.shape), dtype=np.float32) if out is None else out
    # A few rows at a time stay in the processor's cache.
    for top in range(0, values.shape[0], _STRIP):
        rows = slice(top, top + _STRIP)
        part, middle, wide, plain, local = values[rows], mean[rows], spread[rows], shown[0, rows], shown[1, rows]
        np.subtract(wide, middle * middle, out=wide)
        np.maximum(wide, 0, out=wide)
        np.sqrt(wide, out=wide)
        np.add(wide, np.float32(_FLOOR), out=wide)
        np.subtract(part, middle, out=local)
        local /= wide
        np.clip(local, -4, 4, out=local)
        local *= np.float32(0.5)
        np.clip(part, -0.5, 1.5, out=plain)
        plain -= np.float32(0.5)
        plain *= np.float32(2.0)
    return shown
