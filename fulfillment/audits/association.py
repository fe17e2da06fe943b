"""How closely a label goes with a category: Cramer's V, corrected for its bias (Bergsma 2013), each patient counted once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from fulfillment.audits.cohort import Codes, Numbers
from fulfillment.audits.thresholds import MOST_CATEGORIES, RARE

RARE_ONES = "rarer ones together"


@dataclass(frozen=True)
class Association:
    """``value``: V from 0 to 1; None where the table has one row or column only. ``low`` and ``high``: 95 % interval.

    ``null_high``: what V stays under in 95 of 100 cohorts of this size without any association. ``table``: (category, patients,
    share of them with the finding). ``n`` images (or statements), ``patients`` people, by whom the test counts; ``positives`` and
    ``negatives`` those with at least one image of that kind.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    null_high: float | None
    degrees: int
    n: int
    patients: int
    positives: int
    negatives: int
    table: tuple[tuple[str, float, float], ...]


def associate(y: Numbers, codes: Codes, categories: tuple[str, ...], patient: Codes) -> Association:
    """The association of a label (1, 0, NaN: not known) with categories, over units that belong to patients.

    A patient's units share one weight, so that somebody with 500 images says no more than somebody with one; chi-square then
    counts patients. That is exact for labels that are a patient's own, and cautious for others. Categories with fewer than
    ``RARE`` patients are counted together, because chi-square needs expected counts.
    """
    used = ~np.isnan(y)
    y, codes, patient = y[used], codes[used], patient[used]
    if not len(y):
        return Association(None, None, None, None, None, 0, 0, 0, 0, 0, ())
    _, own = np.unique(patient, return_inverse=True)
    weights = 1 / np.bincount(own)[own]
    table = np.zeros((len(categories), 2))
    np.add.at(table, (codes, (y > 0.5).astype(np.intp)), weights)
    names, table = _pooled(table, categories)
    patients = len(np.unique(own))
    rows = tuple(
        (name, round(float(row.sum()), 2), round(float(row[1] / row.sum()), 4))
        for name, row in zip(names, table, strict=True)
    )
    positive = y > 0.5
    positives, negatives = len(np.unique(own[positive])), len(np.unique(own[~positive]))
    blank = Association(None, None, None, None, None, 0, len(y), patients, positives, negatives, rows)
    if len(table) < 2 or min(positives, negatives) <= 0 or patients < 3:
        return blank
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / patients
    square = float(((table - expected) ** 2 / expected).sum())
    degrees = len(table) - 1
    low, high = interval(square, degrees, patients)
    return Association(
        value=corrected(square, degrees, patients),
        low=low,
        high=high,
        p=float(stats.chi2.sf(square, degrees)),
        null_high=corrected(float(stats.chi2.ppf(0.95, degrees)), degrees, patients),
        degrees=degrees,
        n=len(y),
        patients=patients,
        positives=positives,
        negatives=negatives,
        table=rows,
    )


def corrected(square: float, degrees: int, n: float) -> float:
    """Bergsma's V of a table with two columns and ``degrees + 1`` rows, from its chi-square and the number counted.

    phi2 = chi2 / n; phi2~ = max(0, phi2 - (r-1)(c-1)/(n-1)); r~ = r - (r-1)^2/(n-1), c~ likewise;
    V~ = sqrt(phi2~ / min(r~ - 1, c~ - 1)). Bergsma, J Korean Stat Soc 42 (2013) 323.
    """
    rows, columns = degrees + 1, 2
    phi = max(0.0, square / n - degrees / (n - 1))
    least = min(rows - degrees**2 / (n - 1), columns - 1 / (n - 1)) - 1
    return min(1.0, math.sqrt(phi / least)) if least > 0 else 0.0


def interval(square: float, degrees: int, n: float) -> tuple[float, float]:
    """95 % interval of V, from the noncentral chi-square distributions under which this chi-square is not unusual (Steiger 2004)."""

    def root(share: float) -> float:
        if stats.chi2.cdf(square, degrees) < share:
            return 0.0
        top = square + 10 * math.sqrt(2 * degrees + 4 * square) + 50
        return float(optimize.brentq(lambda far: stats.ncx2.cdf(square, degrees, far) - share, 1e-9, top, xtol=1e-6))

    # Far out the distribution is near normal, and the series that gives it is slow.
    if square > 20_000:
        spread = 1.96 * math.sqrt(2 * (degrees + 2 * square))
        ends = (max(0.0, square - degrees - spread), square - degrees + spread)
    else:
        ends = (root(0.975), root(0.025))
    return min(1.0, math.sqrt(ends[0] / n)), min(1.0, math.sqrt(ends[1] / n))


def _pooled(table: NDArray[np.float64], categories: tuple[str, ...]) -> tuple[list[str], NDArray[np.float64]]:
    """The categories that occur, most patients first, rare ones together; what is not stated keeps its own row if it can."""
    sizes = table.sum(axis=1)
    order = [int(at) for at in np.argsort(-sizes, kind="stable") if sizes[at] > 0]
    own = [at for at in order if sizes[at] >= RARE][:MOST_CATEGORIES]
    rest = [at for at in order if at not in set(own)]
    if len(own) < 2 and sizes.sum() < 4 * RARE:  # a cohort so small that all are rare: show it as it is
        own, rest = order[:MOST_CATEGORIES], order[MOST_CATEGORIES:]
    names, kept = [categories[at] for at in own], table[own]
    if rest:
        others = table[rest].sum(axis=0)
        if others.sum() >= RARE or not own:
            names, kept = [*names, RARE_ONES], np.vstack([kept, others])
    return names, kept
