"""The shortcut audit: every label against everything that a model could read instead of the disease.

Zech 2018 (site), Oakden-Rayner 2020 (hidden strata), DeGrave 2021 (markers, borders, sources), Jimenez-Sanchez 2023 (drains).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fulfillment.audits.association import Association, associate
from fulfillment.audits.cohort import Cohort, Column, Finding, column
from fulfillment.audits.features import Matrix, Picture, matrix, metadata
from fulfillment.audits.prediction import Prediction, predict
from fulfillment.audits.verdicts import adjusted, of_association, of_prediction
from fulfillment.audits.words import ADVICE, PARTS
from requests_app.taxonomy import normalise_name

Progress = Callable[[str, int, int], None]
#: The ridge of each model, as a share of the patients (categories: in patients).
_PENALTY = {"border": 0.3, "surround": 0.3, "corners": 0.3, "thumbnail": 0.1, "whole": 0.3}
_CATEGORY_PENALTY = 5.0
_DEVICE = ("support device", "support devices", "tubes and lines", "medical device", "pacemaker", "lines and tubes")
PICTURE_PARTS = ("border", "surround", "corners", "thumbnail")


@dataclass
class Test:
    """A test before all are known: its verdict needs the q value, which needs every p."""

    kind: str
    finding: Finding
    factor: str
    title: str
    found: Association | Prediction
    subject: str = ""


def audit_shortcuts(
    cohort: Cohort,
    pictures: list[Picture | None] | None,
    *,
    permutations: int,
    draws: int,
    seed: int,
    progress: Progress,
) -> tuple[list[dict[str, Any]], list[dict[str, str]], dict[str, Prediction]]:
    """The tests as documents, what was not tested and why, and for each finding what the whole picture foretold."""
    skipped: list[dict[str, str]] = [
        {"factor": item["column"], "finding": "", "why": item["why"]} for item in cohort.left_out
    ]
    tests: list[Test] = []
    table, used = metadata(cohort)
    marker = _markers(pictures)
    parts = _matrices(pictures)
    whole: dict[str, Prediction] = {}
    total = len(cohort.findings)
    for number, finding in enumerate(cohort.findings):
        progress("findings tested", number, total)
        tests += _associations(cohort, finding, marker, skipped)
        tests += _predictions(cohort, finding, table, used, parts, skipped, permutations, draws, seed)
        if "whole" in parts:
            whole[finding.key] = _foretold(cohort, finding, parts["whole"], "whole", 0, draws, seed)
    progress("findings tested", total, total)
    return _judged(tests), skipped, whole


def _matrices(pictures: list[Picture | None] | None) -> dict[str, Matrix]:
    if pictures is None or not any(picture is not None for picture in pictures):
        return {}
    made = {part: matrix(pictures, part) for part in (*PICTURE_PARTS, "whole")}
    return {part: found for part, found in made.items() if found.shape[1]}


# --- categories -----------------------------------------------------------------------------------------------------


def _markers(pictures: list[Picture | None] | None) -> list[Column]:
    if pictures is None or not any(picture is not None for picture in pictures):
        return []
    return [column("marker", "Marker in a corner", ["" if picture is None else picture.marker for picture in pictures])]


def _associations(
    cohort: Cohort, finding: Finding, marker: list[Column], skipped: list[dict[str, str]]
) -> Iterator[Test]:
    for one in [*_factors(cohort, finding), *marker]:
        if len(one.categories) < 2:
            skipped.append(
                _skip(
                    finding,
                    one.title,
                    f"every image has the same value ({one.categories[0] if one.categories else 'none'})",
                )
            )
            continue
        yield Test(
            "association", finding, one.name, one.title, associate(finding.y, one.codes, one.categories, cohort.patient)
        )
    said = finding.said
    for name, title, texts in (("reader", "Reader", said.reader), ("source", "Source of the label", said.source)):
        one = column(name, title, texts)
        if one.known < 2:
            why = "no label names one" if not one.known else "all labels have the same one"
            skipped.append(_skip(finding, title, why))
            continue
        found = associate(said.y, one.codes, one.categories, cohort.patient[said.image])
        yield Test("association", finding, name, title, found)


def _factors(cohort: Cohort, finding: Finding) -> Iterator[Column]:
    """The table's columns, and whether a device lies on the image where that is one of the labels."""
    vendor, device = cohort.columns["vendor"], cohort.columns["model"]
    for one in cohort.columns.values():
        # Without models the device is the vendor: one test, not two of the same.
        if one is device and len(set(zip(vendor.codes.tolist(), device.codes.tolist(), strict=True))) == len(
            vendor.categories
        ):
            continue
        yield one
    for other in cohort.findings:
        if other.key in _DEVICE and other is not finding:
            texts = ["" if np.isnan(value) else "present" if value else "absent" for value in other.y]
            yield column("support_device", other.name, texts)


