"""One radiograph in many renditions: sizes, depths, detectors' curves, noise, processing, earlier compression.

The radiographs at hand are 8-bit and small. What hospitals send is not: 1,500 to 4,000 pixels, 10 to 15 bits, grain of the
detector, edge enhancement, sometimes an 8-bit export. A rendition keeps the anatomy and draws the rest at random, so that the
components learn what a fault changes and not what one archive looks like.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.integer]
LARGEST = 1400
WINDOW = 832


def fitted(image: Pixels, side: int) -> Pixels:
    """The image reduced so that its longer side is at most ``side``."""
    scale = side / max(image.shape)
    if scale >= 1:
        return image
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def stored(values: NDArray[Any], top: int) -> Pixels:
    """Rounded and limited to 0..``top``."""
    return np.clip(np.rint(values), 0, top).astype(np.uint8 if top < 256 else np.uint16)


def plain(image: Pixels, rng: np.random.Generator) -> tuple[Pixels, int]:
    """The 8-bit image as it came, at most ``LARGEST`` pixels."""
    return fitted(image, LARGEST), 255


def reduced(image: Pixels, rng: np.random.Generator) -> tuple[Pixels, int]:
    """An 8-bit image reduced to between 60 and 95 percent."""
    return fitted(image, round(max(fitted(image, LARGEST).shape) * rng.uniform(0.6, 0.95))), 255


def compressed(image: Pixels, rng: np.random.Generator) -> tuple[Pixels, int]:
    """An 8-bit image that was once a JPEG of quality 75 to 96, and perhaps reduced afterwards."""
    small = fitted(image, LARGEST)
    data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 97))])[1]
    again = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
    return (
        (again, 255) if rng.random() < 0.5 else (fitted(again, round(max(again.shape) * rng.uniform(0.7, 0.95))), 255)
    )


def deep(image: Pixels, rng: np.random.Generator) -> tuple[Pixels, int]:
    """10 to 15 bits: averaged down, so that values between the old levels appear, with the grain of a detector."""
    bits = int(rng.choice([10, 12, 12, 12, 14, 15]))
    values = _averaged(image, rng.uniform(0.55, 0.8))
    return _exposed(values, bits, rng, grain=float(np.exp(rng.uniform(np.log(0.0008), np.log(0.008)))))


def enlarged(image: Pixels, rng: np.random.Generator) -> tuple[Pixels, int]:
    """A native radiograph's size and depth: anatomy enlarged, fine texture of bone and vessels and grain drawn on it."""
    bits = int(rng.choice([10, 12, 12, 14, 15]))
    values = _averaged(image, 0.7)
    side = int(rng.integers(1300, 1900))
    scale = side / max(values.shape)
    size = (round(values.shape[1] * scale), round(values.shape[0] * scale))
    values = np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_CUBIC))
    local = np.asarray(cv2.GaussianBlur(np.abs(values - cv2.GaussianBlur(values, (0, 0), 3)), (0, 0), 6))
    texture = _fractal(values.shape, rng)
    values = values + texture * local * rng.uniform(0.5, 2.0) + texture * rng.uniform(0.0005, 0.003)
    return _exposed(values, bits, rng, grain=float(np.exp(rng.uniform(np.log(0.001), np.log(0.012)))))


RENDITIONS = (plain, reduced, compressed, deep, enlarged)


def window(image: Pixels, rng: np.random.Generator) -> Pixels:
    """A part of at most ``WINDOW`` pixels a side from about the middle: enough for every figure, and quicker to spoil."""
    rows, columns = image.shape
    top = round(max(0, rows - WINDOW) * float(rng.uniform(0.25, 0.75)))
    left = round(max(0, columns - WINDOW) * float(rng.uniform(0.25, 0.75)))
    return image[top : top + WINDOW, left : left + WINDOW]


def _averaged(image: Pixels, scale: float) -> NDArray[np.float32]:
    small = fitted(image, LARGEST).astype(np.float32) / 255
    size = (round(small.shape[1] * scale), round(small.shape[0] * scale))
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _fractal(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise of unit spread whose power falls with frequency, in patches of 512 pixels laid side by side."""
    side = 512
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    radius = np.maximum(np.hypot(fy, fx), 4 / side)
    shaped = np.fft.rfft2(rng.standard_normal((side, side))) / radius ** rng.uniform(0.6, 1.4)
    patch = np.fft.irfft2(shaped, s=(side, side))
    patch = (patch / patch.std()).astype(np.float32)
    repeats = (shape[0] // side + 1, shape[1] // side + 1)
    return np.tile(patch, repeats)[: shape[0], : shape[1]]


def _exposed(values: NDArray[np.floating], bits: int, rng: np.random.Generator, *, grain: float) -> tuple[Pixels, int]:
    """Grain that grows where little light came through and is as soft as a detector is, a curve, edge enhancement, depth."""
    noise = rng.standard_normal(values.shape).astype(np.float32)
    softness = rng.uniform(0, 0.7)
    if softness > 0.3:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), softness))
        noise /= max(float(noise.std()), 1e-6)
    low, high = np.percentile(values, (0.5, 99.5))
    span = max(float(high - low), 1e-6)
    values = values + noise * grain * span * (0.6 + 0.8 * np.clip((values - low) / span, 0, 1))
    if rng.random() < 0.5:
        values = values + (values - cv2.GaussianBlur(values, (0, 0), rng.uniform(1, 6))) * rng.uniform(0.2, 1.0)
    low, high = np.percentile(values, (0.02, 99.98))
    share = np.clip((values - low) / max(float(high - low), 1e-6), -0.02, 1.02) * 0.94 + 0.03
    share = np.clip(share, 0, 1) ** rng.uniform(0.75, 1.35)
    if rng.random() < 0.5:
        share = 1 - share
    top = 2**bits - 1
    return stored(share * top * rng.uniform(0.6, 1.0), top), top
