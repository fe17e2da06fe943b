"""The quota meter, the product's signature: needed, offered, received and accepted in one bar, the same everywhere.

Accepted is solid, received a lighter solid, offered a row of ruler ticks (a promise, not yet a thing), needed the track
with its end mark. Lengths are SVG percentages, so the bar needs neither script nor inline style and fits any width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import template

from getdata.common.templatetags.ui_numbers import grouped

register = template.Library()


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts of one quota cell and the bar's lengths, in per cent of the drawn width."""

    needed: int
    offered: int
    received: int
    accepted: int
    unit: str = "images"
    label: str = ""
    url: str = ""
    level: str = ""
    note: str = ""
    offered_word: str = ""

    @property
    def offered_said(self) -> str:
        """The offers as they may be told: a number, or a word where the number is not for everybody."""
        return self.offered_word or grouped(self.offered)

    @property
    def scale(self) -> int:
        """The count at the bar's right end: what is needed, or more when more was offered."""
        return max(self.needed, self.offered, self.received, self.accepted, 1)

    def _share(self, count: int) -> str:
        return f"{100 * max(count, 0) / self.scale:.2f}%"

    @property
    def needed_at(self) -> str:
        return self._share(self.needed)

    @property
    def offered_to(self) -> str:
        return self._share(self.offered)

    @property
    def received_to(self) -> str:
        return self._share(self.received)

    @property
    def accepted_to(self) -> str:
        return self._share(self.accepted)

    @property
    def missing(self) -> int:
        """How many are still to be accepted."""
        return max(self.needed - self.accepted, 0)

    @property
    def unoffered(self) -> int:
        """How many nobody has offered yet: what a hospital can still usefully bring."""
        return max(self.needed - max(self.offered, self.received, self.accepted), 0)

    @property
    def filled(self) -> bool:
        return self.needed > 0 and self.accepted >= self.needed

    @property
    def percent(self) -> str:
        """Accepted as a whole per cent of needed, rounded down: 100 % is said only when it is so."""
        if self.needed <= 0:
            return "–"
        return f"{min(100, 100 * self.accepted // self.needed)} %"

    @property
    def text(self) -> str:
        """The bar in words, for those who do not see it."""
        words = (
            f"{grouped(self.accepted)} of {grouped(self.needed)} {self.unit} accepted; "
            f"{grouped(self.received)} received; {self.offered_said} offered"
        )
        if self.filled:
            return f"{words}; filled"
        return f"{words}; {grouped(self.missing)} still to accept"

    @classmethod
    def of(cls, cell: Any, **more: Any) -> Meter:
        """From a mapping or an object with these names; what is absent counts zero."""

        def get(name: str, default: Any) -> Any:
            found = cell.get(name) if isinstance(cell, Mapping) else getattr(cell, name, None)
            return default if found is None else found

        values: dict[str, Any] = {name: int(get(name, 0)) for name in ("needed", "offered", "received", "accepted")}
        values |= {name: str(get(name, "")) for name in ("label", "url", "level", "note", "offered_word")}
        values["unit"] = str(get("unit", "images"))
        return cls(**(values | {k: v for k, v in more.items() if v not in (None, "")}))


@register.inclusion_tag("components/meter.html")
def meter(
    cell: Any = None,
    *,
    needed: int = 0,
    offered: int = 0,
    received: int = 0,
    accepted: int = 0,
    label: str = "",
    unit: str = "",
    url: str = "",
    note: str = "",
    size: str = "",
    legend: bool = True,
) -> dict[str, Any]:
    """One quota as a bar. Give ``cell`` (mapping or object) or the four counts. ``size`` is small, "" or large."""
    source = (
        cell if cell is not None else {"needed": needed, "offered": offered, "received": received, "accepted": accepted}
    )
    return {
        "m": Meter.of(source, label=label, unit=unit, url=url, note=note),
        "size": size,
        "legend": legend,
        "bar_height": {"small": 8, "large": 24}.get(size, 14),
    }


@register.inclusion_tag("components/quota_table.html")
def quota_table(
    cells: Iterable[Any], caption: str = "Quotas", *, unit: str = "images", caption_hidden: bool = False
) -> dict[str, Any]:
    """Quota cells as a table, a meter in each row. Cells as for ``meter``; ``level`` (must, should) is shown too."""
    return {
        "rows": [Meter.of(cell) for cell in cells],
        "caption": caption,
        "unit": unit,
        "caption_hidden": caption_hidden,
    }
