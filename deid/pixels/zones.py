"""Zones: a device writes in the same place image after image, so what many of its images show counts for all of them.

A zone found in the masks of some images makes a faint hint there count as text in the others (DEID.md, "the batch").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_CELLS = 100
_LEAST_IMAGES = 3
_LEAST_SHARE = 0.2
_LARGEST = 0.1
_NEAR = 0.5


class Box(Protocol):
    """A rectangle in pixels: a region of the detector or a mask of the record."""

    @property
    def x(self) -> int: ...
    @property
    def y(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


@dataclass(frozen=True, order=True)
class Zone:
    """A place where a device writes, as shares of the image's width and height (0 to 1), so that it holds for other sizes."""

    x: float
    y: float
    width: float
    height: float

    def covers(self, box: Box, rows: int, columns: int) -> bool:
        """Whether half of a box in pixels or more lies in the zone."""
        return self.meets(Zone(box.x / columns, box.y / rows, box.width / columns, box.height / rows))

    def meets(self, other: Zone) -> bool:
        """Whether half of the other place or more lies in this one."""
        width = min(other.x + other.width, self.x + self.width) - max(other.x, self.x)
        height = min(other.y + other.height, self.y + self.height) - max(other.y, self.y)
        return width > 0 and height > 0 and width * height >= _NEAR * other.width * other.height


def in_a_zone(region: Box, zones: Sequence[Zone], rows: int, columns: int) -> bool:
    """Whether a device is known to write there."""
    return any(zone.covers(region, rows, columns) for zone in zones)


def find_zones(images: Sequence[Sequence[Zone]]) -> tuple[Zone, ...]:
    """The zones of one device. images: for each of its images the masked boxes, as shares.

    A place counts when at least three images and a fifth of all show text there; one image writing twice counts once. Places that
    together would cover more than a tenth of the image are no habit of a device, and none is returned.
    """
    counts = np.zeros((_CELLS, _CELLS), dtype=np.int32)
    for boxes in images:
        shown = np.zeros((_CELLS, _CELLS), dtype=bool)
        for box in boxes:
            top, left = int(box.y * _CELLS), int(box.x * _CELLS)
            bottom, right = np.ceil((box.y + box.height) * _CELLS), np.ceil((box.x + box.width) * _CELLS)
            shown[max(0, top) : int(bottom), max(0, left) : int(right)] = True
        counts += shown
    frequent = counts >= max(_LEAST_IMAGES, _LEAST_SHARE * len(images))
    grown = np.zeros_like(frequent)
    for y, x in np.argwhere(frequent):
        grown[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = True
    if float(grown.mean()) > _LARGEST:
        return ()
    return tuple(sorted(_around(cells) for cells in _components(grown)))


def _components(grid: NDArray[np.bool_]) -> Iterator[list[tuple[int, int]]]:
    """Cells that touch, group by group. Plain Python, because OpenCV's threads do not survive the fork of a worker."""
    left = {(int(y), int(x)) for y, x in np.argwhere(grid)}
    while left:
        group, edge = [], [left.pop()]
        while edge:
            y, x = edge.pop()
            group.append((y, x))
            touching = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= touching
            edge += touching
        yield group


def _around(cells: list[tuple[int, int]]) -> Zone:
    top, left = min(y for y, _ in cells), min(x for _, x in cells)
    bottom, right = max(y for y, _ in cells) + 1, max(x for _, x in cells) + 1
    return Zone(left / _CELLS, top / _CELLS, round((right - left) / _CELLS, 2), round((bottom - top) / _CELLS, 2))
