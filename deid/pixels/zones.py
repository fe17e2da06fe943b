"""Zones: a device writes in the same place image after image, so what many of its images show counts for all of them.

A zone found in the masks of some images makes a faint hint there count as text in the others (DEID.md, "the batch").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

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
    frequent = (counts >= max(_LEAST_IMAGES, _LEAST_SHARE * len(images))).astype(np.uint8)
    grown = cv2.dilate(frequent, np.ones((3, 3), np.uint8)) if frequent.any() else frequent
    if float(grown.mean()) > _LARGEST:
        return ()
    count, _, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    cells = (stats[index][:4] for index in range(1, count))
    return tuple(sorted(Zone(*(round(int(v) / _CELLS, 2) for v in cell)) for cell in cells))
