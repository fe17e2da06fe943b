"""Burning synthetic identities into pixels, in stored values at the image's own bit depth.

No font file is needed: strokes are OpenCV's Hershey fonts and the face inside Pillow. Letters are therefore Latin only,
and the certificate says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deid.pixels.decode import PixelForm
from deid.proof.identities import Draw, Forge
from deid.proof.search import Drawing, Planted

STRINGS = 8
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX_SMALL, None,
)  # fmt: skip
_HEIGHTS = (8, 11, 14, 18, 24, 32, 44, 60)
"""Cap heights in pixels of a 2,500 px image; smaller images take what fits."""
_STYLES = ("light", "dark", "plate", "faint", "turned", "light", "skewed", "dark plate")
_FAINT = 0.05
_GAP = 12


@dataclass
class Burned:
    """The image with its strings: stored values, and where each drawing is."""

    values: NDArray[Any]
    drawings: list[Drawing]
    planted: list[Planted]


def burn(values: NDArray[Any], form: PixelForm, forge: Forge, known: tuple[str, ...]) -> Burned:
    """Up to STRINGS strings in one frame each of an image (frames, rows, columns[, 3]).

    known: words of the identity in the header; half of the strings repeat them, as devices do, the other half no header
    attribute holds. Strings that find no free place are left out.
    """
    result = Burned(np.array(values), [], [])
    taken = np.zeros((form.frames, form.rows, form.columns), dtype=bool)
    for index in range(STRINGS):
        text = _wording(index, forge, known)
        style = _STYLES[(index + forge.draw.below(len(_STYLES))) % len(_STYLES)]
        height = _HEIGHTS[forge.draw.below(len(_HEIGHTS))]
        _place(result, taken, form, forge.draw, text, style, height, index % 2 == 0)
    return result


def _wording(index: int, forge: Forge, known: tuple[str, ...]) -> str:
    if index % 2 == 0:
        return known[(index // 2) % len(known)]
    day = forge.date()
    return (
        f"{forge.word().upper()}, {forge.word()}", f"DOB {day[6:]}.{day[4:6]}.{day[:4]}",
        f"ID {forge.number()}", forge.institution(),
    )[(index // 2) % 4]  # fmt: skip


def _place(
    result: Burned,
    taken: NDArray[np.bool_],
    form: PixelForm,
    draw: Draw,
    text: str,
    style: str,
    height: int,
    in_header: bool,
) -> None:
    font = draw.choose(_FONTS)
    angle = draw.choose((90, 270)) if style == "turned" else draw.choose((-8, -4, 4, 8)) if style == "skewed" else 0
    alpha, stroke = _glyphs(text, font, height, angle)
    for smaller in (height, 18, 14, 11, 8):
        if alpha.shape[0] < 0.9 * form.rows and alpha.shape[1] < 0.9 * form.columns:
            break
        height = min(height, smaller)
        alpha, stroke = _glyphs(text, font, height, angle)
    rows, columns = alpha.shape
    if rows >= 0.9 * form.rows or columns >= 0.9 * form.columns:
        return
    frame = draw.below(form.frames)
    spot = _free_spot(taken[frame], alpha.shape, draw)
    if spot is None:
        return
    y, x = spot
    taken[frame, max(0, y - _GAP) : y + rows + _GAP, max(0, x - _GAP) : x + columns + _GAP] = True
    _ink(result.values[frame], alpha, y, x, form, style)
    groups = (
        f"size: {_size(height)}", f"style: {style}", "header: known" if in_header else "header: unknown",
    )  # fmt: skip
    result.drawings.append(Drawing(frame, x, y, alpha > 0.5, stroke))
    result.planted.append(Planted("pixels", "burned-in text", glyphs=len(result.drawings) - 1, groups=groups))


def _size(height: int) -> str:
    if height <= 10:
        return "cap height up to 10 px"
    if height <= 20:
        return "cap height 11 to 20 px"
    return "cap height 21 to 40 px" if height <= 40 else "cap height above 40 px"


def _free_spot(taken: NDArray[np.bool_], shape: tuple[int, int], draw: Draw) -> tuple[int, int] | None:
    """A place that no other string holds: near a border half of the time, where devices write."""
    rows, columns = taken.shape
    last_y, last_x = rows - shape[0], columns - shape[1]
    for attempt in range(24):
        y, x = draw.below(last_y + 1), draw.below(last_x + 1)
        if attempt % 2 == 0:
            near = min(last_y, max(2, rows // 12))
            y = draw.below(near + 1) if draw.below(2) else last_y - draw.below(near + 1)
        if not taken[y : y + shape[0], x : x + shape[1]].any():
            return y, x
    return None


def _glyphs(text: str, font: int | None, height: int, angle: int) -> tuple[NDArray[np.float32], int]:
    """(coverage 0 to 1 of shape (rows, columns), thickness of a stroke in pixels), cut to the glyphs."""
    if font is None:
        face = ImageFont.load_default(max(8, round(height / 0.7)))
        left, top, right, bottom = (int(v) for v in face.getbbox(text))
        picture = Image.new("L", (right - left + 4, bottom - top + 4), 0)
        ImageDraw.Draw(picture).text((2 - left, 2 - top), text, fill=255, font=face)
        layer, stroke = np.asarray(picture, dtype=np.uint8), max(1, round(height / 7))
    else:
        cap = cv2.getTextSize("H", font, 1.0, 1)[0][1]
        scale, stroke = height / cap, max(1, round(height / 11))
        (width, tall), base = cv2.getTextSize(text, font, scale, stroke)
        margin = stroke + 2
        layer = np.zeros((tall + base + 2 * margin, width + 2 * margin), dtype=np.uint8)
        cv2.putText(layer, text, (margin, tall + margin), font, scale, 255, stroke, cv2.LINE_AA)
    if angle in (90, 270):
        layer = np.ascontiguousarray(np.rot90(layer, angle // 90))
    elif angle:
        layer = _skewed(layer, angle)
    ys, xs = np.nonzero(layer > 127)
    layer = layer[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    return (layer / np.float32(255)).astype(np.float32), stroke


def _skewed(layer: NDArray[np.uint8], angle: int) -> NDArray[np.uint8]:
    rows, columns = layer.shape
    side = int(np.hypot(rows, columns)) + 4
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, 1.0)
    turn[:, 2] += (side / 2 - columns / 2, side / 2 - rows / 2)
    return np.asarray(cv2.warpAffine(layer, turn, (side, side), flags=cv2.INTER_LINEAR), dtype=np.uint8)


def _ink(frame: NDArray[Any], alpha: NDArray[np.float32], y: int, x: int, form: PixelForm, style: str) -> None:
    """Blend one string into a frame, shape (rows, columns[, 3]), in place, within BitsStored."""
    rows, columns = alpha.shape
    low = -(1 << (form.bits_stored - 1)) if form.signed else 0
    high = low + (1 << form.bits_stored) - 1
    seen_low, seen_high = int(frame.min()), int(frame.max())
    span = max(seen_high - seen_low, 32)
    bright, dark = min(high, seen_high + span // 32), max(low, seen_low)
    pad = max(3, min(rows, columns) // 4)
    plate = frame[max(0, y - pad) : y + rows + pad, max(0, x - pad) : x + columns + pad]
    window = frame[y : y + rows, x : x + columns]
    middle = float(np.median(window))
    if style == "plate":
        plate[...] = dark
        ink: float = bright
    elif style == "dark plate":
        plate[...] = bright
        ink = dark
    elif style == "faint":
        step = max(_FAINT * span, 6)
        ink = middle + step if middle + step <= high else middle - step
    elif style == "dark":
        ink = dark if middle - dark > 0.15 * span else bright
    else:
        ink = bright if bright - middle > 0.15 * span else dark
    cover = alpha[..., None] if window.ndim == 3 else alpha
    if style == "faint":
        # Faint text follows what lies under it, as a transparent annotation does.
        mixed = window.astype(np.float64) + (ink - middle) * cover
    else:
        mixed = window.astype(np.float64) * (1 - cover) + ink * cover
    window[...] = np.clip(np.round(mixed), low, high).astype(frame.dtype)


def set_high_bits(values: NDArray[Any], form: PixelForm, draw: Draw) -> bool:
    """Write a bitmap into a bit above BitsStored, where old devices kept overlays; False when there is none."""
    spare = form.bits_allocated - form.bits_stored
    if spare == 0 or form.signed or form.samples != 1:
        return False
    height, width = min(24, form.rows), min(64, form.columns)
    bit = np.zeros((height, width), dtype=values.dtype)
    for row in range(height):
        noise = draw.below(1 << 48)
        bit[row] = [(noise >> (column % 48)) & 1 for column in range(width)]
    values[0, :height, :width] |= (bit << (form.bits_stored + draw.below(spare))).astype(values.dtype)
    return bool(bit.any())
