"""Boxes and polygons as masks."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def fill_box(box: tuple[float, float, float, float], rows: int, columns: int) -> NDArray[np.bool_]:
    """Pixels (rows, columns) whose centre lies in the box; what lies outside the image is cut off."""
    x, y, width, height = box
    mask = np.zeros((rows, columns), dtype=np.bool_)
    left, right = _span(x, x + width, columns)
    top, bottom = _span(y, y + height, rows)
    mask[top:bottom, left:right] = True
    return mask


def fill_rings(rings: Iterable[Iterable[tuple[float, float]]], rows: int, columns: int) -> NDArray[np.bool_]:
    """Pixels whose centre lies in one of the rings (even-odd within a ring), cut off at the image.

    Each line of pixels is filled between the crossings of the ring with the line through its centres, so memory and time follow
    the image and the number of points, never the coordinates.
    """
    mask = np.zeros((rows, columns), dtype=np.bool_)
    for ring in rings:
        _fill_ring(list(ring), mask)
    return mask


def _fill_ring(ring: list[tuple[float, float]], mask: NDArray[np.bool_]) -> None:
    rows, columns = mask.shape
    crossings: dict[int, list[float]] = {}
    for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], *ring[:1]], strict=True):
        if y0 == y1:
            continue
        first, last = _span(min(y0, y1), max(y0, y1), rows)
        slope = (x1 - x0) / (y1 - y0)
        for row in range(first, last):
            crossings.setdefault(row, []).append(x0 + (row + 0.5 - y0) * slope)
    for row, places in crossings.items():
        places.sort()
        for start, end in zip(places[::2], places[1::2], strict=False):
            left, right = _span(start, end, columns)
            mask[row, left:right] = True


def _span(low: float, high: float, limit: int) -> tuple[int, int]:
    """The pixels whose centres lie in [low, high), within 0 and limit."""
    first = math.ceil(min(max(low - 0.5, 0.0), float(limit)))
    last = math.ceil(min(max(high - 0.5, 0.0), float(limit)))
    return first, max(first, last)
