"""An invented thorax in three dimensions, rendered by ray sums to any side.

Soft parts are implicit surfaces on a grid that lies along the rays, so that turning the patient costs nothing; bones are
tubes along curves in space, drawn where their points are projected. Axes in millimetres: x to the patient's left, y to the
front, z up; the origin is in the middle of the chest.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SIDE = 128
FIELD_MM = 420.0
_DEPTH = 56
_GRID = 96


@dataclass
class Build:
    """One invented patient: half width, half depth and half height of the rib cage, and what else is drawn once."""

    wide: float
    deep: float
    high: float
    fat: tuple[float, float]
    heart: float
    age: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Build:
        child = rng.random() < 0.3
        size = rng.uniform(0.45, 0.85) if child else rng.uniform(0.88, 1.15)
        round_chest = rng.uniform(0.68, 0.9) if child else rng.uniform(0.56, 0.88)
        wide = 138 * size
        fat = (
            (rng.uniform(4, 16) * size, rng.uniform(4, 16) * size)
            if rng.random() < 0.6
            else tuple(rng.uniform(10, 45, 2) * size)
        )
        return cls(wide, wide * round_chest, rng.uniform(105, 150) * size * (0.88 if child else 1), fat,
                   float(rng.uniform(0.85, 1.5)), float(rng.uniform(0, 1)))  # fmt: skip


class View:
    """The geometry of one exposure: where a point in space falls, and which points lie on a pixel's ray."""

    def __init__(self, rng: np.random.Generator, *, lateral: bool) -> None:
        yaw, pitch, roll = np.deg2rad([rng.normal(90 if lateral else 0, 7), rng.normal(0, 5), rng.normal(0, 4)])
        about_z = np.array([[np.cos(yaw), np.sin(yaw), 0], [-np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        about_u = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        about_w = np.array([[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]])
        self.turn = (about_w @ about_u @ about_z).astype(np.float32)  # rows: across, along the ray, up
        self.focus = float(rng.uniform(1000, 2500) * rng.choice([-1, 1]))

    def rays(self) -> tuple[Array, Array, Array]:
        """x, y, z of (GRID, GRID, DEPTH) points."""
        axis = np.linspace(-FIELD_MM / 2, FIELD_MM / 2, _GRID, dtype=np.float32)
        w = np.linspace(-200, 200, _DEPTH, dtype=np.float32)[None, None, :]
        cone = 1 + w / self.focus
        across, up = axis[None, :, None] * cone, -axis[:, None, None] * cone
        a, b, c = self.turn
        return tuple(across * a[i] + w * b[i] + up * c[i] for i in range(3))  # type: ignore[return-value]

    def project(self, points: NDArray[np.floating]) -> Array:
        """(n, 3) millimetres -> (n, 2) pixels (across, down)."""
        seen = points @ self.turn.T
        cone = 1 + seen[:, 1] / self.focus
        flat = np.stack([seen[:, 0] / cone, -seen[:, 2] / cone], axis=1)
        return ((flat / FIELD_MM + 0.5) * SIDE).astype(np.float32)


def tube(canvas: Array, view: View, points: NDArray[np.floating], radius: float, density: float) -> None:
    """Add a rod along a curve: its thickness where seen, more where it runs along the ray."""
    flat = view.project(points)
    run = np.linalg.norm(np.diff(points, axis=0), axis=1)
    seen = np.linalg.norm(np.diff(flat, axis=0), axis=1) * FIELD_MM / SIDE
    width = max(1, round(2 * radius / FIELD_MM * SIDE * 4))
    for start, end, slope in zip(flat[:-1], flat[1:], np.clip(run / np.maximum(seen, 1), 1, 3), strict=True):
        low = np.floor(np.minimum(start, end)).astype(int) - 4
        high = np.ceil(np.maximum(start, end)).astype(int) + 4
        low, high = np.clip(low, 0, SIDE), np.clip(high, 0, SIDE)
        if (high - low).min() < 2:
            continue
        part = np.zeros(((high[1] - low[1]) * 2, (high[0] - low[0]) * 2), np.uint8)
        a, b = ((p - low) * 2 for p in (start, end))
        cv2.line(
            part,
            (int(a[0] * 4), int(a[1] * 4)),
            (int(b[0] * 4), int(b[1] * 4)),
            255,
            max(1, width // 2),
            cv2.LINE_AA,
            2,
        )
        drawn = cv2.resize(part, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        place = canvas[low[1] : high[1], low[0] : high[0]]
        np.maximum(place, drawn * (radius * 1.6 * density * float(slope)), out=place)


def draw(rng: np.random.Generator, *, lateral: bool) -> Array:
    """Three maps of water-equivalent millimetres, (3, SIDE, SIDE), as `volume.render` gives them."""
    build, view = Build.draw(rng), View(rng, lateral=lateral)
    x, y, z = view.rays()
    step = 400 / _DEPTH
    soft, lung = _soft(build, rng, x, y, z)
    maps = np.zeros((3, SIDE, SIDE), np.float32)
    for index, part in ((0, soft), (2, lung)):
        summed = part.sum(axis=2) * step
        maps[index] = cv2.GaussianBlur(cv2.resize(summed, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), (0, 0), 0.7)
    maps[1] = _bones(build, view, rng, arms_up=lateral or rng.random() < 0.15)
    maps[0] += _arms(build, view, rng, raised=lateral) + _vessels(build, view, rng) * (maps[2] > 8)
    if rng.random() < 0.3:
        _devices(maps[1], build, view, rng)
    return np.maximum(maps, 0)


def _soft(b: Build, rng: np.random.Generator, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
    level = z / b.high  # -1 at the lowest costophrenic angle, 1 at the apex
    taper = np.clip(1.05 - 0.45 * np.clip(level, 0, 2) ** 2.2, 0.32, 1.2) * (1 - 0.04 * level)
    inner = (x / (b.wide * taper)) ** 2 + ((y + 6 * level) / (b.deep * (0.4 + 0.6 * taper))) ** 2
    front, back = b.fat
    extra = np.where(y > 0, front, back)
    shoulders = np.clip((level - 0.45) * 2.2, 0, 1) * rng.uniform(0.1, 0.5) * b.wide
    neck = level > 1.12
    outer = (x / (b.wide * np.clip(taper, 0.8, 2) + extra + shoulders)) ** 2 + (
        y / (b.deep * np.clip(taper, 0.78, 2) + extra + 12)
    ) ** 2
    throat = (x / (b.wide * 0.42)) ** 2 + ((y + 0.1 * b.deep) / (b.deep * 0.62)) ** 2
    body = (
        np.where(neck, np.where(level > 1.5, throat, np.minimum(throat, outer * (1 + (level - 1.12) * 6))), outer) < 1
    )
    lungs = (inner < 0.92) & (level < 1.02)
    split = rng.uniform(0.02, 0.06)
    dome = {}
    for side in (-1, 1):
        top = b.high * (-0.55 + 0.12 * (side < 0) + rng.normal(0, 0.07))
        dome[side] = (
            top
            - b.high * rng.uniform(0.4, 0.6) * ((np.abs(x) - b.wide * 0.45) / (b.wide * 0.6)) ** 2
            - b.high * rng.uniform(0.3, 0.5) * np.clip((y - 10) / -b.deep, -0.4, 1) ** 2
        )
    lungs &= np.where(x < 0, z > dome[-1], z > dome[1])
    middle = (np.abs(x + rng.normal(0, 4)) < b.wide * (0.13 + split * 2) * (1 + 0.6 * np.clip(-level, 0, 1))) & (
        y > -b.deep * 0.62
    )
    spine = (np.hypot(x / (b.wide * 0.17), (y + b.deep * 0.72) / (b.deep * 0.3))) < 1
    size = b.heart
    heart = ((x - b.wide * 0.17) / (b.wide * 0.42 * size)) ** 2 + (
        (y - b.deep * 0.25) / (b.deep * 0.48 * np.sqrt(size))
    ) ** 2
    heart = heart + ((z + b.high * 0.3) / (b.high * 0.42 * np.sqrt(size))) ** 2 < 1
    arch = (
        np.hypot((x - b.wide * 0.16) / (b.wide * 0.16), (z - b.high * 0.35) / (b.high * 0.16))
        + np.abs(y) / b.deep * 0.5
        < 1
    )
    hilum = (
        np.hypot((np.abs(x) - b.wide * 0.3) / (b.wide * 0.17), (z - b.high * 0.05) / (b.high * 0.17))
        + np.abs(y / b.deep) * 1.2
        < 1
    )
    air = lungs & ~middle & ~spine & ~heart & ~arch
    density = np.float32(rng.uniform(0.15, 0.4)) + hilum * np.float32(rng.uniform(0.05, 0.4))
    lung = air * density
    if rng.random() < 0.35:  # an illness: part of the lung filled
        for _ in range(int(rng.integers(1, 5))):
            at = rng.uniform(-0.8, 0.8, 3) * (b.wide, b.deep, b.high)
            radii = rng.uniform(0.12, 0.7, 3) * (b.wide, b.deep, b.high)
            far = ((x - at[0]) / radii[0]) ** 2 + ((y - at[1]) / radii[1]) ** 2 + ((z - at[2]) / radii[2]) ** 2
            lung = np.maximum(lung, air * np.exp(-far) * np.float32(rng.uniform(0.4, 1.2)))
    if rng.random() < 0.2:
        lung = np.maximum(
            lung, (air & (z < b.high * rng.uniform(-0.6, 0.1)) & ((x < 0) == (rng.random() < 0.5))) * np.float32(1)
        )
    trachea = np.hypot(x, y + b.deep * 0.25 - 8 * level) < b.wide * 0.065
    soft = (body & ~air & ~(trachea & (level > 0.2))) * np.float32(1)
    if rng.random() < 0.5:  # the stomach's bubble
        gas = ((x - b.wide * 0.45) / (b.wide * 0.3)) ** 2 + (y / (b.deep * 0.45)) ** 2 + (
            (z + b.high * rng.uniform(0.9, 1.15)) / (b.high * 0.17)
        ) ** 2 < 1
        soft *= ~gas
    if rng.random() < 0.45:
        radius, drop = b.wide * rng.uniform(0.25, 0.5), b.high * rng.uniform(0.1, 0.7)
        breast = ((np.abs(x) - b.wide * 0.5) / radius) ** 2 + ((y - b.deep) / (radius * 0.8)) ** 2 + (
            (z + drop) / radius
        ) ** 2 < 1
        soft = np.maximum(soft, (breast & ~air) * np.float32(0.95))
    return soft, lung


def _bones(b: Build, view: View, rng: np.random.Generator, *, arms_up: bool) -> Array:
    canvas = np.zeros((SIDE, SIDE), np.float32)
    total = np.zeros_like(canvas)
    t = np.linspace(0, 1, 15)
    dense = rng.uniform(0.35, 0.8) * (1.1 - 0.3 * b.age)
    slope, thick = rng.uniform(0.25, 0.55), b.wide * rng.uniform(0.026, 0.04)
    for number in range(11):
        level = 0.95 - number * 0.165
        taper = min(1.06, 0.45 + 0.75 * (1 - max(0.0, level) ** 1.6))
        for side in (-1, 1):
            angle = np.pi * (0.04 + 0.82 * t)
            xs = side * b.wide * taper * np.sin(angle) * 1.0
            ys = -b.deep * (0.45 + 0.55 * taper) * np.cos(angle) * 0.95
            zs = b.high * level + b.high * 0.12 - b.deep * slope * (1 - np.cos(angle)) * (0.6 + 0.4 * taper)
            canvas[:] = 0
            tube(canvas, view, np.stack([xs, ys, zs], 1), thick, dense)
            total += canvas
    curve, bend = rng.normal(0, 6), rng.uniform(0.0, 0.25)
    for number in range(17):
        level = 1.5 - number * 0.19
        size = b.wide * (0.1 + 0.006 * number)
        y0 = -b.deep * (0.74 - bend * (level * 0.8) ** 2)
        canvas[:] = 0
        ends = np.array(
            [
                [curve * np.sin(level * 2) - size, y0, b.high * level],
                [curve * np.sin(level * 2) + size, y0, b.high * level],
            ]
        )
        tube(canvas, view, ends, b.high * rng.uniform(0.06, 0.075), 0.5 * dense + 0.12)
        process = np.array([[curve, y0 - size, b.high * level], [curve, y0 - size * 2.2, b.high * level - 12]])
        tube(canvas, view, process, b.wide * 0.035, dense)
        total += canvas
    bars = [
        (
            np.array(
                [[0, b.deep * 0.95, b.high * 0.75], [0, b.deep * 1.0, b.high * 0.1], [0, b.deep * 0.93, -b.high * 0.3]]
            ),
            0.07,
            0.4,
        )
    ]
    for side in (-1, 1):
        lift = rng.uniform(0.0, 0.3) + 0.25 * arms_up
        bars.append(
            (
                np.array(
                    [
                        [side * b.wide * 0.08, b.deep * 0.8, b.high * 0.82],
                        [side * b.wide * 0.5, b.deep * 0.75, b.high * (0.9 + lift / 2)],
                        [side * b.wide * 1.02, b.deep * 0.05, b.high * (0.95 + lift)],
                    ]
                ),
                0.045,
                1.0,
            )
        )
        out = rng.uniform(0.85, 1.1)
        blade = [
            [side * b.wide * out, -b.deep * 0.95, b.high * (0.9 + lift)],
            [side * b.wide * (out - 0.25), -b.deep * 1.1, b.high * 0.1],
            [side * b.wide * (out - 0.3), -b.deep * 1.05, b.high * 0.75],
        ]
        bars.append((np.array(blade), 0.05, 0.8))
        if arms_up:
            tip = np.array(
                [side * b.wide * rng.uniform(0.5, 1.2), b.deep * rng.uniform(-0.6, 1.9), b.high * rng.uniform(1.3, 2.0)]
            )
        else:
            tip = np.array(
                [
                    side * b.wide * rng.uniform(1.25, 1.6),
                    b.deep * rng.uniform(-0.4, 0.4),
                    -b.high * rng.uniform(0.4, 1.0),
                ]
            )
        bars.append((np.array([[side * b.wide * 1.08, 0, b.high * (0.85 + lift)], tip]), 0.085, 1.0))
    for points, radius, density in bars:
        canvas[:] = 0
        tube(canvas, view, points, b.wide * radius, dense * density)
        total += canvas
    return np.asarray(cv2.GaussianBlur(total, (0, 0), 0.6), dtype=np.float32)


def _arms(b: Build, view: View, rng: np.random.Generator, *, raised: bool) -> Array:
    canvas, total = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    for side in (-1, 1):
        start = [side * b.wide * 1.0, 0, b.high * 1.0]
        if raised:
            end = [
                side * b.wide * rng.uniform(0.5, 1.2),
                b.deep * rng.uniform(-0.6, 1.9),
                b.high * rng.uniform(1.4, 2.1),
            ]
        else:
            end = [
                side * b.wide * rng.uniform(1.25, 1.6),
                b.deep * rng.uniform(-0.3, 0.4),
                -b.high * rng.uniform(0.5, 1.3),
            ]
        canvas[:] = 0
        tube(canvas, view, np.array([start, end]), b.wide * rng.uniform(0.22, 0.36), 1.0)
        total += canvas
    return np.asarray(cv2.GaussianBlur(total, (0, 0), 2.0), dtype=np.float32)


def _vessels(b: Build, view: View, rng: np.random.Generator) -> Array:
    canvas = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(rng.integers(15, 50))):
        side = rng.choice([-1, 1])
        way = rng.normal(0, 1, 3)
        way /= np.linalg.norm(way) + 1e-6
        way[0] = abs(way[0]) * side
        t = np.linspace(0, 1, 6)[:, None]
        start = np.array([side * b.wide * 0.25, 0, b.high * 0.05])
        wave = rng.normal(0, 5, (6, 3)) * t
        tube(
            canvas,
            view,
            start + t * way * b.wide * rng.uniform(0.3, 0.7) + wave,
            b.wide * rng.uniform(0.008, 0.025),
            0.9,
        )
    return canvas


def _devices(canvas: Array, b: Build, view: View, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 5))):
        points = np.cumsum(rng.normal(0, 0.25, (9, 3)), axis=0) * (b.wide, b.deep, b.high) + rng.uniform(
            -0.5, 0.5, 3
        ) * (b.wide, b.deep, b.high)
        tube(canvas, view, points, rng.uniform(1, 3), rng.uniform(1, 4))
    if rng.random() < 0.4:
        at = rng.uniform(-0.7, 0.7, 3) * (b.wide, b.deep, b.high)
        tube(canvas, view, np.stack([at, at + rng.normal(0, 12, 3)]), 16, 3)
