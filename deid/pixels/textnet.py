"""The text detector in use: a small network trained for radiographs (`deid/pixels/training`, card in `data/textnet.md`), run by
ONNX Runtime on one thread, and the turning of its probabilities into regions.

The whole image is seen at full size; very large ones in bands, so that memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.pixels.contrast import network_input, normalised
from deid.pixels.detector import Gray, Region
from deid.pixels.regions import joined, regions_of
from deid.pixels.runtime import session

_GRID = 16
_AROUND = 128
_MOST_PIXELS = 3_200_000
Heat = NDArray[np.float32]


@cache
def _network() -> Any:
    return session(files("deid.pixels").joinpath("data", "textnet.onnx").read_bytes())


class NetDetector:
    """Finds text of capital heights of about 6 to 120 pixels, at any angle, in either polarity.

    Regions of a score below `STRONG` are hints only: see `deid.pixels.examine`.
    """

    name = "textnet/1"

    def find(self, image: Gray, near: Sequence[Region] | None = None) -> list[Region]:
        """Regions in image pixels, clipped to the image. Raises nothing for a flat or tiny image: it holds no text."""
        rows, columns = image.shape
        if min(rows, columns) < _GRID:
            return []
        return joined(regions_of(probability(image, near)), rows, columns)


def probability(image: Gray, near: Sequence[Region] | None = None) -> Heat:
    """Probability of text for each square of 4 x 4 pixels, shape (ceil(rows / 4), ceil(columns / 4)); 0 where not looked."""
    values = normalised(image)
    rows, columns = values.shape
    heat = np.zeros((-(-rows // 4), -(-columns // 4)), dtype=np.float32)
    for top, bottom, left, right in _windows(rows, columns, near):
        # A margin all round, where there is image, so that a window sees what the whole image would show it.
        y0, x0 = max(0, top - _AROUND), max(0, left - _AROUND)
        y1, x1 = min(rows, bottom + _AROUND), min(columns, right + _AROUND)
        part = _run(values[y0:y1, x0:x1])
        part = part[(top - y0) // 4 : -(-(bottom - y0) // 4), (left - x0) // 4 : -(-(right - x0) // 4)]
        place = heat[top // 4 : top // 4 + part.shape[0], left // 4 : left // 4 + part.shape[1]]
        np.maximum(place, part, out=place)
    return heat


def _run(values: Gray) -> Heat:
    rows, columns = values.shape
    below, beside = -rows % _GRID, -columns % _GRID
    tensor = np.empty((2, rows + below, columns + beside), dtype=np.float32)
    network_input(np.ascontiguousarray(values), tensor[:, :rows, :columns])
    # The last rows and columns mirrored, the very last left out; an image is never smaller than the grid.
    if below:
        tensor[:, rows:, :columns] = tensor[:, rows - below - 1 : rows - 1, :columns][:, ::-1]
    if beside:
        tensor[:, :, columns:] = tensor[:, :, columns - beside - 1 : columns - 1][:, :, ::-1]
    result = _network().run(None, {"image": tensor[None]})[0]
    return np.asarray(result[0, 0, : -(-rows // 4), : -(-columns // 4)], dtype=np.float32)


def _windows(rows: int, columns: int, near: Sequence[Region] | None) -> list[tuple[int, int, int, int]]:
    """(top, bottom, left, right) to look at, corners on the network's grid; bands of the whole image, or places."""
    if near is not None:
        places = _places(rows, columns, near)
        if sum((bottom - top) * (right - left) for top, bottom, left, right in places) < 0.5 * rows * columns:
            return places
    bands = max(1, -(-rows * columns // _MOST_PIXELS))
    height = -(-rows // bands)
    height += -height % _GRID
    return [(top, min(rows, top + height), 0, columns) for top in range(0, rows, height)]


def _places(rows: int, columns: int, near: Sequence[Region]) -> list[tuple[int, int, int, int]]:
    """The surroundings of the regions as rectangles; those that touch are one."""
    wanted = np.zeros((-(-rows // _GRID), -(-columns // _GRID)), dtype=np.uint8)
    for box in near:
        top, left = max(0, box.y - 96) // _GRID, max(0, box.x - 96) // _GRID
        wanted[top : -(-(box.y + box.height + 96) // _GRID), left : -(-(box.x + box.width + 96) // _GRID)] = 1
    count, _, stats, _ = cv2.connectedComponentsWithStats(wanted, connectivity=8)
    found = []
    for index in range(1, count):
        x, y, width, height = (int(v) * _GRID for v in stats[index][:4])
        found.append((y, min(rows, y + height), x, min(columns, x + width)))
    return found
