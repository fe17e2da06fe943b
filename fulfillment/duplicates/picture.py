"""The picture that hashes and the second look are made from: small, trimmed, its grey values spread evenly.

Every step is indifferent to what separates two exports of one radiograph: size, window, gamma, polarity, flat margins.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE: Final = 512
SMALLEST: Final = 32
Picture = NDArray[np.uint8]
#: Left, top, width and height of a part, as shares of the whole.
Frame = tuple[float, float, float, float]

# A margin is flat where the spread along a line is below this share of the grey range.
_FLAT: Final = 0.012
_LEAST_LEFT: Final = 0.35


class NoPicture(ValueError):
    """The pixels hold nothing to compare. The message says why, without any value."""


def small_picture(plane: NDArray[np.generic]) -> Picture:
    """A plane of grey values (rows, columns) of any number type as an 8-bit picture of at most 512 px, margins trimmed.

    Raises NoPicture for another shape, less than 32 px a side, or one single value.
    """
    return framed_picture(plane)[0]


def framed_picture(plane: NDArray[np.generic]) -> tuple[Picture, Frame]:
    """``small_picture``, and which part of the plane it shows."""
    array: NDArray[Any] = np.asarray(plane)
    if array.ndim != 2:
        raise NoPicture("it is not one grey plane")
    if min(array.shape) < SMALLEST:
        raise NoPicture(f"it is smaller than {SMALLEST} pixels on a side")
    small = _reduced(array)
    low, high = (float(v) for v in np.percentile(small, (0.3, 99.7)))
    if not high > low:
        low, high = float(small.min()), float(small.max())
    if not high > low:
        raise NoPicture("every pixel has the same value")
    grey = np.clip((small - low) * (255 / (high - low)), 0, 255)
    part, frame = trimmed(grey.round().astype(np.uint8))
    return np.ascontiguousarray(part), frame


def _reduced(array: NDArray[Any]) -> NDArray[np.float32]:
    """At most 640 px, so that about 512 are left of a picture with margins."""
    rows, columns = array.shape
    if array.dtype not in (np.uint8, np.uint16, np.int16, np.float32):
        array = array.astype(np.float32)
    scale = LONG_SIDE * 1.25 / max(rows, columns)
    if scale < 1:
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        array = np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_AREA))
    return np.nan_to_num(array.astype(np.float32), copy=False)


def trimmed(grey: Picture) -> tuple[Picture, Frame]:
    """Without the rows and columns at the edges that hold one value only (padding, frames, shutters); at most 512 px.

    What would leave less than a third of a side is left as it is.
    """
    top, bottom, left, right = 0, grey.shape[0], 0, grey.shape[1]
    for _ in range(3):  # a frame around a frame
        part = grey[top:bottom, left:right]
        rows, columns = _lively(part, axis=1), _lively(part, axis=0)
        if rows is None or columns is None:
            break
        moved = (top + rows[0], top + rows[1], left + columns[0], left + columns[1])
        if moved == (top, bottom, left, right):
            break
        top, bottom, left, right = moved
    if bottom - top < _LEAST_LEFT * grey.shape[0] or right - left < _LEAST_LEFT * grey.shape[1]:
        top, bottom, left, right = 0, grey.shape[0], 0, grey.shape[1]
    part = grey[top:bottom, left:right]
    high, wide = grey.shape
    frame = (left / wide, top / high, (right - left) / wide, (bottom - top) / high)
    scale = LONG_SIDE / max(part.shape)
    if scale < 1:
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    return part, frame


def _lively(part: Picture, *, axis: int) -> tuple[int, int] | None:
    """First line, and the one after the last, along which grey values vary; None where none does."""
    if part.size == 0:
        return None
    low, high = np.percentile(part, (4, 96), axis=axis)
    lines = np.flatnonzero(high - low > 255 * _FLAT)
    return (int(lines[0]), int(lines[-1]) + 1) if lines.size else None


def evened(picture: Picture) -> Picture:
    """Grey values spread evenly (histogram equalisation): the same for every window and gamma, negated for a negative."""
    return np.asarray(cv2.equalizeHist(picture), np.uint8)
