"""How well something that should know nothing foretells a label: cross-validated, patients apart, against shuffled labels.

The model is ridge regression on 0/1 (a linear discriminant): solved once for a fold and used for the label and all its permutations
at once, which is what makes hundreds of permutations cheap. A weak model errs on the side of finding less. Each patient counts once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fulfillment.audits.cohort import Codes, Numbers
from fulfillment.audits.thresholds import FOLDS

Matrix = NDArray[np.float64]
_COLUMNS_AT_ONCE = 8_000_000


@dataclass(frozen=True)
class Prediction:
    """``value``: AUC out of sample; ``low``, ``high``: 95 % percentile interval over draws of patients.

    ``null_mean``, ``null_spread``, ``null_high``: mean, standard deviation and 95th percentile over permutations of labels between
    patients. ``p``: by the normal distribution with that mean and spread, one-sided; ``p_permutation``: the share of permutations
    that did as well, which cannot be less than 1 / (permutations + 1). ``scores``: out-of-sample, NaN where not used.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    p_permutation: float | None
    null_mean: float | None
    null_spread: float | None
    null_high: float | None
    permutations: int
    draws: int
    n: int
    patients: int
    positives: int
    negatives: int
    scores: Numbers


def predict(
    y: Numbers,
    features: Matrix,
    penalty: float,
    patient: Codes,
    *,
    permutations: int,
    draws: int,
    seed: int,
) -> Prediction:
    """Foretell ``y`` (1, 0, NaN) from ``features`` (images, m; a row with NaN is not used).

    ``penalty``: of the ridge, in patients.
    """
    used = np.flatnonzero(~np.isnan(y) & ~np.isnan(features[:, 0] if features.shape[1] else np.full(len(y), np.nan)))
    label = y[used] > 0.5
    people, own = np.unique(patient[used], return_inverse=True)
    positives, negatives = len(np.unique(own[label])), len(np.unique(own[~label]))
    scores = np.full(len(y), np.nan)
    blank = Prediction(
        None, None, None, None, None, None, None, None, 0, 0, len(used), len(people), positives, negatives, scores
    )
    if min(positives, negatives) < 2 * FOLDS:
        return blank
    rng = np.random.default_rng((seed, 1))
    fold = _folds(own, label, len(people), rng)
    weights = 1 / np.bincount(own)[own]
    columns = shuffled(label, own, len(people), permutations, rng)
    foretold = _out_of_fold(features[used], columns, weights, fold, penalty)
    aucs = np.array([_auc(foretold[:, k], columns[:, k], weights, fold) for k in range(columns.shape[1])])
    value, null = float(aucs[0]), aucs[1:][np.isfinite(aucs[1:])]
    scores[used] = foretold[:, 0]
    drawn = bootstrap(foretold[:, 0], label, weights, own, len(people), fold, draws=draws, seed=seed)
    low, high = (float(end) for end in np.percentile(drawn, (2.5, 97.5))) if len(drawn) else (None, None)
    spread = max(float(null.std(ddof=1)), 1e-9) if len(null) > 1 else None
    return Prediction(
        value=value,
        low=low,
        high=high,
        p=None if spread is None else float(stats.norm.sf((value - null.mean()) / spread)),
        p_permutation=float((1 + (null >= value).sum()) / (1 + len(null))) if len(null) else None,
        null_mean=float(null.mean()) if len(null) else None,
        null_spread=spread,
        null_high=float(np.percentile(null, 95)) if len(null) else None,
        permutations=len(null),
        draws=len(drawn),
        n=len(used),
        patients=len(people),
        positives=positives,
        negatives=negatives,
        scores=scores,
    )


def _folds(own: Codes, label: NDArray[np.bool_], people: int, rng: np.random.Generator) -> Codes:
    """A fold for each image: patients dealt out at random, those with the finding and those without apart."""
    with_it = np.zeros(people, dtype=bool)
    with_it[own[label]] = True
    dealt = np.empty(people, dtype=np.intp)
    start = 0
    for group in (np.flatnonzero(with_it), np.flatnonzero(~with_it)):
        dealt[rng.permutation(group)] = (np.arange(len(group)) + start) % FOLDS
        start += len(group)
    return dealt[own]


