"""Radiographs of other parts of the body, invented: rods and discs of bone in round soft tissue, as `thorax.draw` gives them.

None is a likeness; they are what a network must not take for a chest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SIDE = 160
#: Shares of the side: across, down. A tuple or an array.
Place = Any


class Sheet:
    """Two maps, soft tissue and bone, in arbitrary thickness; coordinates are shares of the side, (across, down)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.soft, self.bone = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)

    def _mask(self, points: Sequence[Place], width: float) -> NDArray[np.uint8]:
        mask = np.zeros((SIDE, SIDE), np.uint8)
        line = (np.asarray(points) * SIDE * 8).round().astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(mask, [line], False, 255, max(1, round(width * SIDE)), cv2.LINE_AA, 3)
        return mask

    def _round(self, mask: NDArray[np.uint8], width: float) -> Array:
        inside = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3)
        radius = max(width * SIDE / 2, 1.0)
        depth = np.clip(inside / radius, 0, 1)
        return (np.sqrt(np.clip(1 - (1 - depth) ** 2, 0, 1)) * radius * 2).astype(np.float32)

    def flesh(self, points: Sequence[Place], width: float) -> None:
        np.maximum(self.soft, self._round(self._mask(points, width), width), out=self.soft)

    def rod(self, points: Sequence[Place], width: float, *, marrow: float = 0.5, density: float = 1.6) -> None:
        """A bone with its harder rim."""
        whole = self._round(self._mask(points, width), width)
        core = self._round(self._mask(points, width * 0.6), width * 0.6) if width * SIDE > 3 else 0
        self.bone += (whole - marrow * core) * np.float32(density)

    def blob(self, at: Place, radii: Sequence[float], *, soft: float = 0, bone: float = 0, turn: float = 0) -> None:
        mask = np.zeros((SIDE, SIDE), np.uint8)
        centre = (int(at[0] * SIDE), int(at[1] * SIDE))
        cv2.ellipse(
            mask,
            centre,
            (max(1, int(radii[0] * SIDE)), max(1, int(radii[1] * SIDE))),
            turn,
            0,
            360,
            255,
            -1,
            cv2.LINE_AA,
        )
        shape = self._round(mask, 2 * min(radii))
        self.soft += shape * np.float32(soft)
        self.bone += shape * np.float32(bone)


def _finger(s: Sheet, root: NDArray[np.float64], way: NDArray[np.float64], length: float, width: float) -> None:
    at = root
    s.flesh([root, root + way * length], width * 2.1)
    for share in (0.42, 0.27, 0.18):
        end = at + way * length * share
        s.rod([at + way * width * 0.2, end - way * width * 0.2], width)
        at = end + way * length * 0.03


def hand(s: Sheet) -> None:
    r = s.rng
    scale, middle = r.uniform(0.7, 1.2), np.array([0.5, 0.62])
    s.flesh([middle + (0, -0.1 * scale), middle + (0, 0.1 * scale)], 0.28 * scale)
    for number in range(5):
        angle = (number - 2) * r.uniform(0.12, 0.28) + r.normal(0, 0.05)
        way = np.array([np.sin(angle), -np.cos(angle)])
        root = middle + scale * np.array([(number - 2) * 0.055, -0.12 if number else 0.0])
        s.rod([middle + scale * np.array([(number - 2) * 0.03, 0.1]), root], 0.03 * scale)
        _finger(s, root, way, scale * (0.3 if number else 0.22), 0.028 * scale)
    for _ in range(8):
        s.blob(
            middle + scale * np.array([r.uniform(-0.08, 0.08), r.uniform(0.08, 0.17)]),
            (0.02 * scale, 0.018 * scale),
            bone=1.4,
        )
    s.flesh([middle, (0.5, 1.1)], 0.18 * scale)
    for side in (-0.035, 0.035):
        s.rod([(0.5 + side * scale, 0.62 + 0.18 * scale), (0.5 + side * 1.2 * scale, 1.1)], 0.05 * scale)


