"""What happens to a radiograph between two deliveries: changes that leave it the same radiograph.

Each takes an 8-bit picture (rows, columns) and a generator for what is left to chance, and gives an 8-bit picture.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Chance = np.random.Generator
Transform = Callable[[Picture, Chance], Picture]


def _scaled(picture: Picture, factor: float) -> Picture:
    rows, columns = picture.shape
    size = (max(8, round(columns * factor)), max(8, round(rows * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def _cut(picture: Picture, top: float, right: float, bottom: float, left: float) -> Picture:
    rows, columns = picture.shape
    return picture[
        round(rows * top) : rows - round(rows * bottom), round(columns * left) : columns - round(columns * right)
    ]


def _centre(picture: Picture, kept: float) -> Picture:
    side = (1 - kept) / 2
    return _cut(picture, side, side, side, side)


def _off_centre(picture: Picture, chance: Chance, kept: float = 0.8) -> Picture:
    top, left = chance.uniform(0, 1 - kept, 2)
    return _cut(picture, top, 1 - kept - left, 1 - kept - top, left)


def _jpeg(picture: Picture, quality: int) -> Picture:
    _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.uint8)


def _window(picture: Picture, low: float, high: float) -> Picture:
    a, b = np.percentile(picture, (low, high))
    return np.clip((picture.astype(np.float32) - a) * (255 / max(1.0, b - a)), 0, 255).astype(np.uint8)


def _gamma(picture: Picture, power: float) -> Picture:
    return (255 * (picture / 255.0) ** power).astype(np.uint8)


def _text(picture: Picture, chance: Chance) -> Picture:
    out = picture.copy()
    rows, columns = out.shape
    size = rows / 700
    for line, words in enumerate(("PORTABLE CHEST", "AP SUPINE 14:02", "KV 85 MAS 2.5", "L")):
        place = (int(columns * 0.03), int(rows * (0.07 + 0.06 * line)))
        cv2.putText(out, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(1, round(2 * size)), cv2.LINE_AA)
    place = (int(columns * chance.uniform(0.4, 0.7)), int(rows * 0.95))
    cv2.putText(out, "FOR REVIEW", place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(1, round(2 * size)), cv2.LINE_AA)
    return out


def _rotated(picture: Picture, degrees: float, *, grown: bool = False) -> Picture:
    rows, columns = picture.shape
    matrix = cv2.getRotationMatrix2D((columns / 2 - 0.5, rows / 2 - 0.5), degrees, 1.0)
    if grown:
        sine, cosine = abs(np.sin(np.deg2rad(degrees))), abs(np.cos(np.deg2rad(degrees)))
        wide, high = round(columns * cosine + rows * sine), round(rows * cosine + columns * sine)
        matrix[:, 2] += ((wide - columns) / 2, (high - rows) / 2)
        columns, rows = wide, high
    return np.asarray(cv2.warpAffine(picture, matrix, (columns, rows), flags=cv2.INTER_LINEAR), np.uint8)


def _noise(picture: Picture, chance: Chance, strength: float) -> Picture:
    return np.clip(picture + strength * chance.standard_normal(picture.shape), 0, 255).astype(np.uint8)


def _border(picture: Picture, share: float, value: int) -> Picture:
    wide = round(max(picture.shape) * share)
    return np.pad(picture, wide, constant_values=value)


def _square(picture: Picture) -> Picture:
    rows, columns = picture.shape
    side = round(max(rows, columns) * (1.12 if rows == columns else 1))
    top, left = (side - rows) // 2, (side - columns) // 2
    return np.pad(picture, ((top, side - rows - top), (left, side - columns - left)))


def _screenshot(picture: Picture, chance: Chance) -> Picture:
    """A viewer's window: a title bar, a tool bar at the left, patient details over the corners, a grey ground."""
    rows, columns = picture.shape
    screen = np.full((round(rows * 1.16), round(columns * 1.2)), 60, np.uint8)
    top, left = round(rows * 0.1), round(columns * 0.13)
    screen[top : top + rows, left : left + columns] = picture
    screen[: round(rows * 0.05)] = 200
    size = rows / 900
    for words, x, y in (("Viewer 3.1  File  Edit  View", 0.02, 0.035), ("W 2048 L 1024", 0.75, 0.97)):
        place = (int(screen.shape[1] * x), int(screen.shape[0] * y))
        cv2.putText(screen, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, 20, max(1, round(size * 2)), cv2.LINE_AA)
    for number in range(8):
        y = top + round(rows * 0.1 * number)
        cv2.rectangle(screen, (round(columns * 0.03), y), (round(columns * 0.09), y + round(rows * 0.05)), 140, -1)
    return screen


