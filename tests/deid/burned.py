"""Strings burned into radiographs for measuring the text detector: drawn by code of its own, not by what drew the training
text, so that the two share no habit."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Pixels = NDArray[np.uint16]
TOP = 4095
_NAMES = (
    "OKONKWO, AMARA|Smith^John A|MÜLLER HANS-PETER|Garcia-Lopez M.|Nguyen Thi Hoa|Brackwater, T|"
    "O'DONNELL Siobhan|van der Berg J|KOWALSKA ANNA|Ivanova E.|DE SOUZA Maria|Fitzgerald|LI WEI|"
    "Abdullah Yusuf|Featherstone W"
).split("|")
_NUMBERS = (
    "DOB 12/04/1950|MRN 00718293|15.03.2024 10:15|Acc 9988776|ID: 4471-882|2021-11-30|PID#A0093841|"
    "03-JUL-1962|(555) 013-4477|7741902|Visit 20230914|12:44:08 PM|Age 67Y F|1948/02/29"
).split("|")
_PLACES = (
    "ST. ALDHELM HOSP|City General Radiology|Ward 7 Bed 12|Dr. Quillfeather|Klinikum Nord|"
    "Hosp. San Telmo|ROOM XR-3 / tech RJW"
).split("|")
MARKERS = "L|R|PA|AP|PORTABLE|ERECT|SUPINE|AP UPRIGHT|LAT|PA ERECT|RIGHT|LEFT".split("|")
STYLES = ("white", "black", "plate", "clear plate", "faint", "soft", "outline")


@dataclass(frozen=True)
class Burned:
    """One string: where its ink is (bool, the image's shape), and how it was written."""

    glyphs: NDArray[np.bool_]
    text: str
    height: int
    style: str
    angle: float
    font: str
    marker: bool


@cache
def _face(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _face_of_height(path: str, height: int) -> ImageFont.FreeTypeFont:
    """The font at the size whose capital H is `height` pixels tall."""
    box = _face(path, 200).getbbox("H")
    return _face(path, max(4, round(height * 200 / max(1, box[3] - box[1]))))


def letters(rng: np.random.Generator, path: str, text: str, height: int, angle: float) -> NDArray[np.float64]:
    """Coverage of a string, 0 to 1, cut to its ink."""
    face = _face_of_height(path, height)
    left, top, right, bottom = face.getbbox(text)
    tile = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8), 0)
    ImageDraw.Draw(tile).text((4 - left, 4 - top), text, fill=255, font=face)
    if angle:
        tile = tile.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)
    ink = np.asarray(tile, dtype=np.float64) / 255
    ys, xs = np.nonzero(ink > 0.1)
    return ink[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] if ys.size else ink


