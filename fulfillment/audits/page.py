"""The audit as one page that stands alone: what a model could cheat on, how sure we are, what to do. No script, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fulfillment.audits import page_parts as parts
from fulfillment.audits.page_data import data_sections
from fulfillment.audits.page_parts import badge, count, ends, figure, more, section, table, text
from fulfillment.audits.thresholds import AUC_AMBER, AUC_RED, V_AMBER, V_RED
from fulfillment.audits.words import CHEAT, SOURCES, VERDICTS

Document = Mapping[str, Any]
MOST_CONCERNS = 12
MOST_IN_CHART = 14
_PLACES = (
    ("cheat", "What a model could cheat on"),
    ("grid", "Every label against everything"),
    ("sure", "How sure we are"),
    ("data", "The data"),
    ("diversity", "How diverse it is"),
    ("labels", "The labels"),
    ("external", "Testing on another hospital"),
    ("method", "How this was made"),
)


def render_html(document: Document) -> str:
    """The page of a document that `audit` made. Everything in it that came from a table is escaped."""
    body = "".join(
        (
            section("cheat", _PLACES[0][1], *_concerns(document)),
            section("grid", _PLACES[1][1], *_grid(document)),
            section("sure", _PLACES[2][1], *_sure(document)),
            *data_sections(document),
            section("method", _PLACES[7][1], *_method(document)),
        )
    )
    links = "".join(f'<li><a href="#{ident}">{text(title)}</a></li>' for ident, title in _PLACES)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width,initial-scale=1">'
        f"<title>Audit: what a model could cheat on</title><style>{parts.STYLE}</style></head><body>"
        f'<header><h1>What a model could cheat on in this data</h1>{_head(document)}<nav aria-label="On this '
        f'page"><ul>{links}</ul></nav></header>'
        f"<main>{body}</main></body></html>\n"
    )


def _head(document: Document) -> str:
    cohort = document["cohort"]
    facts = [
        ("Images", count(cohort["images"])),
        ("Patients", count(cohort["patients"])),
        ("Sites", count(cohort["sites"])),
        ("Findings", count(cohort["findings"])),
        ("Pictures read", count(cohort["pictures_read"])),
    ]
    shown = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<p>{badge(document["verdict"], VERDICTS[document["verdict"]])}. {_sentence(document)}</p><dl class="facts">{shown}</dl>'


def _sentence(document: Document) -> str:
    counts = document["verdicts"]
    total = sum(counts.values())
    if not total:
        return "There was nothing to test: no label, or nothing that varies."
    told = ", ".join(f"{count(number)} {name}" for name in VERDICTS if (number := counts[name]))
    return f"{count(total)} tests: {told}."


# --- what a model could cheat on ----------------------------------------------------------------------------------------


def _concerns(document: Document) -> list[str]:
    found = [test for test in document["tests"] if test["verdict"] in ("red", "amber")]
    lead = (
        "<p>A model learns whatever foretells the label. Where something other than the disease does, it will "
        "look good here and fail elsewhere. "
        "Each line says what it could use, how strong that is, and what you can do.</p>"
    )
    if not found:
        return [lead, _nothing(document)]
    items = "".join(_concern(test) for test in found[:MOST_CONCERNS])
    rest = len(found) - MOST_CONCERNS
    also = f"<p>{count(rest)} more are in the table below.</p>" if rest > 0 else ""
    return [lead, f'<ol class="concerns">{items}</ol>', also]


def _nothing(document: Document) -> str:
    weak = document["verdicts"]["underpowered"]
    if document["verdicts"]["green"] == 0:
        return (
            "<p><strong>Nothing can be said.</strong> No test has enough patients with and without a finding. "
            "This is not a pass: more data is needed "
            "before the question can be answered.</p>"
        )
    also = f" {count(weak)} tests have too few patients to tell; they are no pass." if weak else ""
    return (
        "<p><strong>No shortcut was found among what was tested.</strong> That is no proof that there is none: "
        "see what could be excluded, and what "
        f"was not tested.{also}</p>"
    )


def _concern(test: Mapping[str, Any]) -> str:
    name = "AUC" if test["kind"] == "prediction" else "V"
    who = f"{count(test['patients'])} patients, {count(test['positives'])} with the finding"
    seen = f"{name} {figure(test['value'])}, 95 % interval {ends(test['ci'])}; {who}."
    extreme = _extreme(test)
    cheat = CHEAT.get(test["factor"]) or f"tell from “{test['title']}”"
    return (
        f'<li class="{test["verdict"]}"><p>{badge(test["verdict"])} <strong>{text(test["finding"])}</strong>: a '
        f"model could {text(cheat)}.</p>"
        f"<p>{seen} {extreme}</p><p><strong>What to do.</strong> {text(test['advice'])}</p></li>"
    )


def _extreme(test: Mapping[str, Any]) -> str:
    """The categories in which the finding is commonest and rarest, among those with enough patients to be worth a word."""
    rows = [row for row in test.get("categories", ()) if row["patients"] >= 10]
    if len(rows) < 2:
        return f"From: {text(test['from'])}." if test.get("from") else ""
    high, low = max(rows, key=lambda row: row["share"]), min(rows, key=lambda row: row["share"])
    return (
        f"{parts.share(high['share'])} of “{text(high['category'])}” have it, and {parts.share(low['share'])} of "
        f"“{text(low['category'])}”."
    )


# --- all tests ----------------------------------------------------------------------------------------------------------


def _grid(document: Document) -> list[str]:
    titles: dict[str, str] = {}
    for test in document["tests"]:
        titles.setdefault(test["factor"], test["title"])
    if not titles:
        return ["<p>There is no test to show.</p>"]
    by_place = {(test["finding"], test["factor"]): test for test in document["tests"]}
    findings = sorted({test["finding"] for test in document["tests"]})
    rows = []
    for factor, title in sorted(titles.items(), key=lambda item: item[1]):
        cells = [
            badge(test["verdict"]) if (test := by_place.get((finding, factor))) else "not tested"
            for finding in findings
        ]
        rows.append([text(title), *cells])
    skipped: dict[tuple[str, str], list[str]] = {}
    for item in document["not_tested"]:
        skipped.setdefault((item["factor"], item["why"]), []).append(item["finding"])
    reasons = [
        [text(factor), text(", ".join(filter(None, names)) or "all"), text(why)]
        for (factor, why), names in sorted(skipped.items())
    ]
    return [
        table("Verdict of each test", ["What a model could read", *findings], rows),
        f'<p class="quiet">{" ".join(f"{badge(key)} {text(words)}." for key, words in VERDICTS.items())}</p>',
        more("What was not tested, and why", table("Not tested", ["What", "Finding", "Why"], reasons))
        if reasons
        else "",
    ]


def _sure(document: Document) -> list[str]:
    v = [test for test in document["tests"] if test["kind"] == "association" and test["value"] is not None]
    auc = [test for test in document["tests"] if test["kind"] == "prediction" and test["value"] is not None]
    return [
        "<p>Two kinds of figure. <strong>V</strong> (0 to 1) says how closely a label goes with a category. "
        "<strong>AUC</strong> (0.5 is chance, 1 is "
        "certain) says how often a small model, given only what is named, ranks an image with the finding above "
        "one without. Each patient counts once.</p>",
        '<div class="halves">',
        parts.forest("V, closest first", v[:MOST_IN_CHART], low=0, high=1, marks=((V_AMBER, "amber"), (V_RED, "red"))),
        parts.forest(
            "AUC, highest first", auc[:MOST_IN_CHART], low=0.4, high=1, marks=((AUC_AMBER, "amber"), (AUC_RED, "red"))
        ),
        "</div>",
        more(
            "All figures", _figures("V of each label and category", v, "V"), _figures("AUC of each label", auc, "AUC")
        ),
        *(
            more(f"{test['finding']} by {test['title'].lower()}", _categories(test))
            for test in v
            if test["verdict"] in ("red", "amber")
        ),
    ]


def _figures(caption: str, tests: Sequence[Mapping[str, Any]], name: str) -> str:
    columns = [
        "Finding",
        "Against",
        "Verdict",
        name,
        "95 % interval",
        "By chance under",
        "q",
        "Images",
        "Patients",
        "With it",
        "Why",
    ]
    rows = [
        [
            text(test["finding"]),
            text(test["title"]),
            badge(test["verdict"]),
            figure(test["value"], 3),
            ends(test["ci"], 3),
            figure(test["null"].get("high_95"), 3),
            parts.chance(test["q"]),
            count(test["n"]),
            count(test["patients"]),
            count(test["positives"]),
            text(test["why"]),
        ]
        for test in tests
    ]
    return table(caption, columns, rows, numbers=(3, 4, 5, 6, 7, 8, 9))


def _categories(test: Mapping[str, Any]) -> str:
    rows = [
        (row["category"], row["share"], f"{parts.share(row['share'])} of {count(row['patients'])}")
        for row in test["categories"]
    ]
    title = f"Share of patients with {test['finding']}"
    cells = [[text(name), words] for name, _, words in rows]
    beside = table(title, [test["title"], "Share of patients"], cells, numbers=(1,))
    return f'<div class="halves">{parts.bars(title, rows)}{beside}</div>'


# --- how it was made ----------------------------------------------------------------------------------------------------


def _method(document: Document) -> list[str]:
    settings, code = document["settings"], document["code"]
    versions = ", ".join(
        f"{text(name)} {text(value)}" for name, value in sorted(code.items()) if name not in ("name", "version")
    )
    return [
        f"<p>{text(code['name'])} {text(code['version'])} ({versions}); seed {text(settings['seed'])}, "
        f"{text(settings['permutations'])} permutations, "
        f"{text(settings['draws'])} draws. The same tables and seed give the same figures.</p>",
        f"<p>V: bias-corrected, amber from {V_AMBER:g}, red from {V_RED:g}. AUC: five folds with patients apart, "
        "labels permuted between patients for the null, "
        f"patients drawn for the interval; amber where its lower end is above {AUC_AMBER:g}, red above "
        f"{AUC_RED:g}. A colour is given only where the false "
        f"discovery rate over all {count(sum(document['verdicts'].values()))} tests is below "
        f"{settings['false_discovery_rate']:g}. With fewer than "
        f"{settings['least_positive_patients']} patients with the finding, or without it, a test is underpowered.</p>",
        "<p>What this cannot see: a shortcut that only the whole picture shows, a confounder that is in no "
        "column, and whether a link is a shortcut or the "
        "disease. Cardiomegaly shows in a thumbnail because the heart is large there; age foretells emphysema "
        "because it causes it. You decide.</p>",
        "<ul>" + "".join(f"<li>{text(source)}</li>" for source in SOURCES) + "</ul>",
    ]
