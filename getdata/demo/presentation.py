"""What the radiography room adds to a picture: collimator blades and the lead side marker."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from getdata.demo.canvas import Array


def collimate(shape: tuple[int, int], rng: np.random.Generator, spacing: float) -> Array:
    """The exposed field: 1 inside, about 0 outside, its blades a little rotated.

    One picture in three is exposed to its edges and has no border at all.
    """
    rows, cols = shape
    if rng.random() < 0.34:
        return np.ones(shape, np.float32)
    margin = rng.uniform(1, 9, 4) / spacing  # left, top, right, bottom
    slope = np.tan(np.radians(rng.normal(0, 0.5)))
    corners = np.asarray(
        [
            (margin[0] + slope * rows / 2, margin[1]),
            (cols - margin[2] + slope * rows / 2, margin[1] + slope * cols),
            (cols - margin[2] - slope * rows / 2, rows - margin[3]),
            (margin[0] - slope * rows / 2, rows - margin[3] - slope * cols),
        ]
    )
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    field = cv2.GaussianBlur(mask, (0, 0), max(0.8, 0.7 / spacing)).astype(np.float32) / 255
    return np.asarray(0.012 + 0.988 * field, np.float32)


def side_marker(image: Array, letter: str, view: str, rng: np.random.Generator, spacing: float) -> Array:
    """Lay a lead letter in an upper corner, on the side it names when the view is frontal."""
    rows, cols = image.shape
    height = max(10, round(15 / spacing))
    font = ImageFont.load_default(size=height)
    left, top, right, bottom = (round(v) for v in font.getbbox(letter))
    pad = height // 2
    plate = Image.new("L", (right - left + 2 * pad, bottom - top + 2 * pad), 0)
    pen = ImageDraw.Draw(plate)
    pen.text((pad - left, pad - top), letter, fill=255, font=font, stroke_width=height // 22)
    if rng.random() < 0.4:  # some departments use a ringed letter
        width = max(1, height // 12)
        pen.ellipse((width, width, plate.width - width, plate.height - width), outline=235, width=width)
    turned = plate.rotate(rng.normal(0, 4), expand=True, resample=Image.Resampling.BICUBIC)
    stamp: Array = np.asarray(turned, np.float32) / 255
    stamp = cv2.GaussianBlur(stamp, (0, 0), max(0.6, 0.35 / spacing))
    h, w = stamp.shape
    edge = round(13 / spacing)
    patient_left = letter == "L" and view != "LL"
    x = cols - w - edge if patient_left else edge
    y = edge + round(rng.uniform(0, 12) / spacing)
    h, w = min(h, rows - y), min(w, cols - x)
    if h > 0 and w > 0:
        area = image[y : y + h, x : x + w]
        image[y : y + h, x : x + w] = area + (0.97 - area) * stamp[:h, :w]
    return image
