"""The check's report as one HTML file that needs nothing else: read on a screen, on a telephone, on paper."""

from __future__ import annotations

from importlib.resources import files
from itertools import islice

from fulfillment.kit.markup import bullets, counted, esc, note, para, quiet, section, state, table, told
from fulfillment.kit.outcome import DIFFERENCES, Cause, Outcome
from fulfillment.kit.page_parts import KINDS, STATES, causes, deid, quality, quotas
from fulfillment.kit.settled import Settled

#: Rows of the list of files; the JSON has all of them.
MOST_ROWS = 1_000
_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">"""
_PARTS = (
    ("refused", "Refused"),
    ("quotas", "Quotas"),
    ("quality", "Quality"),
    ("deid", "De-identification"),
    ("files", "Every file"),
)


def report_page(outcome: Outcome, *, names: bool = True, made_on: str = "", next_step: str = "") -> str:
    """The whole page. ``names``: with relative paths. ``next_step``: the command that sends the folder."""
    shown = {one.number: one.source.shown if names else f"file {one.number}" for one in outcome.files}
    css = files("fulfillment.kit").joinpath("report.css").read_text(encoding="utf-8")
    when = f" on {esc(made_on)}" if made_on else ""
    parts = [
        _HEAD,
        f"<title>Check at home: {esc(outcome.title)}</title><style>{css}</style></head><body>",
        '<a class="skip" href="#verdict">Go to the verdict</a>',
        _top(outcome, names, made_on),
        '<main id="verdict">',
        _verdict(outcome, next_step),
        _refusals(outcome.causes, shown),
        quotas(outcome),
        _batch(outcome),
        quality(outcome.quality),
        deid(outcome.preview),
        _tables(outcome, shown),
        _near(outcome, shown),
        _noted(outcome.noted, shown),
        _files(outcome.files, shown),
        section("differences", "What only the server can see", bullets(esc(line) for line in DIFFERENCES)),
        "</main>",
        f"<footer><p>Made by the GetDATA check kit{when} with the server's own code. ",
        f"Request {esc(outcome.spec_sha256[:12])}.</p></footer></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _top(outcome: Outcome, names: bool, made_on: str) -> str:
    stays = (
        "This report names files as your folder does, so it may hold identity: it stays with the hospital."
        if names
        else "This report calls files by number and names none of them."
    )
    links = "".join(f'<li><a href="#{anchor}">{label}</a></li>' for anchor, label in _PARTS)
    return (
        f'<header class="top"><p class="eyebrow">Check at home{f", {esc(made_on)}" if made_on else ""}</p>'
        f"<h1>{esc(outcome.title)}</h1>{quiet(f'{stays} Nothing was sent anywhere.')}"
        f'<nav aria-label="Parts of this report"><ul>{links}</ul></nav></header>'
    )


def _verdict(outcome: Outcome, next_step: str) -> str:
    images, fit, refused = len(outcome.images), len(outcome.passed), len(outcome.refused)
    if not outcome.files:
        return f"<section>{note('warn', 'There is no file in this folder.', 'Name the folder that holds the images.')}</section>"
    score = outcome.quality.total.median
    facts = (
        ("Images", f"{images:,}", ""),
        ("Fit", f"{fit:,}", f"{100 * fit / images:.0f} % of the images" if images else ""),
        ("Refused", f"{refused:,}", counted(len(outcome.causes), "cause") if refused else "files"),
        ("Quality", "n/a" if score is None else f"{score:.0f}", "median of 100, of those that fit"),
        ("Text covered", f"{outcome.preview.masked_files:,}", "images with writing in the picture"),
    )
    rows = "".join(
        f"<div><dt>{label}</dt><dd>{value}<small>{esc(small)}</small></dd></div>" for label, value, small in facts
    )
    step = ""
    if next_step:
        say = quiet(
            "Send the folder. What the server has already is not sent again, and a cut connection goes on where it was."
        )
        step = f'<h3>Next</h3>{say}<pre tabindex="0">{esc(next_step)}</pre>'
    return f'<section>{_answer(outcome)}<dl class="facts">{rows}</dl>{step}</section>'


def _answer(outcome: Outcome) -> str:
    fit, refused, withheld = len(outcome.passed), len(outcome.refused), outcome.reports.withheld.total()
    if outcome.fits:
        said = f"All {counted(fit, 'image')} fit this request." if fit != 1 else "The image fits this request."
        return note("good", said, "The server would take them as they are.")
    several = []
    if refused:
        several.append(f"{counted(refused, 'file')} of {len(outcome.files):,} would be refused")
    if withheld:
        several.append(f"{counted(withheld, 'report')} would be withheld")
    rest = (
        f"{counted(fit, 'image')} fit. Mend what is listed below and check again, or send the folder as it is: "
        "the server keeps nothing of what it refuses but the sealed original."
    )
    return note("bad" if refused else "warn", f"{' and '.join(several)}.", rest)


def _refusals(found: list[Cause], shown: dict[int, str]) -> str:
    title = "What would be refused, and what to do"
    return section("refused", title, causes(found, shown, "file") if found else quiet("No file would be refused."))


def _batch(outcome: Outcome) -> str:
    remarks = [one for one in outcome.remarks if one.code != "COUNT_SHORT"]
    words = {"must": ("bad", "must"), "should": ("warn", "should")}
    rows = [
        f"{state(*words.get(one.severity, ('good', 'to know')))} {told(one.message, one.remedy)} <code>{esc(one.code)}</code>"
        for one in remarks
    ]
    return section("batch", "The folder as one batch", bullets(rows)) if rows else ""


def _tables(outcome: Outcome, shown: dict[int, str]) -> str:
    found = [one for one in outcome.files if one.source.kind in ("labels", "reports", "pictures")]
    if not found:
        return ""
    parts = []
    for one in found:
        parts.append(
            f"<h3>{esc(shown[one.number])}</h3>{para(f'{state(*STATES[one.status])} · {KINDS[one.source.kind]}')}"
        )
        parts.append(bullets(told(finding["message"], finding["remedy"]) for finding in one.findings[:50]))
    reports = outcome.reports
    if reports.total:
        removed = counted(sum(reports.removed.values()), "piece")
        linked = counted(len(reports.linked), "report")
        parts.append("<h3>What becomes of the reports</h3>")
        parts.append(
            quiet(f"{linked} cleaned and joined to a study; {removed} of text that may identify somebody taken out.")
        )
        parts.append(
            bullets(
                f"{counted(number, 'report')} withheld: {told(doubt.cause, doubt.remedy)}"
                for doubt, number in reports.withheld.most_common()
            )
        )
    return section("tables", "Labels and reports", *parts)


def _near(outcome: Outcome, shown: dict[int, str]) -> str:
    if not outcome.near:
        return ""
    rows = [(esc(shown[int(pair.file_a)]), esc(shown[int(pair.file_b)])) for pair in outcome.near[:200]]
    say = (
        f"{counted(len(outcome.near), 'pair')} of images that fit show the same picture, resized, cropped, windowed or written on. "
        "The server takes both and shows a reviewer the pair: leave one out unless both are meant."
    )
    pairs = table([("File", "path"), ("and", "path")], rows, "Pairs of near duplicates")
    more = len(outcome.near) - len(rows)
    rest = quiet(f"And {more:,} more pairs: the JSON report has all of them.") if more > 0 else ""
    shut = f"<details><summary>Show the pairs</summary>{pairs}{rest}</details>"
    return section("near", "One picture twice", quiet(say), shut)


def _noted(found: list[Cause], shown: dict[int, str]) -> str:
    if not found:
        return ""
    return section(
        "remarks",
        "Remarks on images that fit",
        quiet("None of these keeps an image out."),
        causes(found, shown, "image"),
    )


def _files(found: list[Settled], shown: dict[int, str]) -> str:
    rows = [_row(one, shown[one.number]) for one in islice(found, MOST_ROWS)]
    more = len(found) - MOST_ROWS
    rest = quiet(f"And {more:,} more files: the JSON report has all of them.") if more > 0 else ""
    head = [("File", "path"), ("No.", "num"), ("Kind", ""), ("Verdict", ""), ("Why", ""), ("Quality", "num")]
    return section("files", "Every file", table(head, rows, "Files in the order of their paths"), rest)


def _row(one: Settled, name: str) -> tuple[str, ...]:
    why = (
        next((finding["message"] for finding in one.findings if finding["code"] == one.reason), "")
        if one.reason
        else ""
    )
    seen = one.verdict.get("quality")
    score = f"{seen['total']:.0f}" if seen and one.passed else ""
    return (
        esc(name),
        f"{one.number}",
        KINDS[one.source.kind],
        (state("good", "no image") if one.source.kind == "aside" else state(*STATES[one.status])),
        esc(why),
        score,
    )
