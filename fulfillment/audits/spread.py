"""Balance of the labels, what occurs with what, and how many kinds of patients, sites and machines there really are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from fulfillment.audits import values
from fulfillment.audits.cohort import MISSING, Codes, Cohort, Column, Finding
from fulfillment.audits.verdicts import Verdict
from fulfillment.conformance import ImageFacts, fill_quotas
from requests_app.spec import DatasetSpec

MOST_SHOWN = 20
_VIEW_WORDS = {"lateral": "LATERAL"}
_SEX_LETTERS = {"male": "M", "female": "F", "other": "O"}


# --- balance --------------------------------------------------------------------------------------------------------


def balance(cohort: Cohort) -> list[dict[str, Any]]:
    """Per finding: images in each state, patients with and without, the share with it (95 % interval: Wilson, over patients)."""
    found = []
    for finding in cohort.findings:
        positive = len(np.unique(cohort.patient[finding.y == 1]))
        negative = len(np.unique(cohort.patient[finding.y == 0]))
        known = len(np.unique(cohort.patient[~np.isnan(finding.y)]))
        found.append(
            {
                "finding": finding.name,
                "n": int((~np.isnan(finding.y)).sum()),
                "states": dict(finding.states),
                "positives": int((finding.y == 1).sum()),
                "negatives": int((finding.y == 0).sum()),
                "assumed_absent": finding.assumed,
                "patients": known,
                "positive_patients": positive,
                "negative_patients": negative,
                "share": round(positive / known, 4) if known else None,
                "ci": wilson(positive, known),
                "rows": len(finding.said.image),
            }
        )
    return found


def wilson(count: int, total: int) -> list[float] | None:
    """95 % interval of a share (Wilson 1927)."""
    if not total:
        return None
    z, share = 1.96, count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]


def cooccurrence(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Pairs of findings that are on the same images more or less often than chance would have it, the closest first."""
    found: list[dict[str, Any]] = []
    for one, other in combinations(findings, 2):
        both = ~np.isnan(one.y) & ~np.isnan(other.y)
        a, b = one.y[both], other.y[both]
        if len(a) < 2 or a.std() == 0 or b.std() == 0:
            continue
        together, expected = int((a * b).sum()), float(a.sum() * b.sum() / len(a))
        found.append(
            {
                "first": one.name,
                "second": other.name,
                "n": len(a),
                "together": together,
                "expected": round(expected, 1),
                "phi": round(float(np.corrcoef(a, b)[0, 1]), 4),
            }
        )
    return sorted(found, key=lambda pair: -abs(float(pair["phi"])))[:MOST_SHOWN]


def quotas(cohort: Cohort, spec: DatasetSpec, facts: Sequence[ImageFacts] | None = None) -> list[dict[str, Any]]:
    """How far each counted line of a request is filled, by the rules that the portal counts with. Short is red if it must be met."""
    lines = fill_quotas(facts if facts is not None else _facts(cohort), spec)
    return [
        {
            **line.as_dict(),
            "verdict": (Verdict.GREEN if line.met else Verdict.RED if line.level == "must" else Verdict.AMBER).value,
        }
        for line in lines
    ]


def _facts(cohort: Cohort) -> Iterator[ImageFacts]:
    """The table's rows as facts. What it does not say is not known, and fills no line that asks for it."""
    names = [(finding, finding.key) for finding in cohort.findings]
    vendor, model = cohort.columns["vendor"], cohort.columns["model"]
    for place, row in enumerate(cohort.rows):
        view = values.view(row.get("view"))
        years = cohort.age[place]
        labels = {
            key: "present" if finding.y[place] else "absent" for finding, key in names if not np.isnan(finding.y[place])
        }
        yield ImageFacts(
            sop_instance_uid=cohort.image_ids[place],
            patient=str(cohort.patient[place]),
            view=_VIEW_WORDS.get(view, view) or None,
            sex=_SEX_LETTERS.get(values.sex(row.get("sex"))),
            age_years=None if math.isnan(years) else float(years),
            vendor=_said(vendor, place),
            model=_said(model, place),
            site=values.text(row.get("site")) or None,
            labels=labels,
        )


def _said(column: Column, place: int) -> str | None:
    category = column.categories[column.codes[place]]
    return None if category == MISSING else category


# --- diversity ------------------------------------------------------------------------------------------------------


def diversity(cohort: Cohort, *, draws: int, seed: int) -> list[dict[str, Any]]:
    """Per axis: how many equally common categories would be as diverse: exp(H) (Hill 1973, order 1) and 1 / sum p^2 (order 2).

    Over images; what is not stated is a category. Intervals: percentile, over draws of patients.
    """
    return [_axis(one, cohort, draws, seed) for one in cohort.columns.values()]


def _axis(one: Column, cohort: Cohort, draws: int, seed: int) -> dict[str, Any]:
    counts = np.bincount(one.codes, minlength=len(one.categories))
    missing = int(counts[one.categories.index(MISSING)]) if MISSING in one.categories else 0
    entropy, simpson = effective(counts[None, :])
    order = np.argsort(-counts, kind="stable")
    drawn = _drawn(one.codes, len(one.categories), cohort.patient, cohort.patients, draws, seed)
    ends = [np.percentile(numbers, (2.5, 97.5)) for numbers in effective(drawn)] if len(drawn) else [None, None]
    return {
        "axis": one.name,
        "title": one.title,
        "n": cohort.images,
        "patients": cohort.patients,
        "categories": one.known,
        "missing": missing,
        "missing_share": round(missing / cohort.images, 4) if cohort.images else None,
        "effective_shannon": round(float(entropy[0]), 3) if cohort.images else None,
        "effective_shannon_ci": None if ends[0] is None else [round(float(end), 3) for end in ends[0]],
        "effective_simpson": round(float(simpson[0]), 3) if cohort.images else None,
        "effective_simpson_ci": None if ends[1] is None else [round(float(end), 3) for end in ends[1]],
        "null": {"kind": "all categories equally common", "value": len(one.categories)},
        "counts": [{"category": one.categories[at], "images": int(counts[at])} for at in order[:MOST_SHOWN]],
        "others": int(counts[order[MOST_SHOWN:]].sum()),
    }


def effective(counts: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """exp(H) and 1 / sum p^2 of each row of counts."""
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    return np.exp(-(share * logs).sum(axis=1)), 1 / np.maximum((share**2).sum(axis=1), 1e-12)


def _drawn(codes: Codes, categories: int, patient: Codes, patients: int, draws: int, seed: int) -> np.ndarray[Any, Any]:
    """Counts of categories in draws of patients: (draws, categories)."""
    if patients < 2:
        return np.zeros((0, categories))
    rng = np.random.default_rng((seed, 3))
    found = np.empty((draws, categories))
    for number in range(draws):
        times = np.bincount(rng.integers(patients, size=patients), minlength=patients)
        found[number] = np.bincount(codes, weights=times[patient], minlength=categories)
    return found
