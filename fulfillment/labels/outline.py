"""Shapes as SVG paths, in pixels of the image: what a page draws over a picture of any size. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulfillment.labels.formats.model import Shape

#: A mask is drawn on a grid of at most so many cells along its longer side: a page shows no finer.
GRID = 384
#: An outline of more points is thinned, a mask of more pieces is shown by its box: a page must stay a page.
MAX_POINTS = 4_000
MAX_PIECES = 12_000


def shape_path(shape: Shape) -> str:
    """The ``d`` of an SVG path for a box, an outline or a mask; empty for a shape that holds nothing."""
    if shape.box is not None:
        return box_path(shape.box)
    if shape.kind == "mask" and shape.size is not None:
        return mask_path(shape.to_mask(*shape.size))
    return rings_path(shape.rings)


def box_path(box: Sequence[float]) -> str:
    """From x, y, width, height."""
    x, y, width, height = (float(number) for number in box)
    if width <= 0 or height <= 0:
        return ""
    return f"M{_n(x)} {_n(y)}h{_n(width)}v{_n(height)}h{_n(-width)}Z"


def rings_path(rings: Iterable[Iterable[Sequence[float]]]) -> str:
    """From an outline's rings, each a list of (x, y)."""
    parts = []
    for ring in rings:
        points = [(float(point[0]), float(point[1])) for point in ring]
        points = points[:: max(1, -(-len(points) // MAX_POINTS))]
        if len(points) > 2:
            parts.append("M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points) + "Z")
    return "".join(parts)


def mask_path(mask: NDArray[Any]) -> str:
    """From an array (rows, columns), non-zero being the finding: its cells, column by column, neighbours that are alike as one.

    Coarser than the mask where that has more than ``GRID`` pixels on a side; a cell is filled if any of its pixels is.
    """
    rows, columns = mask.shape
    step = max(1, -(-max(rows, columns) // GRID))
    padded = np.zeros((-(-rows // step) * step, -(-columns // step) * step), dtype=bool)
    padded[:rows, :columns] = mask != 0
    cells = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step).any(axis=(1, 3))
    if not cells.any():
        return ""
    down, across = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))  # type: ignore[call-overload]
    box = (across[0] * step, down[0] * step, (across[-1] - across[0] + 1) * step, (down[-1] - down[0] + 1) * step)
    edges = np.diff(np.pad(cells, ((1, 1), (0, 0))).astype(np.int8), axis=0)
    if int((edges > 0).sum()) > MAX_PIECES:
        return box_path(box)
    parts: list[str] = []
    column, end = int(across[0]), int(across[-1]) + 1
    while column < end:
        width = 1
        while column + width < end and np.array_equal(edges[:, column], edges[:, column + width]):
            width += 1
        starts, stops = np.flatnonzero(edges[:, column] > 0), np.flatnonzero(edges[:, column] < 0)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            parts.append(f"M{column * step} {start * step}h{width * step}v{(stop - start) * step}h{-width * step}Z")
        column += width
    return "".join(parts)


def _n(number: float) -> str:
    """A coordinate to a tenth of a pixel, without a needless ``.0``."""
    return f"{number:.1f}".removesuffix(".0")