def burn(
    image: Pixels, rng: np.random.Generator, fonts: list[str], taken: NDArray[np.bool_], *, marker: bool = False
) -> tuple[Pixels, Burned | None]:
    """The 12-bit image with one more string, and the string; (image, None) when no free and readable place was found."""
    rows, columns = image.shape
    path = fonts[int(rng.integers(len(fonts)))]
    text = str(rng.choice(MARKERS if marker else [*_NAMES, *_NAMES, *_NUMBERS, *_NUMBERS, *_PLACES]))
    height = round(float(np.exp(rng.uniform(np.log(14 if marker else 6), np.log(90)))))
    style = str(rng.choice(STYLES[:4] if marker else STYLES))
    kind = rng.random()
    angle = (
        0.0
        if marker or kind < 0.7
        else float(rng.choice([90, 270, 180]))
        if kind < 0.87
        else float(rng.uniform(-20, 20))
    )
    ink = letters(rng, path, text, height, angle)
    while max(ink.shape[0] / rows, ink.shape[1] / columns) > 0.9:
        height = round(height * 0.7)
        ink = letters(rng, path, text, height, angle)
    if style == "soft":
        soft = Image.fromarray((ink * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(min(1.2, 0.08 * height)))
        ink = np.asarray(soft, dtype=np.float64) / 255
    for _ in range(30):
        spot = _spot(rng, rows, columns, ink.shape)
        place = (slice(spot[0], spot[0] + ink.shape[0]), slice(spot[1], spot[1] + ink.shape[1]))
        guard = (
            slice(max(0, spot[0] - 40), spot[0] + ink.shape[0] + 40),
            slice(max(0, spot[1] - 40), spot[1] + ink.shape[1] + 40),
        )
        if taken[guard].any():
            continue
        ground = image[place].astype(np.float64)
        written = _write(ground, ink, style, rng)
        if written is None:
            continue
        # Black letters that run out over black ground are no ink where they cannot be seen.
        seen = (ink > 0.5) & ((np.abs(written - ground) > 0.012 * TOP) | (style in ("plate", "outline")))
        if not seen.any() or seen.sum() < 0.7 * (ink > 0.5).sum():
            continue
        result = image.copy()
        result[place] = np.clip(np.round(written), 0, TOP)
        glyphs = np.zeros(image.shape, dtype=bool)
        glyphs[place] = seen
        taken[place] = True
        return result, Burned(glyphs, text, height, style, angle, path.rsplit("/", 1)[-1], marker)
    return image, None


def _spot(rng: np.random.Generator, rows: int, columns: int, shape: tuple[int, ...]) -> tuple[int, int]:
    """Two thirds near a corner or border, as devices write."""
    free = (rows - shape[0] - 6, columns - shape[1] - 6)
    y, x = (int(rng.integers(3, max(4, f))) for f in free)
    if rng.random() < 0.67:
        y = int(rng.choice([rng.integers(3, 80), max(3, free[0] - rng.integers(0, 80))]))
    if rng.random() < 0.5:
        x = int(rng.choice([rng.integers(3, 80), max(3, free[1] - rng.integers(0, 80))]))
    return min(y, max(3, free[0])), min(x, max(3, free[1]))


def _write(
    ground: NDArray[np.float64], ink: NDArray[np.float64], style: str, rng: np.random.Generator
) -> NDArray[np.float64] | None:
    """The ground written on; None where a person could not read it (contrast under 2.5 % of the range or under the ground's own
    fine structure)."""
    middle = float(np.median(ground))
    sign = 1.0 if middle < TOP / 2 else -1.0
    if style == "faint":
        level = middle + sign * float(rng.uniform(0.03, 0.08)) * TOP
    elif style == "black":
        level = 0.0
    elif style == "plate":
        ground, level = np.full_like(ground, 0.0 if sign > 0 else TOP), TOP if sign > 0 else 0.0
    elif style == "clear plate":
        ground, level = ground * 0.5 + (0 if sign > 0 else TOP / 2), TOP if sign > 0 else 0.0
    else:
        level = TOP if style == "white" or sign > 0 else 0.0
    out = ground
    if style == "outline":
        rim = (
            np.asarray(Image.fromarray((ink * 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(3)), dtype=np.float64)
            / 255
        )
        out = out * (1 - rim) + (TOP - level) * rim
    out = out * (1 - ink) + level * ink
    shown = float(np.abs(out - ground)[ink > 0.5].mean()) if (ink > 0.5).any() else 0.0
    fine = float(np.std(ground - cv2.blur(ground, (5, 5))))
    return out if style == "outline" or shown > max(0.025 * TOP, 2.5 * fine) else None


def as_jpeg(image: Pixels, quality: int) -> Pixels:
    """Eight bits through JPEG and back to twelve."""
    stream = io.BytesIO()
    Image.fromarray((image >> 4).astype(np.uint8)).save(stream, "JPEG", quality=quality)
    return (np.asarray(Image.open(io.BytesIO(stream.getvalue())), dtype=np.uint16) << 4).astype(np.uint16)
