"""Make the component model: spoil pictures, take their figures, teach each component to fall with its fault and never to rise.

    OMP_NUM_THREADS=1 python -m fulfillment.quality.training.fit figures FOLDER... --out figures.npz [--leaves 60]
    python -m fulfillment.quality.training.fit card figures.npz        # how well, on pictures left out
    python -m fulfillment.quality.training.fit model figures.npz       # writes models/components.npz

FOLDERs hold 8-bit radiographs (PNG, JPEG), one source a folder. numpy and OpenCV only; the same input gives the same model.
A picture never stands on both sides: the card leaves out every third picture, then each source as a whole.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.quality.components import COMPONENTS, MODEL, REACH, ComponentModel
from fulfillment.quality.features import figures, without_flat_border
from fulfillment.quality.training.dead_leaves import dead_leaves
from fulfillment.quality.training.network import Lesson, taught
from fulfillment.quality.training.renditions import RENDITIONS, window
from fulfillment.quality.training.spoil import spoiled

OWN = {
    "blur": ("sharpness",),
    "motion": ("sharpness",),
    "down-up": ("resolution", "sharpness"),
    "enlarged": ("resolution",),
    "enlarged-by-less": ("resolution",),
    "noise": ("noise",),
    "quantise": ("depth",),
    "8-bit export": ("depth",),
    "jpeg": ("blockiness",),
    "clip": ("clipping",),
}
# How far apart a component should hold two steps. Mild faults that web pictures already have are asked for least.
APART = {
    "noise": 1.0,
    "quantise": 1.5,
    "jpeg": 1.6,
    "clip": 0.8,
    "enlarged-by-less": 0.8,
    "enlarged": 3.5,
    "8-bit export": 5.0,
}
# The step from the picture as it came to the mildest fault is the hardest to see.
FIRST_STEP = 3
OFTEN = frozenset({"noise"})
# Only these are known to be as they should be: their components are held near the top.
SOUND_SOURCES = frozenset({"nih"})
SOUND_RENDITIONS = frozenset({"deep", "enlarged"})
NETS = 4


@dataclass(frozen=True)
class Row:
    """One spoiled picture: which picture, which source and rendition, what was done, at which step (0: nothing)."""

    picture: int
    rendition: str
    source: str
    fault: str
    step: int


@dataclass(frozen=True)
class Table:
    rows: list[Row]
    names: list[str]
    values: NDArray[np.float32]

    def chains(self) -> dict[tuple[int, str], dict[str, list[int]]]:
        """For each picture in each rendition: the fault's name to the rows' numbers in growing strength."""
        found: dict[tuple[int, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, row in enumerate(self.rows):
            found[row.picture, row.rendition][row.fault].append(number)
        return found


def collect(folders: Iterable[Path], leaves: int, part: int = 0, parts: int = 1) -> Table:
    """The figures of every picture in its renditions, spoiled every way."""
    rows: list[Row] = []
    found: list[dict[str, float]] = []
    pictures = [(path.parent.name, path) for folder in folders for path in sorted(folder.iterdir())]
    for number in range(len(pictures) + leaves):
        if number % parts != part:
            continue
        source, image = _picture(pictures, number)
        for which, rendition in enumerate(RENDITIONS):
            # Every picture as it came; of the other renditions about half.
            if which and np.random.default_rng((number, which, 9)).random() > 0.55:
                continue
            rng = np.random.default_rng((number, which))
            shown, top = rendition(image, rng)
            shown = window(shown, rng)
            steps = [("clean", [shown]), *spoiled(shown, top, rng)]
            for fault, images in steps:
                for step, each in enumerate(images):
                    rows.append(Row(number, rendition.__name__, source, fault, step + (fault != "clean")))
                    found.append(figures(without_flat_border(each)))
        print(f"{number + 1} of {len(pictures) + leaves}", file=sys.stderr, flush=True)
    names = list(found[0])
    return Table(rows, names, np.array([[row[name] for name in names] for row in found], np.float32))


def _picture(pictures: list[tuple[str, Path]], number: int) -> tuple[str, NDArray[np.integer]]:
    if number >= len(pictures):
        return "leaves", dead_leaves(number - len(pictures))
    source, path = pictures[number]
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise SystemExit(f"{path} is no picture that can be read. Leave it out.")
    if image.ndim == 3:
        image = cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2GRAY)
    return source, np.asarray(image if image.dtype == np.uint8 else image / 257, dtype=np.uint8)


def write_table(table: Table, path: Path) -> None:
    rows = np.array([(r.picture, r.rendition, r.source, r.fault, r.step) for r in table.rows], dtype=str)
    np.savez_compressed(path, rows=rows, names=np.array(table.names), values=table.values)


def read_tables(paths: Iterable[Path]) -> Table:
    rows: list[Row] = []
    values = []
    names: list[str] = []
    for path in paths:
        with np.load(path, allow_pickle=False) as held:
            names = [str(name) for name in held["names"]]
            rows += [Row(int(r[0]), str(r[1]), str(r[2]), str(r[3]), int(r[4])) for r in held["rows"]]
            values.append(held["values"])
    return Table(rows, names, np.concatenate(values))


def fit(table: Table, pictures: set[int], *, nets: int = NETS, epochs: int = 50) -> ComponentModel:
    """The model taught by these pictures."""
    mean, spread = table.values.mean(axis=0), table.values.std(axis=0) + 1e-6
    standard = np.clip((table.values - mean) / spread, -REACH, REACH).astype(np.float32)
    lesson = _lesson(table, pictures)
    return ComponentModel(
        table.names, mean, spread, [taught(standard, lesson, seed=seed, epochs=epochs) for seed in range(nets)]
    )


def _lesson(table: Table, pictures: set[int]) -> Lesson:
    better, worse, own, apart = [], [], [], []
    for (picture, _), faults in table.chains().items():
        if picture not in pictures:
            continue
        clean = faults["clean"][0]
        for fault, steps in faults.items():
            if fault == "clean":
                continue
            chain = [clean, *steps]
            pairs = list(pairwise(chain)) * (3 if fault in OFTEN else 1)
            pairs += [(clean, steps[0])] * (FIRST_STEP - 1)
            if len(steps) > 2:
                pairs += [(chain[0], chain[2]), (chain[0], chain[-1]), (chain[1], chain[3])]
            mine = [1.0 if name in OWN[fault] else 0.0 for name in COMPONENTS]
            for a, b in pairs:
                better.append(a)
                worse.append(b)
                own.append(mine)
                apart.append(APART.get(fault, 1.0))
    sound = np.zeros((len(table.rows), len(COMPONENTS)), np.float32)
    for number, row in enumerate(table.rows):
        if row.fault == "clean":
            sound[number] = 1.0 if row.source in SOUND_SOURCES or row.rendition in SOUND_RENDITIONS else 0.15
            if row.rendition not in SOUND_RENDITIONS:
                sound[number, COMPONENTS.index("depth")] = 0
            if row.rendition == "compressed":
                sound[number, COMPONENTS.index("blockiness")] = 0
    return Lesson(np.array(better), np.array(worse), np.array(own, np.float32), np.array(apart, np.float32), sound)


def main() -> None:
    from fulfillment.quality.training.card import print_card

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    doing = parser.add_subparsers(dest="doing", required=True)
    first = doing.add_parser("figures")
    first.add_argument("folders", nargs="+", type=Path)
    first.add_argument("--out", type=Path, required=True)
    first.add_argument("--leaves", type=int, default=60)
    first.add_argument("--part", type=int, default=0)
    first.add_argument("--parts", type=int, default=1)
    for name in ("card", "model"):
        doing.add_parser(name).add_argument("tables", nargs="+", type=Path)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    if asked.doing == "figures":
        write_table(collect(asked.folders, asked.leaves, asked.part, asked.parts), asked.out)
        return
    table = read_tables(asked.tables)
    if asked.doing == "card":
        print_card(table)
        return
    MODEL.parent.mkdir(exist_ok=True)
    fit(table, {row.picture for row in table.rows}).save(MODEL)


if __name__ == "__main__":
    main()
