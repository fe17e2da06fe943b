"""Invented chest radiographs: anatomy, exposure, detector and presentation, from a seed.

``make_phantom`` draws a patient in millimetres (``frontal``, ``lateral``), adds findings and
devices (``pathology``), exposes the result with beam attenuation, scatter and quantum noise, and
presents it as a radiography system does: logarithm, dynamic-range compression, a little edge
enhancement, collimation and a lead side marker.  The same arguments give the same pixels.

No pixel comes from a real person; the pictures are for demonstrations and tests, not for training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from getdata.demo.canvas import Array, Canvas, band_noise
from getdata.demo.devices import DEVICES, add_device
from getdata.demo.frontal import draw_frontal
from getdata.demo.lateral import draw_lateral
from getdata.demo.pathology import FINDINGS, Box, add_finding
from getdata.demo.patient import Anatomy, Build
from getdata.demo.presentation import collimate, side_marker

VIEWS = ("PA", "AP", "LL")
WORKING_LONG_SIDE = 1100
"""Anatomy is drawn at most this large and enlarged; noise and edges are added at full size."""

SOFT_TISSUE_PER_MM = 0.0195
"""Linear attenuation of water near 70 keV effective, per mm (NIST XCOM)."""


@dataclass(frozen=True)
class Phantom:
    """One phantom radiograph.

    ``pixels`` is uint16 of shape (rows, columns) with ``bits_stored`` bits used, as ``photometric``
    says.  ``truth`` holds view, sex, age, findings, devices, laterality, pixel_spacing (mm),
    cardiothoracic_ratio and ``boxes``: a list of ``{"name", "x", "y", "width", "height"}`` in
    pixels.
    """

    pixels: NDArray[np.uint16]
    bits_stored: int
    photometric: str
    truth: dict[str, Any]


def make_phantom(
    seed: int,
    *,
    view: str = "PA",
    sex: str = "F",
    age: int = 50,
    size: tuple[int, int] = (1536, 1280),
    findings: Sequence[str] = (),
    devices: Sequence[str] = (),
    bits_stored: int = 12,
    photometric: str = "MONOCHROME2",
) -> Phantom:
    """Draw one radiograph of ``size`` (rows, columns).

    Raises ValueError naming the argument when a view, finding, device or format is unknown.
    """
    _check(view, sex, size, findings, devices, bits_stored, photometric)
    # One generator each, so that a finding changes neither the patient nor the room.
    root = np.random.default_rng([seed, VIEWS.index(view), age, sex == "F"])
    rng, illness, implants, room = root.spawn(4)
    rows, cols = size
    spacing = max(392 / rows, 326 / cols)  # mm a pixel: the whole chest is always in the picture
    scale = min(1.0, WORKING_LONG_SIDE / max(rows, cols))
    work_rows, work_cols = round(rows * scale), round(cols * scale)
    mm = spacing / scale
    centre = work_cols / 2 + rng.normal(0, 4) / mm
    canvas = Canvas(work_rows, work_cols, mm, (centre, rng.normal(66, 4) / mm))
    build = Build.draw(rng, view=view, sex=sex, age=age, cardiomegaly="cardiomegaly" in findings)
    anatomy = draw_lateral(canvas, build, rng) if view == "LL" else draw_frontal(canvas, build, rng)
    boxes: list[Box] = []
    for name in findings:
        boxes += add_finding(anatomy, name, build, illness, lateral=view == "LL")
    for name in devices:
        boxes += add_device(anatomy, name, build, implants, lateral=view == "LL")

    signal = _expose(anatomy)
    image = np.asarray(cv2.resize(signal, (cols, rows), interpolation=cv2.INTER_CUBIC), np.float32)
    image = _detect(image, room, spacing, portable=view == "AP")
    metal = cv2.resize(anatomy.metal, (cols, rows), interpolation=cv2.INTER_LINEAR)
    image = np.maximum(image, metal * 0.99)
    field = collimate((rows, cols), room, spacing)
    image *= field
    laterality = "L" if room.random() < 0.6 else "R"
    image = side_marker(image, laterality, view, room, spacing)

    top = (1 << bits_stored) - 1
    stored = np.clip(image * (top * 0.96) + top * 0.015, 0, top)
    if photometric == "MONOCHROME1":
        stored = top - stored
    pixels = np.round(stored).astype(np.uint16)
    factor = canvas.mm / spacing
    truth: dict[str, Any] = {
        "view": view,
        "sex": sex,
        "age": age,
        "findings": list(findings),
        "devices": list(devices),
        "marker": laterality,
        "pixel_spacing": round(spacing, 4),
        "cardiothoracic_ratio": round(build.heart, 3),
        "boxes": [box.in_pixels(canvas, factor, size) for box in boxes],
    }
    return Phantom(pixels, bits_stored, photometric, truth)


def _check(
    view: str,
    sex: str,
    size: tuple[int, int],
    findings: Sequence[str],
    devices: Sequence[str],
    bits_stored: int,
    photometric: str,
) -> None:
    if view not in VIEWS:
        raise ValueError(f"view {view!r} is unknown; choose one of {', '.join(VIEWS)}")
    if sex not in ("F", "M", "O"):
        raise ValueError(f"sex {sex!r} is unknown; choose F, M or O")
    if min(size) < 64 or max(size) > 5000:
        raise ValueError(f"size {size} is outside 64 to 5000 pixels a side")
    for name in findings:
        if name not in FINDINGS:
            raise ValueError(f"finding {name!r} is unknown; choose from {', '.join(FINDINGS)}")
    for name in devices:
        if name not in DEVICES:
            raise ValueError(f"device {name!r} is unknown; choose from {', '.join(DEVICES)}")
    if not 8 <= bits_stored <= 16:
        raise ValueError(f"bits_stored {bits_stored} is outside 8 to 16")
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"photometric {photometric!r} is not MONOCHROME1 or MONOCHROME2")


def _expose(anatomy: Anatomy) -> Array:
    """Path lengths to a presented picture without noise, 0 (direct exposure) to about 1."""
    c = anatomy.canvas
    path = SOFT_TISSUE_PER_MM * np.clip(anatomy.tissue, 0, None)
    primary = np.exp(-path)
    # Scatter: a wide blur of what left the patient; a grid removes most of it.
    scatter = c.blur(primary, 28)
    detected = 0.94 * primary + 0.11 * scatter * (path > 0.02) + 0.0016
    density = -np.log(detected)
    low = c.blur(density, 16)
    compressed = density - 0.30 * (low - 2.2)
    edges = density - c.blur(density, 1.6)
    presented = compressed + 0.35 * edges
    inside = path > 0.3
    if inside.any():
        dark, bright = np.percentile(presented[inside], [1.5, 99.4])
    else:
        dark, bright = 0.0, 1.0
    level = (presented - dark) / max(1e-3, bright - dark)
    level = 0.13 + 0.80 * level
    # The toe and shoulder of a film-like curve.
    return np.asarray(1 / (1 + np.exp(-(level - 0.47) * 4.6)), np.float32)


def _detect(image: Array, rng: np.random.Generator, spacing: float, *, portable: bool) -> Array:
    """Quantum noise (stronger where fewer photons arrive), grain and fixed-pattern lines."""
    rows, cols = image.shape
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    sigma = 0.30 / spacing  # the phosphor's own blur
    if sigma > 0.5:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.float32)
        noise /= 1 / (2 * np.sqrt(np.pi) * sigma)
    dose = 0.0085 if portable else 0.006
    image = image + noise * (dose * (0.45 + 1.1 * image))
    image = image + band_noise(rng, (rows, cols), fine=3, coarse=9) * np.float32(0.0015)
    lines = rng.standard_normal((1, cols), dtype=np.float32) * np.float32(0.0008)
    return np.asarray(np.clip(image + lines, 0, 1), np.float32)
