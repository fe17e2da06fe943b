"""From a drawing or a real picture to one of a thousand ways it may come: exposure, processing, framing, marks, orientation.

Real and invented pictures, and all classes, pass through the same steps, so that none is known by its style.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.quality.truth.training.clutter import blurred, lettered

Array = NDArray[np.float32]
SIDE = 144


def project(maps: Array, rng: np.random.Generator) -> Array:
    """Grey values, bones bright, from three maps of thickness (soft, bone, lung)."""
    soft, bone, lung = maps.astype(np.float32)
    water = soft + bone * np.float32(rng.uniform(0.6, 2.4)) + lung * np.float32(rng.uniform(0.7, 1.2))
    if rng.random() < 0.5:
        return water
    # What a detector sees before its logarithm: dense parts go together, the lungs spread out.
    mean = max(float(water[water > 5].mean()) if (water > 5).any() else 1.0, 1.0)
    seen = np.exp(-water / mean * rng.uniform(0.5, 2.5)) + rng.uniform(0.0, 0.15)
    return np.asarray(-np.log(seen) if rng.random() < 0.4 else -seen, dtype=np.float32)


def chest_frame(maps: Array, rng: np.random.Generator) -> tuple[int, int, int, int] | None:
    """A field around the lungs as a radiographer would choose it: top, bottom, left, right; None if there are no lungs."""
    field = maps[2] > 6
    rows, columns = np.flatnonzero(field.sum(1) > 3), np.flatnonzero(field.sum(0) > 3)
    if rows.size < 12 or columns.size < 8:
        return None
    height, width = rows[-1] - rows[0], columns[-1] - columns[0]
    side = maps.shape[1]
    loose = rng.choice([0.12, 0.3, 0.6])
    edges = [
        rows[0] - height * rng.uniform(-0.03, loose), rows[-1] + height * rng.uniform(-0.05, loose),
        columns[0] - width * rng.uniform(-0.03, loose), columns[-1] + width * rng.uniform(-0.03, loose),
    ]  # fmt: skip
    top, bottom, left, right = (int(np.clip(edge, 0, side)) for edge in edges)
    return top, bottom, left, right


def elsewhere_frame(maps: Array, rng: np.random.Generator) -> tuple[int, int, int, int] | None:
    """A field of the same body that holds next to no lung: abdomen, neck, shoulder, arm."""
    side = maps.shape[1]
    field, body = maps[2] > 6, maps[0] > 10
    for _ in range(12):
        height, width = (int(v) for v in rng.uniform(0.2, 0.6, 2) * side)
        top, left = int(rng.integers(0, side - height)), int(rng.integers(0, side - width))
        place = np.s_[top : top + height, left : left + width]
        if field[place].mean() < 0.04 and body[place].mean() > 0.45 and maps[0][place].std() > 12:
            return top, top + height, left, left + width
    return None


def _curve(image: Array, rng: np.random.Generator) -> Array:
    """0 to 1, by a window, a gamma and an S, more or less."""
    low, high = np.percentile(image, (rng.uniform(0, 4), 100 - rng.uniform(0, 4)))
    span = max(float(high - low), 1e-6)
    low, high = low - span * rng.uniform(-0.05, 0.25), high + span * rng.uniform(-0.08, 0.4)
    value = np.clip((image - low) / (high - low), 0, 1)
    value = value ** np.float32(np.exp(rng.normal(0, 0.45)))
    if rng.random() < 0.4:
        steep, middle = rng.uniform(2, 9), rng.uniform(0.3, 0.7)
        value = 1 / (1 + np.exp(-(value - middle) * steep))
    return value.astype(np.float32)


def _processed(image: Array, rng: np.random.Generator) -> Array:
    if rng.random() < 0.3:
        tiles = int(rng.integers(2, 9))
        level = cv2.createCLAHE(float(rng.uniform(1, 5)), (tiles, tiles)).apply((image * 255).astype(np.uint8))
        image = level.astype(np.float32) / np.float32(255)
    if rng.random() < 0.3:
        coarse = blurred(image, rng.uniform(2, 20))
        image = image + (image - coarse) * np.float32(rng.uniform(0.2, 1.5))
    if rng.random() < 0.4:
        image = blurred(image, rng.uniform(0.4, 2.5))
    if rng.random() < 0.6:
        grain = rng.normal(0, 1, image.shape).astype(np.float32)
        if rng.random() < 0.5:
            grain = blurred(grain, 0.7) * 2
        image = image + grain * np.float32(rng.uniform(0.005, 0.07))
    if rng.random() < 0.25:  # uneven field, heel effect
        y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32) / SIDE - 0.5
        image = image + (x * rng.normal(0, 0.25) + y * rng.normal(0, 0.25)).astype(np.float32)
    return np.asarray(image, dtype=np.float32)


def _marked(image: Array, rng: np.random.Generator) -> Array:
    image = np.ascontiguousarray(image)
    rows, columns = image.shape
    for _ in range(int(rng.integers(0, 4))):
        text = rng.choice(["L", "R", "PA", "AP", "PORTABLE", "ERECT", "12:31", "SUPINE", "2", "LAT", "D", "G"])
        at = (int(rng.integers(0, columns)), int(rng.integers(6, rows)))
        value = float(rng.choice([image.max(), image.min()]))
        image = lettered(image, str(text), at, float(rng.uniform(0.2, 0.6)), value, int(rng.integers(1, 3)))
    if rng.random() < 0.15:
        a, b = rng.integers(0, rows, 2), rng.integers(0, columns, 2)
        cv2.rectangle(
            image,
            (int(b[0]), int(a[0])),
            (int(b[0] + rng.integers(4, 40)), int(a[0] + rng.integers(4, 25))),
            float(rng.choice([0, 1])),
            -1,
        )
    return image


def _collimated(image: Array, rng: np.random.Generator) -> Array:
    """Shutters, a tilted field, or plain padding, black or white."""
    value = np.float32(rng.choice([image.min(), image.max(), 0.0, 1.0, rng.uniform(0, 1)]))
    rows, columns = image.shape
    if rng.random() < 0.5:
        widths = (rng.uniform(0, 0.22, 4) * (rng.random(4) < 0.6) * SIDE).astype(int)
        top, bottom, left, right = (int(width) for width in widths)
        framed = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=float(value))
        return np.asarray(framed, dtype=np.float32)
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    corners += rng.normal(0, 0.035, (4, 2)).astype(np.float32) * SIDE + (
        np.array([columns / 2, rows / 2]) - corners
    ) * np.float32(rng.uniform(0, 0.12))
    mask = np.zeros(image.shape, np.uint8)
    cv2.fillConvexPoly(mask, corners.round().astype(np.int32), 1)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), rng.uniform(0.3, 2))
    return np.asarray(image * soft + (value + image * np.float32(rng.choice([0, 0.15]))) * (1 - soft), dtype=np.float32)


def vary(image: Array, rng: np.random.Generator, *, tilt: float = 9.0) -> Array:
    """One upright picture of bright bones as it may come, still upright. `image` has any size and scale."""
    image = np.asarray(
        cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA if image.shape[0] > SIDE else cv2.INTER_CUBIC)
    )
    image = _curve(image, rng)
    if rng.random() < 0.6:
        angle, zoom = rng.normal(0, tilt / 2), rng.uniform(0.95, 1.12)
        matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), float(np.clip(angle, -tilt, tilt)), zoom)
        matrix[0, 1] += rng.normal(0, 0.02)
        border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
        image[:] = cv2.warpAffine(
            image,
            matrix,
            (SIDE, SIDE),
            flags=cv2.INTER_LINEAR,
            borderMode=border,
            borderValue=float(rng.choice([0, 1])),
        )
    image = _marked(_processed(image, rng), rng)
    if rng.random() < 0.35:
        image = _collimated(image, rng)
    return np.asarray(image, dtype=np.float32)
