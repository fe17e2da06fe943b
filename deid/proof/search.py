"""The independent look at what came out: bytes are searched, pixels compared. Shares no code with the engine."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

HIDDEN_SHARE = 0.9
_PIXEL_DATA = b"\xe0\x7f\x10\x00"
_SAFE_IN_PIXELS = 7
"""Shorter strings of bytes occur in image data by chance."""


@dataclass(frozen=True)
class Planted:
    """One synthetic value: where it was planted, and what would betray it.

    kind: "headers", "text", "overlays" or "pixels". groups: names under which it is counted besides. needles: strings, any of
    which in the output means it survived. raw: the same as bytes. glyphs: index of its drawing, -1 without one.
    """

    kind: str
    place: str
    needles: tuple[str, ...] = ()
    raw: tuple[bytes, ...] = ()
    glyphs: int = -1
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """A string drawn into one frame: `mask` (height, width) marks its glyph pixels, at row y and column x.

    stroke: thickness of a stroke in pixels.
    """

    frame: int
    x: int
    y: int
    mask: NDArray[np.bool_]
    stroke: int


def split_pixels(output: bytes) -> tuple[bytes, bytes]:
    """(header, Pixel Data) of a file, told apart by the last Pixel Data tag that has a VR of pixels after it."""
    at = -1
    for vr in (b"OW", b"OB"):
        at = max(at, output.rfind(_PIXEL_DATA + vr))
    return (output, b"") if at < 0 else (output[:at], output[at:])


def survives_in_bytes(planted: Planted, header: bytes, pixels: bytes, codecs: Iterable[str]) -> bool:
    """Whether any spelling of a planted value stands in the output, in any of the encodings."""
    for raw in planted.raw:
        if raw in header or raw in pixels:
            return True
    lowered = header.lower()
    for needle in planted.needles:
        for spelling in _spellings(needle):
            for encoded in _encoded(spelling, codecs):
                if encoded.lower() in lowered or (len(encoded) >= _SAFE_IN_PIXELS and encoded in pixels):
                    return True
    return False


def _spellings(text: str) -> set[str]:
    """A value as written, without accents, and, where it holds digits, without punctuation and leading zeros."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    found = {text, text.upper(), plain, plain.upper(), text.replace(" ", "")}
    if sum(c.isdigit() for c in text) >= 5:
        compact = re.sub(r"[\W_]", "", text)
        found |= {compact, compact.lstrip("0")}
    if re.fullmatch(r"\d{8}", text):
        year, month, day = text[:4], text[4:6], text[6:]
        found |= {f"{year}-{month}-{day}", f"{year}.{month}.{day}", f"{day}.{month}.{year}", f"{month}/{day}/{year}"}
    return {spelling for spelling in found if spelling}


def _encoded(text: str, codecs: Iterable[str]) -> set[bytes]:
    found = set()
    for codec in ("utf-8", "utf-16-le", "utf-16-be", "latin-1", *codecs):
        try:
            found.add(text.encode(codec))
        except (UnicodeEncodeError, LookupError):
            continue
    return {encoded for encoded in found if len(encoded) >= 4}


def hidden_share(drawing: Drawing, before: NDArray[Any], after: NDArray[Any]) -> float:
    """Share of a drawing's glyph pixels that no longer show, 0 to 1.

    before, after: stored values (frames, rows, columns[, 3]). A pixel is hidden when its value changed, or when all of
    its surroundings, wider than a stroke, became one flat value: the fill may by chance equal the ink.
    """
    height, width = drawing.mask.shape
    reach = drawing.stroke + 3
    top, left = max(0, drawing.y - reach), max(0, drawing.x - reach)
    bottom, right = drawing.y + height + reach, drawing.x + width + reach
    old, new = before[drawing.frame, top:bottom, left:right], after[drawing.frame, top:bottom, left:right]
    changed = old != new
    gray = new.astype(np.float64)
    if changed.ndim == 3:
        changed, gray = changed.any(axis=2), gray @ np.array([1.0, 1000.0, 1_000_000.0])
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    values = gray.astype(np.float32) if gray.max(initial=0) < 2**24 else gray
    flat = cv2.erode(values, window) == cv2.dilate(values, window)
    glyphs = np.zeros(changed.shape, dtype=bool)
    y, x = drawing.y - top, drawing.x - left
    visible = glyphs[y : y + height, x : x + width]
    visible |= drawing.mask[: visible.shape[0], : visible.shape[1]]
    total = int(glyphs.sum())
    return float((glyphs & (changed | flat)).sum()) / total if total else 1.0
