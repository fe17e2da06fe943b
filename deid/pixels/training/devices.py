"""Larger things that are not text and have much of its look: electrodes with their clips, pacemakers with their circuits, rows of
hooks."""

from __future__ import annotations

import cv2
import numpy as np

from deid.pixels.training.typeset import Plane

_SHIFT = 3  # OpenCV draws at an eighth of a pixel
Point = tuple[float, float]


def draw_device(image: Plane, rng: np.random.Generator) -> None:
    """One device, in place: bright, partly see-through, turned by any angle, and like all of them a little unsharp."""
    side = int(rng.uniform(60, 300))
    sheet = _Sheet(side)
    draw = (_electrode, _electrode, _pacemaker, _hook_row)[int(rng.integers(4))]
    draw(sheet, rng)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(0, 360)), 1.0)
    matrix[:, 2] = matrix[:, 2] + rng.uniform(-0.2, 1.0, 2) * (np.array(image.shape[::-1]) - 0.6 * side)
    whole = cv2.warpAffine(sheet.plane, matrix, image.shape[::-1], flags=cv2.INTER_LINEAR)
    whole = cv2.GaussianBlur(whole, (0, 0), float(rng.uniform(0.4, 1.8)))
    level = float(rng.uniform(0.7, 1.15))
    image[:] = image + (level - image) * whole * float(rng.uniform(0.25, 1.0))


class _Sheet:
    """What a device is drawn on: coverage from 0 to 1, lengths as shares of the side."""

    def __init__(self, side: int) -> None:
        self.plane: Plane = np.zeros((side, side), np.float32)
        self.side = side

    def _at(self, *points: Point) -> np.ndarray:
        return np.round(np.array(points) * (self.side << _SHIFT)).astype(np.int32)

    def _thick(self, share: float) -> int:
        return max(1, round(share * self.side))

    def area(self, points: list[Point], value: float) -> None:
        cv2.fillPoly(self.plane, [self._at(*points)], value, cv2.LINE_AA, _SHIFT)

    def line(self, points: list[Point], value: float, thick: float) -> None:
        cv2.polylines(self.plane, [self._at(*points)], False, value, self._thick(thick), cv2.LINE_AA, _SHIFT)

    def oval(self, middle: Point, axes: Point, value: float, thick: float | None = None) -> None:
        """Filled where `thick` is None."""
        width = -1 if thick is None else self._thick(thick)
        centre, radii = (row.tolist() for row in self._at(middle, axes))
        cv2.ellipse(self.plane, centre, radii, 0, 0, 360, value, width, cv2.LINE_AA, _SHIFT)


def _electrode(sheet: _Sheet, rng: np.random.Generator) -> None:
    """A snap in a patch, held by a clip with two jaws, holes and a cable."""
    snap = float(rng.uniform(0.07, 0.14))
    wide, reach, body = snap * float(rng.uniform(1.2, 2.2)), float(rng.uniform(0.3, 0.48)), float(rng.uniform(0.5, 1.0))
    if rng.random() < 0.7:
        patch = float(rng.uniform(0.25, 0.42))
        sheet.oval((0.5, 0.5), (patch, patch), float(rng.uniform(0.15, 0.5)))
    for sign in (-1, 1) if rng.random() < 0.8 else ():
        gap, back = snap * float(rng.uniform(0.1, 0.9)), wide * float(rng.uniform(0.6, 1.0))
        outline = [(-0.3, gap), (0.4, gap / 2), (1.0, 0.6 * wide), (0.5, wide), (-0.2, back)]
        sheet.area([(0.5 + reach * x, 0.5 + sign * y) for x, y in outline], body)
        if rng.random() < 0.6:
            sheet.oval((0.5 + reach * 0.55, 0.5 + sign * wide * 0.6), (snap * 0.3, snap * 0.3), 0.1)
    sheet.oval((0.5, 0.5), (snap, snap), 1.0, snap * float(rng.uniform(0.15, 0.4)))
    if rng.random() < 0.6:
        sheet.oval((0.5, 0.5), (snap * 0.45, snap * 0.45), 0.9)
    for _ in range(int(rng.integers(0, 3))):
        across = 0.5 + float(rng.uniform(-1, 1)) * wide
        sheet.line([(0.5 - reach / 2, across), (0.5 + reach, across)], body, snap * 0.2)
    sheet.line([(0.5 + reach * 0.6, 0.5), (1.1, 0.5)], 0.9, snap * 0.25)


def _pacemaker(sheet: _Sheet, rng: np.random.Generator) -> None:
    """A rounded case with a battery, a board of small parts, and sockets for its leads."""
    case = (0.4, float(rng.uniform(0.3, 0.4)))
    sheet.oval((0.5, 0.5), case, float(rng.uniform(0.4, 0.7)))
    sheet.oval((0.5, 0.5), case, 0.9, 0.017)
    sheet.area([(0.5, 0.3), (0.8, 0.35), (0.8, 0.65), (0.5, 0.72)], 1.0)
    part = float(rng.uniform(0.01, 0.04))
    for _ in range(int(rng.integers(10, 60))):
        x, y = float(rng.uniform(0.2, 0.52)), float(rng.uniform(0.28, 0.72))
        width, height = (part * float(v) for v in rng.uniform(0.5, 2.5, 2))
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        sheet.area(corners, float(rng.uniform(0.3, 1)))
    for index in range(int(rng.integers(1, 4))):
        sheet.line([(0.3, 0.75 + 0.05 * index), (1.1, 0.75 + 0.05 * index)], 1.0, 0.02)


def _hook_row(sheet: _Sheet, rng: np.random.Generator) -> None:
    """Bent wire in equal pieces, one below the other: hooks and eyes of clothing."""
    count, thick = int(rng.integers(2, 6)), float(rng.uniform(0.008, 0.03))
    pitch = 0.8 / count
    wide, tall, loop = pitch * float(rng.uniform(0.3, 0.7)), pitch * float(rng.uniform(0.3, 0.6)), pitch * 0.15
    for index in range(count):
        x, y = 0.5 + float(rng.normal(0, 0.02)), 0.1 + pitch * index
        points = [(x + wide, y), (x - wide, y), (x - wide, y + tall), (x + wide, y + tall)]
        sheet.line(points, 1.0, thick)
        for end in (points[0], points[-1]):
            sheet.oval(end, (loop, loop), 1.0, thick)
