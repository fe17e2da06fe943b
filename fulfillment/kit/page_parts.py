"""The larger parts of the check's report: causes, quota lines, quality, de-identification."""

from __future__ import annotations

from collections.abc import Iterable

from fulfillment.conformance.batch import CellProgress
from fulfillment.kit.markup import bar, bullets, counted, esc, histogram, names_list, para, quiet, section, state, table
from fulfillment.kit.outcome import Cause, Outcome
from fulfillment.kit.preview import Preview, review_words
from fulfillment.kit.quality import Quality
from requests_app.spec.wording import plural

#: Status of a file -> its colour and word.
STATES = {
    "passed": ("good", "fits"),
    "rejected": ("bad", "refused"),
    "quarantined": ("warn", "withheld"),
    "failed": ("bad", "not read"),
}
KINDS = {
    "instance": "image",
    "archive": "archive",
    "labels": "labels",
    "reports": "reports",
    "pictures": "table of pictures",
    "aside": "left aside",
}
_MOST_RAISES, _MOST_ATTRIBUTES = 24, 60


def causes(found: Iterable[Cause], shown: dict[int, str], noun: str) -> str:
    """Files that share a cause, each with what to do and their names."""
    return f'<ul class="causes">{"".join(_cause(cause, shown, noun) for cause in found)}</ul>'


def _cause(cause: Cause, shown: dict[int, str], noun: str) -> str:
    number = len(cause.numbers)
    remedy = para(f"<b>What to do:</b> {esc(cause.remedy)}", "remedy") if cause.remedy else ""
    status = f"{state(*STATES[cause.status])} · " if cause.status in STATES else ""
    label = f"Show the {counted(number, noun)}" if number != 1 else f"Show the {noun}"
    return (
        f'<li><div class="many">{number:,}<small>{noun}{"" if number == 1 else "s"}</small></div>'
        f"<div>{para(f'<b>{esc(cause.message)}</b>')}{remedy}{para(f'{status}<code>{esc(cause.code)}</code>', 'quiet')}"
        f"{names_list([shown[n] for n in cause.numbers], label)}</div></li>"
    )


def quotas(outcome: Outcome) -> str:
    """Every counted line of the request and how far this folder fills it."""
    rows = [
        (
            esc(f"All {line.unit}" if line.kind == "total" else line.text[:1].upper() + line.text[1:]),
            bar(line.fraction, _kind(line), f"{line.received:,} of {line.needed:,}"),
            f"{line.received:,}",
            f"{line.needed:,}",
            _words(line),
        )
        for line in outcome.quotas
    ]
    head = [("Line of the request", ""), ("Filled", ""), ("Here", "num"), ("Needed", "num"), ("What is left", "")]
    say = quiet("Of this folder alone: what others delivered counts on the request's page.")
    names_one = any(one.code == "SHARE_NOT_ASSESSED" for one in outcome.remarks)
    site = (
        para(
            "Lines about one hospital count nothing yet: name yours with <code>--site</code>, as the portal does.",
            "quiet",
        )
        if names_one and not outcome.site
        else ""
    )
    return section(
        "quotas",
        "What this folder fills",
        say,
        table(head, rows, "Lines of the request, over the images that fit"),
        site,
    )


def _kind(line: CellProgress) -> str:
    return "over" if line.surplus else "met" if line.met else "full"


def _words(line: CellProgress) -> str:
    if line.surplus:
        return state("warn", f"{line.surplus:,} more than wanted")
    if line.met:
        return state("good", "filled")
    return esc(plural(line.remaining, line.unit))


def quality(found: Quality) -> str:
    """Scores of the images that fit, and what would raise them."""
    if not found.images:
        return section("quality", "Quality", quiet("No image fits yet, so there is nothing to score."))
    spread = found.total
    words = (
        f"{counted(found.images, 'image')}, median {spread.median:.0f} of 100; half of them lie between {spread.low:.0f} "
        f"and {spread.high:.0f}."
    )
    beside = (("Header", found.header), ("Label", found.labels))
    said = [f"{name} completeness has a median of {one.median:.0f}." for name, one in beside if one.median is not None]
    raises = [esc(sentence) for sentence in found.sentences[:_MOST_RAISES]]
    rows = [
        (
            esc(row.name.capitalize()),
            "" if row.spread.median is None else f"{row.spread.median:.0f}",
            "" if row.spread.low is None else f"{row.spread.low:.0f} to {row.spread.high:.0f}",
            "" if row.minimum is None else f"{row.minimum:g}",
            "" if row.minimum is None else f"{row.short:,}",
        )
        for row in found.components
    ]
    head = [("Component", ""), ("Median", "num"), ("Half lie", "num"), ("Asked", "num"), ("Below", "num")]
    return section(
        "quality",
        "Quality",
        para(esc(words), "lede"),
        quiet(" ".join(said)),
        histogram(found.bars, found.asked, f"Quality score: {words}"),
        "<h3>What would raise it</h3>",
        bullets(raises) or quiet("Nothing that we know of."),
        table(head, rows, "Components of the score, each 0 to 100"),
    )


def deid(preview: Preview) -> str:
    """What would be removed, covered and looked at by a person."""
    covered = "No text was found in the pictures."
    if preview.masked_files:
        spots = ", ".join(f"{spot} {number:,}" for spot, number in preview.places.most_common(9))
        covered = (
            f"{counted(preview.masked_files, 'image')} with writing in the picture: {counted(preview.masks, 'place')} "
            f"would be covered ({spots})."
        )
    lines = [esc(covered)]
    if preview.hints:
        lines.append(
            esc(f"{counted(preview.hints, 'image')} with something faint that may be text and was left as it is.")
        )
    lines += [
        esc(f"{counted(number, 'image')} that a person looks at: {review_words(code)}")
        for code, number in preview.review.most_common()
    ]
    rows = [
        (f"<code>{esc(tag)}</code>", esc(action), f"{number:,}")
        for (tag, action), number in preview.touched.most_common(_MOST_ATTRIBUTES)
    ]
    head = [("Attribute", ""), ("What happens to it", ""), ("Images", "num")]
    attributes = (
        f"<details><summary>Attributes that would be changed or removed</summary>{table(head, rows, 'Attributes, without any value')}"
        "</details>"
        if rows
        else ""
    )
    say = (
        f"Policy <b>{esc(preview.policy)}</b>. {counted(preview.cleaned, 'image')} de-identified in memory with a key that was "
        'thrown away, and verified clean. What could not be proven clean is under <a href="#refused">refused</a>.'
    )
    return section("deid", "De-identification, as it would be done", para(say), bullets(lines), attributes)
