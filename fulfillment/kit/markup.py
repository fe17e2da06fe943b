"""Small pieces of the report's HTML. Everything that comes from outside goes through ``esc``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

#: Names listed below one cause; the JSON has all of them.
MOST_NAMES = 200


def esc(text: object) -> str:
    """The text for HTML, with what a page would act on or cannot show written as an escape."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text))
    return escape(plain, quote=True)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def bar(fraction: float, kind: str, words: str) -> str:
    """A share of a whole as a bar; ``words`` says the same to those who do not see it."""
    width = round(1000 * max(0.0, min(1.0, fraction)))
    return (
        f'<svg class="bar" viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label="{esc(words)}">'
        f'<rect class="track" width="1000" height="14"/><rect class="{kind}" width="{width}" height="14"/></svg>'
    )


def histogram(bars: Sequence[int], asked: float | None, words: str) -> str:
    """Ten bars from 0 to 100."""
    top = max([*bars, 1])
    parts = [f'<svg class="hist" viewBox="0 0 520 150" role="img" aria-label="{esc(words)}">']
    for place, number in enumerate(bars):
        high = 100.0 * number / top
        left = 10 + 50 * place
        parts.append(f'<rect x="{left + 2}" y="{118 - high:.1f}" width="46" height="{high:.1f}"/>')
        if number:
            parts.append(f'<text x="{left + 25}" y="{112 - high:.1f}" text-anchor="middle">{number:,}</text>')
    parts.append('<line x1="10" y1="118" x2="510" y2="118"/>')
    parts += [f'<text x="{10 + 5 * edge}" y="136" text-anchor="middle">{edge}</text>' for edge in range(0, 101, 20)]
    if asked is not None:
        at = 10 + 5 * asked
        parts.append(f'<line class="asked" x1="{at}" y1="10" x2="{at}" y2="118"/>')
        parts.append(f'<text x="{at + 4}" y="14">asked: {asked:g}</text>')
    return "".join([*parts, "</svg>"])


def names_list(names: Sequence[str], summary: str) -> str:
    """Names of files behind a summary."""
    items = "".join(f"<li>{esc(name)}</li>" for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    rest = f'<p class="quiet">And {more:,} more: the JSON report has all of them.</p>' if more > 0 else ""
    return f'<details><summary>{esc(summary)}</summary><ul class="names">{items}</ul>{rest}</details>'


def table(head: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], caption: str) -> str:
    """``head``: (label, class) of each column; cells are HTML already. The first cell of a row is its header."""
    top = "".join(f'<th scope="col"{_class(kind)}>{esc(label)}</th>' for label, kind in head)
    body = []
    for row in rows:
        cells = [f'<th scope="row"{_class(head[0][1])}>{row[0]}</th>']
        cells += [
            f'<td{_class(kind)} data-label="{esc(label)}">{cell}</td>'
            for (label, kind), cell in zip(head[1:], row[1:], strict=True)
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{esc(caption)}"><table class="stack"><caption>{esc(caption)}'
        f"</caption><thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def state(kind: str, words: str) -> str:
    """A word with a shape beside it: colour is never alone."""
    return f'<span class="state {kind}">{esc(words)}</span>'


def section(anchor: str, title: str, *parts: str) -> str:
    """One part of the page under a heading."""
    return f'<section id="{anchor}"><h2>{esc(title)}</h2>{"".join(parts)}</section>'


def para(html: str, kind: str = "") -> str:
    """A paragraph of HTML that is safe already."""
    return f"<p{_class(kind)}>{html}</p>"


def quiet(text: str) -> str:
    """A remark in plain text."""
    return para(esc(text), "quiet")


def note(kind: str, strong: str, rest: str) -> str:
    """The one thing to know: plain text, its first sentence strong."""
    return f'<div class="note {kind}"><p><b>{esc(strong)}</b> {esc(rest)}</p></div>'


def bullets(items: Iterable[str]) -> str:
    """A list of HTML that is safe already; nothing where there is none."""
    rows = "".join(f"<li>{item}</li>" for item in items)
    return f'<ul class="plain">{rows}</ul>' if rows else ""


def told(message: str, remedy: str) -> str:
    """A message and, quieter, what to do."""
    return f'{esc(message)} <span class="quiet">{esc(remedy)}</span>' if remedy else esc(message)
