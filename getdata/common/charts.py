"""Charts as server-side SVG: no script, no inline style, a data table beside each, themed through CSS classes.

Positions across are SVG percentages and positions down are pixels, so a chart fills any width with its text at reading
size: there is no ``viewBox`` that would shrink the letters on a phone. Classes ``c-...`` are coloured in
``static/css/data.css``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

#: More series than this cannot be told apart; the caller groups the rest under "other".
MAX_SERIES = 6

_ROW = 40
_LABEL_CHARS = 38


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: ``svg`` for the eye, ``summary`` for the ear, ``columns`` and ``rows`` for the table beside it."""

    title: str
    svg: SafeString
    summary: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    unit: str = ""
    legend: tuple[str, ...] = field(default=())


def _number(value: float) -> str:
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _pc(share: float) -> str:
    return f"{100 * share:.2f}%"


def _cut(text: str) -> str:
    return text if len(text) <= _LABEL_CHARS else text[: _LABEL_CHARS - 1].rstrip() + "…"


def _checked(values: Sequence[float], *, what: str) -> None:
    for value in values:
        if not isfinite(value) or value < 0:
            raise ValueError(f"{what}: a chart needs finite counts of zero or more, got {value!r}")


def _plot(height: int, label: str, body: SafeString) -> SafeString:
    return format_html(
        '<svg class="plot" width="100%" height="{}" role="img" aria-label="{}">{}</svg>', height, label, body
    )


def bar_chart(
    rows: Sequence[tuple[str, float]], *, title: str, unit: str = "", name: str = "Group", maximum: float | None = None
) -> Chart:
    """Horizontal bars, one for each ``(label, value)``. ``maximum`` fixes the scale; by default the largest value.

    Raises ``ValueError`` for a negative or non-finite value.
    """
    _checked([value for _, value in rows], what=title)
    top = max([maximum or 0.0, *(value for _, value in rows)]) or 1.0
    body = format_html_join(
        "",
        '<text class="c-label" x="0" y="{}">{}<title>{}</title></text>'
        '<text class="c-value" x="100%" y="{}" text-anchor="end">{}</text>'
        '<rect class="c-track" x="0" y="{}" width="100%" height="8"/>'
        '<rect class="c-bar" x="0" y="{}" width="{}" height="8"/>',
        (
            (
                i * _ROW + 14,
                _cut(label),
                label,
                i * _ROW + 14,
                _number(value),
                i * _ROW + 21,
                i * _ROW + 21,
                _pc(value / top),
            )
            for i, (label, value) in enumerate(rows)
        ),
    )
    said = "; ".join(f"{label} {_number(value)}" for label, value in rows) or "no data"
    return Chart(
        title=title,
        svg=_plot(max(len(rows), 1) * _ROW - 8, f"Bar chart. {title}{f' ({unit})' if unit else ''}: {said}", body),
        summary=said,
        columns=(name, unit.capitalize() or "Value"),
        rows=tuple((label, _number(value)) for label, value in rows),
        unit=unit,
    )


def stacked_chart(
    rows: Sequence[tuple[str, Sequence[float]]],
    series: Sequence[str],
    *,
    title: str,
    unit: str = "",
    name: str = "Group",
    as_share: bool = False,
) -> Chart:
    """Horizontal bars cut into ``series``. ``as_share`` draws every bar at full width.

    Raises ``ValueError`` for more than ``MAX_SERIES`` series, rows of another length, or a bad value.
    """
    if len(series) > MAX_SERIES:
        raise ValueError(f"{title}: {len(series)} series, at most {MAX_SERIES} can be told apart; group the rest")
    for label, values in rows:
        if len(values) != len(series):
            raise ValueError(f"{title}: row {label!r} has {len(values)} values for {len(series)} series")
        _checked(values, what=title)
    top = max((sum(values) for _, values in rows), default=0.0) or 1.0
    pieces: list[SafeString] = []
    for i, (label, values) in enumerate(rows):
        total = sum(values)
        scale = (total or 1.0) if as_share else top
        pieces.append(
            format_html(
                '<text class="c-label" x="0" y="{}">{}<title>{}</title></text>'
                '<text class="c-value" x="100%" y="{}" text-anchor="end">{}</text>',
                i * _ROW + 14,
                _cut(label),
                label,
                i * _ROW + 14,
                _number(total),
            )
        )
        start = 0.0
        for j, value in enumerate(values):
            if value:
                pieces.append(
                    format_html(
                        '<rect class="c-{}" x="{}" y="{}" width="{}" height="12"><title>{}: {} {}</title></rect>',
                        j + 1,
                        _pc(start / scale),
                        i * _ROW + 20,
                        _pc(value / scale),
                        label,
                        series[j],
                        _number(value),
                    )
                )
                if start:  # a hairline of paper between neighbours, so that tones need not be told apart
                    x = _pc(start / scale)
                    pieces.append(
                        format_html(
                            '<line class="c-cut" x1="{}" x2="{}" y1="{}" y2="{}"/>', x, x, i * _ROW + 20, i * _ROW + 32
                        )
                    )
            start += value
    said = "; ".join(
        f"{label}: " + ", ".join(f"{s} {_number(v)}" for s, v in zip(series, values, strict=True))
        for label, values in rows
    )
    return Chart(
        title=title,
        svg=_plot(
            max(len(rows), 1) * _ROW - 4,
            f"Stacked bar chart. {title}{f' ({unit})' if unit else ''}: {said or 'no data'}",
            mark_safe("".join(pieces)),  # noqa: S308 (pieces come from format_html)
        ),
        summary=said or "no data",
        columns=(name, *series, "Total"),
        rows=tuple((label, *(_number(v) for v in values), _number(sum(values))) for label, values in rows),
        unit=unit,
        legend=tuple(series),
    )


