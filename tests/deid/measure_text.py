"""Measure text in pixels through the engine's own examination:

    python -m tests.deid.measure_text --fonts FOLDER [--part test|tune] [--rounds N] [--seed S] [--models FILE ...]

Real radiographs that played no part in training (`deid/pixels/training/images.csv`), enlarged to 2,500 px with the grain of that
size, each with six identity strings and two markers in fonts from FOLDER (give fonts the network has not seen), and the same
image without them. A hit: at least 90 % of the string's ink is masked. Prints recall with 95 % Wilson intervals by height,
style, angle and font, the area of clean twins that is masked, markers kept, and CPU seconds. `--models` measures other weights on
the same pictures, one table each. JPEG, which a third of the pictures go through, wipes some faint strings out: what keeps less
than a third of its contrast is counted like any other, and the recall of the strings that it left is told as well. Not
collected by pytest; the figures of docs/deid.md come from here.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from deid.outcome import Refusal
from deid.pixels import textnet, training
from deid.pixels.decode import DecodedPixels, PixelForm
from deid.pixels.detector import Gray, Region
from deid.pixels.examine import Examination, examine
from deid.pixels.reader import RapidReader
from deid.pixels.runtime import session
from deid.pixels.textnet import NetDetector
from deid.text.identifiers import Identifiers
from tests.deid.burned import TOP, Burned, Pixels, as_jpeg, burn
from tests.deid.objects import SHARED

LONG_SIDE = 2500


def pictures(part: str) -> list[Path]:
    """The radiographs of a part: train, tune or test."""
    with (Path(training.__file__).parent / "images.csv").open() as stream:
        return [SHARED / row["file"] for row in csv.DictReader(stream) if row["part"] == part]


def enlarged(path: Path, rng: np.random.Generator) -> Pixels:
    """12 bits at LONG_SIDE, with noise as a detector of that size has."""
    with Image.open(path) as picture:
        image = picture.convert("L")
    scale = LONG_SIDE / max(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    values = np.asarray(image, dtype=np.float64) / 255 * TOP
    return np.clip(values + rng.normal(0, rng.uniform(0, 14), values.shape), 0, TOP).astype(np.uint16)


def usable_fonts(folders: list[Path]) -> list[str]:
    """Font files that draw Latin letters at any size."""
    found = []
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.suffix.lower() in (".ttf", ".otf")):
        try:
            face = ImageFont.truetype(str(path), 60)
            ImageFont.truetype(str(path), 7)
        except OSError:
            continue
        inks = [bytes(face.getmask(c)) for c in "AQr7é"]
        if len(set(inks)) == 5 and all(any(ink) for ink in inks):
            found.append(str(path))
    return found


class Timed(NetDetector):
    """The detector, with the CPU seconds of its first look, the one at the whole image."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def find(self, image: Gray, near: Sequence[Region] | None = None) -> list[Region]:
        started = time.process_time()
        found = super().find(image, near)
        self.seconds = self.seconds or time.process_time() - started
        return found


def look(image: Pixels) -> tuple[Examination | None, NDArray[np.bool_], float]:
    """The engine's examination of one frame (None: withheld), what it masked, and the CPU seconds of detection alone."""
    rows, columns = image.shape
    form = PixelForm(rows, columns, 1, 1, 16, 12, False, "MONOCHROME2", 0, None)
    masked, detector = np.zeros(image.shape, dtype=bool), Timed()
    pixels = DecodedPixels(form, image[None], "MONOCHROME2", False)
    try:
        result = examine(pixels, Identifiers(), detector, RapidReader())
    except Refusal:
        return None, masked, detector.seconds
    for box in result.masks:
        masked[box.y : box.y + box.height, box.x : box.x + box.width] = True
    return result, masked, detector.seconds


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a share."""
    if not count:
        return 0.0, 1.0
    z, p = 1.96, hits / count
    middle, half = p + z * z / (2 * count), z * np.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return (middle - half) / (1 + z * z / count), (middle + half) / (1 + z * z / count)


def wiped(item: Burned, before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether JPEG left less than a third of a string. before, after: what the strings changed in the image, without it and
    with it."""
    drawn, left = before[item.glyphs], after[item.glyphs]
    return float((drawn * left).sum()) < float((drawn * drawn).sum()) / 3


def kinds(item: Burned, gone: bool) -> list[str]:
    """The rows of the table a string counts in. gone: JPEG wiped it out."""
    height = next(
        f"height {low}-{high}"
        for low, high in ((1, 8), (9, 12), (13, 20), (21, 40), (41, 60), (61, 99))
        if item.height <= high
    )
    turn = "level" if item.angle == 0 else "quarter turns" if item.angle % 90 == 0 else "slanted"
    rows = ["all", height, f"style {item.style}", turn, f"font {item.font}"]
    return rows if gone else [*rows, "all but wiped out by JPEG", f"style {item.style} but wiped out by JPEG"]


