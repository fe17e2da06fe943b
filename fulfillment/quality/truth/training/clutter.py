"""Pictures that are no radiographs: noise, bars, test patterns, text pages, shapes, cuts of photographs, cross sections."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SIDE = 160


def blurred(image: Array, sigma: float) -> Array:
    """Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)


def _clouds(rng: np.random.Generator) -> Array:
    steep = rng.uniform(0.3, 2.2)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    frequency[0, 0] = 1
    waves = np.fft.rfft2(rng.normal(size=(SIDE, SIDE))) / frequency**steep
    return np.fft.irfft2(waves, s=(SIDE, SIDE)).astype(np.float32)


def _bars(rng: np.random.Generator) -> Array:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    angle, count = rng.uniform(0, np.pi), rng.uniform(1, 30)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * count * 2 * np.pi)
    match int(rng.integers(4)):
        case 0:
            return wave
        case 1:
            return np.sign(wave)
        case 2:
            return np.sign(wave * np.sin((y * np.cos(angle) - x * np.sin(angle)) * count * 2 * np.pi))
        case _:
            return x * np.cos(angle) + y * np.sin(angle)


def _pattern(rng: np.random.Generator) -> Array:
    """Steps, squares, circles and lines as on a monitor's test picture."""
    image = np.full((SIDE, SIDE), rng.uniform(0, 255), np.float32)
    for _ in range(int(rng.integers(3, 40))):
        a, b = rng.integers(0, SIDE, 2), rng.integers(0, SIDE, 2)
        value, width = float(rng.uniform(0, 255)), int(rng.choice([-1, 1, 2, 4]))
        match int(rng.integers(4)):
            case 0:
                cv2.rectangle(image, tuple(map(int, a)), tuple(map(int, b)), value, width)
            case 1:
                cv2.circle(image, tuple(map(int, a)), int(rng.integers(2, 60)), value, width)
            case 2:
                cv2.line(image, tuple(map(int, a)), tuple(map(int, b)), value, max(1, width))
            case _:
                axes = tuple(map(int, rng.integers(3, 60, 2)))
                cv2.ellipse(image, tuple(map(int, a)), axes, float(rng.uniform(0, 180)), 0, 360, value, width)
    if rng.random() < 0.3:
        image = np.maximum(image, image[:, ::-1])
    return blurred(image, rng.uniform(0.4, 6)) if rng.random() < 0.5 else image


def lettered(image: Array, text: str, at: tuple[int, int], size: float, value: float, width: int = 1) -> Array:
    """The picture with a line of text in one grey value."""
    mask = np.zeros(image.shape, np.uint8)
    cv2.putText(mask, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, width, cv2.LINE_AA)
    share = mask.astype(np.float32) / 255
    return np.asarray(image * (1 - share) + np.float32(value) * share, dtype=np.float32)


def _page(rng: np.random.Generator) -> Array:
    image = np.full((SIDE, SIDE), 240, np.float32)
    y, letters = int(rng.integers(5, 20)), "abcdefghiklmnoprstuvwxyzABCDEFGHIKLMNOPRST 0123456789    "
    while y < SIDE:
        size = rng.uniform(0.25, 0.7)
        text = "".join(rng.choice(list(letters), int(rng.integers(3, 50))))
        image = lettered(image, text, (int(rng.integers(2, 30)), y), size, float(rng.uniform(0, 120)))
        y += int(size * rng.uniform(22, 60))
    return image if rng.random() < 0.6 else 255 - image


def _section(rng: np.random.Generator) -> Array:
    """Something like a slice across the body or the head: an oval with organs, in a round field or not."""
    image = np.zeros((SIDE, SIDE), np.float32)
    wide, deep = rng.uniform(50, 75), rng.uniform(35, 65)
    middle = (SIDE // 2, SIDE // 2)
    cv2.ellipse(image, middle, (int(wide), int(deep)), 0, 0, 360, float(rng.uniform(90, 140)), -1)
    cv2.ellipse(image, middle, (int(wide - 5), int(deep - 5)), 0, 0, 360, float(rng.uniform(120, 170)), -1)
    if rng.random() < 0.5:
        value = float(rng.uniform(0, 60))
        for side in (-1, 1):
            at = (int(SIDE / 2 + side * wide * 0.5), int(SIDE / 2 - rng.uniform(-6, 6)))
            cv2.ellipse(
                image, at, (int(wide * 0.34), int(deep * 0.7)), float(side * rng.uniform(-10, 10)), 0, 360, value, -1
            )
    for _ in range(int(rng.integers(3, 14))):
        at = (int(SIDE / 2 + rng.normal(0, wide * 0.4)), int(SIDE / 2 + rng.normal(0, deep * 0.4)))
        axes = tuple(map(int, rng.integers(2, 20, 2)))
        cv2.ellipse(image, at, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(60, 200)), -1)
    cv2.ellipse(image, (SIDE // 2, int(SIDE / 2 + deep * 0.65)), (9, 8), 0, 0, 360, 250, -1)
    if rng.random() < 0.3:
        cv2.ellipse(image, middle, (int(wide * 0.95), int(deep * 0.95)), 0, 0, 360, 255, int(rng.integers(3, 9)))
    if rng.random() < 0.4:
        cv2.ellipse(
            image, (SIDE // 2, int(SIDE / 2 + deep * 0.4)), (int(wide * 1.1), int(deep * 0.9)), 0, 20, 160, 200, 2
        )
    return blurred(image, rng.uniform(0.5, 1.5)) + rng.normal(0, rng.uniform(1, 15), image.shape).astype(np.float32)


def cut_of(photograph: Array, rng: np.random.Generator) -> Array:
    """A random part of a larger picture."""
    rows, columns = photograph.shape
    share = rng.uniform(0.25, 1, 2)
    height, width = max(24, int(rows * share[0])), max(24, int(columns * share[1]))
    top, left = int(rng.integers(0, max(1, rows - height + 1))), int(rng.integers(0, max(1, columns - width + 1)))
    part = photograph[top : top + height, left : left + width]
    return np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.float32)


def draw(rng: np.random.Generator, photographs: list[Array]) -> Array:
    """One picture (SIDE, SIDE), any grey scale."""
    kind = rng.random()
    if photographs and kind < 0.45:
        image = cut_of(photographs[int(rng.integers(len(photographs)))], rng)
    else:
        makers = (_clouds, _bars, _pattern, _page, _section, _section)
        image = makers[int(rng.integers(len(makers)))](rng)
    if rng.random() < 0.15:
        image = image + _clouds(rng) * float(image.std() * rng.uniform(0.2, 1))
    return np.asarray(image, dtype=np.float32)
