"""How far labels can be trusted: readers who read the same, labels that contradict each other, labels a picture speaks against."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from fulfillment.audits.cohort import Cohort, Finding
from fulfillment.audits.prediction import Prediction
from fulfillment.audits.thresholds import LEAST_PATIENTS
from fulfillment.audits.verdicts import Verdict
from fulfillment.labels.agreement import find_noise, krippendorff_alpha
from fulfillment.labels.discordance import discordances
from requests_app.taxonomy import LabelState, get_taxonomy

#: Krippendorff 2004: below 0.667 not even tentative conclusions.
TENTATIVE = 0.667
#: A model that tells less than this is no judge of labels.
LEAST_JUDGE = 0.75
MOST_SUSPECTS = 50


def label_noise(cohort: Cohort, whole: Mapping[str, Prediction], *, seed: int) -> dict[str, Any]:
    """Agreement, contradictions and confident learning, per finding. Never worse than amber: none says
    which label is wrong."""
    return {
        "agreement": [found for finding in cohort.findings if (found := _agreement(finding, cohort, seed)) is not None],
        "contradictions": _contradictions(cohort),
        "confident_learning": [_confident(finding, whole.get(finding.key), cohort) for finding in cohort.findings],
        "not_assessed": ["Labels against reports: this audit is given no reports."],
    }


def _agreement(finding: Finding, cohort: Cohort, seed: int) -> dict[str, Any] | None:
    """Krippendorff's alpha of present, possible and absent between readers; None where nobody read twice."""
    units: dict[int, dict[str, str]] = defaultdict(dict)
    side = {"present": "present", "likely": "present", "possible": "possible", "absent": "absent"}
    for image, state, reader in zip(finding.said.image.tolist(), finding.said.state, finding.said.reader, strict=True):
        if reader and state in side:
            units[image][reader] = side[state]
    twice = {image: list(ratings.values()) for image, ratings in units.items() if len(ratings) > 1}
    if not twice:
        return None
    found = krippendorff_alpha(
        list(twice.values()), clusters=[int(cohort.patient[image]) for image in twice], seed=seed
    )
    verdict, why = _agreed(found.value, found.low, found.high, found.clusters)
    return {
        "finding": finding.name,
        "statistic": "Krippendorff's alpha, nominal",
        "n": found.n,
        "patients": found.clusters,
        "value": None if found.value is None else round(found.value, 4),
        "ci": None if found.low is None or found.high is None else [round(found.low, 4), round(found.high, 4)],
        "null": {"kind": "readers agree by chance", "value": 0.0},
        "verdict": verdict.value,
        "why": why or found.why,
    }


def _agreed(value: float | None, low: float | None, high: float | None, patients: int) -> tuple[Verdict, str]:
    if value is None or low is None or high is None:
        return Verdict.UNDERPOWERED, ""
    if patients < LEAST_PATIENTS:
        return Verdict.UNDERPOWERED, f"Only {patients:,} patients were read twice."
    if high < TENTATIVE:
        return (
            Verdict.AMBER,
            f"Readers agree less than {TENTATIVE:g}: below that, not even tentative conclusions should be drawn.",
        )
    if low < TENTATIVE:
        return Verdict.UNDERPOWERED, f"The interval reaches below {TENTATIVE:g}."
    return Verdict.GREEN, f"Readers agree by {TENTATIVE:g} or more."


def _contradictions(cohort: Cohort) -> dict[str, Any]:
    """Labels of one image that cannot both be right, by the finding's place in GetDATA's list."""
    taxonomy = get_taxonomy("getdata-cxr")
    known = [(finding, found.key) for finding in cohort.findings if (found := taxonomy.find(finding.name)) is not None]
    counts: Counter[tuple[str, str]] = Counter()
    images, seen, cached = 0, 0, {}  # type: ignore[var-annotated]
    if known:
        table = np.column_stack([np.nan_to_num(finding.y, nan=-1) for finding, _ in known]).astype(np.int8)
        for row in map(bytes, table):
            if row not in cached:
                states = {
                    key: LabelState.PRESENT if value == 1 else LabelState.ABSENT
                    for (_, key), value in zip(known, row, strict=True)
                    if value < 2
                }
                cached[row] = [(one.kind.value, one.finding) for one in discordances(None, states)]
            images += bool(cached[row])
            counts.update(cached[row])
            seen += 1
    return {
        "n": seen,
        "images": images,
        "kinds": [
            {"kind": kind, "finding": finding, "images": count} for (kind, finding), count in counts.most_common(20)
        ],
        "not_in_the_list": [finding.name for finding in cohort.findings if taxonomy.find(finding.name) is None],
    }


def _confident(finding: Finding, found: Prediction | None, cohort: Cohort) -> dict[str, Any]:
    """Labels that a model of the whole picture, which did not see them, speaks against (Northcutt 2021)."""
    blank: dict[str, Any] = {"finding": finding.name, "assessed": False, "n": 0, "noise_rate": None, "suspects": []}
    if found is None:
        return {**blank, "why": "No pictures were read."}
    if found.low is None or found.low < LEAST_JUDGE:
        told = "" if found.low is None else f" (AUC {found.value:.2f}, from {found.low:.2f})"
        return {
            **blank,
            "n": found.n,
            "why": f"The audit's small model does not know the finding well enough to judge labels{told}.",
        }
    used = np.flatnonzero(np.isfinite(found.scores))
    y = finding.y[used].astype(int)
    chance = _probabilities(found.scores[used], y)
    noise = find_noise(y, np.column_stack([1 - chance, chance]))
    return {
        "finding": finding.name,
        "assessed": True,
        "n": noise.n,
        "noise_rate": None if noise.noise_rate is None else round(noise.noise_rate, 4),
        "why": "An estimate by a small model: where it learned a shortcut, it doubts the labels that do not follow it.",
        "suspects": [
            {
                "image_id": cohort.image_ids[int(used[one.item])],
                "given": "present" if one.given else "absent",
                "margin": round(one.margin, 3),
            }
            for one in noise.suspects[:MOST_SUSPECTS]
        ],
        "suspect_count": len(noise.suspects),
    }


def _probabilities(scores: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Scores as probabilities: a logistic curve through the means of the two classes, with the spread they share."""
    up, down = scores[y == 1].mean(), scores[y == 0].mean()
    spread = (scores[y == 1].var() * (y == 1).mean() + scores[y == 0].var() * (y == 0).mean()) or 1e-9
    share = (y == 1).mean()
    z = (up - down) / spread * (scores - (up + down) / 2) + np.log(share / (1 - share))
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))))