def histogram(
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    title: str,
    unit: str = "",
    of: str = "images",
    mark: float | None = None,
    mark_label: str = "minimum",
) -> Chart:
    """Counts between consecutive ``edges`` (one more edge than counts). ``mark`` draws a limit on the same axis.

    ``unit`` is of the axis, ``of`` of the counts. Raises ``ValueError`` when the lengths disagree, the edges do not
    rise, or a count is bad.
    """
    if len(edges) != len(counts) + 1:
        raise ValueError(f"{title}: {len(counts)} counts need {len(counts) + 1} edges, got {len(edges)}")
    if any(b <= a for a, b in pairwise(edges)):
        raise ValueError(f"{title}: edges must rise")
    _checked(counts, what=title)
    low, span = edges[0], (edges[-1] - edges[0]) if len(edges) > 1 else 1.0
    top = max([*counts, 1])
    height, head, foot = 150, 18, 24
    base = head + height

    def at(x: float) -> str:
        return _pc((x - low) / span)

    parts: list[SafeString] = []
    for share in (1.0, 0.5):
        y = head + height * (1 - share)
        parts.append(
            format_html(
                '<line class="c-grid" x1="0" x2="100%" y1="{}" y2="{}"/><text class="c-axis" x="0" y="{}">{}</text>',
                f"{y:.1f}",
                f"{y:.1f}",
                f"{y - 4:.1f}",
                _number(round(top * share, 1)),
            )
        )
    for i, count in enumerate(counts):
        tall = height * count / top
        parts.append(
            format_html(
                '<rect class="c-bar" x="{}" y="{}" width="{}" height="{}"><title>{} to {} {}: {} {}</title></rect>',
                at(edges[i]),
                f"{base - tall:.1f}",
                _pc(0.94 * (edges[i + 1] - edges[i]) / span),
                f"{tall:.1f}",
                _number(edges[i]),
                _number(edges[i + 1]),
                unit,
                _number(count),
                of,
            )
        )
    parts.append(format_html('<line class="c-base" x1="0" x2="100%" y1="{}" y2="{}"/>', base, base))
    for x, anchor in ((edges[0], "start"), ((edges[0] + edges[-1]) / 2, "middle"), (edges[-1], "end")):
        parts.append(
            format_html(
                '<text class="c-axis" x="{}" y="{}" text-anchor="{}">{}</text>', at(x), base + 18, anchor, _number(x)
            )
        )
    below = ""
    if mark is not None and edges[0] <= mark <= edges[-1]:
        anchor = "end" if (mark - low) / span > 0.5 else "start"
        parts.append(
            format_html(
                '<line class="c-mark" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
                '<text class="c-value" x="{0}" dx="{3}" y="{4}" text-anchor="{5}">{6} {7}</text>',
                at(mark),
                head - 4,
                base,
                -6 if anchor == "end" else 6,
                head + 8,
                anchor,
                mark_label,
                _number(mark),
            )
        )
        below = f"; {mark_label} {_number(mark)}"
    total = sum(counts)
    modal = max(range(len(counts)), key=counts.__getitem__) if total else None
    said = f"{_number(total)} {of} from {_number(edges[0])} to {_number(edges[-1])} {unit}".rstrip()
    if modal is not None:
        said += f", most between {_number(edges[modal])} and {_number(edges[modal + 1])}"
    return Chart(
        title=title,
        svg=_plot(
            head + height + foot,
            f"Histogram. {title}: {said}{below}",
            mark_safe("".join(parts)),  # noqa: S308 (parts come from format_html)
        ),
        summary=said + below,
        columns=(f"From {f'({unit})' if unit else ''}".strip(), "To", of.capitalize()),
        rows=tuple((_number(edges[i]), _number(edges[i + 1]), _number(count)) for i, count in enumerate(counts)),
        unit=unit,
    )


def sparkline(values: Sequence[float], *, label: str) -> SafeString:
    """A word-sized line with its last point marked; ``label`` must say what it shows. Fewer than two values: empty."""
    if len(values) < 2:
        return mark_safe("")
    if not all(isfinite(value) for value in values):
        raise ValueError(f"{label}: a sparkline needs finite values")
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    heights = [22 - 20 * (value - low) / span for value in values]
    step = 100 / (len(values) - 1)
    points = " ".join(f"{i * step:.1f},{y:.1f}" for i, y in enumerate(heights))
    # Two layers: the line may stretch (non-scaling stroke), the dot must stay round.
    return format_html(
        '<svg class="spark" role="img" aria-label="{}">'
        '<svg viewBox="0 0 100 24" preserveAspectRatio="none" width="100%" height="100%" overflow="visible">'
        '<polyline points="{}"/></svg><circle cx="100%" cy="{}" r="2.5"/></svg>',
        f"{label}: from {_number(values[0])} to {_number(values[-1])}",
        points,
        f"{heights[-1] * 100 / 24:.1f}%",
    )
