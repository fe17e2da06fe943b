"""The second half of the audit's page: balance, diversity, labels, external validation, and what was wrong with the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fulfillment.audits import page_parts as parts
from fulfillment.audits.page_parts import badge, count, ends, figure, more, section, share, table, text

Document = Mapping[str, Any]
_KINDS = {
    "no_finding_and_finding": "“No finding” together with a finding",
    "parent_absent_child_present": "a finding without the one that contains it",
}


def data_sections(document: Document) -> list[str]:
    return [
        section("data", "The data", *_balance(document)),
        section("diversity", "How diverse it is", *_diversity(document)),
        section("labels", "The labels", *_labels(document)),
        section("external", "Testing on another hospital", *_external(document)),
    ]


def _balance(document: Document) -> list[str]:
    balance, problems = document["balance"], document["problems"]
    rows = [
        [
            text(row["finding"]),
            count(row["positives"]),
            count(row["negatives"]),
            count(row["assumed_absent"]),
            count(row["states"]["possible"]),
            count(row["states"]["not_mentioned"]),
            count(row["positive_patients"]),
            share(row["share"]),
            "–" if row["ci"] is None else f"{share(row['ci'][0])} to {share(row['ci'][1])}",
        ]
        for row in balance["findings"]
    ]
    columns = [
        "Finding",
        "With it",
        "Without",
        "of these assumed",
        "Possible",
        "Not mentioned",
        "Patients with it",
        "Share",
        "95 % interval",
    ]
    pairs = [
        [
            f"{text(row['first'])} and {text(row['second'])}",
            count(row["together"]),
            f"{row['expected']:,.1f}",
            figure(row["phi"]),
            count(row["n"]),
        ]
        for row in balance["together"]
    ]
    quotas = [
        [
            text(row["text"]),
            badge(row["verdict"]),
            count(row["received"]),
            count(row["needed"]),
            count(row["remaining"]),
            text(row["unit"]),
        ]
        for row in balance["quotas"]
    ]
    cohort = document["cohort"]
    notes = []
    if cohort["images_without_labels"]:
        notes.append(f"{count(cohort['images_without_labels'])} images have no label.")
    if any(row["assumed_absent"] for row in balance["findings"]):
        notes.append(
            "Where hardly any image is called absent, images that were labelled without a word on the finding "
            "are taken for images without it."
        )
    return [
        f"<p>{' '.join(notes)}</p>" if notes else "",
        table("Images with and without each finding", columns, rows, numbers=range(1, 9))
        or "<p>There are no labels.</p>",
        table(
            "Against the request",
            ["Asked for", "State", "Received", "Needed", "Still needed", "Counted in"],
            quotas,
            numbers=(2, 3, 4),
        ),
        more(
            "Findings that come together",
            table("The closest pairs", ["Pair", "Together", "By chance", "phi", "Images"], pairs, numbers=(1, 2, 3, 4)),
        )
        if pairs
        else "",
        _problems(problems),
    ]


def _problems(problems: Mapping[str, Any]) -> str:
    if not problems["total"]:
        return ""
    rows = [
        [text(row["file"]), count(row["row"]) if row["row"] else "whole file", text(row["cause"]), text(row["cure"])]
        for row in problems["rows"]
    ]
    return more(
        f"{count(problems['total'])} problems in the tables",
        table("The first of each kind", ["File", "Row", "Cause", "Cure"], rows),
    )


def _diversity(document: Document) -> list[str]:
    axes = document["diversity"]
    rows = [
        [
            text(row["title"]),
            count(row["categories"]),
            figure(row["effective_shannon"]),
            ends(row["effective_shannon_ci"]),
            figure(row["effective_simpson"]),
            ends(row["effective_simpson_ci"]),
            share(row["missing_share"]),
        ]
        for row in axes
    ]
    columns = ["Axis", "Values", "exp(H)", "95 % interval", "1 / sum p²", "95 % interval", "Not stated"]
    charts = []
    for row in axes[:6]:
        total = max(1, row["n"])
        shown = [
            (item["category"], item["images"] / total, f"{share(item['images'] / total)}") for item in row["counts"][:8]
        ]
        charts.append(parts.bars(f"{row['title']}: share of images", shown))
    return [
        "<p>How many equally common values would be as diverse: four sites of which one sent nearly everything "
        "count as little more than one. exp(H) weighs "
        "rare values more than 1 / sum p². What is not stated counts as a value of its own.</p>",
        table("Effective number of values", columns, rows, numbers=range(1, 7)),
        f'<div class="halves">{"".join(charts)}</div>',
    ]


def _labels(document: Document) -> list[str]:
    noise = document["label_noise"]
    agreement = [
        [
            text(row["finding"]),
            badge(row["verdict"]),
            figure(row["value"]),
            ends(row["ci"]),
            count(row["n"]),
            text(row["why"]),
        ]
        for row in noise["agreement"]
    ]
    readers = [
        [
            text(row["finding"]),
            text(row["reader"]),
            count(row["n"]),
            share(row["share"]),
            "–" if row["ci"] is None else f"{share(row['ci'][0])} to {share(row['ci'][1])}",
        ]
        for row in document["readers"]
    ]
    doubt = [
        [
            text(row["finding"]),
            share(row["noise_rate"]),
            count(row.get("suspect_count", 0)),
            count(row["n"]),
            text(row["why"]),
        ]
        for row in noise["confident_learning"]
    ]
    against = noise["contradictions"]
    kinds = [
        [
            text(_KINDS.get(row["kind"], row["kind"].replace("_", " "))),
            text(row["finding"].replace("_", " ")),
            count(row["images"]),
        ]
        for row in against["kinds"]
    ]
    return [
        table(
            "Images read twice: Krippendorff’s alpha",
            ["Finding", "Verdict", "Alpha", "95 % interval", "Images", "Why"],
            agreement,
            numbers=(2, 3, 4),
        )
        or "<p>No image was read by two readers who can be told apart, so nobody knows how far the labels would be given again.</p>",
        f"<p>{count(against['images'])} of {count(against['n'])} images have labels that contradict each other.</p>"
        if against["n"]
        else "",
        table("Contradictions", ["Kind", "Finding", "Images"], kinds, numbers=(2,)),
        more(
            "How often each reader finds it",
            table(
                "Readers", ["Finding", "Reader", "Images read", "Found in", "95 % interval"], readers, numbers=(2, 3, 4)
            ),
        )
        if readers
        else "",
        more(
            "Labels that the picture speaks against",
            table(
                "Confident learning",
                ["Finding", "Estimated wrong", "To look at", "Images", "Remark"],
                doubt,
                numbers=(1, 2, 3),
            ),
        ),
        *(f'<p class="quiet">{text(line)}</p>' for line in noise["not_assessed"]),
    ]


def _external(document: Document) -> list[str]:
    external = document["external_validation"]
    first = f"<p>{badge(external['verdict'])} <strong>{text(external['message'])}</strong></p>"
    if not external["possible"]:
        return [
            first,
            "<p>A result from the sites a model was trained on says nothing about the next hospital. With fewer "
            "than three sites, what differs between them "
            "cannot be told from the disease. Ask for images from another site.</p>",
        ]
    rows = []
    for fold in external["folds"]:
        usable = sum(one["usable"] for one in fold["findings"])
        why = "; ".join(f"{one['finding']}: {one['why']}" for one in fold["findings"] if not one["usable"])
        rows.append(
            [
                text(fold["site"]),
                count(fold["train"]),
                count(fold["test"]),
                count(fold["left_out"]),
                f"{usable} of {len(fold['findings'])}",
                text(why),
            ]
        )
    return [
        first,
        "<p>Train on all sites but one, test on that one. No patient and no group of duplicates is on both "
        "sides: images tied to the tested site are left out.</p>",
        table(
            "Folds",
            ["Test on", "Train", "Test", "Left out", "Findings usable", "What is short"],
            rows,
            numbers=(1, 2, 3, 4),
        ),
    ]
