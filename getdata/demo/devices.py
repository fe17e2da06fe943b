"""Implants, lines, tubes and leads: dense, thin and sharply edged."""

from __future__ import annotations

import cv2
import numpy as np

from getdata.demo.canvas import Array, smooth_curve
from getdata.demo.pathology import Box
from getdata.demo.patient import Anatomy, Build

DEVICES = ("pacemaker", "central_line", "et_tube", "ecg_leads")


def add_device(a: Anatomy, name: str, b: Build, rng: np.random.Generator, *, lateral: bool) -> list[Box]:
    """Draw one device into ``a`` and return its boxes (in mm)."""
    draw = {
        "pacemaker": _pacemaker,
        "central_line": _central_line,
        "et_tube": _et_tube,
        "ecg_leads": _ecg_leads,
    }[name]
    return draw(a, b, rng, lateral)


def _around(name: str, points: Array, margin: float = 2.0) -> Box:
    low, high = points.min(0) - margin, points.max(0) + margin
    return Box(name, float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _wire(a: Anatomy, curve: Array, radius: float, density: float) -> None:
    d, _, rows, cols = a.canvas.distance(curve, reach_mm=radius + 1)
    if d.size:
        edge = np.clip((radius - d) / a.canvas.mm + 0.5, 0, 1) * density
        a.metal[rows, cols] = np.maximum(a.metal[rows, cols], edge)


def _pacemaker(a: Anatomy, b: Build, rng: np.random.Generator, lateral: bool) -> list[Box]:
    c = a.canvas
    x, y = (-88.0, 62.0) if lateral else (96 * b.width, 58 + rng.normal(0, 5))
    half_w, half_h = (4.5, 24.0) if lateral else (25.0, 21.0)
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    # A superellipse: the can of every maker is a rounded pebble.
    can = np.stack(
        [
            x + half_w * np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** 0.6,
            y + half_h * np.sign(np.sin(angles)) * np.abs(np.sin(angles)) ** 0.6,
        ],
        1,
    ).astype(np.float32)
    a.metal[:] = np.maximum(a.metal, 0.86 * c.polygon(can, soft_mm=0.35))
    if not lateral:
        # Battery and circuit behind the titanium, the clear connector block above it.
        inside = c.polygon(can)
        battery = [(x - 20, y - 2), (x + 20, y - 2), (x + 16, y + 15), (x - 16, y + 15)]
        board = [(x - 19, y - 15), (x + 19, y - 15), (x + 19, y - 6), (x - 19, y - 6)]
        for shape, level in ((battery, 0.97), (board, 0.915)):
            part = c.polygon(smooth_curve(shape, closed=True), soft_mm=0.6) * inside
            a.metal[:] = np.where(part > 0.05, np.maximum(a.metal, 0.86 + (level - 0.86) * part), a.metal)
        for step in range(4):
            chip = c.ellipsoid((x - 14 + 9 * step, y - 10), (2.6, 2.6), power=0.1)
            a.metal[:] = np.maximum(a.metal, 0.96 * chip)
        block = [(x - 21, y - half_h - 7), (x + 10, y - half_h - 7), (x + 14, y - half_h + 2)]
        block += [(x - 22, y - half_h + 2)]
        a.tissue += 34 * c.polygon(smooth_curve(block, closed=True), soft_mm=0.5)
    drop = b.dome_left
    if lateral:
        paths = [[(x, y - 22), (-50, 30), (-6, 40), (2, 100), (-10, 150), (-48, drop - 22)]]
        paths += [[(x, y - 22), (-48, 34), (-2, 46), (6, 104), (-16, 138)]]
    else:
        s = b.heart / 0.45
        vein = [(72 * b.width, 30), (40, 24), (4, 36), (-20, 60), (-22, 100)]
        paths = [[(x - 16, y - 24), *vein, (-24, 150), (-6, drop - 24), (36 * s, drop - 10), (58 * s, drop - 8)]]
        paths += [
            [(x - 12, y - 24), *[(px + 1.5, py + 3) for px, py in vein], (-30, 138), (-34, 150), (-28, 146), (-22, 134)]
        ]
    for path in paths:
        curve = smooth_curve(path, per_segment=14)
        _wire(a, curve, 0.85, 0.95)
        _wire(a, curve[-6:], 1.5, 1.0)
        ring = curve[-14:-12]
        _wire(a, ring, 1.4, 1.0)
    return [_around("pacemaker", can)]


def _central_line(a: Anatomy, b: Build, rng: np.random.Generator, lateral: bool) -> list[Box]:
    tip = 108 + rng.normal(0, 7)
    if lateral:
        path: list[tuple[float, float]] = [(-30, -50), (-16, 0), (-8, 50), (-6, tip - 12)]
    else:
        path = [(-52, -70), (-38, -34), (-30, 4), (-19, 36), (-20, 74), (-18, tip)]
    curve = smooth_curve(path, per_segment=14)
    _wire(a, curve, 0.95, 0.9)
    return [_around("central_line", curve[curve[:, 1] > -50])]


def _et_tube(a: Anatomy, b: Build, rng: np.random.Generator, lateral: bool) -> list[Box]:
    tip = 52 + rng.normal(0, 8)
    path = [(-34, -90), (-12, -46), (2, 0), (12, tip)] if lateral else [(1, -100), (0, -40), (1, 10), (1.5, tip)]
    curve = smooth_curve(path, per_segment=14)
    for shift in (-4.2, 4.2):
        wall = curve + np.asarray([shift, 0], np.float32)
        c = a.canvas
        c.tube(a.tissue, wall, radius_mm=0.9, wall_mm=0.8, cortical=5.0, marrow=5.0)
    _wire(a, curve + np.asarray([4.2, 0], np.float32), 0.55, 0.92)
    return [_around("et_tube", curve[curve[:, 1] > -55], 6)]


def _ecg_leads(a: Anatomy, b: Build, rng: np.random.Generator, lateral: bool) -> list[Box]:
    spots = [(-112, 26), (112, 24), (98, 206)] if not lateral else [(-70, 40), (-62, 190)]
    boxes = []
    for px, py in spots:
        x, y = px * b.width + rng.normal(0, 6), py + rng.normal(0, 7)
        c = a.canvas
        a.tissue += 5 * c.ellipsoid((x, y), (15, 15), power=0.08)  # the gel pad, barely there
        stud = c.ellipsoid((x, y), (3.6, 3.6), power=0.15)
        a.metal[:] = np.maximum(a.metal, 0.93 * np.clip(stud, 0, 1))
        middle = (x * 0.72 + rng.normal(0, 12), y + rng.uniform(45, 80))
        wire = smooth_curve(
            [(x, y), (x + np.sign(x) * 9, y + 16), middle, (x * 0.55 + rng.normal(0, 20), 330.0)],
            per_segment=16,
        )
        _wire(a, wire, 0.7, 0.92)
        boxes.append(Box("ecg_leads", x - 16, y - 16, x + 16, y + 16))
    a.metal[:] = cv2.GaussianBlur(a.metal, (0, 0), 0.6)
    return boxes
