"""Pictures of nothing, with the statistics of pictures: dead leaves (Matheron 1968; Lee, Mumford and Huang 2001).

Discs and bars of all sizes fall on each other, some textured, some soft, over slow shades. They stand in for archives that are
not at hand: what compression, blur or noise do to edges, texture and calm areas does not depend on what is shown.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def dead_leaves(seed: int, side: int = 1024) -> NDArray[np.uint8]:
    """An 8-bit image of (side, side) pixels; the same seed gives the same pixels."""
    rng = np.random.default_rng((seed, 7))
    canvas = _shade(side, rng)
    texture = _texture(side, rng)
    power = rng.uniform(1.5, 2.6)
    for _ in range(int(rng.integers(80, 500))):
        radius = side * 0.004 / max(1e-3, float(rng.random())) ** (1 / power)
        _drop(canvas, texture, min(radius, side / 3), rng)
    canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.4, 1.4)), dtype=np.float32)
    canvas += texture * rng.uniform(0, 0.02)
    canvas += rng.standard_normal(canvas.shape).astype(np.float32) * float(
        np.exp(rng.uniform(np.log(5e-4), np.log(8e-3)))
    )
    low, high = np.percentile(canvas, (0.1, 99.9))
    scaled = (canvas - low) / max(float(high - low), 1e-6) * rng.uniform(180, 250) + rng.uniform(0, 5)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _shade(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    coarse = rng.random((int(rng.integers(3, 8)), int(rng.integers(3, 8)))).astype(np.float32)
    return np.array(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _texture(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    radius = np.maximum(np.hypot(fy, fx), 2 / side)
    field = np.fft.irfft2(
        np.fft.rfft2(rng.standard_normal((side, side))) / radius ** rng.uniform(0.8, 1.8), s=(side, side)
    )
    return (field / field.std()).astype(np.float32)


def _drop(canvas: NDArray[np.float32], texture: NDArray[np.float32], radius: float, rng: np.random.Generator) -> None:
    """One disc, ellipse or bar, opaque or half transparent as bones over lungs are, at times with texture on it."""
    side = canvas.shape[0]
    x, y = (int(v) for v in rng.integers(0, side, 2))
    axes = (max(1, int(radius)), max(1, int(radius * rng.uniform(0.15, 1))))
    softness = float(rng.choice([0, 0, 1.5, 4])) if radius < side / 12 else float(rng.choice([0, 2, 6]))
    reach = int(max(axes) + 4 * softness + 3)
    y0, y1, x0, x1 = max(0, y - reach), min(side, y + reach), max(0, x - reach), min(side, x + reach)
    part = np.zeros((y1 - y0, x1 - x0), np.float32)
    cv2.ellipse(part, (x - x0, y - y0), axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1, cv2.LINE_AA)
    if softness:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), softness))
    weight = part * float(rng.choice([1.0, 0.5, 0.25]))
    value = float(rng.random()) + texture[y0:y1, x0:x1] * float(rng.choice([0, 0.01, 0.04]))
    canvas[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - weight) + value * weight