def long_bones(s: Sheet) -> None:
    """A leg or an arm, with a joint or without, straight or bent."""
    r = s.rng
    joint, bend, width = (
        np.array([0.5, r.uniform(0.2, 0.8)]),
        r.uniform(-1.2, 1.2) * (r.random() < 0.5),
        r.uniform(0.15, 0.4),
    )
    up, down = np.array([0.0, -1.0]), np.array([np.sin(bend), np.cos(bend)])
    s.flesh([joint + up, joint, joint + down], width)
    thick = width * r.uniform(0.2, 0.4)
    s.rod([joint + up, joint + up * 0.06], thick)
    s.blob(joint + up * 0.05, (thick * 0.8, thick * 0.6), bone=1)
    for side in (-1, 1) if r.random() < 0.7 else (0,):
        off = np.array([np.cos(bend), -np.sin(bend)]) * side * thick * 0.7
        s.rod([joint + down * 0.05 + off, joint + down + off * 1.4], thick * r.uniform(0.5, 0.9))
    s.blob(joint + down * 0.04, (thick * 0.9, thick * 0.5), bone=1)
    if r.random() < 0.3:
        s.rod([joint + up * 0.5, joint + up * 0.05], thick * 0.3, density=5)


def foot(s: Sheet) -> None:
    r = s.rng
    heel, size = np.array([r.uniform(0.25, 0.4), 0.72]), r.uniform(0.8, 1.2)
    s.flesh([heel, heel + (0.55 * size, 0.08)], 0.2 * size)
    s.flesh([heel + (0.1, 0), (0.42, -0.1)], 0.22 * size)
    s.rod([heel + (0.12, -0.14), (0.42, -0.1)], 0.09 * size)
    s.blob(heel, (0.13 * size, 0.08 * size), bone=1, turn=-15)
    s.blob(heel + (0.13, -0.08), (0.08 * size, 0.06 * size), bone=1)
    for number in range(5):
        root = heel + np.array([0.22, -0.03 + number * 0.018]) * size
        s.rod([root, root + np.array([0.17, 0.06]) * size], 0.03 * size)
        s.rod([root + np.array([0.19, 0.07]) * size, root + np.array([0.28, 0.09]) * size], 0.026 * size)


def pelvis(s: Sheet) -> None:
    r = s.rng
    wide, top = r.uniform(0.26, 0.36), r.uniform(0.2, 0.4)
    s.flesh([(0.5, -0.1), (0.5, 0.75)], r.uniform(0.75, 0.98))
    for side in (-1, 1):
        s.blob((0.5 + side * wide * 0.75, top + 0.08), (0.15, 0.17), bone=0.7, turn=side * 30)
        s.rod(
            [(0.5 + side * 0.1, top + 0.15), (0.5 + side * wide * 0.7, top + 0.3), (0.5 + side * 0.02, top + 0.4)], 0.06
        )
        ball = np.array([0.5 + side * wide * 0.85, top + 0.3])
        s.blob(ball, (0.06, 0.06), bone=1.2)
        s.rod([ball, ball + (side * 0.07, 0.09), ball + (side * 0.05, 0.7)], 0.085)
        s.flesh([ball, ball + (side * 0.03, 0.8)], 0.3)
        s.rod([(0.5 + side * 0.03, top + 0.4), (0.5 + side * 0.12, top + 0.52), ball + (0, 0.04)], 0.05)
    spine(s, top=-0.1, bottom=top + 0.2, body=False)
    if r.random() < 0.3:
        s.rod([ball, ball + (0.05, 0.35)], 0.06, density=5, marrow=0)


def spine(s: Sheet, top: float = -0.1, bottom: float = 1.1, *, body: bool = True) -> None:
    r = s.rng
    if body:
        s.flesh([(0.5, -0.1), (0.5, 1.1)], r.uniform(0.5, 0.95))
    curve, phase, wide = r.uniform(0, 0.1), r.uniform(0, 6), r.uniform(0.05, 0.16)
    for number, level in enumerate(np.arange(top, bottom, wide * r.uniform(0.95, 1.3))):
        x = 0.5 + curve * np.sin(level * 4 + phase)
        s.rod([(x - wide * 0.3, level), (x + wide * 0.3, level)], wide * 0.75, marrow=0.6)
        if number % 1 == 0:
            s.rod([(x - wide, level + 0.01), (x + wide, level + 0.01)], wide * 0.16)


def abdomen(s: Sheet) -> None:
    r = s.rng
    s.flesh([(0.5, -0.2), (0.5, 1.2)], r.uniform(0.8, 1.1))
    spine(s, body=False)
    for _ in range(int(r.integers(3, 25))):
        at, size = r.uniform(0.15, 0.85, 2), r.uniform(0.02, 0.09)
        s.blob(at, (size, size * r.uniform(0.5, 1.5)), soft=-r.uniform(0.3, 1.2), turn=r.uniform(0, 180))
    s.blob((0.3, 0.15), (0.25, 0.2), soft=0.3)
    for side in (-1, 1):
        s.blob((0.5 + side * 0.25, 0.95), (0.15, 0.17), bone=0.7, turn=side * 30)


