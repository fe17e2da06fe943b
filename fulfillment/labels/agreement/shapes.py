"""How far two readers' boxes and outlines agree: overlap of what is matched, and whether the same things were marked at all. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fulfillment.labels.agreement.estimate import Array, Estimate, estimate, grouped, summed
from fulfillment.labels.formats.model import Shape

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Marked:
    """One image as two readers marked one finding; ``size``: its rows and columns, which outlines and masks need."""

    first: Sequence[Shape]
    second: Sequence[Shape]
    size: tuple[int, int] | None = None
    cluster: Hashable = None


@dataclass(frozen=True)
class ShapeAgreement:
    """``found``: of all marks the share that has a partner (the F1 of one reader against the other, at the threshold).

    ``iou``: mean overlap of the matched pairs; ``dice``: of the marked areas as a whole, over all images together. ``images`` were
    marked by at least one of the two; ``marks`` are the numbers of marks of each, ``matched`` the pairs.
    """

    images: int
    marks: tuple[int, int]
    matched: int
    threshold: float
    found: Estimate
    iou: Estimate
    dice: Estimate


def box_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes x, y, width, height; 0 where neither has area."""
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inside = max(0.0, across) * max(0.0, down)
    union = a[2] * a[3] + b[2] * b[3] - inside
    return inside / union if union > 0 else 0.0


def mask_iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boolean masks of one size; 0 where both are empty."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 0.0


