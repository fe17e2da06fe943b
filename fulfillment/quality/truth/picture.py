"""From stored values to what the network sees: the picture as displayed, small, square and free of its grey scale.

Both channels change sign with the polarity and turn with the picture, so that all its variants come from one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SIDE = 96
_WORKING_SIDE = 400
_KEPT = 0.35


def reduced(plane: NDArray[np.generic]) -> Array:
    """A float copy with a long side of at most about 800 pixels; what is not a number becomes the median."""
    step = max(1, max(plane.shape) // _WORKING_SIDE)
    small = np.ascontiguousarray(plane[::step, ::step], dtype=np.float32)
    bad = ~np.isfinite(small)
    if bad.any():
        small[bad] = np.median(small[~bad]) if not bad.all() else 0
    return small


def trimmed(picture: Array) -> tuple[Array, tuple[int, int, int, int]]:
    """The picture without the flat rows and columns at its edges (padding, masked margins), and its place in the whole:
    top, bottom, left, right. A picture that would lose most of itself is left whole."""
    low, high = (float(v) for v in np.percentile(picture, (1, 99)))
    flat = 0.015 * (high - low)
    rows, columns = picture.shape
    # The outermost hundredths of a line may hold a marker or the end of another margin.
    spread_rows = np.percentile(picture, 97, axis=1) - np.percentile(picture, 3, axis=1)
    spread_columns = np.percentile(picture, 97, axis=0) - np.percentile(picture, 3, axis=0)
    live_rows, live_columns = np.flatnonzero(spread_rows > flat), np.flatnonzero(spread_columns > flat)
    if live_rows.size == 0 or live_columns.size == 0:
        return picture, (0, rows, 0, columns)
    place = (int(live_rows[0]), int(live_rows[-1]) + 1, int(live_columns[0]), int(live_columns[-1]) + 1)
    if place[1] - place[0] < _KEPT * rows or place[3] - place[2] < _KEPT * columns:
        return picture, (0, rows, 0, columns)
    return picture[place[0] : place[1], place[2] : place[3]], place


def network_input(picture: Array, *, inverted: bool) -> Array:
    """(2, 96, 96) from a reduced picture: grey values between their 1st and 99th percentile as -1 to 1, and the same with
    its local mean and contrast taken out. `inverted`: stored as MONOCHROME1."""
    shape = (SIDE, SIDE)
    interpolation = cv2.INTER_AREA if min(picture.shape) >= SIDE else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(picture, shape, interpolation=interpolation), dtype=np.float32)
    low, high = (float(v) for v in np.percentile(small, (1, 99)))
    grey = np.clip((small - low) * (2 / max(high - low, 1e-6)) - 1, -1.15, 1.15)
    if inverted:
        grey = -grey
    rest = grey - cv2.GaussianBlur(grey, (0, 0), SIDE / 12)
    spread = np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), SIDE / 6)) + 0.03
    return np.stack([grey, np.clip(rest / spread, -3, 3) / 2]).astype(np.float32)
