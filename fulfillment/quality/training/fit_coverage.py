"""Make the coverage model: frontal radiographs, cropped step by step; each step must score lower than the one before.

    OMP_NUM_THREADS=1 python -m fulfillment.quality.training.fit_coverage FOLDER... [--card]

``--card`` prints how well it does with pictures, then whole sources, left out, instead of writing the model.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.quality.coverage import MODEL, CoverageModel, outline
from fulfillment.quality.features import without_flat_border
from fulfillment.quality.training.network import Lesson, taught

DIRECTIONS = 120
# Off each side, as shares of the picture.
EVEN_CROPS = (0.0, 0.025, 0.05, 0.1, 0.15, 0.2)
CHAINS = 8
NETS = 4
WORKING_SIDE = 448


@dataclass(frozen=True)
class Cropped:
    """``picture``, ``source``: where from. ``chain``: which series of crops. ``cut``: mean share taken off a side."""

    picture: int
    source: str
    chain: int
    cut: float


def crops(image: NDArray[np.uint8], number: int) -> list[list[tuple[float, NDArray[np.uint8]]]]:
    """Chains of ever smaller parts: one even all round, the rest with sides drawn at random, curves and mirrored at random."""
    rng = np.random.default_rng((number, 3))
    chains = []
    for which in range(CHAINS):
        shown = image
        if which:
            shown = shown[:, ::-1] if rng.random() < 0.5 else shown
            curve = (np.linspace(0, 1, 256) ** rng.uniform(0.6, 1.6) * 255).astype(np.uint8)
            shown = curve[shown]
            if rng.random() < 0.5:
                shown = _turned(shown, float(rng.uniform(-4, 4)))
        weights = np.ones(4) if which < 2 else rng.uniform(0, 1, 4) * (rng.random(4) < 0.7) + 1e-3
        weights = weights / weights.mean() if which < 2 else weights / max(weights.max(), 0.3)
        chains.append([(float(cut * weights.mean()), _part(shown, cut * weights)) for cut in EVEN_CROPS])
    return chains


def _turned(image: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    rows, columns = image.shape
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, turn, (columns, rows), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def _part(image: NDArray[np.uint8], cut: NDArray[np.floating]) -> NDArray[np.uint8]:
    rows, columns = image.shape
    top, bottom, left, right = (min(float(c), 0.4) for c in cut)
    return image[int(rows * top) : rows - int(rows * bottom), int(columns * left) : columns - int(columns * right)]


def load(folders: list[Path]) -> list[tuple[str, NDArray[np.uint8]]]:
    pictures = []
    for folder in folders:
        for path in sorted(folder.iterdir()):
            image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if image is None:
                raise SystemExit(f"{path} is no picture that can be read. Leave it out.")
            grey = without_flat_border(np.asarray(image, dtype=np.uint8))
            scale = WORKING_SIDE / max(grey.shape)
            pictures.append(
                (
                    folder.name,
                    np.asarray(
                        cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8
                    ),
                )
            )
    return pictures


def table(pictures: list[tuple[str, NDArray[np.uint8]]]) -> tuple[list[Cropped], NDArray[np.float32]]:
    rows, outlines = [], []
    for number, (source, image) in enumerate(pictures):
        for chain, parts in enumerate(crops(image, number)):
            for cut, part in parts:
                rows.append(Cropped(number, source, chain, cut))
                outlines.append(outline(part))
    return rows, np.array(outlines, np.float32)


def fit(
    rows: list[Cropped], outlines: NDArray[np.float32], keep: NDArray[np.bool_], *, epochs: int = 60
) -> CoverageModel:
    """The model taught by the rows that are kept."""
    known = outlines[keep]
    mean = known.mean(axis=0)
    axes = np.linalg.svd(known - mean, full_matrices=False)[2][:DIRECTIONS]
    spread = ((known - mean) @ axes.T).std(axis=0) + 1e-6
    model = CoverageModel(mean, axes, spread.astype(np.float32), [])
    standard = model.standard(outlines)
    lesson = _lesson(rows, keep)
    model.nets = [taught(standard, lesson, seed=seed, epochs=epochs) for seed in range(NETS)]
    return model


def _lesson(rows: list[Cropped], keep: NDArray[np.bool_]) -> Lesson:
    chains: dict[tuple[int, int], list[int]] = {}
    for number, row in enumerate(rows):
        if keep[number]:
            chains.setdefault((row.picture, row.chain), []).append(number)
    whole = [number for number, row in enumerate(rows) if keep[number] and row.cut == 0]
    rng = np.random.default_rng(0)
    better, worse, apart = [], [], []
    for numbers in chains.values():
        for i, a in enumerate(numbers):
            for b in numbers[i + 1 :]:
                better.append(a)
                worse.append(b)
                apart.append(25 * (rows[b].cut - rows[a].cut))
        # Against other pictures, too: a whole one is to score above a cropped one, whoever it shows.
        for b in numbers[2:]:
            for a in rng.choice(whole, 2):
                better.append(int(a))
                worse.append(b)
                apart.append(25 * rows[b].cut)
    sound = np.zeros((len(rows), 1), np.float32)
    sound[whole] = 0.5
    own = np.ones((len(better), 1), np.float32)
    return Lesson(np.array(better), np.array(worse), own, np.array(apart, np.float32), sound)


def card(rows: list[Cropped], outlines: NDArray[np.float32]) -> None:
    """Pictures left out by thirds, then each source: rank of whole over cropped, and chains that fall at every step."""
    picture = np.array([row.picture for row in rows])
    source = np.array([row.source for row in rows])
    thirds = np.zeros(len(rows))
    sources = np.zeros(len(rows))
    for third in range(3):
        out = picture % 3 == third
        model = fit(rows, outlines, ~out)
        thirds[out] = model.raw(model.standard(outlines[out]))
    for name in sorted(set(source)):
        out = source == name
        model = fit(rows, outlines, ~out)
        sources[out] = model.raw(model.standard(outlines[out]))
    even = np.array([row.chain == 0 for row in rows])
    for title, answers in (("pictures left out", thirds), ("sources left out", sources)):
        for name in [*sorted(set(source)), "all"]:
            chosen = even & ((source == name) | (name == "all"))
            steps = answers[chosen].reshape(-1, len(EVEN_CROPS))
            ranks = [_rank(steps[:, 0], steps[:, k]) for k in range(1, len(EVEN_CROPS))]
            falls = float(np.all(np.diff(steps, axis=1) < 0, axis=1).mean())
            print(title, name, f"n={len(steps)}", "AUC", [round(r, 3) for r in ranks], f"falls {falls:.3f}")


def _rank(whole: NDArray[np.floating], cropped: NDArray[np.floating]) -> float:
    return float((whole[:, None] > cropped[None, :]).mean() + 0.5 * (whole[:, None] == cropped[None, :]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--card", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    rows, outlines = table(load(asked.folders))
    if asked.card:
        card(rows, outlines)
        return
    MODEL.parent.mkdir(exist_ok=True)
    fit(rows, outlines, np.ones(len(rows), bool)).save(MODEL)


if __name__ == "__main__":
    main()
