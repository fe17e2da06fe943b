"""From the network's probabilities to rectangles: components with a strong heart, lines followed to their ends, slanted text in
steps, overlapping pieces joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.pixels.detector import Region

Heat = NDArray[np.float32]
Cells = NDArray[np.bool_]
CELL = 4
STRONG = 0.75
"""Score from which a region is taken for text without further evidence."""
WEAK = 0.35
"""Score from which a region is a hint."""
_BODY = 0.2
_HEART = 0.6
_REACH = 0.8
_BLOB_SIDE = 220
_BLOB_SHARE = 0.01


def regions_of(heat: Heat) -> list[Region]:
    """Regions of a probability map with one cell for CELL x CELL pixels, in pixels, scored by their highest cell.

    A component is what hangs together above _BODY; with several hearts it is several. Weaker ones that continue a strong one
    along its line are given its score: a faint end of a name belongs to the name.
    """
    pieces = [piece for x, y, part, cells in _components(heat, _BODY) for piece in _apart(x, y, part, cells)]
    pieces = [piece for piece in pieces if piece.score >= WEAK and np.count_nonzero(piece.cells) >= 2]
    _follow_lines(pieces)
    return [region for piece in pieces for region in piece.boxes()]


def _components(heat: Heat, least: float) -> Iterator[tuple[int, int, Heat, Cells]]:
    """What hangs together above `least`: column and row of its corner, the map there, and its cells."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((heat > least).astype(np.uint8), connectivity=8)
    for index in range(1, count):
        x, y, width, height = (int(v) for v in stats[index][:4])
        place = (slice(y, y + height), slice(x, x + width))
        yield x, y, heat[place], labels[place] == index


