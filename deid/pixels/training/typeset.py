"""Text as pictures: a string in some font, size, spacing and angle becomes coverage (alpha) and the area it occupies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deid.pixels.training.strings import SCRIPTS

Plane = NDArray[Any]  # float32; OpenCV's types say no more
_HERSHEY = (0, 1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True)
class Tile:
    """alpha: coverage 0 to 1, shape (rows, columns). area: 1 where the text stands, spaces between its words included.
    height: height of capitals in pixels."""

    alpha: Plane
    area: Plane
    height: float


@lru_cache(maxsize=512)
def _face(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _ink(face: ImageFont.FreeTypeFont, text: str) -> bytes:
    mask = face.getmask(text)
    return bytes(mask) + str(mask.size).encode()


@cache
def cap_ratio(path: str) -> float:
    """Height of a capital over the nominal size of a font."""
    left, top, right, bottom = _face(path, 100).getbbox("H")
    return max(0.2, (bottom - top) / 100) if right > left else 0.7


@cache
def stroke_share(path: str) -> float:
    """Thickness of the strokes of a capital H over its height; 1 where it has none."""
    tile = draw_font("H", path, 100.0)
    if tile is None:
        return 1.0
    inside = cv2.distanceTransform((np.pad(tile.alpha, 2) > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    most = float(inside.max())
    return 2 * float(np.median(inside[inside >= 0.8 * most])) / 100 if most > 0 else 1.0


def font_scripts(path: str) -> frozenset[str]:
    """What a font can write: "latin" and the names of SCRIPTS, judged by its glyphs being there and differing."""
    try:
        _face(path, 100), _face(path, 13)  # fonts of fixed sizes refuse here
        face = _face(path, 24)
        missing = {_ink(face, "\uffff"), _ink(face, "\U000ffffd")}
        able = set()
        for name, letters in {
            "latin": "AQz38",
            **{s: "".join(map(chr, (lo, (lo + hi) // 2, hi))) for s, (lo, hi) in SCRIPTS.items()},
        }.items():
            inks = {_ink(face, letter) for letter in letters}
            if len(inks) == len(letters) and not inks & missing and min(len(ink) for ink in inks) > 12:
                able.add(name)
        return frozenset(able)
    except (OSError, ValueError):
        return frozenset()


def list_fonts(folders: list[Path]) -> dict[str, list[str]]:
    """Font files below the folders by script; unreadable ones and pure symbol fonts are left out."""
    found: dict[str, list[str]] = {}
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".ttf", ".otf", ".ttc", ".otb")):
            for script in font_scripts(str(path)):
                found.setdefault(script, []).append(str(path))
    return found


def draw_font(text: str, path: str, height: float, tracking: float = 0.0) -> Tile | None:
    """A line in a font file; tracking: extra space between letters in heights of a capital. None where nothing is drawn."""
    face = _face(path, max(4, round(height / cap_ratio(path))))
    pad = max(4, round(height * 0.6))
    if tracking > 0:
        widths = [face.getlength(c) + tracking * height for c in text]
    left, top, right, bottom = face.getbbox(text)
    width = int(sum(widths) if tracking > 0 else right - min(0, left)) + 2 * pad
    canvas = Image.new("L", (max(8, min(width, 4000)), max(8, int(bottom - min(0, top)) + 2 * pad)), 0)
    pen = ImageDraw.Draw(canvas)
    if tracking > 0:
        x = float(pad)
        for letter, step in zip(text, widths, strict=True):
            pen.text((x, pad), letter, fill=255, font=face)
            x += step
    else:
        pen.text((pad, pad), text, fill=255, font=face)
    return _tile(np.asarray(canvas, dtype=np.float32) / 255, height)


def draw_strokes(text: str, height: float, font: int, thickness: int, italic: bool) -> Tile | None:
    """A line in one of OpenCV's stroke fonts, as many consoles draw them."""
    text = text.encode("ascii", "replace").decode()
    kind = _HERSHEY[font % len(_HERSHEY)] | (cv2.FONT_ITALIC if italic else 0)
    scale = cv2.getFontScaleFromHeight(kind, max(4, round(height)), thickness)
    (width, tall), base = cv2.getTextSize(text, kind, scale, thickness)
    pad = max(4, round(height * 0.6))
    canvas = np.zeros((tall + base + 2 * pad, min(width + 2 * pad, 4000)), dtype=np.uint8)
    cv2.putText(canvas, text, (pad, pad + tall), kind, scale, 255, thickness, cv2.LINE_AA)
    return _tile(canvas.astype(np.float32) / 255, height)


def magnified(tile: Tile, factor: int) -> Tile:
    """The tile in big square dots: text written by an old device and enlarged."""
    hard = (tile.alpha > 0.4).astype(np.float32)
    size = (tile.alpha.shape[1] * factor, tile.alpha.shape[0] * factor)
    alpha = cv2.resize(hard, size, interpolation=cv2.INTER_NEAREST)
    return Tile(alpha, cv2.resize(tile.area, size, interpolation=cv2.INTER_NEAREST), tile.height * factor)


def stacked(tiles: list[Tile], gap: float) -> Tile:
    """Lines below each other, left-aligned; gap in pixels."""
    columns = max(t.alpha.shape[1] for t in tiles)
    parts: list[tuple[Plane, Plane]] = []
    for tile in tiles:
        extra = columns - tile.alpha.shape[1]
        parts.append((np.pad(tile.alpha, ((0, 0), (0, extra))), np.pad(tile.area, ((0, 0), (0, extra)))))
        parts.append((np.zeros((max(1, round(gap)), columns), np.float32),) * 2)
    return Tile(np.vstack([p[0] for p in parts]), np.vstack([p[1] for p in parts]), tiles[0].height)


def turned(tile: Tile, degrees: float, mirror: bool = False) -> Tile:
    """The tile turned counter-clockwise, grown so that nothing is cut."""
    alpha, area = (np.fliplr(tile.alpha), np.fliplr(tile.area)) if mirror else (tile.alpha, tile.area)
    if degrees % 90 == 0:
        turns = int(degrees // 90) % 4
        return Tile(
            np.ascontiguousarray(np.rot90(alpha, turns)), np.ascontiguousarray(np.rot90(area, turns)), tile.height
        )
    rows, columns = alpha.shape
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    width, height = int(rows * sine + columns * cosine) + 2, int(rows * cosine + columns * sine) + 2
    matrix[:, 2] += (width / 2 - columns / 2, height / 2 - rows / 2)
    spin = [
        cv2.warpAffine(np.ascontiguousarray(p), matrix, (width, height), flags=cv2.INTER_LINEAR) for p in (alpha, area)
    ]
    return Tile(spin[0], spin[1], tile.height)


def _tile(alpha: Plane, height: float) -> Tile | None:
    rows, columns = np.flatnonzero(alpha.max(axis=1) > 0.3), np.flatnonzero(alpha.max(axis=0) > 0.3)
    if not rows.size or not columns.size:
        return None
    # The area is a little larger than the ink, so that what is masked later covers soft edges.
    margin = max(1, round(0.1 * height))
    top, bottom = max(0, rows[0] - margin), rows[-1] + 1 + margin
    left, right = max(0, columns[0] - margin), columns[-1] + 1 + margin
    area = np.zeros_like(alpha)
    area[top:bottom, left:right] = 1.0
    return Tile(alpha[top:bottom, left:right].copy(), area[top:bottom, left:right].copy(), height)