def shuffled(
    label: NDArray[np.bool_], own: Codes, people: int, permutations: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """The label, then the label handed on between patients: (images, 1 + permutations).

    A patient gets the labels of another one, in turn, repeated or cut to the number of their own images. So labels stay as alike
    within patients as they are, and what goes with a patient's images does not go with them any more.
    """
    order = np.argsort(own, kind="stable")
    counts = np.bincount(own, minlength=people)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    turn = np.empty(len(own), dtype=np.intp)
    turn[order] = np.arange(len(own)) - np.repeat(starts, counts)
    ordered = label[order]
    columns = np.empty((len(own), 1 + permutations), dtype=bool)
    columns[:, 0] = label
    for number in range(permutations):
        donor = rng.permutation(people)[own]
        columns[:, 1 + number] = ordered[starts[donor] + turn % counts[donor]]
    return columns


def _out_of_fold(features: Matrix, columns: NDArray[np.bool_], weights: Numbers, fold: Codes, penalty: float) -> Matrix:
    """What ridge regression foretells of each image from the other folds, for every column of labels."""
    foretold = np.empty(columns.shape, dtype=np.float64)
    for number in range(FOLDS):
        test = fold == number
        train = ~test
        own = weights[train][:, None]
        middle = (features[train] * own).sum(axis=0) / own.sum()
        inside = features[train] - middle
        gram = inside.T @ (inside * own)
        gram[np.diag_indices_from(gram)] += penalty
        right = np.empty((features.shape[1], columns.shape[1]))
        step = max(1, _COLUMNS_AT_ONCE // max(1, int(train.sum())))
        for start in range(0, columns.shape[1], step):
            labels = columns[train, start : start + step].astype(np.float64)
            labels -= (labels * own).sum(axis=0) / own.sum()
            right[:, start : start + step] = inside.T @ (labels * own)
        # Without the mean of the training labels: it is low where the fold's own labels are high, and would bias what is pooled.
        foretold[test] = (features[test] - middle) @ np.linalg.solve(gram, right)
    return foretold


def _auc(scores: Numbers, label: NDArray[np.bool_], weights: Numbers, fold: Codes) -> float:
    """The weighted AUC within folds, a fold weighing as its pairs do; half for ties."""
    order, starts, folds = _ranked(scores, fold)
    weight, positive = weights[order], label[order]
    return _pairs_won(np.where(positive, weight, 0.0), np.where(positive, 0.0, weight), starts, folds)


def _ranked(scores: Numbers, fold: Codes) -> tuple[Codes, Codes, Codes]:
    """The order by fold and score, where each run of equal scores begins in it, and the fold of each run."""
    reach = float(scores.max() - scores.min()) + 1.0 if len(scores) else 1.0
    key = (scores - (scores.min() if len(scores) else 0.0)) / reach + fold
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] - ranked[:-1] > 1e-12]))
    return order, starts, fold[order][starts]


def _pairs_won(positive: Numbers, negative: Numbers, starts: Codes, folds: Codes) -> float:
    """Of all pairs of a positive and a negative in the same fold, the share in which the positive is higher. NaN without a pair."""
    up, down = np.add.reduceat(positive, starts), np.add.reduceat(negative, starts)
    # What lies below in the same fold: what lies below at all, less what came before the fold.
    in_fold = np.bincount(folds, weights=down, minlength=FOLDS)
    before = np.cumsum(in_fold) - in_fold
    below = np.cumsum(down) - down - before[folds]
    pairs = float((np.bincount(folds, weights=up, minlength=FOLDS) * in_fold).sum())
    return float((up * (below + down / 2)).sum()) / pairs if pairs > 0 else float("nan")


def bootstrap(
    scores: Numbers,
    label: NDArray[np.bool_],
    weights: Numbers,
    own: Codes,
    people: int,
    fold: Codes,
    *,
    draws: int,
    seed: int,
) -> Numbers:
    """AUCs over draws of patients with replacement; draws without a positive or a negative are left out."""
    rng = np.random.default_rng((seed, 2))
    order, starts, folds = _ranked(scores, fold)
    weight, positive, whose = weights[order], label[order], own[order]
    found = np.empty(draws)
    for number in range(draws):
        drawn = np.bincount(rng.integers(people, size=people), minlength=people)
        heavy = weight * drawn[whose]
        up = np.where(positive, heavy, 0.0)
        found[number] = _pairs_won(up, heavy - up, starts, folds)
    return found[np.isfinite(found)]
