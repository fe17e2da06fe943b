"""Measure the text detector on real radiographs with drawn strings: `python -m tests.deid.measure_text
[images] [seed]`.

Prints recall of strings (a hit: at least 90 % of the glyph pixels lie in boxes grown as for masking), area boxed on the
clean twins, and CPU seconds an image. Not collected by pytest; the figures of docs/deid.md come from here.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from deid.pixels.detector import Region
from deid.pixels.masking import with_margin
from deid.pixels.rapid import RapidDetector
from tests.deid.objects import SHARED, font_files, load_radiograph

_NAMES = "OKONKWO AMARA|SMITH, JOHN A|MULLER HANS|DOB 12/04/1950|MRN 00718293|ST. ALDHELM HOSP|GARCIA-LOPEZ M|Acc 9988776|15.03.2024 10:15|Nguyen Thi Hoa|ID: 4471-882|Brackwater, T"  # noqa: E501


def covered_share(regions: list[Region], glyphs: np.ndarray) -> float:
    """Share of glyph pixels inside the regions, grown as for masking."""
    rows, columns = glyphs.shape
    mask = np.zeros(glyphs.shape, dtype=bool)
    for region in regions:
        grown = with_margin(region, rows, columns)
        mask[grown.y : grown.y + grown.height, grown.x : grown.x + grown.width] = True
    return float((mask & glyphs).sum() / max(1, glyphs.sum()))


def boxed_share(regions: list[Region], shape: tuple[int, int]) -> float:
    """Share of the image inside the regions, grown as for masking."""
    return covered_share(regions, np.ones(shape, dtype=bool))


def draw_string(
    image: np.ndarray, rng: np.random.Generator, top: int
) -> tuple[np.ndarray, np.ndarray, dict[str, object]]:
    """One string in a random font, size, style and place (more often near a border); returns image, glyphs, facts."""
    rows, columns = image.shape
    names = _NAMES.split("|")
    text = names[rng.integers(len(names))]
    height = round(float(np.exp(rng.uniform(np.log(8), np.log(70)))))
    face = ImageFont.truetype(font_files()[rng.integers(len(font_files()))], max(8, round(height / 0.72)))
    style = str(rng.choice(["white", "white", "black", "plate", "faint", "soft"]))
    turned = rng.random() < 0.12
    _left, _upper, right, lower = face.getbbox(text)
    tile = Image.new("L", (int(right) + 4, int(lower) + 4), 0)
    ImageDraw.Draw(tile).text((2, 2), text, fill=255, font=face)
    if turned:
        tile = tile.rotate(90, expand=True)
    if style == "soft":
        tile = tile.filter(ImageFilter.GaussianBlur(0.8))
    alpha = np.asarray(tile, dtype=np.float64) / 255
    alpha = alpha[: rows - 20, : columns - 20]
    h, w = alpha.shape
    border = rng.random() < 0.7
    x = int(rng.integers(5, columns - w - 5)) if not border else int(rng.choice([10, columns - w - 10]))
    y = int(rng.integers(5, rows - h - 5)) if not border else int(rng.choice([12 + top, max(12, rows - h - 12 - top)]))
    result = image.astype(np.float64).copy()
    window = result[y : y + h, x : x + w]
    level = {"white": top_value(image), "black": float(image.min()), "plate": 0.0, "soft": top_value(image)}.get(style)
    if style == "plate":
        window[:] = top_value(image) if rng.random() < 0.5 else 0.0
        level = top_value(image) - float(window[0, 0])
    if style == "faint":
        level = float(np.median(window)) + (1 if rng.random() < 0.5 else -1) * 0.06 * top_value(image)
    if level is not None:
        if style in ("white", "soft") and float(np.median(window)) > 0.75 * top_value(image):
            level = float(image.min())  # white on white would be a string that nobody can read
        if style == "black" and float(np.median(window)) < 0.15 * top_value(image):
            level = top_value(image)
        window[:] = window * (1 - alpha) + level * alpha
    glyphs = np.zeros(image.shape, dtype=bool)
    glyphs[y : y + h, x : x + w] = alpha > 0.5
    facts: dict[str, object] = {"height": height, "style": style, "turned": turned, "border": border}
    return np.clip(np.round(result), 0, 4095).astype(np.uint16), glyphs, facts


def top_value(image: np.ndarray) -> float:
    """The brightest value text may take."""
    return float(max(image.max(), 3800))


def main(count: int = 20, seed: int = 7) -> None:
    rng = np.random.default_rng(seed)
    paths = sorted((SHARED / "images").rglob("*.png"))
    paths = [paths[i] for i in rng.permutation(len(paths))[:count]]
    detector = RapidDetector()
    hits: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    shares, seconds, blobs = [], [], 0
    for path in paths:
        size = Image.open(path).size
        clean = load_radiograph(path, enlarge=float(rng.uniform(1500, 2300)) / max(size))
        if rng.random() < 0.25:
            clean = (4095 - clean).astype(np.uint16)
        twin = detector.find(clean.astype(np.float32))
        shares.append(boxed_share([r for r in twin if not r.doubtful], clean.shape))
        blobs += sum(r.doubtful for r in twin)
        image, strings = clean, []
        for slot in range(3):
            image, glyphs, facts = draw_string(image, rng, slot * 130)
            strings.append((glyphs, facts))
        started = time.process_time()
        regions = [r for r in detector.find(image.astype(np.float32)) if not r.doubtful]
        seconds.append(time.process_time() - started)
        for glyphs, facts in strings:
            share = covered_share(regions, glyphs)
            height = int(str(facts["height"]))
            kinds = ["all", f"style {facts['style']}", "turned" if facts["turned"] else "level"]
            kinds.append(
                "<=10 px" if height <= 10 else "11-20 px" if height <= 20 else "21-40 px" if height <= 40 else ">40 px"
            )
            for kind in kinds:
                seen[kind] += 1
                hits[kind] += share >= 0.9
            if share < 0.9:
                print(f"  miss {path.name} {facts} covered {share:.2f}")
    for kind in sorted(seen):
        print(f"{kind:14s} {hits[kind]:4d}/{seen[kind]:<4d} {hits[kind] / seen[kind]:.1%}")
    print(f"clean twins boxed: median {np.median(shares):.3%}, mean {np.mean(shares):.3%}; blobs on twins {blobs}")
    print(f"CPU seconds an image: median {np.median(seconds):.2f}, max {max(seconds):.2f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
