"""From a figure and its uncertainty to one word, and how many tests together may be wrong.

Size decides the colour, chance decides whether it is said. A figure above a threshold that could be chance, and an interval too
wide to exclude what would be red, are "underpowered": neither a warning nor a pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import numpy as np
from scipy import stats

from fulfillment.audits.association import Association
from fulfillment.audits.prediction import Prediction
from fulfillment.audits.thresholds import AUC_AMBER, AUC_RED, FALSE_DISCOVERIES, LEAST_PATIENTS, V_AMBER, V_RED


class Verdict(StrEnum):
    """In the order in which they count: one red test makes an audit red."""

    RED = "red"
    AMBER = "amber"
    UNDERPOWERED = "underpowered"
    GREEN = "green"


ORDER = tuple(Verdict)


def worst(verdicts: Iterable[str]) -> str:
    """The gravest of the verdicts; underpowered where there is none."""
    return min(verdicts, key=lambda one: ORDER.index(Verdict(one)), default=Verdict.UNDERPOWERED.value)


def adjusted(p: list[float]) -> list[float]:
    """q values of all tests together (Benjamini and Hochberg 1995): valid for independent tests, and for those that rise together."""
    return [float(q) for q in stats.false_discovery_control(np.clip(p, 0, 1))] if p else []


def few(positives: int, negatives: int) -> str:
    """Why there are too few patients for a verdict, or ""."""
    if positives < LEAST_PATIENTS:
        return (
            f"{positives:,} patients with the finding; {LEAST_PATIENTS} are needed before a pass could mean anything."
        )
    if negatives < LEAST_PATIENTS:
        return f"{negatives:,} patients without the finding; {LEAST_PATIENTS} are needed before a pass could mean anything."
    return ""


def of_association(found: Association, q: float | None) -> tuple[Verdict, str]:
    """The verdict on a V, and why in words."""
    why = few(found.positives, found.negatives)
    if why:
        return Verdict.UNDERPOWERED, why
    if found.value is None or found.low is None or found.high is None or q is None:
        return Verdict.UNDERPOWERED, "It has too few patients in more than one category."
    sure = q < FALSE_DISCOVERIES
    if found.value >= V_RED and sure:
        return Verdict.RED, f"V is {V_RED:g} or more, and chance does not explain it."
    if found.value >= V_AMBER and sure:
        return Verdict.AMBER, f"V is between {V_AMBER:g} and {V_RED:g}, and chance does not explain it."
    if found.value >= V_AMBER:
        return Verdict.UNDERPOWERED, f"V is {V_AMBER:g} or more, and it could be chance: more patients would tell."
    if found.high >= V_RED:
        return Verdict.UNDERPOWERED, f"An association of {V_RED:g} cannot be excluded: more patients would tell."
    return Verdict.GREEN, f"V is below {V_AMBER:g}; more than {found.high:.2f} can be excluded."


def of_prediction(found: Prediction, q: float | None) -> tuple[Verdict, str]:
    """The verdict on an AUC, by the lower end of its interval, and why in words."""
    why = few(found.positives, found.negatives)
    if why:
        return Verdict.UNDERPOWERED, why
    if found.value is None or found.low is None or found.high is None or q is None:
        return Verdict.UNDERPOWERED, "It could not be computed."
    sure = q < FALSE_DISCOVERIES
    if found.low > AUC_RED and sure:
        return Verdict.RED, f"The AUC is above {AUC_RED:g} even at the lower end of its interval."
    if found.low > AUC_AMBER and sure:
        return Verdict.AMBER, f"The AUC is above {AUC_AMBER:g} even at the lower end of its interval."
    if found.high > AUC_RED:
        return Verdict.UNDERPOWERED, f"An AUC of {AUC_RED:g} cannot be excluded: more patients would tell."
    return (
        Verdict.GREEN,
        f"The lower end of the AUC is not above {AUC_AMBER:g}; more than {found.high:.2f} can be excluded.",
    )
