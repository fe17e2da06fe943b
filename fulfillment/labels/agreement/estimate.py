"""A figure with its interval, from a bootstrap over clusters. Pure.

Images of one patient are alike, so patients are drawn, not images (Efron and Tibshirani 1993, chapter 8; Field and Welsh 2007). Every
statistic here is a function of sums over clusters, so a draw is one weighted sum and a thousand draws are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DRAWS = 1_000
_PORTION = 4_000_000
#: More undefined draws than this share, and an interval of the others would say too much.
_UNDEFINED = 0.05


@dataclass(frozen=True, slots=True)
class Estimate:
    """``value`` is None where the statistic is not defined, and ``why`` says why; else ``why`` may say what to bear in mind.

    ``low`` and ``high``: the 95 % percentile interval, None where there is none. ``n`` counts what the value rests on (images, pairs)
    and ``clusters`` the patients they belong to.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    why: str = ""


def estimate(
    contributions: Array,
    statistic: Callable[[Array], float],
    *,
    n: int,
    why_undefined: str,
    seed: int = 0,
    draws: int = DRAWS,
) -> Estimate:
    """The statistic of the summed contributions and its interval.

    ``contributions``: (clusters, m), what each cluster adds to the m sums. ``statistic`` takes the m sums and gives NaN where it is
    not defined. The same seed gives the same interval.
    """
    clusters = len(contributions)
    value = statistic(contributions.sum(axis=0)) if clusters else float("nan")
    if not np.isfinite(value):
        return Estimate(None, None, None, n, clusters, why_undefined)
    if clusters < 2:
        return Estimate(float(value), None, None, n, clusters, "One patient only: no interval can be given.")
    rng = np.random.default_rng(seed)
    share = np.full(clusters, 1 / clusters)
    found: list[float] = []
    step = max(1, min(draws, _PORTION // clusters))
    for start in range(0, draws, step):
        weights = rng.multinomial(clusters, share, size=min(step, draws - start))
        found += [statistic(sums) for sums in weights @ contributions]
    drawn = np.array(found)
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < (1 - _UNDEFINED) * draws:
        missing = draws - len(defined)
        return Estimate(
            float(value), None, None, n, clusters,
            f"No interval: in {missing:,} of {draws:,} draws of patients the figure is not defined.",
        )  # fmt: skip
    low, high = np.percentile(defined, (2.5, 97.5))
    return Estimate(float(value), float(low), float(high), n, clusters)


def grouped(clusters: Sequence[Hashable] | None, items: int) -> tuple[NDArray[np.intp], int]:
    """The cluster's number for each item, and how many there are; without clusters each item is its own. Raises ValueError."""
    if clusters is None:
        return np.arange(items), items
    if len(clusters) != items:
        raise ValueError(f"{items} items came with {len(clusters)} clusters")
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(one, len(numbers)) for one in clusters], dtype=np.intp), len(numbers)


def summed(rows: Array, numbers: NDArray[np.intp], clusters: int) -> Array:
    """Rows (items, m) added up by cluster: (clusters, m)."""
    out = np.zeros((clusters, rows.shape[1] if rows.ndim == 2 else 0))
    np.add.at(out, numbers, rows)
    return out
