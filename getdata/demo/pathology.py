"""Findings and devices laid over a drawn chest, each with its box as the answer key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from getdata.demo.canvas import Array, Canvas, band_noise, smooth_curve
from getdata.demo.frontal import heart_outline, lung_outline
from getdata.demo.patient import LEFT, RIGHT, Anatomy, Build

FINDINGS = ("effusion", "pneumothorax", "consolidation", "nodule", "cardiomegaly")


@dataclass(frozen=True)
class Box:
    """A box in millimetres."""

    name: str
    left: float
    top: float
    right: float
    bottom: float

    def in_pixels(self, c: Canvas, factor: float, size: tuple[int, int]) -> dict[str, object]:
        """The box in pixels of the final picture of ``size`` (rows, columns)."""
        (x0, y0), (x1, y1) = c.to_px([(self.left, self.top), (self.right, self.bottom)]) * factor
        x0, x1 = (float(np.clip(v, 0, size[1])) for v in (x0, x1))
        y0, y1 = (float(np.clip(v, 0, size[0])) for v in (y0, y1))
        return {
            "name": self.name,
            "x": round(x0, 1),
            "y": round(y0, 1),
            "width": round(x1 - x0, 1),
            "height": round(y1 - y0, 1),
        }


def _around(name: str, points: Array, margin: float = 0.0) -> Box:
    low, high = points.min(0) - margin, points.max(0) + margin
    return Box(name, float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def add_finding(a: Anatomy, name: str, b: Build, rng: np.random.Generator, *, lateral: bool) -> list[Box]:
    """Draw one finding into ``a`` and return its boxes (in mm)."""
    if lateral:
        return _LATERAL[name](a, b, rng)
    return _FRONTAL[name](a, b, rng)


def _cardiomegaly(a: Anatomy, b: Build, rng: np.random.Generator) -> list[Box]:
    heart = heart_outline(b)  # the heart itself was drawn large
    return [_around("cardiomegaly", heart[heart[:, 1] > 120])]


def _effusion(a: Anatomy, b: Build, rng: np.random.Generator) -> list[Box]:
    c, side = a.canvas, (RIGHT if rng.random() < 0.5 else LEFT)
    dome = b.dome_right if side == RIGHT else b.dome_left
    wall = float(b.lateral(dome)) + 3
    rise = rng.uniform(30, 78)
    # A meniscus: highest at the chest wall, sloping down towards the heart.
    top = [(wall, dome - rise), (wall - 16, dome - rise * 0.72), (wall - 44, dome - rise * 0.34)]
    top += [(wall - 82, dome - rise * 0.12), (22, dome - 2)]
    bottom = [(22, dome + 30), (wall * 0.6, dome + 44), (wall, dome + 50)]
    outline = np.vstack([smooth_curve(top), np.asarray(bottom, np.float32)])
    outline *= np.asarray([side, 1], np.float32)
    fluid = c.polygon(outline, soft_mm=4.5)
    filled = c.blur(fluid, 5) * 0.88
    a.tissue += 0.74 * a.lung_depth * filled
    a.lung_depth *= 1 - filled
    corners = outline[outline[:, 1] < dome + 40]
    return [_around("effusion", corners)]


def _pneumothorax(a: Anatomy, b: Build, rng: np.random.Generator) -> list[Box]:
    c, side = a.canvas, (RIGHT if rng.random() < 0.5 else LEFT)
    gap = rng.uniform(11, 24)
    outline = lung_outline(b, side)
    wall = outline[(outline[:, 1] < 168) & (np.abs(outline[:, 0]) > 24)]
    whole = c.polygon(outline)
    # The collapsed lung is the same lung a gap further in, fading into the wall at its base.
    heights = [-12, 0, 14, 34, 62, 100, 135, 168]
    inward = [gap * 0.7, gap * 1.15, gap * 1.2, gap * 1.1, gap, gap * 0.85, gap * 0.5, 0.5]
    edge_x = [float(b.lateral(h)) - g for h, g in zip(heights, inward, strict=True)]
    apex = [(14.0, gap * 0.8), (28 * b.width, gap * 0.75)]
    edge = smooth_curve(
        [(side * px, py) for px, py in apex] + [(side * px, h) for px, h in zip(edge_x, heights, strict=True) if h > 14]
    )
    kept = np.vstack([edge, np.asarray([(side * 60, 260), (side * 2, 260)], np.float32)])
    air = np.clip(whole - c.polygon(kept), 0, 1)
    x, y = c.grid()
    air = c.blur(air * (y < 170) * (side * x > 12), 0.5)
    # Air alone: no vessels, and the little tissue that aerated lung still holds is gone too.
    share = air * 0.95
    a.tissue -= share * (a.vessels * np.clip(a.lung_depth / 70, 0, 1) ** 0.7 + 0.2 * a.lung_depth)
    line = c.zeros()
    c.tube(line, edge, radius_mm=0.8, wall_mm=0.6, cortical=6.0, marrow=6.0, gain=(0.8, 1, 1, 0.8, 0.1))
    a.tissue += c.blur(line, 0.3) * np.clip(whole, 0, 1)
    return [_around("pneumothorax", wall)]


def _spot(a: Anatomy, b: Build, rng: np.random.Generator, margin: float) -> tuple[float, float]:
    """A point inside aerated lung, ``margin`` mm from its edges where there is room."""
    c = a.canvas
    free = ((a.lung > 0.6) & (a.lung_depth > 25)).astype(np.uint8)
    inner = cv2.distanceTransform(free, cv2.DIST_L2, 3) * c.mm
    for reach in (margin, margin / 2, 2.0, 0.0):
        ys, xs = np.nonzero(inner > reach)
        if len(ys):
            pick = int(rng.integers(len(ys)))
            return (
                float((xs[pick] - c.origin[0]) * c.mm),
                float((ys[pick] - c.origin[1]) * c.mm),
            )
    return 70.0 * RIGHT, 120.0


def _consolidation(a: Anatomy, b: Build, rng: np.random.Generator) -> list[Box]:
    c = a.canvas
    x, y = _spot(a, b, rng, 22)
    rx, ry = rng.uniform(24, 38), rng.uniform(20, 34)
    blob = c.ellipsoid((x, y), (rx, ry), angle=rng.uniform(-40, 40), power=0.6)
    cloud = band_noise(rng, (c.rows, c.cols), fine=3 / c.mm, coarse=11 / c.mm)
    fluffy = c.blur(np.clip(blob * (1 + 0.3 * cloud), 0, 1.1), 2.6)
    bronchi = []  # air bronchograms: dark branches inside the white
    for _ in range(5):
        angle = rng.uniform(-0.8, 0.8) + (0 if x > 0 else np.pi)
        px, py = x - np.cos(angle) * rx * 0.5, y - np.sin(angle) * ry * 0.5
        for _ in range(5):
            nx, ny = px + 7 * np.cos(angle), py + 7 * np.sin(angle)
            bronchi.append((px, py, nx, ny, 1.3))
            px, py, angle = nx, ny, angle + rng.normal(0, 0.25)
    air = c.blur(c.strokes(bronchi), 0.9) / 2.6
    share = np.clip(0.50 * fluffy - 0.10 * np.clip(air, 0, 1) * fluffy, 0, 0.6)
    a.tissue += share * 0.62 * a.lung_depth
    return [Box("consolidation", x - rx, y - ry, x + rx, y + ry)]


def _nodule(a: Anatomy, b: Build, rng: np.random.Generator) -> list[Box]:
    c = a.canvas
    x, y = _spot(a, b, rng, 16)
    r = rng.uniform(5, 11)
    ball = c.ellipsoid((x, y), (r, r * rng.uniform(0.85, 1.1)), angle=rng.uniform(0, 90))
    uneven = band_noise(rng, (c.rows, c.cols), fine=1.2 / c.mm, coarse=4 / c.mm)
    a.tissue += c.blur(1.15 * r * ball * (1 + 0.12 * uneven), 0.9)
    return [Box("nodule", x - r - 2, y - r - 2, x + r + 2, y + r + 2)]


def _lateral_effusion(a: Anatomy, b: Build, rng: np.random.Generator) -> list[Box]:
    c, dome = a.canvas, b.dome_right
    rise = rng.uniform(20, 45)
    top = [(96, dome + 30 - rise * 1.5), (74, dome + 26 - rise), (46, dome + 20 - rise * 0.4)]
    top += [(18, dome + 6)]
    outline = np.vstack([smooth_curve(top), np.asarray([(30, dome + 60), (96, dome + 70)])])
    fluid = c.blur(c.polygon(outline.astype(np.float32), soft_mm=4), 4)
    a.tissue += 0.66 * a.lung_depth * fluid
    a.lung_depth *= 1 - fluid
    return [_around("effusion", outline.astype(np.float32))]


def _lateral_pneumothorax(a: Anatomy, b: Build, rng: np.random.Generator) -> list[Box]:
    c = a.canvas
    gap = rng.uniform(10, 18)
    edge = smooth_curve([(-62, 60), (-44, 22 + gap), (-8, 2 + gap), (30, 6 + gap), (62, 40)])
    above = np.vstack([edge, np.asarray([(70, -30), (-70, -30)], np.float32)])
    air = c.polygon(above, soft_mm=0.5) * a.lung
    a.tissue -= 0.09 * a.lung_depth * air  # one side of the two that overlap
    line = c.zeros()
    c.tube(line, edge, radius_mm=0.8, wall_mm=0.6, cortical=6.0, marrow=6.0)
    a.tissue += c.blur(line, 0.3) * a.lung
    return [_around("pneumothorax", edge)]


_FRONTAL: dict[str, Callable[[Anatomy, Build, np.random.Generator], list[Box]]] = {
    "effusion": _effusion,
    "pneumothorax": _pneumothorax,
    "consolidation": _consolidation,
    "nodule": _nodule,
    "cardiomegaly": _cardiomegaly,
}
_LATERAL: dict[str, Callable[[Anatomy, Build, np.random.Generator], list[Box]]] = {
    "effusion": _lateral_effusion,
    "pneumothorax": _lateral_pneumothorax,
    "consolidation": _consolidation,
    "nodule": _nodule,
    "cardiomegaly": lambda a, b, rng: [
        Box(
            "cardiomegaly",
            a.landmarks["heart_left"],
            a.landmarks["heart_top"],
            a.landmarks["heart_right"],
            a.landmarks["heart_bottom"],
        )
    ],
}
