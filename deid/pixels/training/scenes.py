"""Training crops: a piece of a radiograph, things that are not text, text in many styles, and what a scanner does to both."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deid.pixels.training import typeset
from deid.pixels.training.clutter import draw_clutter
from deid.pixels.training.devices import draw_device
from deid.pixels.training.strings import random_letters, random_text
from deid.pixels.training.typeset import Plane, Tile

CROP = 320
STRIDE = 4
BORDER = 24  # local contrast looks 20 pixels around
_AROUND = 25  # pixels about a place that are judged with it
_USUAL_CELLS = 150
_THIN = 0.082  # stroke over capital height, from which a font is called hair-thin
_DARKEST, _BRIGHTEST = -15 / 220, 240 / 220  # what eight bits hold below: text must not vanish by clipping


@dataclass
class Background:
    """values: an image from 0 to 1 (1st to 99th percentile). real_text: 1 where text or a marker already stands.
    traps: (x, y) of things that an earlier network took for text."""

    values: Plane
    real_text: Plane
    traps: list[tuple[float, float]] = field(default_factory=list)


def load_backgrounds(root: Path, more: list[Path]) -> list[Background]:
    """The training part of images.csv below `root`, with the text that real_text.json says stands in them; and every picture of
    the folders `more`, which must hold none."""
    here = Path(__file__).parent
    known = json.loads((here / "real_text.json").read_text(encoding="utf-8"))
    with (here / "images.csv").open(encoding="utf-8") as stream:
        named = [row["file"] for row in csv.DictReader(stream) if row["part"] == "train"]
    found = [_background(root / name, known.get(name, [])) for name in named]
    return found + [_background(path, []) for folder in more for path in sorted(folder.iterdir())]


def _background(path: Path, boxes: list[list[float]]) -> Background:
    with Image.open(path) as picture:
        gray = np.asarray(picture.convert("L"), dtype=np.float32)
    low, high = np.percentile(gray, (1, 99))
    rows, columns = gray.shape
    marked = np.zeros_like(gray)
    for x, y, width, height in boxes:
        pad = 6 + 0.3 * min(width * columns, height * rows)
        top, left = max(0, int(y * rows - pad)), max(0, int(x * columns - pad))
        marked[top : int((y + height) * rows + pad), left : int((x + width) * columns + pad)] = 1
    return Background((gray - low) / max(float(high - low), 1.0), marked)


class SceneMaker:
    """Crops by a generator of its own: `make` gives (image, target, weight) for one."""

    def __init__(self, backgrounds: list[Background], fonts: dict[str, list[str]], seed: int) -> None:
        self.backgrounds, self.fonts = backgrounds, fonts
        self.thin = [path for path in fonts.get("latin", []) if typeset.stroke_share(path) <= _THIN]
        self.traps = [(each, spot) for each in backgrounds for spot in each.traps]
        self.rng = np.random.default_rng(seed)

    def make(self) -> tuple[Plane, NDArray[np.float32], NDArray[np.float32]]:
        """image: (CROP + 2 BORDER) square, about 0 to 1. target, weight: (CROP / STRIDE) square; weight 0 is not judged."""
        rng = self.rng
        image, ignored = self._background()
        if rng.random() < 0.35:
            draw_clutter(image, rng)
        if rng.random() < 0.1:
            draw_device(image, rng)
        if rng.random() < 0.5:
            image = image + rng.normal(0, float(rng.uniform(0.001, 0.02)), image.shape).astype(np.float32)
        np.clip(image, _DARKEST, _BRIGHTEST, out=image)
        if rng.random() < 0.3:
            self._blank(image)
        bare, area = image.copy(), np.zeros_like(image)
        for _ in range(int(rng.choice([0, 1, 2, 3, 4, 6], p=[0.2, 0.24, 0.22, 0.16, 0.12, 0.06]))):
            self._write(image, area, ignored)
        if rng.random() < 0.15:
            self._blank(image, area, ignored)
        image = self._exposed(image, bare, area, ignored)
        inner = slice(BORDER, BORDER + CROP)
        return image, *_targets(area[inner, inner], ignored[inner, inner])

    def _blank(self, image: Plane, *others: Plane) -> None:
        """Rectangles filled with the median around them, as masks are, in place; `others` become 0 there.

        Without these the network takes the edge of a mask for the edge of a plate, and a second look finds text round every mask.
        """
        rng, side = self.rng, image.shape[0]
        x, y = (int(v) for v in rng.uniform(-40, side, 2))
        for _ in range(int(rng.integers(1, 4))):
            width, height = (int(v) for v in np.exp(rng.uniform(np.log(12), np.log((360, 130)))))
            if rng.random() < 0.25:
                width, height = height, width
            top, left, bottom, right = max(0, y), max(0, x), min(side, y + height), min(side, x + width)
            if bottom - top > 3 and right - left > 3:
                ring = image[max(0, top - 6) : bottom + 6, max(0, left - 6) : right + 6]
                level = float(np.median(ring)) if rng.random() < 0.8 else float(rng.choice([0.0, 1.0]))
                image[top:bottom, left:right] = level
                for other in others:
                    other[top:bottom, left:right] = 0
            # The next one near by, as along a slanted line, or anywhere.
            near = rng.random() < 0.5
            x = x + int(rng.uniform(-20, width)) if near else int(rng.uniform(-40, side))
            y = y + int(rng.uniform(-height, height)) if near else int(rng.uniform(-40, side))

    def _background(self) -> tuple[Plane, Plane]:
        rng, side = self.rng, CROP + 2 * BORDER
        chosen, trap = self.backgrounds[int(rng.integers(len(self.backgrounds)))], None
        if self.traps and rng.random() < 0.08:
            chosen, trap = self.traps[int(rng.integers(len(self.traps)))]
        rows, columns = chosen.values.shape
        scale = float(np.exp(rng.uniform(np.log(1200), np.log(3200)))) / max(rows, columns)
        span = side / scale
        x0 = float(rng.uniform(-0.15, 1.0)) * max(1.0, columns - 0.85 * span)
        y0 = float(rng.uniform(-0.15, 1.0)) * max(1.0, rows - 0.85 * span)
        if trap is not None:
            x0, y0 = (at - span * float(rng.uniform(0.2, 0.8)) for at in trap)
        angle = float(rng.normal(0, 3)) if rng.random() < 0.3 else 0.0
        matrix = cv2.getRotationMatrix2D((x0 + span / 2, y0 + span / 2), angle, scale)
        matrix[:, 2] = matrix[:, 2] + side / 2 - np.array([x0 + span / 2, y0 + span / 2])
        soft = chosen.values if scale > 0.8 else cv2.GaussianBlur(chosen.values, (0, 0), 0.45 / scale)
        flags = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_LINEAR
        border = cv2.BORDER_REFLECT_101 if rng.random() < 0.7 else cv2.BORDER_CONSTANT
        image = cv2.warpAffine(soft, matrix, (side, side), flags=flags, borderMode=border)
        ignored = cv2.warpAffine(chosen.real_text, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border)
        turns = int(rng.choice([0, 0, 0, 1, 2, 3]))
        image, ignored = np.rot90(image, turns), np.rot90(ignored, turns)
        if rng.random() < 0.5:
            image, ignored = np.fliplr(image), np.fliplr(ignored)
        image = (
            np.clip(image, -0.2, 1.3) ** 1
            if rng.random() < 0.6
            else np.sign(image) * np.abs(image) ** float(rng.uniform(0.5, 2))
        )
        if rng.random() < 0.15:  # flat film: collimated edge, blank paper
            image = image * float(rng.uniform(0, 0.2)) + float(rng.uniform(0, 1))
        return np.ascontiguousarray(image, dtype=np.float32), np.ascontiguousarray(ignored)

    def _tile(self) -> Tile | None:
        rng = self.rng
        height = float(np.exp(rng.uniform(np.log(5), np.log(100))))
        if rng.random() < 0.42:
            height = float(rng.uniform(5, 14))
        lines = 1 if height > 40 or rng.random() < 0.75 else int(rng.integers(2, 5))
        bold = rng.random()
        tiles: list[Tile] = []
        draw = self._pen(height, bold)
        for _ in range(lines):
            tile = draw()
            if tile is not None:
                tiles.append(tile)
        if not tiles:
            return None
        tile = tiles[0] if len(tiles) == 1 else typeset.stacked(tiles, height * float(rng.uniform(0.2, 1.0)))
        if rng.random() < 0.06 and height < 40:
            tile = typeset.magnified(tile, int(rng.integers(2, 5)))
        kind = rng.random()
        if kind < 0.62:
            return tile
        if kind < 0.80:
            return typeset.turned(tile, float(rng.choice([90, 270, 90, 270, 180])))
        if kind < 0.92:
            return typeset.turned(tile, float(rng.normal(0, 6)))
        if kind < 0.96:
            return typeset.turned(tile, float(rng.uniform(0, 360)))
        return typeset.turned(tile, 0.0, mirror=True)

    def _pen(self, height: float, bold: float):  # type: ignore[no-untyped-def]
        rng = self.rng
        source = rng.random()
        scripts = [s for s in self.fonts if s != "latin"]
        if source < 0.2 or not self.fonts:
            font, thick, italic = (
                int(rng.integers(8)),
                1 if rng.random() < 0.2 else max(1, round(height * (0.04 + 0.14 * bold))),
                rng.random() < 0.15,
            )
            return lambda: typeset.draw_strokes(random_text(rng), height, font, thick, italic)
        if source < 0.28 and scripts:
            script = scripts[int(rng.integers(len(scripts)))]
            path = self.fonts[script][int(rng.integers(len(self.fonts[script])))]
            return lambda: typeset.draw_font(random_letters(rng, script), path, height)
        latin = self.thin if self.thin and rng.random() < 0.25 else self.fonts["latin"]
        path = latin[int(rng.integers(len(latin)))]
        tracking = float(rng.uniform(0.1, 0.7)) if rng.random() < 0.1 else 0.0
        return lambda: typeset.draw_font(random_text(rng), path, height, tracking)

    def _write(self, image: Plane, area: Plane, ignored: Plane) -> None:
        rng, side = self.rng, image.shape[0]
        tile = self._tile()
        if tile is None:
            return
        rows, columns = tile.alpha.shape
        # Long lines are cut by the crop as a tile of a large image would be; at least a third stays inside.
        y = int(rng.uniform(-0.3 * rows if rows > 60 else 0, max(1, side - min(rows, side) * 0.7)))
        x = int(rng.uniform(-0.6 * columns if columns > 160 else 0, max(1, side - min(columns, side) * 0.7)))
        top, left, bottom, right = max(0, y), max(0, x), min(side, y + rows), min(side, x + columns)
        if bottom - top < 4 or right - left < 4:
            return
        cut = (slice(top - y, bottom - y), slice(left - x, right - x))
        alpha, mask = tile.alpha[cut], tile.area[cut]
        place = (slice(top, bottom), slice(left, right))
        if float((area[place] * mask).sum()) > 0.05 * float(mask.sum()):
            return
        if rng.random() < 0.15:  # hair lines: fonts called thin, and worn print
            wide = int(rng.integers(2, max(3, min(8, round(tile.height / 8)) + 1)))
            thin = cv2.erode(alpha, np.ones((wide, wide), np.uint8)) if tile.height > 9 else alpha**1.6
            if thin.sum() > 0.25 * alpha.sum():
                alpha = thin
        blur = float(rng.uniform(0.3, 1.2)) if rng.random() < 0.3 else 0.0
        if blur:
            alpha = cv2.GaussianBlur(alpha, (0, 0), min(blur, 0.12 * tile.height + 0.2))
        window = image[place]
        before = window.copy()
        self._ink(window, alpha, mask)
        np.clip(window, _DARKEST, _BRIGHTEST, out=window)
        shown = float(np.abs(window - before)[alpha > 0.5].mean()) if (alpha > 0.5).any() else 0.0
        around = float(np.std(before - cv2.blur(before, (5, 5)))) if min(before.shape) > 5 else 0.0
        # Large letters stand out of more noise than small ones.
        if shown < 0.01 + around * min(1.2, 16 / tile.height):
            # Nobody could read this: neither text nor not text.
            ignored[place] = np.maximum(ignored[place], mask)
        else:
            area[place] = np.maximum(area[place], mask)

    def _ink(self, window: Plane, alpha: Plane, mask: Plane) -> None:
        """Write in one of the ways devices do, in place: opaque, transparent, faint, on a plate, outlined."""
        rng = self.rng
        style = rng.random()
        level = float(rng.choice([1.05, 1.0, 1.15, 0.0, -0.05, float(rng.uniform(0, 1.1))]))
        local = float(np.median(window))
        if style < 0.14:  # plate, opaque or not
            paper = float(rng.choice([0.0, 1.0, float(rng.uniform(0, 1))]))
            level = paper + float(rng.choice([-1, 1])) * float(rng.uniform(0.15, 1.0))
            window[:] = window + (paper - window) * mask * float(rng.uniform(0.4, 1.0))
        elif style < 0.50:  # faint
            contrast = float(rng.uniform(0.02, 0.12)) if rng.random() < 0.4 else float(rng.uniform(0.025, 0.065))
            level = local + float(rng.choice([-1, 1])) * contrast
            window[:] = window + (level - window) * alpha
            return
        elif style < 0.57:  # added light, as an overlay burned into film
            window += alpha * float(rng.choice([-1, 1])) * float(rng.uniform(0.03, 0.6))
            return
        elif style < 0.64:  # outlined
            around = cv2.dilate(alpha, np.ones((3, 3), np.uint8))
            window[:] = window + ((0.0 if level > 0.5 else 1.0) - window) * around
        if abs(level - local) < 0.02:
            level = local + (0.3 if local < 0.5 else -0.3)
        opacity = float(rng.uniform(0.4, 1.0)) if rng.random() < 0.3 else 1.0
        window[:] = window + (level - window) * alpha * opacity

    def _exposed(self, image: Plane, bare: Plane, area: Plane, ignored: Plane) -> Plane:
        """What comes after: resampling, JPEG, noise, few levels, clipping, polarity. bare: the image without its text."""
        rng = self.rng
        side = image.shape[0]
        if rng.random() < 0.12:
            small = round(side / float(rng.uniform(1.1, 1.5)))
            image = cv2.resize(
                cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA),
                (side, side),
                interpolation=cv2.INTER_CUBIC,
            )
        if rng.random() < 0.3:
            quality, before = int(rng.integers(30, 96)), image - bare
            image = _compressed(image, quality)
            _forget_erased(before, image - _compressed(bare, quality), area, ignored)
        if rng.random() < 0.3:
            image = image + rng.normal(0, float(rng.uniform(0.001, 0.012)), image.shape).astype(np.float32)
        if rng.random() < 0.1:
            levels = float(rng.integers(100, 250))
            image = np.round(image * levels) / levels
        if rng.random() < 0.4:
            image = 1.0 - image
        low, high = float(rng.normal(0, 0.05)), float(rng.normal(1, 0.08))
        return ((image - low) / max(0.3, high - low)).astype(np.float32)


def _compressed(image: Plane, quality: int) -> Plane:
    eight = np.clip(image * 220 + 15, 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", eight, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return (np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.float32) - 15) / 220


def _forget_erased(before: Plane, after: Plane, area: Plane, ignored: Plane) -> None:
    """Where compression left less than a third of what text changed, nothing can be read: neither text nor not text, in place.

    Taught as text, such places teach the network to find names in plain grain.
    """
    power, left = cv2.blur(before * before, (_AROUND, _AROUND)), cv2.blur(before * after, (_AROUND, _AROUND))
    erased = (area > 0) & (left < 0.33 * power)
    area[erased], ignored[erased] = 0, 1


def _targets(area: Plane, ignored: Plane) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Largest value in each STRIDE square; the cells around text are not judged, so that its edge may fall either way."""
    cells = CROP // STRIDE
    text = area.reshape(cells, STRIDE, cells, STRIDE).mean(axis=(1, 3))
    skip = ignored.reshape(cells, STRIDE, cells, STRIDE).max(axis=(1, 3)) > 0.3
    target = (text > 0.45).astype(np.float32)
    some = (area.reshape(cells, STRIDE, cells, STRIDE).max(axis=(1, 3)) > 0.2).astype(np.float32)
    edge = cv2.dilate(some, np.ones((3, 3), np.uint8)) > target
    weight = np.where(skip & (target == 0), 0.0, np.where(edge, 0.0, 1.0)).astype(np.float32)
    # A small string is as good as a large one, though it has a fiftieth of the cells.
    _, labels, stats, _ = cv2.connectedComponentsWithStats(target.astype(np.uint8), connectivity=8)
    share = np.clip(np.sqrt(_USUAL_CELLS / np.maximum(stats[:, cv2.CC_STAT_AREA], 1)), 0.5, 3.0).astype(np.float32)
    share[0] = 1.0
    return target, weight * share[labels]
