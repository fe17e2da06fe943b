"""Agreement beyond chance of two readers (Cohen 1960, weighted: Cohen 1968) and of several (Fleiss 1971). Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np

from fulfillment.labels.agreement.estimate import Array, Estimate, estimate, grouped, summed

Weights = Literal["none", "linear", "quadratic"]


def cohen_kappa(
    first: Sequence[Any],
    second: Sequence[Any],
    *,
    categories: Sequence[Any] | None = None,
    weights: Weights = "none",
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Estimate:
    """Kappa of two readers, item by item; an item that one of them did not rate (None) takes no part.

    ``categories``: all there are, in their order (which the weighted forms need); by default those that occur, sorted.
    ``clusters``: the patient of each item. Raises ValueError for unequal lengths or a rating that is no category.
    """
    if len(first) != len(second):
        raise ValueError(f"one reader rated {len(first)} items and the other {len(second)}")
    numbers, _ = grouped(clusters, len(first))
    both = [place for place, (a, b) in enumerate(zip(first, second, strict=True)) if a is not None and b is not None]
    order = _categories(categories, [rating for place in both for rating in (first[place], second[place])])
    size = len(order)
    cells = [order[first[place]] * size + order[second[place]] for place in both]
    own, count = _renumbered(numbers[both])
    tables = np.zeros((count, size * size))
    np.add.at(tables, (own, np.array(cells, dtype=np.intp)), 1)
    cost = _cost(size, weights)

    def kappa(sums: Array) -> float:
        table = sums.reshape(size, size)
        total = table.sum()
        if not total:
            return float("nan")
        expected = float((cost * np.outer(table.sum(axis=1), table.sum(axis=0))).sum()) / total**2
        return 1 - float((cost * table).sum()) / total / expected if expected > 0 else float("nan")

    why = (
        "No item was rated by both readers."
        if not both
        else "Both readers gave one and the same rating throughout: chance alone would agree fully, so kappa is not defined."
    )
    return estimate(tables, kappa, n=len(both), why_undefined=why, seed=seed)


def fleiss_kappa(
    counts: Sequence[Sequence[int]], *, clusters: Sequence[Hashable] | None = None, seed: int = 0
) -> Estimate:
    """Kappa of several readers. ``counts``: (items, categories), how many readers put the item into each category.

    Every item needs the same number of ratings, at least two; where it varies the value is None and ``why`` says so (Krippendorff's
    alpha takes missing ratings).
    """
    if not len(counts):
        return Estimate(None, None, None, 0, 0, "There is no item.")
    table = np.asarray(counts, dtype=np.float64)
    numbers, many = grouped(clusters, len(table))
    ratings = table.sum(axis=1)
    if ratings.min() != ratings.max() or ratings.min() < 2:
        return Estimate(
            None, None, None, len(table), many,
            f"Items have between {int(ratings.min())} and {int(ratings.max())} ratings: Fleiss' kappa needs the same number, "
            "two or more. Use Krippendorff's alpha.",
        )  # fmt: skip
    each = ratings[0]
    agreeing = (table * (table - 1)).sum(axis=1) / (each * (each - 1))
    rows = np.column_stack([np.ones(len(table)), agreeing, table])

    def kappa(sums: Array) -> float:
        items, observed, shares = sums[0], sums[1] / sums[0], sums[2:] / (sums[0] * each)
        expected = float((shares**2).sum())
        return (float(observed) - expected) / (1 - expected) if items and expected < 1 - 1e-12 else float("nan")

    return estimate(
        summed(rows, numbers, many),
        kappa,
        n=len(table),
        why_undefined="All ratings are the same: chance alone would agree fully, so kappa is not defined.",
        seed=seed,
    )


def _categories(given: Sequence[Any] | None, seen: list[Any]) -> dict[Any, int]:
    order = {category: place for place, category in enumerate(sorted(set(seen)) if given is None else given)}
    unknown = set(seen) - set(order)
    if unknown:
        raise ValueError(f"{len(unknown)} ratings are none of the categories")
    return order


def _renumbered(numbers: Any) -> tuple[Any, int]:
    kept, own = np.unique(numbers, return_inverse=True)
    return own, len(kept)


def _cost(size: int, weights: Weights) -> Array:
    """What a disagreement costs: 1 for any, or the distance between the categories, or its square."""
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(np.float64)
    if weights == "none":
        return (apart > 0).astype(np.float64)
    return apart if weights == "linear" else apart**2
