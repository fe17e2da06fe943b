"""A drawing surface in millimetres on which a phantom radiograph is assembled.

Everything is drawn as **path length**: how many millimetres of tissue a ray crosses at each
point.  ``Canvas`` only turns anatomical coordinates (millimetres, x towards the right edge of the
picture, y downwards) into float32 arrays of the working grid; what the shapes mean is decided by
``frontal`` and ``lateral``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""float32 throughout; said loosely, because numpy's stubs widen it at every step."""
Points = Sequence[tuple[float, float]]


def smooth_curve(points: Points, *, closed: bool = False, per_segment: int = 12) -> Array:
    """Catmull-Rom curve through ``points``; returns float32 of shape (n, 2)."""
    p = np.asarray(points, np.float32)
    p = np.vstack([p[-1:], p, p[:2]]) if closed else np.vstack([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, per_segment, endpoint=False, dtype=np.float32)[:, None]
    parts = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    if not closed:
        parts.append(p[-2:-1])
    return np.vstack(parts).astype(np.float32)


@dataclass(frozen=True)
class Canvas:
    """A working grid of ``rows`` x ``cols`` at ``mm`` millimetres a pixel.

    ``origin`` is the pixel position (x, y) of the anatomical point (0, 0).
    """

    rows: int
    cols: int
    mm: float
    origin: tuple[float, float]

    def zeros(self) -> Array:
        """A path-length map of nothing."""
        return np.zeros((self.rows, self.cols), np.float32)

    def grid(self) -> tuple[Array, Array]:
        """The millimetre coordinates of every pixel: x of shape (1, cols), y of (rows, 1)."""
        x = (np.arange(self.cols, dtype=np.float32) - self.origin[0]) * self.mm
        y = (np.arange(self.rows, dtype=np.float32) - self.origin[1]) * self.mm
        return x[None, :], y[:, None]

    def to_px(self, points: Points | Array) -> Array:
        """Millimetres to pixel coordinates (x, y), float32 of shape (n, 2)."""
        return np.asarray(points, np.float32) / self.mm + np.asarray(self.origin, np.float32)

    def blur(self, image: Array, sigma_mm: float) -> Array:
        """Gaussian blur with sigma in millimetres; wide ones are done on a reduced copy."""
        sigma = sigma_mm / self.mm
        if sigma < 0.2:
            return image
        shrink = int(min(sigma / 3, 32))
        if shrink >= 2:
            small = (max(2, image.shape[1] // shrink), max(2, image.shape[0] // shrink))
            reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
            reduced = cv2.GaussianBlur(reduced, (0, 0), sigma / shrink, borderType=cv2.BORDER_REPLICATE)
            size = (image.shape[1], image.shape[0])
            return np.asarray(cv2.resize(reduced, size, interpolation=cv2.INTER_CUBIC), np.float32)
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)

    def polygon(self, points: Points | Array, *, soft_mm: float = 0.0) -> Array:
        """A filled polygon, 1 inside and 0 outside, its edge blurred by ``soft_mm``."""
        mask = np.zeros((self.rows, self.cols), np.uint8)
        fixed = np.round(self.to_px(points) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, lineType=cv2.LINE_AA, shift=4)
        image = mask.astype(np.float32) / 255
        return self.blur(image, soft_mm) if soft_mm else image

    def ellipsoid(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        *,
        angle: float = 0.0,
        power: float = 0.5,
    ) -> Array:
        """A rounded body, 1 at its centre: ``(1 - r^2) ** power`` (0.5 is a true ellipsoid)."""
        reach = max(radii)
        (px, py), r = self.to_px([centre])[0], reach / self.mm + 1
        x0, x1 = (int(np.clip(v, 0, self.cols)) for v in (px - r, px + r + 1))
        y0, y1 = (int(np.clip(v, 0, self.rows)) for v in (py - r, py + r + 1))
        image = self.zeros()
        x, y = self.grid()
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        dx, dy = x[:, x0:x1] - centre[0], y[y0:y1] - centre[1]
        u, v = (dx * c + dy * s) / radii[0], (-dx * s + dy * c) / radii[1]
        image[y0:y1, x0:x1] = np.clip(1 - u * u - v * v, 0, None) ** power
        return image

    def dome(self, points: Points | Array, *, radius_mm: float) -> Array:
        """A polygon whose thickness rises from 0 at its edge to 1 at ``radius_mm`` inside."""
        mask = np.zeros((self.rows, self.cols), np.uint8)
        cv2.fillPoly(mask, [np.round(self.to_px(points)).astype(np.int32)], 255)
        distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5).astype(np.float32) * self.mm
        u = np.clip(distance / radius_mm, 0, 1)
        return np.sqrt(1 - (1 - u) ** 2)

    def distance(self, curve: Array, *, reach_mm: float) -> tuple[Array, Array, slice, slice]:
        """Distance in mm to a curve and the position along it (0 to 1), within ``reach_mm``.

        Returns (distance, position, row slice, column slice): arrays of the curve's
        neighbourhood only, which keeps forty ribs cheap.
        """
        px = self.to_px(curve)
        reach = reach_mm / self.mm + 2
        x0 = int(max(0, np.floor(px[:, 0].min() - reach)))
        x1 = int(min(self.cols, np.ceil(px[:, 0].max() + reach)))
        y0 = int(max(0, np.floor(px[:, 1].min() - reach)))
        y1 = int(min(self.rows, np.ceil(px[:, 1].max() + reach)))
        if x1 - x0 < 2 or y1 - y0 < 2:
            empty = np.zeros((0, 0), np.float32)
            return empty, empty, slice(0, 0), slice(0, 0)
        # Each segment is painted with its own number, so that the nearest one names the position.
        index = np.zeros((y1 - y0, x1 - x0), np.uint16)
        local = px - np.asarray([x0, y0], np.float32)
        for number, (a, b) in enumerate(itertools.pairwise(local), start=1):
            start = (round(float(a[0])), round(float(a[1])))
            stop = (round(float(b[0])), round(float(b[1])))
            cv2.line(index, start, stop, number, 1)
        free = (index == 0).astype(np.uint8)
        distance, labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        along = np.zeros(int(labels.max()) + 1, np.float32)
        on_curve = free == 0
        along[labels[on_curve]] = index[on_curve]
        position = along[labels] / max(1, len(px) - 1)
        return (distance.astype(np.float32) * self.mm, position, slice(y0, y1), slice(x0, x1))

    def tube(
        self,
        image: Array,
        curve: Array,
        *,
        radius_mm: float,
        wall_mm: float,
        cortical: float,
        marrow: float,
        taper: Sequence[float] = (1.0, 1.0),
        gain: Sequence[float] = (1.0, 1.0),
    ) -> None:
        """Add the path length through a hollow bone along ``curve`` to ``image``.

        ``cortical`` and ``marrow`` are attenuation relative to a millimetre of soft tissue;
        ``taper`` scales the radius and ``gain`` the result, both read at even steps along the
        curve.
        """
        d, t, rows, cols = self.distance(curve, reach_mm=radius_mm * max(taper))
        if not d.size:
            return
        radius = radius_mm * np.interp(t, np.linspace(0, 1, len(taper)), taper).astype(np.float32)
        inner = np.clip(radius - wall_mm, 0.1, None)
        outer_path = 2 * np.sqrt(np.clip(radius**2 - d**2, 0, None))
        inner_path = 2 * np.sqrt(np.clip(inner**2 - d**2, 0, None))
        path = cortical * (outer_path - inner_path) + marrow * inner_path
        image[rows, cols] += path * np.interp(t, np.linspace(0, 1, len(gain)), gain)

    def strokes(self, segments: Sequence[tuple[float, float, float, float, float]], *, bits: int = 3) -> Array:
        """Anti-aliased tapered strokes (x0, y0, x1, y1, radius in mm) as path length in mm.

        Strokes of one call do not add up where they cross: the thicker one wins.
        """
        mask = np.zeros((self.rows, self.cols), np.uint8)
        scale = 1 << bits
        ox, oy = self.origin
        ordered = sorted(segments, key=lambda s: s[4])
        for x0, y0, x1, y1, radius in ordered:
            start = (round((x0 / self.mm + ox) * scale), round((y0 / self.mm + oy) * scale))
            stop = (round((x1 / self.mm + ox) * scale), round((y1 / self.mm + oy) * scale))
            width = 2 * radius / self.mm
            # Thinner than a pixel: keep the pixel and weaken it instead.
            value = min(255, max(1, int(radius * 2 * 20 * min(1.0, max(width, 0.3)))))
            cv2.line(mask, start, stop, value, max(1, round(width)), cv2.LINE_AA, bits)
        return mask.astype(np.float32) / 20


def band_noise(rng: np.random.Generator, shape: tuple[int, int], *, fine: float, coarse: float) -> Array:
    """Noise with detail between two sigmas in pixels, zero mean and unit deviation."""
    shrink = max(1, int(fine))
    small = (max(8, shape[0] // shrink), max(8, shape[1] // shrink))
    noise = rng.standard_normal(small, dtype=np.float32)
    band = cv2.GaussianBlur(noise, (0, 0), max(0.6, fine / shrink)) - cv2.GaussianBlur(
        noise, (0, 0), max(0.9, coarse / shrink)
    )
    full = cv2.resize(band, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(full / (full.std() + 1e-9), np.float32)