def skull(s: Sheet) -> None:
    r = s.rng
    at, size, side_on = np.array([0.5, r.uniform(0.33, 0.48)]), r.uniform(0.22, 0.36), r.random() < 0.5
    wide = size * (1.15 if side_on else 0.85)
    s.flesh([at + (0, 0.2), (0.5 - 0.1 * side_on, 1.2)], size * r.uniform(0.8, 1.3))
    s.blob(at, (wide * 1.06, size * 1.06), soft=0.8)
    s.blob(at, (wide, size), bone=0.8)
    s.blob(at, (wide * 0.93, size * 0.93), bone=-0.65)
    front = 0.55 * wide if side_on else 0
    for sign in (-1, 1) if not side_on else (0,):
        s.blob(at + (front + sign * 0.4 * wide, size * 0.35), (size * 0.22, size * 0.2), bone=-0.4)
    s.rod(
        [at + (front - size * 0.5, size * 0.7), at + (front, size * 1.15), at + (front + size * 0.4, size * 0.7)],
        size * 0.22,
    )
    for number in range(10):
        s.rod(
            [
                at + (front + (number - 5) * size * 0.07, size * 0.75),
                at + (front + (number - 5) * size * 0.07, size * 0.95),
            ],
            size * 0.05,
            density=3,
        )
    for number in range(6):
        level = at[1] + size * (1.05 + number * 0.16)
        s.rod([(0.5 - 0.12 * side_on - 0.05, level), (0.5 - 0.12 * side_on + 0.05, level + 0.01)], 0.05)


def panoramic(s: Sheet) -> None:
    """Teeth in two rows along an arch, as in a dental panorama."""
    r = s.rng
    s.blob((0.5, 0.5), (0.6, 0.5), soft=0.5)
    smile = r.uniform(0.05, 0.25)
    for row, sign in ((0.44, -1), (0.56, 1)):
        for number in range(16):
            x = 0.14 + number * 0.048
            y = row + smile * (0.5 - ((x - 0.5) * 2) ** 2) * 0.8 - smile / 4
            s.rod([(x, y), (x + (x - 0.5) * 0.06, y + sign * r.uniform(0.09, 0.15))], 0.036, density=2.5)
    s.rod([(0.03, 0.2), (0.08, 0.65), (0.3, 0.86), (0.5, 0.9), (0.7, 0.86), (0.92, 0.65), (0.97, 0.2)], 0.14)
    s.rod([(0.1, 0.3), (0.5, 0.27), (0.9, 0.3)], 0.05)


def breast(s: Sheet) -> None:
    r = s.rng
    s.blob((0.0, r.uniform(0.4, 0.6)), (r.uniform(0.35, 0.8), r.uniform(0.3, 0.5)), soft=1)
    inside = s.soft > 0
    grain = cv2.GaussianBlur(r.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), r.uniform(2, 8))
    s.soft += inside * np.maximum(grain / grain.std(), 0) * s.soft.max() * np.float32(r.uniform(0.05, 0.4))
    if r.random() < 0.5:
        s.flesh([(0.0, -0.05), (0.25, -0.05), (0.0, 0.7)], 0.15)


PARTS: tuple[Callable[[Sheet], None], ...] = (
    hand, long_bones, long_bones, foot, pelvis, spine, abdomen, skull, panoramic, breast,
)  # fmt: skip


def draw(rng: np.random.Generator) -> Array:
    """Three maps (soft tissue, bone, nothing), (3, SIDE, SIDE), of one part chosen at random, some twice side by side."""
    sheet = Sheet(rng)
    part = PARTS[int(rng.integers(len(PARTS)))]
    part(sheet)
    maps = np.stack([np.maximum(sheet.soft, 0), np.maximum(sheet.bone, 0), np.zeros_like(sheet.soft)])
    maps[1] *= rng.uniform(0.5, 1.5)
    if part in (hand, foot, long_bones, breast) and rng.random() < 0.25:
        half = np.stack([cv2.resize(m, (SIDE // 2, SIDE), interpolation=cv2.INTER_AREA) for m in maps])
        maps = np.concatenate([half, half[:, :, ::-1]], axis=2)
    return maps.astype(np.float32)
