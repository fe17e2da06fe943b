"""Confident learning: which labels are likely wrong, and how many (Northcutt, Jiang and Chuang 2021, JAIR 70). Pure.

Needs probabilities that a model gave *out of sample*: each image judged by a model that did not see its label. A model judging what
it was trained on agrees with wrong labels. The probabilities may be badly calibrated; each class is held against its own average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Suspect:
    """A label to look at again. ``margin``: how much less likely the given label is than the suggested one, by the model."""

    item: int
    given: int
    suggested: int
    margin: float


@dataclass(frozen=True)
class NoiseEstimate:
    """``joint[i, j]``: the share of items labelled i that are truly j; it sums to 1. ``noise_rate``: the share off its diagonal.

    ``confident[i, j]`` are the counts it was made from, ``thresholds`` each class's average self-confidence (NaN: a class that no
    label has). ``suspects`` come most doubtful first. ``why``: what the estimate cannot say, or "".
    """

    joint: Array
    confident: NDArray[np.int64]
    thresholds: Array
    noise_rate: float | None
    suspects: tuple[Suspect, ...]
    n: int
    why: str = ""

    def rate_of(self, given: int) -> float | None:
        """Of the items with this label, the share estimated to be something else; None where no item has it."""
        total = float(self.joint[given].sum())
        return None if total == 0 else 1 - float(self.joint[given, given]) / total


def find_noise(labels: ArrayLike, probabilities: ArrayLike) -> NoiseEstimate:
    """Estimate the noise of labels 0..K-1 from out-of-sample probabilities (n, K). For one finding K is 2: absent, present.

    Raises ValueError for shapes that do not fit, a label outside 0..K-1, or rows that are no probabilities.
    """
    given = np.asarray(labels, dtype=np.intp)
    chance = np.asarray(probabilities, dtype=np.float64)
    if chance.ndim != 2 or given.shape != (len(chance),):
        raise ValueError("labels must be (n,) and probabilities (n, K)")
    classes = chance.shape[1]
    if len(given) and (given.min() < 0 or given.max() >= classes):
        raise ValueError("a label is outside 0..K-1")
    if not np.isfinite(chance).all() or (chance < 0).any() or not np.allclose(chance.sum(axis=1), 1, atol=1e-3):
        raise ValueError("a row of probabilities is negative or does not sum to 1")
    counts = np.bincount(given, minlength=classes)
    empty = NoiseEstimate(
        np.zeros((classes, classes)), np.zeros((classes, classes), dtype=np.int64), np.full(classes, np.nan), None, (), len(given)
    )  # fmt: skip
    if (counts > 0).sum() < 2:
        why = (
            "There are no labels."
            if not len(given)
            else "All labels are the same: there is nothing to confuse them with."
        )
        return NoiseEstimate(**{**empty.__dict__, "why": why})
    thresholds = np.array(
        [chance[given == k, k].mean() if counts[k] else np.nan for k in range(classes)], dtype=np.float64
    )
    # An item counts for the likeliest of the classes it reaches; equation 1 of the paper.
    reaches = chance >= np.where(np.isnan(thresholds), np.inf, thresholds) - 1e-12
    likeliest = np.where(reaches, chance, -1.0).argmax(axis=1)
    sure = reaches.any(axis=1)
    confident = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confident, (given[sure], likeliest[sure]), 1)
    joint = _calibrated(confident, counts)
    suspects = _suspects(given, chance, joint)
    return NoiseEstimate(joint, confident, thresholds, float(1 - np.trace(joint)), suspects, len(given))


def _calibrated(confident: NDArray[np.int64], counts: NDArray[np.intp]) -> Array:
    """Rows scaled to how often each label was given, all together to 1 (equation 3)."""
    rows = confident.sum(axis=1, keepdims=True)
    shares = np.divide(confident, rows, out=np.eye(len(counts)), where=rows > 0)
    return shares * (counts / counts.sum())[:, None]


def _suspects(given: NDArray[np.intp], chance: Array, joint: Array) -> tuple[Suspect, ...]:
    """Of each pair of classes as many as the joint says, those the model doubts most (section 3.2, "prune by noise rate"); never one
    that it does not doubt."""
    found: list[Suspect] = []
    for i in range(len(joint)):
        for j in range(len(joint)):
            number = round(float(joint[i, j]) * len(given))
            if i == j or not number:
                continue
            items = np.flatnonzero((given == i) & (chance[:, j] > chance[:, i]))
            margins = chance[items, j] - chance[items, i]
            order = np.lexsort((items, -margins))[:number]
            found += [Suspect(int(items[k]), i, j, float(margins[k])) for k in order]
    best: dict[int, Suspect] = {}
    for suspect in found:  # with several classes an item may be doubted for two: the likelier one is told
        if suspect.item not in best or suspect.margin > best[suspect.item].margin:
            best[suspect.item] = suspect
    return tuple(sorted(best.values(), key=lambda suspect: (-suspect.margin, suspect.item)))
