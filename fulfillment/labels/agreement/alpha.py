"""Krippendorff's alpha: any number of readers, missing ratings, nominal, ordinal or interval (Krippendorff 2004, 2011). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np

from fulfillment.labels.agreement.estimate import Array, Estimate, estimate, grouped

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(
    units: Sequence[Sequence[Any]],
    *,
    level: Level = "nominal",
    categories: Sequence[Any] | None = None,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Estimate:
    """Alpha of what readers said of each unit; None is a missing rating, and a unit with one rating only takes no part.

    ``categories``: all there are, in their order; by default those that occur, sorted. For ``interval`` they are numbers.
    ``clusters``: the patient of each unit. ``n`` counts units with two or more ratings. Raises ValueError for unknown ratings.
    """
    numbers, _ = grouped(clusters, len(units))
    rated = [[rating for rating in unit if rating is not None] for unit in units]
    paired = [place for place, unit in enumerate(rated) if len(unit) > 1]
    seen = {rating for place in paired for rating in rated[place]}
    order = {category: place for place, category in enumerate(sorted(seen) if categories is None else categories)}
    if seen - set(order):
        raise ValueError(f"{len(seen - set(order))} ratings are none of the categories")
    size = len(order)
    kept, own = np.unique(numbers[paired], return_inverse=True)
    tables = np.zeros((len(kept), size * size))
    for cluster, place in zip(own, paired, strict=True):
        tables[cluster] += _coincidences(Counter(order[rating] for rating in rated[place]), size)
    values = np.array([float(one) for one in order]) if level == "interval" else None

    def alpha(sums: Array) -> float:
        table = sums.reshape(size, size)
        per = table.sum(axis=1)
        total = per.sum()
        if total < 2:
            return float("nan")
        apart = _distance(per, level, values)
        expected = float((apart * np.outer(per, per)).sum()) / (total - 1)
        return 1 - float((apart * table).sum()) / expected if expected > 0 else float("nan")

    why = (
        "No unit was rated twice."
        if not paired
        else "All ratings are the same: nothing varies that readers could agree on, so alpha is not defined."
    )
    return estimate(tables, alpha, n=len(paired), why_undefined=why, seed=seed)


def _coincidences(counts: Counter[int], size: int) -> Array:
    """One unit's ordered pairs of ratings by different readers, each weighing 1 / (ratings - 1)."""
    number = np.zeros(size)
    for category, count in counts.items():
        number[category] = count
    table = np.outer(number, number) - np.diag(number)
    return (table / (number.sum() - 1)).ravel()


def _distance(per: Array, level: Level, values: Array | None) -> Array:
    """Squared differences between categories; ordinal ones depend on how often the categories between them occur."""
    size = len(per)
    if level == "nominal":
        return 1 - np.eye(size)
    if level == "interval":
        assert values is not None
        return np.subtract.outer(values, values) ** 2
    # From the middle of one category to the middle of the other, in ranks.
    middle = np.cumsum(per) - per / 2
    return np.subtract.outer(middle, middle) ** 2
