"""Measure the quality score on a folder of radiographs, spoiled step by step by other code than the one that taught it.

    OMP_NUM_THREADS=1 python -m tests.fulfillment.quality.measure_score [FOLDER ...] [--every N]

8-bit pictures are scored as they are and as a 12-bit stand-in (averaged down, with grain). Prints, for each fault, the share of
pictures whose score falls at every step (and within half a point), the rank (AUC) of untouched over spoiled ones, and how far
changes that take nothing away move a score. The pictures in ../shared/data taught the shipped model: figures on those alone
prove nothing; models/components.md has the ones on pictures left out.
"""

from __future__ import annotations

import argparse
import io
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from fulfillment.quality import components_of, total_of
from tests.support.intervals import wilson

IMAGES = Path(__file__).resolve().parents[4] / "shared" / "data" / "images"
Pixels = NDArray[np.integer]
LARGEST = 1600


def load(path: Path) -> Pixels:
    with Picture.open(path) as picture:
        grey = picture.convert("L")
    scale = LARGEST / max(grey.size)
    if scale < 1:
        grey = grey.resize((round(grey.width * scale), round(grey.height * scale)), Picture.Resampling.BOX)
    return np.asarray(grey)


def twelve_bits(image: Pixels, seed: int) -> Pixels:
    """A stand-in for a native image: averaging brings values between the old levels, a detector's grain goes on top."""
    small = cv2.resize(image.astype(np.float32) * 15, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    grain = np.random.default_rng(seed).standard_normal(small.shape) * 8
    return np.clip(np.rint(small + grain + 60), 0, 4095).astype(np.uint16)


def score(image: Pixels) -> float:
    return total_of(components_of(image)[0])


def spoiled(image: Pixels, top: int) -> Iterator[tuple[str, list[Pixels]]]:
    """Each fault in four growing steps."""
    kind = image.dtype
    plain = image.astype(np.float32)
    low, high = np.percentile(image, (1, 99))

    def kept(values: NDArray[np.floating]) -> Pixels:
        return np.clip(np.rint(values), 0, top).astype(kind)

    yield "blur", [kept(cv2.GaussianBlur(plain, (0, 0), sigma)) for sigma in (0.8, 1.3, 2, 3.5)]
    grain = np.random.default_rng(5).standard_normal(image.shape).astype(np.float32) * (high - low)
    yield "noise", [kept(plain + grain * share) for share in (0.01, 0.02, 0.04, 0.08)]
    yield "quantise", [kept(np.round(plain / (top / n)) * (top / n)) for n in (127, 63, 31, 15)]
    yield "jpeg", [_jpeg(plain, top, kind, quality) for quality in (85, 70, 50, 25)]
    yield "jpeg 60", [_jpeg(plain, top, kind, 60)]
    yield "down-up", [kept(_down_up(plain, factor)) for factor in (0.7, 0.5, 0.35, 0.25)]
    yield "2x", [kept(cv2.resize(plain, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))]
    yield "clip", [kept(_clip(plain, percent, top)) for percent in (2, 5, 10, 20)]
    yield "motion", [kept(cv2.blur(plain, (length, 1))) for length in (4, 8, 14, 24)]
    yield "crop", [_crop(image, share) for share in (0.05, 0.1, 0.15, 0.2)]
    yield "crop 10 % a side", [_crop(image, 0.1)]
    yield "crop 10 % of a length", [_crop(image, 0.05)]
    if top > 255:
        yield "8-bit export", [(kept(plain / top * 255).astype(np.uint16) * 16).astype(kind)]


def _jpeg(values: NDArray[np.float32], top: int, kind: np.dtype, quality: int) -> Pixels:
    held = io.BytesIO()
    Picture.fromarray(np.rint(values * (255 / top)).astype(np.uint8)).save(held, "JPEG", quality=quality)
    again = np.asarray(Picture.open(held)).astype(np.float32)
    return np.rint(again * (top / 255)).astype(kind)


def _down_up(values: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    rows, columns = values.shape
    picture = Picture.fromarray(values)
    small = picture.resize((int(columns * factor), int(rows * factor)), Picture.Resampling.BICUBIC)
    return np.asarray(small.resize((columns, rows), Picture.Resampling.BICUBIC))


def _clip(values: NDArray[np.float32], percent: float, top: int) -> NDArray[np.float32]:
    low, high = np.percentile(values, (percent / 2, 100 - percent / 2))
    return (np.clip(values, low, high) - low) / max(float(high - low), 1) * top


def _crop(image: Pixels, share: float) -> Pixels:
    rows, columns = image.shape
    down, across = int(rows * share), int(columns * share)
    return image[down : rows - down, across : columns - across]


def harmless(image: Pixels, top: int) -> Iterator[tuple[str, Pixels]]:
    """Changes that take nothing away."""
    yield "polarity", (top - image.astype(np.int32)).astype(image.dtype)
    yield "padding", np.pad(image, ((40, 10), (25, 60)))
    yield "offset", (image.astype(np.int32) + 1024).astype(np.uint16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--every", type=int, default=1)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    folders = asked.folders or sorted(IMAGES.iterdir())
    paths = [path for folder in folders for path in sorted(folder.iterdir())][:: asked.every]
    runs: dict[str, list[list[float]]] = defaultdict(list)
    moved: dict[str, list[float]] = defaultdict(list)
    for number, path in enumerate(paths):
        eight = load(path)
        for depth, image, top in ((" 8", eight, 255), ("12", twelve_bits(eight, number), 4095)):
            clean = score(image)
            for name, steps in spoiled(image, top):
                runs[f"{depth} {name}"].append([clean, *(score(step) for step in steps)])
            for name, other in harmless(image, top):
                moved[f"{depth} {name}"].append(abs(score(other) - clean))
    for name, scores in sorted(runs.items()):
        _print(name, np.array(scores))
    for name, changes in sorted(moved.items()):
        print(f"{name:26} n={len(changes):3} moves at most {max(changes):.2f}, half of them {np.median(changes):.2f}")


def _print(name: str, table: NDArray[np.floating]) -> None:
    change, n = np.diff(table, axis=1), len(table)
    hits = int(np.all(change <= 0, axis=1).sum())
    near = int(np.all(change <= 0.5, axis=1).sum())
    low, high = wilson(hits, n)
    ranks = [float((table[:, 0][:, None] > table[:, k][None, :]).mean()) for k in range(1, table.shape[1])]
    middle = " ".join(f"{value:.0f}" for value in np.median(table, axis=0))
    auc = " ".join(f"{rank:.2f}" for rank in ranks)
    print(
        f"{name:26} n={n:3} falls {hits / n:6.1%} ({low:.1%} to {high:.1%}), within 0.5 {near / n:6.1%}; AUC {auc}; median {middle}"
    )


if __name__ == "__main__":
    main()