def _apart(x: int, y: int, heat: Heat, cells: Cells) -> list[_Piece]:
    """The pieces of a component: one for each strong heart with the cells around it, and what lies further off by itself.

    A marker beside a name is a thing of its own, and so is anatomy that merely touches a letter.
    """
    inside = np.where(cells, heat, 0)
    hearts = np.zeros(cells.shape, dtype=np.uint8)
    reach = 0.0
    for left, top, part, heart in _components(inside, _HEART):
        if heart.sum() >= 3 and float(part[heart].max()) >= STRONG:
            hearts[top : top + heart.shape[0], left : left + heart.shape[1]] |= heart
            reach = max(reach, _REACH * heart.sum() / max(heart.shape))
    if not reach:
        return [_Piece(x, y, cells, float(inside.max()))]
    distance, owner = cv2.distanceTransformWithLabels(1 - hearts, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
    close = cells & (distance <= max(3.0, reach))
    parts = [close & (owner == number) for number in np.unique(owner[close])]
    rest = cells & ~close
    parts += [_back(rest.shape, left, top, cut) for left, top, _, cut in _components(np.where(rest, heat, 0), _BODY)]
    return [_cut(x, y, inside, mine) for mine in parts if mine.any()]


def _back(shape: tuple[int, ...], left: int, top: int, part: Cells) -> Cells:
    whole = np.zeros(shape, dtype=bool)
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    return whole


def _cut(x: int, y: int, inside: Heat, mine: Cells) -> _Piece:
    rows, columns = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
    part = mine[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _Piece(x + int(columns[0]), y + int(rows[0]), part, float(inside[mine].max()))


class _Piece:
    """One component: its cells, its score, and its line (middle, direction, length, thickness; in cells)."""

    def __init__(self, x: int, y: int, cells: Cells, score: float) -> None:
        self.x, self.y, self.cells, self.score = x, y, cells, score
        rows, columns = np.nonzero(cells)
        points = np.column_stack([columns + x + 0.5, rows + y + 0.5]).astype(np.float32)
        (self.cx, self.cy), (width, height), angle = cv2.minAreaRect(points)
        width, height = width + 1, height + 1
        if width < height:
            width, height, angle = height, width, angle + 90
        self.length, self.thickness = width, height
        self.ux, self.uy = float(np.cos(np.radians(angle))), float(np.sin(np.radians(angle)))

    def continues(self, other: _Piece) -> bool:
        """Whether `other` stands on this piece's line, no further off than two and a half line heights, and is as tall."""
        dx, dy = other.cx - self.cx, other.cy - self.cy
        along, across = abs(dx * self.ux + dy * self.uy), abs(dx * self.uy - dy * self.ux)
        gap = along - self.length / 2 - other.length / 2
        alike = 0.35 < other.thickness / self.thickness < 2.8
        return (
            self.length > 1.5 * self.thickness
            and alike
            and gap < 2.5 * self.thickness
            and across < 0.7 * self.thickness
        )

    def boxes(self) -> list[Region]:
        """One rectangle, or several along the line where one would cover much besides (slanted text)."""
        rows, columns = self.cells.shape
        short = max(2.0, self.thickness)
        steps = 1
        if rows * columns > 1.7 * self.length * self.thickness and self.length > 2 * short:
            steps = int(np.ceil(self.length / (1.5 * short)))
        lengthwise = columns >= rows
        edges = np.linspace(0, columns if lengthwise else rows, steps + 1).astype(int)
        found = []
        for low, high in pairwise(edges.tolist()):
            # Slices overlap by a cell, so that no letter is split between two.
            low, high = max(0, low - 1) if steps > 1 else low, high + 1 if steps > 1 else high
            part = self.cells[:, low:high] if lengthwise else self.cells[low:high]
            ys, xs = np.nonzero(part)
            if not ys.size:
                continue
            x = self.x + int(xs.min()) + (low if lengthwise else 0)
            y = self.y + int(ys.min()) + (0 if lengthwise else low)
            width, height = int(xs.max() - xs.min()) + 1, int(ys.max() - ys.min()) + 1
            found.append(Region(x * CELL, y * CELL, width * CELL, height * CELL, self.score))
        return found


def _follow_lines(pieces: list[_Piece]) -> None:
    """Raise pieces that continue a strong one to its score, until nothing changes."""
    frontier = [p for p in pieces if p.score >= STRONG]
    waiting = [p for p in pieces if p.score < STRONG]
    while frontier:
        piece = frontier.pop()
        near = [other for other in waiting if piece.continues(other)]
        for other in near:
            other.score = STRONG
        frontier += near
        waiting = [other for other in waiting if other.score < STRONG]


def joined(regions: list[Region], rows: int, columns: int) -> list[Region]:
    """Clipped to the image; boxes of one piece of text joined; blobs marked doubtful (DEID.md: 220 px, or 1 % below 0.9)."""
    pending = sorted((_clipped(r, rows, columns) for r in regions), key=lambda r: (r.y, r.x, r.width, r.height))
    changed = True
    while changed:
        changed = False
        kept: list[Region] = []
        for region in pending:
            for index, other in enumerate(kept):
                if _same_text(region, other):
                    kept[index], changed = _union(region, other), True
                    break
            else:
                kept.append(region)
        pending = kept
    return [
        replace(
            r, doubtful=min(r.width, r.height) > _BLOB_SIDE or (r.area > _BLOB_SHARE * rows * columns and r.score < 0.9)
        )
        for r in sorted(pending, key=lambda r: (r.y, r.x))
    ]


def _clipped(region: Region, rows: int, columns: int) -> Region:
    left, top = max(0, region.x), max(0, region.y)
    right, bottom = min(columns, region.x + region.width), min(rows, region.y + region.height)
    return Region(left, top, max(1, right - left), max(1, bottom - top), region.score)


def _same_text(a: Region, b: Region) -> bool:
    """Whether two boxes show one piece of text: one lies mostly in the other, and joining them takes in little besides.

    Boxes that merely cross stay apart: joined, a line across the image and one down its side would cover everything.
    """
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return False
    shared = width * height
    return shared >= 0.5 * min(a.area, b.area) and _union(a, b).area <= 1.3 * (a.area + b.area - shared)


def _union(a: Region, b: Region) -> Region:
    left, top = min(a.x, b.x), min(a.y, b.y)
    right, bottom = max(a.x + a.width, b.x + b.width), max(a.y + a.height, b.y + b.height)
    return Region(left, top, right - left, bottom - top, max(a.score, b.score))
