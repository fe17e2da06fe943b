"""The audit: tables in, one JSON-able document out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from fulfillment.audits import noise, splits, spread, thresholds, values
from fulfillment.audits.cohort import Cohort, Unmentioned, make_cohort
from fulfillment.audits.features import Picture
from fulfillment.audits.shortcuts import Progress, audit_shortcuts
from fulfillment.audits.tables import DUPLICATES, Problems
from fulfillment.audits.verdicts import ORDER, worst
from fulfillment.conformance import ImageFacts
from requests_app.spec import DatasetSpec

_SOFTWARE = ("numpy", "scipy", "scikit-learn")
Pictures = Mapping[str, Picture] | Callable[[list[str]], Mapping[str, Picture]]


def audit(
    images: Iterable[Mapping[str, Any]],
    labels: Iterable[Mapping[str, Any]],
    *,
    pictures: Pictures | None = None,
    duplicates: Iterable[Mapping[str, Any]] = (),
    spec: DatasetSpec | None = None,
    facts: Iterable[ImageFacts] | None = None,
    problems: Problems | None = None,
    unmentioned: Unmentioned = "auto",
    permutations: int = thresholds.PERMUTATIONS,
    draws: int = thresholds.DRAWS,
    seed: int = 0,
    progress: Progress = lambda stage, done, of: None,
) -> dict[str, Any]:
    """Audit a cohort. The same input and seed give the same document.

    Args:
        images: rows with image_id and, where known, patient_id, site, vendor, model, view, sex, age, and any further columns.
        labels: rows with image_id, finding, state, and, where known, source and reader.
        pictures: the parts of pictures (`features.read_picture`) by image_id, as far as there are any; or a function that gives
            them for the ids it is told, called once.
        duplicates: rows with image_id and cluster.
        spec, facts: a request, and the images' facts if more is known than the rows say: then quota cells are counted.
        problems: what was wrong with the tables already; more is added.
        unmentioned: whether an image that was labelled without a word on a finding counts as without it. "auto": where fewer than
            50 images are called absent.
        permutations: at least 100. draws: of the bootstrap.
    """
    if permutations < thresholds.LEAST_PERMUTATIONS:
        raise ValueError(f"at least {thresholds.LEAST_PERMUTATIONS} permutations are needed")
    problems = problems if problems is not None else Problems()
    cohort = make_cohort(images, labels, problems, unmentioned=unmentioned)
    read = pictures(cohort.image_ids) if callable(pictures) else pictures or {}
    parts = [read.get(image) for image in cohort.image_ids] if read else None
    tests, skipped, whole = audit_shortcuts(
        cohort, parts, permutations=permutations, draws=draws, seed=seed, progress=progress
    )
    external = _external(cohort, duplicates, problems)
    quota = spread.quotas(cohort, spec, None if facts is None else list(facts)) if spec is not None else []
    doubts = noise.label_noise(cohort, whole, seed=seed)
    counts = Counter(test["verdict"] for test in tests)
    return {
        "schema": thresholds.SCHEMA,
        "code": {
            "name": "getdata audit",
            "version": thresholds.AUDIT_VERSION,
            **{name: version(name) for name in _SOFTWARE},
        },
        "settings": {
            **thresholds.as_dict(),
            "seed": seed,
            "permutations": permutations,
            "draws": draws,
            "unmentioned": unmentioned,
        },
        "verdict": worst(test["verdict"] for test in tests),
        "verdicts": {verdict.value: counts[verdict.value] for verdict in ORDER},
        "cohort": _cohort(cohort, sum(part is not None for part in parts or [])),
        "problems": problems.as_dict(),
        "balance": {
            "findings": spread.balance(cohort),
            "together": spread.cooccurrence(cohort.findings),
            "quotas": quota,
        },
        "diversity": spread.diversity(cohort, draws=min(draws, 200), seed=seed),
        "tests": sorted(tests, key=lambda test: (ORDER.index(test["verdict"]), -_strength(test), test["id"])),
        "not_tested": skipped,
        "readers": _readers(cohort),
        "label_noise": doubts,
        "external_validation": {**external, "verdict": _usable(external)},
    }


def _strength(test: Mapping[str, Any]) -> float:
    """How far a figure is on its way to red, so that V and AUC can be put in one order."""
    if test["value"] is None:
        return -1.0
    if test["kind"] == "association":
        return float(test["value"]) / thresholds.V_RED
    return (float(test["value"]) - 0.5) / (thresholds.AUC_RED - 0.5)


def _cohort(cohort: Cohort, pictures: int) -> dict[str, Any]:
    counts = np.bincount(cohort.patient, minlength=cohort.patients)
    sites = cohort.columns["site"]
    return {
        "images": cohort.images,
        "patients": cohort.patients,
        "images_without_patient": cohort.without_patient,
        "most_images_of_a_patient": int(counts.max()) if len(counts) else 0,
        "sites": sites.known,
        "findings": len(cohort.findings),
        "images_with_labels": cohort.labelled,
        "images_without_labels": cohort.images - cohort.labelled,
        "pictures_read": pictures,
    }


def _external(cohort: Cohort, duplicates: Iterable[Mapping[str, Any]], problems: Problems) -> dict[str, Any]:
    known = set(cohort.image_ids)
    clusters: dict[str, list[str]] = {}
    for count, row in enumerate(duplicates, start=2):
        image, cluster = str(row.get("image_id") or "").strip(), values.text(row.get("cluster"))
        if image in known and cluster:
            clusters.setdefault(image, []).append(cluster)
        else:
            problems.add(
                DUPLICATES,
                int(row.get("row", count)),
                "DUPLICATE_UNKNOWN",
                "The row names no image of images.csv, or no cluster.",
                "Correct it; the row is left out.",
            )
    items = [
        splits.Item(image, str(patient), values.text(row.get("site")), tuple(clusters.get(image, ())))
        for image, patient, row in zip(cohort.image_ids, cohort.patient.tolist(), cohort.rows, strict=True)
    ]
    made = splits.leave_one_site_out(items)
    described = splits.describe(made, {finding.name: finding.y for finding in cohort.findings})
    described["duplicates"] = {
        "images": len(clusters),
        "clusters": len({c for several in clusters.values() for c in several}),
    }
    return described


def _usable(external: Mapping[str, Any]) -> str:
    """Green: every finding in every fold. Amber: some. Underpowered: none, or no folds."""
    usable, folds = external["usable_folds"], len(external["folds"])
    if not folds or not usable or not any(usable.values()):
        return "underpowered"
    return "green" if all(count == folds for count in usable.values()) else "amber"


def _readers(cohort: Cohort) -> list[dict[str, Any]]:
    """How often each reader says that a finding is there, most rows first."""
    found = []
    for finding in cohort.findings:
        counts: dict[str, list[int]] = {}
        for y, reader in zip(finding.said.y.tolist(), finding.said.reader, strict=True):
            if reader and y == y:
                pair = counts.setdefault(reader, [0, 0])
                pair[0] += y > 0.5
                pair[1] += 1
        for reader, (positive, total) in sorted(counts.items(), key=lambda item: (-item[1][1], item[0]))[
            : spread.MOST_SHOWN
        ]:
            found.append(
                {
                    "finding": finding.name,
                    "reader": reader,
                    "n": total,
                    "positive": positive,
                    "share": round(positive / total, 4),
                    "ci": spread.wilson(positive, total),
                }
            )
    return found