def _skip(finding: Finding, title: str, why: str) -> dict[str, str]:
    return {"factor": title, "finding": finding.name, "why": why}


# --- models ---------------------------------------------------------------------------------------------------------


def _predictions(
    cohort: Cohort,
    finding: Finding,
    table: Matrix,
    used: list[str],
    parts: dict[str, Matrix],
    skipped: list[dict[str, str]],
    permutations: int,
    draws: int,
    seed: int,
) -> Iterator[Test]:
    if table.shape[1]:
        found = predict(
            finding.y, table, _CATEGORY_PENALTY, cohort.patient, permutations=permutations, draws=draws, seed=seed
        )
        yield Test("prediction", finding, "metadata", PARTS["metadata"], found, ", ".join(used))
    else:
        skipped.append(_skip(finding, PARTS["metadata"], "nothing in the table varies"))
    for part in PICTURE_PARTS:
        if part in parts:
            found = _foretold(cohort, finding, parts[part], part, permutations, draws, seed)
            yield Test("prediction", finding, part, PARTS[part], found)
        else:
            skipped.append(_skip(finding, PARTS[part], "no pictures were read"))


def _foretold(
    cohort: Cohort, finding: Finding, features: Matrix, part: str, permutations: int, draws: int, seed: int
) -> Prediction:
    known = ~np.isnan(finding.y) & ~np.isnan(features[:, 0])
    people = len(np.unique(cohort.patient[known]))
    return predict(
        finding.y,
        features,
        _PENALTY[part] * max(people, 1),
        cohort.patient,
        permutations=permutations,
        draws=draws,
        seed=seed,
    )


# --- the verdicts ---------------------------------------------------------------------------------------------------


def _judged(tests: list[Test]) -> list[dict[str, Any]]:
    with_p = [test for test in tests if test.found.p is not None]
    q = dict(zip(map(id, with_p), adjusted([float(test.found.p or 0) for test in with_p]), strict=True))
    return [_document(test, q.get(id(test))) for test in tests]


def _document(test: Test, q: float | None) -> dict[str, Any]:
    found = test.found
    shared = {
        "id": f"{test.kind}:{normalise_name(test.finding.name).replace(' ', '_')}:{test.factor}",
        "kind": test.kind,
        "finding": test.finding.name,
        "factor": test.factor,
        "title": test.title,
        "n": found.n,
        "patients": found.patients,
        "positives": found.positives,
        "negatives": found.negatives,
        "value": _rounded(found.value),
        "ci": None if found.low is None else [_rounded(found.low), _rounded(found.high)],
        "p": found.p,
        "q": q,
    }
    if isinstance(found, Association):
        verdict, why = of_association(found, q)
        return {
            **shared,
            "statistic": "bias-corrected Cramer's V",
            "verdict": verdict.value,
            "why": why,
            "null": {
                "kind": "independence",
                "value": 0.0,
                "high_95": _rounded(found.null_high),
                "degrees": found.degrees,
            },
            "categories": [{"category": name, "patients": size, "share": share} for name, size, share in found.table],
            "advice": ADVICE.get(test.factor, ADVICE["column"]),
        }
    verdict, why = of_prediction(found, q)
    return {
        **shared,
        "statistic": "AUC, cross-validated, patients apart",
        "verdict": verdict.value,
        "why": why,
        "null": {
            "kind": "labels permuted between patients",
            "value": _rounded(found.null_mean),
            "spread": _rounded(found.null_spread),
            "high_95": _rounded(found.null_high),
            "permutations": found.permutations,
            "p_permutation": found.p_permutation,
        },
        "draws": found.draws,
        "from": test.subject,
        "advice": ADVICE[test.factor],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
