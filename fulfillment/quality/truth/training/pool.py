"""Draw the pictures that the network learns from: `python -m fulfillment.quality.truth.training.pool --help`.

Writes one .npz: `pictures` (n, 2, 96, 96) as the network sees them, upright and of normal polarity, `classes` (0 frontal,
1 lateral, 2 no chest), `sources` (names: a folder of real radiographs, "ct", "thorax", "limbs", "clutter", "elsewhere",
"slices", "photographs") and `items` (which picture of the source it was made from, for splits).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.quality.truth.picture import network_input, reduced, trimmed
from fulfillment.quality.truth.training import clutter, exposure, limbs

Array = NDArray[np.float32]
Made = tuple[Array, int]
CLASSES = ("frontal", "lateral", "no chest")


def real_pictures(folder: Path) -> list[Array]:
    """Every picture of a folder, in the order of names, at 288 x 288."""
    found = []
    for path in sorted(folder.iterdir()):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if image is not None:
            found.append(cv2.resize(image, (288, 288), interpolation=cv2.INTER_AREA).astype(np.float32))
    return found


def photographs(folders: list[Path]) -> list[Array]:
    """Pictures of at least 100 pixels a side below the folders, at most 400 pixels, in the order of names."""
    found = []
    for path in sorted(
        p for folder in folders for p in folder.rglob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg"}
    ):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if image is not None and min(image.shape) >= 100:
            share = min(1.0, 400 / max(image.shape))
            found.append(cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA).astype(np.float32))
    return found


class Drawer:
    """Makes one picture of a source; each returns the picture and the number of what it was made from."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rng = np.random.default_rng(options.seed)
        self.real = {folder.name: real_pictures(folder) for folder in options.real}
        self.photographs = photographs(options.photographs)
        kept = np.load(options.renderings)
        self.maps = {name: kept[name] for name in kept.files if name != "slices"}
        self.slices = kept["slices"] if "slices" in kept.files else np.zeros((0, 1, 1), np.int16)

    def real_frontal(self, source: str) -> Made:
        index = int(self.rng.integers(len(self.real[source])))
        image, share = self.real[source][index], self.rng.uniform(0, 0.1, 4)
        rows, columns = image.shape
        image = image[
            int(share[0] * rows) : rows - int(share[1] * rows),
            int(share[2] * columns) : columns - int(share[3] * columns),
        ]
        return exposure.vary(image, self.rng), index

    def rendered(self, name: str) -> Made:
        while True:
            index = int(self.rng.integers(len(self.maps[name])))
            maps = self.maps[name][index].astype(np.float32)
            if "lateral" in name and self.rng.random() < 0.5:
                maps = maps[:, :, ::-1]
            frame = exposure.chest_frame(maps, self.rng)
            if frame is not None and frame[1] - frame[0] > 24 and frame[3] - frame[2] > 24:
                image = exposure.project(maps, self.rng)[frame[0] : frame[1], frame[2] : frame[3]]
                return exposure.vary(image, self.rng), index

    def elsewhere(self) -> Made:
        while True:
            name = str(self.rng.choice(list(self.maps)))
            index = int(self.rng.integers(len(self.maps[name])))
            maps = self.maps[name][index].astype(np.float32)
            frame = exposure.elsewhere_frame(maps, self.rng)
            if frame is not None:
                image = exposure.project(maps, self.rng)[frame[0] : frame[1], frame[2] : frame[3]]
                return exposure.vary(image, self.rng, tilt=30), index

    def limb(self) -> Made:
        return exposure.vary(exposure.project(limbs.draw(self.rng), self.rng), self.rng, tilt=40), -1

    def other(self) -> Made:
        image = clutter.draw(self.rng, [])
        return (exposure.vary(image, self.rng, tilt=30) if self.rng.random() < 0.6 else image), -1

    def photograph(self) -> Made:
        index = int(self.rng.integers(len(self.photographs)))
        image = clutter.cut_of(self.photographs[index], self.rng)
        return (exposure.vary(image, self.rng, tilt=30) if self.rng.random() < 0.5 else image), index

    def slice(self) -> Made:
        index = int(self.rng.integers(len(self.slices)))
        image, (low, wide) = (
            self.slices[index].astype(np.float32),
            ((-1000, 1500), (-150, 400), (-1000, 3000))[int(self.rng.integers(3))],
        )
        image = np.clip((image - low) / wide, 0, 1)
        return (exposure.vary(image, self.rng, tilt=20) if self.rng.random() < 0.5 else image), index


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fulfillment.quality.truth.training.pool", description=__doc__)
    parser.add_argument(
        "--real", type=Path, nargs="*", default=[], help="folders of real frontal radiographs, upright, bones bright"
    )
    parser.add_argument("--renderings", type=Path, required=True, help="what `renderings` wrote")
    parser.add_argument(
        "--photographs", type=Path, nargs="*", default=[], help="folders of pictures that show no chest"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1 makes about 26,000 pictures")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    drawer = Drawer(options)
    plan: list[tuple[str, int, int, Callable[[], Made]]] = []
    for source in drawer.real:
        share = 1 + len(drawer.real[source]) / 40
        plan.append((source, 0, round(850 * share), lambda source=source: drawer.real_frontal(source)))  # type: ignore[misc]
    if "frontal" in drawer.maps:
        plan += [
            ("ct", 0, 2500, lambda: drawer.rendered("frontal")),
            ("ct", 1, 5000, lambda: drawer.rendered("lateral")),
        ]
        plan += [("slices", 2, 900, drawer.slice)]
    plan += [
        ("thorax", 0, 2000, lambda: drawer.rendered("thorax_frontal")),
        ("thorax", 1, 3200, lambda: drawer.rendered("thorax_lateral")),
    ]
    plan += [("elsewhere", 2, 1000, drawer.elsewhere)]
    plan += [("limbs", 2, 3600, drawer.limb), ("clutter", 2, 2000, drawer.other)]
    if drawer.photographs:
        plan += [("photographs", 2, 1500, drawer.photograph)]
    pictures, classes, sources, items = [], [], [], []
    started = time.monotonic()
    for source, kind, count, make in plan:
        for _ in range(round(count * options.scale)):
            image, item = make()
            pictures.append(network_input(trimmed(reduced(image))[0], inverted=False).astype(np.float16))
            classes.append(kind)
            sources.append(source)
            items.append(item)
        print(f"{source} {CLASSES[kind]} {len(pictures)} {time.monotonic() - started:.0f} s", flush=True)
    np.savez(
        options.out,
        pictures=np.stack(pictures),
        classes=np.array(classes),
        sources=np.array(sources),
        items=np.array(items),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