def _masked(picture: Picture, chance: Chance) -> Picture:
    """Black boxes where text was: two corners and one more anywhere near an edge."""
    out = picture.copy()
    rows, columns = out.shape
    out[: round(rows * 0.12), : round(columns * 0.3)] = 0
    out[round(rows * 0.9) :, round(columns * 0.65) :] = 0
    left = round(columns * chance.uniform(0.3, 0.6))
    out[: round(rows * 0.08), left : left + round(columns * 0.25)] = 0
    return out


def _shifted(picture: Picture, chance: Chance) -> Picture:
    rows, columns = picture.shape
    x, y = chance.choice([-1, 1], 2) * chance.uniform(0.03, 0.07, 2)
    matrix = np.array([[1, 0, x * columns], [0, 1, y * rows]], np.float32)
    return np.asarray(cv2.warpAffine(picture, matrix, (columns, rows)), np.uint8)


def _sheared(picture: Picture) -> Picture:
    rows, columns = picture.shape
    matrix = np.array([[1, 0.05, -0.025 * rows], [0, 1, 0]], np.float32)
    return np.asarray(cv2.warpAffine(picture, matrix, (columns, rows)), np.uint8)


def _perspective(picture: Picture, chance: Chance) -> Picture:
    """As photographed from a light box, a little from the side."""
    rows, columns = picture.shape
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    moved = corners + (chance.uniform(0, 0.04, (4, 2)) * [[1, 1], [-1, 1], [-1, -1], [1, -1]] * [columns, rows])
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return np.asarray(cv2.warpPerspective(picture, matrix, (columns, rows)), np.uint8)


def _clahe(picture: Picture) -> Picture:
    return np.asarray(cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(picture), np.uint8)


def _depth(picture: Picture, levels: int) -> Picture:
    step = 256 // levels
    return (picture // step * step + step // 2).astype(np.uint8)


TRANSFORMS: dict[str, Transform] = {
    # the nineteen of the acceptance and its close relatives
    "half size": lambda p, c: _scaled(p, 0.5),
    "quarter size": lambda p, c: _scaled(p, 0.25),
    "enlarged": lambda p, c: _scaled(p, 1.7),
    "crop 10 %": lambda p, c: _centre(p, 0.9),
    "crop 20 %": lambda p, c: _centre(p, 0.8),
    "crop 20 %, off centre": lambda p, c: _off_centre(p, c),
    "crop 20 % of one side": lambda p, c: _cut(p, 0, 0, 0.2, 0) if c.random() < 0.5 else _cut(p, 0, 0.2, 0, 0),
    "crop 20 % from each side": lambda p, c: _cut(p, 0.2, 0.2, 0.2, 0.2),
    "JPEG quality 40": lambda p, c: _jpeg(p, 40),
    "JPEG quality 10": lambda p, c: _jpeg(p, 10),
    "narrow window": lambda p, c: _window(p, 15, 85),
    "wide window": lambda p, c: (p * 0.45 + 70).astype(np.uint8),
    "text burned in": _text,
    "rotation 2 degrees": lambda p, c: _rotated(p, float(c.choice([-2.0, 2.0]))),
    "rotation 5 degrees": lambda p, c: _rotated(p, float(c.choice([-5.0, 5.0]))),
    "rotation 5 degrees, frame grown": lambda p, c: _rotated(p, float(c.choice([-5.0, 5.0])), grown=True),
    "rotation 8 degrees": lambda p, c: _rotated(p, float(c.choice([-8.0, 8.0]))),
    "inverted": lambda p, c: 255 - p,
    "mirrored": lambda p, c: p[:, ::-1].copy(),
    "quarter turn": lambda p, c: np.rot90(p, int(c.choice([1, 3]))).copy(),
    "half turn": lambda p, c: np.rot90(p, 2).copy(),
    "gamma 0.5": lambda p, c: _gamma(p, 0.5),
    "gamma 2": lambda p, c: _gamma(p, 2.0),
    "blur": lambda p, c: np.asarray(cv2.GaussianBlur(p, (0, 0), max(p.shape) / 350), np.uint8),
    "noise": lambda p, c: _noise(p, c, 20),
    "border": lambda p, c: _border(p, 0.06, int(c.choice([0, 255]))),
    "CLAHE": lambda p, c: _clahe(p),
    "16 grey values": lambda p, c: _depth(p, 16),
    "padded to a square": lambda p, c: _square(p),
    "screenshot": _screenshot,
    "masks of de-identification": _masked,
    "shift": _shifted,
    "shear": lambda p, c: _sheared(p),
    "perspective": _perspective,
    "crop 10 % + JPEG 40 + gamma": lambda p, c: _gamma(_jpeg(_centre(p, 0.9), 40), 1.5),
    "rotation 3 degrees + crop 10 %": lambda p, c: _centre(_rotated(p, float(c.choice([-3.0, 3.0]))), 0.9),
    "inverted + mirrored + half size": lambda p, c: _scaled(255 - p[:, ::-1], 0.5),
    "masks + text + JPEG 40": lambda p, c: _jpeg(_text(_masked(p, c), c), 40),
}
