"""Burned-in text: what some modalities write into the pixels, with the exact glyphs as the key.

Text is drawn in stored values, as a device would: brightest or darkest, opaque or translucent,
on a plate or straight on the anatomy, upright or turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Polarity = Literal["light", "dark"]
Font = str | PathLike[str] | None
Stored = NDArray[np.uint16] | NDArray[np.uint8]


@dataclass(frozen=True)
class Burned:
    """``pixels``: the picture with text; ``mask``: bool, True where a glyph changed it;

    ``box``: (x, y, width, height) of the glyphs in pixels, all 0 when nothing fell inside.
    """

    pixels: Stored
    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]


def load_font(size: int, font: Font = None) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of ``size`` pixels an em: the one bundled with Pillow, or the TTF at ``font``."""
    if font is None:
        return ImageFont.load_default(size=size)
    try:
        return ImageFont.truetype(font, size=size)
    except OSError as error:
        raise ValueError(f"font {str(font)!r} cannot be read as TrueType: pass the path of a .ttf file") from error


def glyph_coverage(text: str, *, size: int, font: Font = None, rotation: float = 0.0,
                   bold: int = 0) -> NDArray[np.float32]:  # fmt: skip
    """The anti-aliased coverage (0 to 1) of ``text``, cropped to its ink and then turned.

    ``size`` is the em in pixels, ``rotation`` degrees anticlockwise, ``bold`` an outline in
    pixels.  Raises ValueError when the text leaves no ink.
    """
    face = load_font(size, font)
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = probe.multiline_textbbox((0, 0), text, font=face, stroke_width=bold)
    if right <= left or bottom <= top:
        raise ValueError("the text to burn in leaves no ink")
    width, height = int(np.ceil(right - left)) + 4, int(np.ceil(bottom - top)) + 4
    plate = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(plate)
    pen.multiline_text((2 - left, 2 - top), text, fill=255, font=face, stroke_width=bold)
    if rotation % 360:
        plate = plate.rotate(rotation, expand=True, resample=Image.Resampling.BICUBIC)
    ink = plate.getbbox()
    if ink is None:
        raise ValueError("the text to burn in leaves no ink")
    return np.asarray(plate.crop(ink), np.float32) / np.float32(255)


def burn_text(
    pixels: Stored,
    text: str,
    *,
    position: tuple[int, int],
    size: int,
    bits_stored: int = 12,
    photometric: str = "MONOCHROME2",
    polarity: Polarity = "light",
    strength: float = 1.0,
    rotation: float = 0.0,
    font: Font = None,
    bold: int = 0,
    plate: bool = False,
) -> Burned:
    """Draw ``text`` into a copy of ``pixels`` (shape (rows, columns), stored values).

    ``position`` is the (x, y) of the text's upper left corner; a negative number counts from the
    right or lower edge, as a device places a corner label.  ``polarity`` is as seen by a reader:
    "light" is bright on the displayed picture for either photometric interpretation.  ``strength``
    blends (0 to 1).  ``plate`` puts the text on an opaque box of the opposite polarity; the mask
    is of the glyphs alone.
    """
    if pixels.ndim != 2:
        raise ValueError(f"pixels have {pixels.ndim} dimensions; burn one frame at a time")
    if not 0 < strength <= 1:
        raise ValueError(f"strength {strength} is outside 0 to 1")
    coverage = glyph_coverage(text, size=size, font=font, rotation=rotation, bold=bold)
    rows, cols = pixels.shape
    height, width = coverage.shape
    x = position[0] if position[0] >= 0 else cols - width + position[0] + 1
    y = position[1] if position[1] >= 0 else rows - height + position[1] + 1
    result = pixels.astype(np.float32)
    top_value = float((1 << bits_stored) - 1)
    displayed_light = top_value if photometric == "MONOCHROME2" else 0.0
    ink = displayed_light if polarity == "light" else top_value - displayed_light
    if plate:
        pad = max(2, size // 4)
        y0, y1 = max(0, y - pad), min(rows, y + height + pad)
        x0, x1 = max(0, x - pad), min(cols, x + width + pad)
        result[y0:y1, x0:x1] = top_value - ink
    full = np.zeros((rows, cols), np.float32)
    y0, y1, x0, x1 = max(0, y), min(rows, y + height), max(0, x), min(cols, x + width)
    if y1 > y0 and x1 > x0:
        full[y0:y1, x0:x1] = coverage[y0 - y : y1 - y, x0 - x : x1 - x]
    result += (ink - result) * full * strength
    # A faint anti-aliased rim tells nobody a name: the key is where the stroke is half there.
    mask = full >= 0.5
    inked = np.nonzero(mask)
    box = (0, 0, 0, 0)
    if len(inked[0]):
        ys, xs = inked
        box = (int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1)
    stored = np.round(result)
    whole: Stored = stored.astype(np.uint8) if pixels.dtype == np.uint8 else stored.astype(np.uint16)
    return Burned(whole, mask, box)