class Tally:
    """Hits and counts by kind, twins' areas, markers, seconds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hits: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.areas: list[float] = []
        self.seconds: list[float] = []
        self.kept = self.markers = self.unsure = self.caught = self.flagged = self.withheld = self.twins_withheld = 0

    def picture(
        self,
        path: Path,
        image: Pixels,
        strings: list[tuple[Burned, bool]],
        clean: Pixels | None,
        known: dict[str, list[list[float]]],
    ) -> None:
        """Count one picture, and its clean twin where there is one."""
        result, masked, seconds = look(image)
        self.seconds.append(seconds)
        if result is None:
            self.withheld += 1
        else:
            hints = np.zeros(image.shape, dtype=bool)
            for box in result.hints:
                hints[box.y : box.y + box.height, box.x : box.x + box.width] = True
            for item, gone in strings:
                self.add(item, gone, masked, hints)
        if clean is None:
            return
        twin, touched, _ = look(clean)
        if twin is None:
            self.twins_withheld += 1
            return
        touched &= ~known_places(known, path, clean.shape)
        self.areas.append(float(touched.mean()))
        self.flagged += bool(twin.review)
        if touched.mean() > 0.002:
            print(f"  {self.name}: twin {path.name}: {touched.mean():.3%}", flush=True)

    def add(self, item: Burned, gone: bool, masked: NDArray[np.bool_], hints: NDArray[np.bool_]) -> None:
        share = float(masked[item.glyphs].mean())
        if item.marker:
            self.markers += 1
            self.kept += share < 0.1
            return
        for kind in kinds(item, gone):
            self.seen[kind] += 1
            self.hits[kind] += share >= 0.9
        if share < 0.9:
            self.unsure += 1
            self.caught += bool(hints[item.glyphs].any()) or share > 0
            hinted, lost = float(hints[item.glyphs].mean()), ", wiped out" * gone
            print(f"  {self.name}: miss {item.height} px, {item.style}, {item.angle:.0f} degrees, {item.font}, "
                  f"{len(item.text)} letters{lost}: masked {share:.2f}, hinted {hinted:.2f}", flush=True)  # fmt: skip

    def show(self) -> None:
        print(f"\n{self.name}")
        for kind in sorted(self.seen):
            hits, count = self.hits[kind], self.seen[kind]
            low, high = wilson(hits, count)
            print(f"{kind:32s} {hits:5d}/{count:<5d} {hits / count:7.2%}  ({low:.1%} to {high:.1%})")
        print(f"missed strings that a hint or part of a mask shows to the reviewer: {self.caught} of {self.unsure}")
        print(f"withheld: {self.withheld} with strings, {self.twins_withheld} clean twins")
        print(f"markers kept {self.kept}/{self.markers}")
        print(f"clean twins masked: mean {np.mean(self.areas):.3%}, median {np.median(self.areas):.3%}, worst {max(self.areas):.3%}; "
              f"asked for review {self.flagged}/{len(self.areas)}")  # fmt: skip
        print(f"detection CPU seconds: median {np.median(self.seconds):.2f}, most {max(self.seconds):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.deid.measure_text")
    parser.add_argument("--fonts", nargs="+", type=Path, required=True)
    parser.add_argument("--part", default="test")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="weights to measure in place of the shipped")
    options = parser.parse_args()
    rng, fonts = np.random.default_rng(options.seed), usable_fonts(options.fonts)
    tallies = [Tally(path.name) for path in options.models] or [Tally(NetDetector.name)]
    networks = [session(path.read_bytes()) for path in options.models] or [textnet._network()]
    known = real_text()
    print(f"{len(fonts)} fonts, {len(pictures(options.part))} pictures", flush=True)
    for number in range(options.rounds):
        for path in pictures(options.part)[: options.limit]:
            clean = enlarged(path, rng)
            if rng.random() < 0.4:
                clean = (TOP - clean).astype(np.uint16)
            quality = int(rng.integers(40, 96)) if rng.random() < 0.3 else 0
            image, strings, taken = clean, [], known_places(known, path, clean.shape)
            for slot in range(8):
                image, item = burn(image, rng, fonts, taken, marker=slot >= 6)
                strings += [item] if item is not None else []
            gone = [False] * len(strings)
            if quality:
                before = image.astype(np.float64) - clean
                clean, image = as_jpeg(clean, quality), as_jpeg(image, quality)
                gone = [wiped(item, before, image.astype(np.float64) - clean) for item in strings]
            twin = clean if number == 0 else None
            for tally, network in zip(tallies, networks, strict=True):
                textnet._network = lambda network=network: network  # type: ignore[assignment]
                tally.picture(path, image, list(zip(strings, gone, strict=True)), twin, known)
    for tally in tallies:
        tally.show()


def real_text() -> dict[str, list[list[float]]]:
    """Text that stands in the radiographs already, marked by hand: boxes as shares of width and height, by file."""
    return dict(json.loads((Path(training.__file__).parent / "real_text.json").read_text()))


def known_places(known: dict[str, list[list[float]]], path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where text or a marker stands already, with some margin."""
    mask = np.zeros(shape, dtype=bool)
    for x, y, width, height in known.get(f"images/{path.parent.name}/{path.name}", []):
        pad = 30
        top, left = int(y * shape[0]) - pad, int(x * shape[1]) - pad
        mask[max(0, top) : int((y + height) * shape[0]) + pad, max(0, left) : int((x + width) * shape[1]) + pad] = True
    return mask


if __name__ == "__main__":
    main()