def mask_dice(a: np.ndarray, b: np.ndarray) -> float:
    """Twice the intersection over the sum of the areas (Dice 1945); 0 where both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 0.0


def match(overlaps: Array, threshold: float) -> list[tuple[int, int]]:
    """Pairs (row, column), each used once, with overlaps at or above the threshold, that add up to the most overlap.

    Exact: the assignment problem by shortest augmenting paths (Jonker and Volgenant 1987, as in the Hungarian method).
    """
    overlaps = np.asarray(overlaps, dtype=np.float64)
    if not overlaps.size:
        return []
    gain = np.where(overlaps >= threshold, overlaps, 0.0)
    pairs = _assign(-gain) if gain.shape[0] <= gain.shape[1] else [(r, c) for c, r in _assign(-gain.T)]
    return sorted((row, column) for row, column in pairs if gain[row, column] > 0)


def _assign(cost: Array) -> list[tuple[int, int]]:
    """The cheapest assignment of every row to a column of its own; rows <= columns."""
    rows, columns = cost.shape
    up, across = np.zeros(rows + 1), np.zeros(columns + 1)
    taken = np.zeros(columns + 1, dtype=int)  # the row (from 1) that has the column; column 0 is where a search starts
    for row in range(1, rows + 1):
        taken[0], here = row, 0
        least = np.full(columns + 1, np.inf)
        way = np.zeros(columns + 1, dtype=int)
        done = np.zeros(columns + 1, dtype=bool)
        while True:
            done[here] = True
            reduced = cost[taken[here] - 1] - up[taken[here]] - across[1:]
            better = ~done[1:] & (reduced < least[1:])
            least[1:][better], way[1:][better] = reduced[better], here
            step = int(np.argmin(np.where(done, np.inf, least)))
            delta = least[step]
            up[taken[done]] += delta
            across[done] -= delta
            least[~done] -= delta
            here = step
            if not taken[here]:
                break
        while here:
            taken[here], here = taken[way[here]], way[here]
    return [(int(taken[column]) - 1, column - 1) for column in range(1, columns + 1) if taken[column]]


def shape_agreement(images: Iterable[Marked], *, threshold: float = 0.5, seed: int = 0) -> ShapeAgreement:
    """Agreement of two readers' marks of one finding. Boxes are compared exactly, anything else pixel by pixel.

    ``threshold``: the overlap from which two marks are taken for the same thing. Raises ValueError for an outline without a size.
    """
    used = [image for image in images if image.first or image.second]
    rows = np.array([_sums(image, threshold) for image in used]).reshape(len(used), 6)
    clusters = [image.cluster if image.cluster is not None else ("image", place) for place, image in enumerate(used)]
    numbers, many = grouped(clusters, len(used))
    sums = summed(rows, numbers, many)
    first, second, matched = (int(total) for total in rows[:, :3].sum(axis=0)) if len(used) else (0, 0, 0)

    def found(total: Array) -> float:
        marks = total[0] + total[1]
        return float(2 * total[2] / marks) if marks else float("nan")

    def iou(total: Array) -> float:
        return float(total[3] / total[2]) if total[2] else float("nan")

    def dice(total: Array) -> float:
        return float(2 * total[4] / total[5]) if total[5] else float("nan")

    return ShapeAgreement(
        images=len(used),
        marks=(first, second),
        matched=matched,
        threshold=threshold,
        found=estimate(sums, found, n=first + second, why_undefined="Nobody marked anything.", seed=seed),
        iou=estimate(sums, iou, n=matched, why_undefined="No two marks overlap enough to be the same.", seed=seed),
        dice=estimate(sums, dice, n=len(used), why_undefined="Nobody marked any area.", seed=seed),
    )


def _sums(image: Marked, threshold: float) -> list[float]:
    """Marks of the first, of the second, matched pairs, their overlaps added up, common area, sum of the areas."""
    overlaps, common, areas = _overlaps(image)
    pairs = match(overlaps, threshold)
    return [
        len(image.first),
        len(image.second),
        len(pairs),
        float(sum(overlaps[row, column] for row, column in pairs)),
        common,
        areas,
    ]


def _overlaps(image: Marked) -> tuple[Array, float, float]:
    found = np.zeros((len(image.first), len(image.second)))
    if image.size is None:
        boxes = [[shape.box for shape in side] for side in (image.first, image.second)]
        if any(box is None for side in boxes for box in side):
            raise ValueError("an outline or a mask needs the size of its image")
        for row, a in enumerate(boxes[0]):
            for column, b in enumerate(boxes[1]):
                found[row, column] = box_iou(a, b)  # type: ignore[arg-type]
        one, other = (_box_area(side) for side in boxes)
        both = _box_area([_cut(a, b) for a in boxes[0] for b in boxes[1]])
        return found, both, one + other
    masks = [[shape.to_mask(*image.size) for shape in side] for side in (image.first, image.second)]
    for row, (shape, mask) in enumerate(zip(image.first, masks[0], strict=True)):
        for column, (other_shape, other_mask) in enumerate(zip(image.second, masks[1], strict=True)):
            if shape.box is not None and other_shape.box is not None:
                found[row, column] = box_iou(shape.box, other_shape.box)
            else:
                found[row, column] = mask_iou(mask, other_mask)
    empty = np.zeros(image.size, dtype=bool)
    wholes = [np.logical_or.reduce([empty, *side]) for side in masks]
    return found, float((wholes[0] & wholes[1]).sum()), float(wholes[0].sum() + wholes[1].sum())


def _cut(a: Box | None, b: Box | None) -> Box | None:
    assert a is not None and b is not None
    x, y = max(a[0], b[0]), max(a[1], b[1])
    width, height = min(a[0] + a[2], b[0] + b[2]) - x, min(a[1] + a[3], b[1] + b[3]) - y
    return (x, y, width, height) if width > 0 and height > 0 else None


def _box_area(boxes: Sequence[Box | None]) -> float:
    """The area that boxes cover together, overlaps counted once: cut into the strips between their edges."""
    known = [box for box in boxes if box is not None]
    edges = sorted({edge for box in known for edge in (box[0], box[0] + box[2])})
    area = 0.0
    for left, right in pairwise(edges):
        reach = -np.inf
        covered = 0.0
        for y, height in sorted((b[1], b[3]) for b in known if b[0] <= left and b[0] + b[2] >= right):
            top = max(reach, y)
            covered += max(0.0, y + height - top)
            reach = max(reach, y + height)
        area += covered * (right - left)
    return area
