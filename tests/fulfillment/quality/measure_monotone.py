"""Measure in which direction the score moves when real radiographs are spoiled step by step.

    OMP_NUM_THREADS=1 python -m tests.fulfillment.quality.measure_monotone [every nth image]

Needs ../shared/data/images. Prints, per source, the share of images whose score falls (or stays) at every step, the
same with half a point of tolerance, and the median score at each step from clean to worst. docs/quality-score.md
quotes it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.quality import components_of, measure, total_of

IMAGES = Path(__file__).resolve().parents[4] / "shared" / "data" / "images"
Grey = NDArray[np.uint8]


def load(path: Path) -> Grey:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image.ndim == 3:
        image = cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2GRAY)
    return image if image.dtype == np.uint8 else (image / 257).astype(np.uint8)


def _grey(values: NDArray[np.floating]) -> Grey:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _enlarged(image: Grey, factor: float) -> Grey:
    rows, columns = image.shape
    small = cv2.resize(image, (int(columns * factor), int(rows * factor)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (columns, rows), interpolation=cv2.INTER_CUBIC)


def _clipped(image: Grey, percent: float) -> Grey:
    low, high = np.percentile(image, (percent, 100 - percent))
    return _grey((np.clip(image.astype(np.float32), low, high) - low) / max(high - low, 1) * 255)


def _moved(image: Grey, length: int) -> Grey:
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    return _grey(cv2.filter2D(image.astype(np.float32), -1, kernel))


def spoiled(image: Grey) -> Iterator[tuple[str, list[Grey]]]:
    """Each way of spoiling, in growing steps."""
    plain = image.astype(np.float32)
    low, high = np.percentile(image, (0.5, 99.5))
    grain = np.random.default_rng(1).standard_normal(image.shape).astype(np.float32) * (high - low)
    yield "blur", [_grey(cv2.GaussianBlur(plain, (0, 0), sigma)) for sigma in (0.8, 1.3, 2, 3.5)]
    yield "noise", [_grey(plain + grain * share) for share in (0.01, 0.02, 0.04, 0.08)]
    yield "quantise", [(np.floor(plain / step) * step).astype(np.uint8) for step in (2, 4, 8, 16)]
    coded = (cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for quality in (90, 75, 60, 40, 20))
    yield "jpeg", [cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) for data in coded]
    yield "down-up", [_enlarged(image, factor) for factor in (0.75, 0.5, 0.35, 0.25)]
    yield "clip", [_clipped(image, percent) for percent in (1, 3, 6, 12)]
    yield "motion", [_moved(image, length) for length in (5, 9, 15, 25)]


def main() -> None:
    cv2.setNumThreads(1)
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    runs: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(IMAGES.glob("*/*"))[::every]:
        image = load(path)
        clean = total_of(components_of(measure(image)))
        for name, steps in spoiled(image):
            runs[path.parent.name][name].append([clean, *(total_of(components_of(measure(step))) for step in steps)])
    for source, ways in runs.items():
        print(source)
        for name, scores in ways.items():
            table = np.array(scores)
            change = np.diff(table, axis=1)
            strict, loose = (np.mean(np.all(change <= bound, axis=1)) for bound in (0, 0.5))
            middle = " ".join(f"{value:.0f}" for value in np.median(table, axis=0))
            print(f"  {name:9} n={len(table):3} falls {strict:5.0%}  within 0.5 {loose:5.0%}  median {middle}")


if __name__ == "__main__":
    main()
