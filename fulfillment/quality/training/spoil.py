"""Ways of spoiling a radiograph, each in growing strengths drawn at random around fixed ones."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.quality.training.renditions import Pixels, stored

STEPS = 4


def spoiled(image: Pixels, top: int, rng: np.random.Generator) -> Iterator[tuple[str, list[Pixels]]]:
    """The name of each way and the image in growing strengths. ``top``: the largest value that can be stored."""
    values = image.astype(np.float32)
    low, high = np.percentile(image, (0.5, 99.5))
    span = float(high - low)

    def near(*strengths: float) -> list[float]:
        return [strength * float(np.exp(rng.uniform(-0.15, 0.15))) for strength in strengths]

    yield "blur", [stored(cv2.GaussianBlur(values, (0, 0), s), top) for s in near(0.65, 1.1, 1.9, 3.4)]
    grain = rng.standard_normal(image.shape).astype(np.float32) * span
    yield "noise", [stored(values + grain * share, top) for share in near(0.006, 0.014, 0.032, 0.075)]
    yield "quantise", [stored(np.floor(values / step) * step, top) for step in _steps(top, rng)]
    qualities = [
        int(q) for q in (rng.integers(84, 93), rng.integers(65, 78), rng.integers(42, 58), rng.integers(15, 30))
    ]
    yield "jpeg", [_compressed(values, top, quality) for quality in qualities]
    way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)[rng.integers(3)]
    yield "down-up", [_reduced_and_enlarged(values, top, share, way) for share in near(0.75, 0.52, 0.36, 0.25)]
    yield "clip", [_clipped(values, top, percent) for percent in near(1, 3, 6, 12)]
    angle = int(rng.integers(4))
    lengths = (3 + int(rng.integers(2)), 7 + int(rng.integers(3)), 13 + int(rng.integers(4)), 23 + int(rng.integers(6)))
    yield "motion", [stored(cv2.filter2D(values, -1, _path(length, angle)), top) for length in lengths]
    for name, factor in (("enlarged", 2.0), ("enlarged-by-less", float(rng.uniform(1.3, 1.8)))):
        yield name, [stored(cv2.resize(values, None, fx=factor, fy=factor, interpolation=way), top)]
    if top > 255:
        yield "8-bit export", [_exported(values, top, rng)]


def _steps(top: int, rng: np.random.Generator) -> list[float]:
    """Distances between the values that are left: 7 to 4 of 8 bits, or, of deep images, 8 to 5."""
    first = 2.0 if top < 256 else (top + 1) / 256 * float(rng.choice([0.5, 1.0, 2.0]))
    return [first * 2**k for k in range(STEPS)]


def _compressed(values: NDArray[np.float32], top: int, quality: int) -> Pixels:
    data = cv2.imencode(".jpg", stored(values * (255 / top), 255), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return stored(np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)) * (top / 255), top)


def _reduced_and_enlarged(values: NDArray[np.float32], top: int, share: float, way: int) -> Pixels:
    rows, columns = values.shape
    small = cv2.resize(values, (round(columns * share), round(rows * share)), interpolation=cv2.INTER_AREA)
    return stored(np.asarray(cv2.resize(small, (columns, rows), interpolation=way)), top)


def _clipped(values: NDArray[np.float32], top: int, percent: float) -> Pixels:
    low, high = np.percentile(values, (percent, 100 - percent))
    return stored((np.clip(values, low, high) - low) / max(float(high - low), 1) * top, top)


def _path(length: int, angle: int) -> NDArray[np.float32]:
    kernel = np.zeros((length, length), np.float32)
    if angle == 0:
        kernel[length // 2] = 1
    elif angle == 1:
        kernel[:, length // 2] = 1
    else:
        np.fill_diagonal(kernel if angle == 2 else kernel[:, ::-1], 1)
    return kernel / kernel.sum()


def _exported(values: NDArray[np.float32], top: int, rng: np.random.Generator) -> Pixels:
    """Windowed to 8 bits, and either left so or put back into a larger container."""
    low, high = np.percentile(values, (float(rng.uniform(0, 0.5)), float(rng.uniform(99.5, 100))))
    eight = stored((values - low) / max(float(high - low), 1) * 255, 255)
    return eight if rng.random() < 0.3 else (eight.astype(np.uint16) * ((top + 1) // 256))
