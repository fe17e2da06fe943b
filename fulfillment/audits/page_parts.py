"""The pieces of the audit's page: escaped text, tables that scroll, verdicts with a shape and a word, charts as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from fulfillment.audits.page_style import STYLE
from fulfillment.audits.words import VERDICTS

__all__ = [
    "STYLE",
    "badge",
    "bars",
    "chance",
    "count",
    "ends",
    "figure",
    "forest",
    "more",
    "section",
    "share",
    "table",
    "text",
]
#: A verdict is told by shape and word, not by colour alone.
SHAPES = {"red": "■", "amber": "▲", "underpowered": "◌", "green": "●"}
SHORT = {"red": "red", "amber": "amber", "underpowered": "underpowered", "green": "green"}


def text(value: Any) -> str:
    return escape(str(value), quote=True)


def count(value: float) -> str:
    return f"{value:,.0f}"


def figure(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def ends(pair: Sequence[float] | None, digits: int = 2) -> str:
    return "–" if pair is None else f"{pair[0]:.{digits}f} to {pair[1]:.{digits}f}"


def share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def chance(value: float | None) -> str:
    """A p or q value; below what floating point and anybody's trust can tell, a bound."""
    if value is None:
        return "–"
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def badge(verdict: str, words: str = "") -> str:
    return f'<span class="v {verdict}"><span aria-hidden="true">{SHAPES[verdict]}</span> {text(words or SHORT[verdict])}</span>'


def verdict_words(verdict: str) -> str:
    return VERDICTS[verdict]


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = ()) -> str:
    """Cells are HTML already. ``numbers``: columns set to the right. The first cell of a row is its header."""
    right = set(numbers)
    head = "".join(f'<th scope="col"{_side(at, right)}>{text(name)}</th>' for at, name in enumerate(columns))
    body = []
    for row in rows:
        cells = "".join(f"<td{_side(at, right)}>{cell}</td>" for at, cell in enumerate(row) if at)
        body.append(f'<tr><th scope="row">{row[0]}</th>{cells}</tr>')
    if not body:
        return ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(caption)}"><table><caption>{text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _side(at: int, right: set[int]) -> str:
    return ' class="n"' if at in right else ""


def section(ident: str, title: str, *parts: str) -> str:
    return f'<section id="{ident}" aria-labelledby="{ident}-h"><h2 id="{ident}-h">{text(title)}</h2>{"".join(parts)}</section>'


def more(summary: str, *parts: str) -> str:
    return f"<details><summary>{text(summary)}</summary>{''.join(parts)}</details>"


# --- charts: positions across in percent, so that text keeps its size on a phone ---------------------------------------


def forest(
    title: str, tests: Sequence[Mapping[str, Any]], *, low: float, high: float, marks: Sequence[tuple[float, str]]
) -> str:
    """A row a test: the figure, its interval, and a grey bar for what chance reaches. ``marks``: thresholds with their words."""
    if not tests:
        return ""

    def at(value: float) -> str:
        return f"{100 * min(1.0, max(0.0, (value - low) / (high - low))):.2f}%"

    def wide(a: float, b: float) -> str:
        return f"{100 * (min(high, max(low, b)) - min(high, max(low, a))) / (high - low):.2f}%"

    row, top = 44, 26
    parts = []
    for value, words in marks:
        parts.append(
            f'<line class="mark" x1="{at(value)}" x2="{at(value)}" y1="{top - 6}" y2="{top + row * len(tests)}"/>'
            f'<text class="small" x="{at(value)}" y="12" text-anchor="middle">{text(words)}</text>'
        )
    for number, test in enumerate(tests):
        y = top + row * number
        value, interval = test["value"], test["ci"]
        reached = (test["null"] or {}).get("high_95")
        label = f"{test['finding']}: {test['title']}"
        parts.append(f'<text x="0" y="{y + 14}">{text(_cut(label))}<title>{text(label)}</title></text>')
        parts.append(f'<rect class="track" x="0" y="{y + 27}" width="100%" height="2"/>')
        if reached is not None:
            parts.append(f'<rect class="chance" x="{at(low)}" y="{y + 23}" width="{wide(low, reached)}" height="10"/>')
        if interval is not None:
            parts.append(
                f'<rect class="range {test["verdict"]}" x="{at(interval[0])}" y="{y + 26}" width="{wide(*interval)}" height="4"/>'
            )
        if value is not None:
            parts.append(f'<circle class="dot {test["verdict"]}" cx="{at(value)}" cy="{y + 28}" r="5"/>')
    told = "; ".join(f"{test['finding']}, {test['title']}: {figure(test['value'])}" for test in tests)
    return (
        f'<figure><svg class="plot" role="img" width="100%" height="{top + row * len(tests) + 4}" '
        f'aria-label="{text(title)}. {text(told)}">'
        f"{''.join(parts)}</svg><figcaption>{text(title)}. Dot: the figure. Line: its 95 % interval. Grey bar: "
        "what chance alone stays under "
        "in 95 of 100 cohorts. The table has the numbers.</figcaption></figure>"
    )


def bars(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """A row a category: label, share from 0 to 1, the value in words."""
    if not rows:
        return ""
    parts = []
    for number, (label, value, words) in enumerate(rows):
        y = 34 * number
        parts.append(
            f'<text x="0" y="{y + 13}">{text(_cut(label))}</text><text class="small" x="100%" y="{y + 13}" '
            f'text-anchor="end">{text(words)}</text>'
            f'<rect class="track" x="0" y="{y + 19}" width="100%" height="7"/>'
            f'<rect class="bar" x="0" y="{y + 19}" width="{100 * min(1.0, value):.2f}%" height="7"/>'
        )
    told = "; ".join(f"{label} {words}" for label, _, words in rows)
    return (
        f'<figure><svg class="plot" role="img" width="100%" height="{34 * len(rows)}" aria-label="{text(title)}. '
        f'{text(told)}">{"".join(parts)}</svg>'
        f"<figcaption>{text(title)}</figcaption></figure>"
    )


def _cut(label: str, most: int = 44) -> str:
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"
