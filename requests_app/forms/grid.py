"""The quota grid: two or more axes laid out as a table of counts, over the same lines that stand one by one.

A cell of the grid is one row of the quotas' list whose selection is exactly that of its header cells. Lines that the grid
does not show (a third axis, another unit) stay in the list, so that nothing is lost by laying a grid over them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from django import forms

from requests_app.forms.binding import Document, choices, get_at
from requests_app.spec import CountUnit, Position, Sex, View

#: What a page can carry and a person can read.
MAX_CELLS = 240
Fields = dict[str, str]


def _one(name: str) -> Callable[[str], Fields]:
    return lambda token: {name: token}


def _finding(token: str) -> Fields:
    absent = token.startswith("-")
    return {"finding": token.lstrip("-"), "finding_state": "absent" if absent else "present"}


_AGES = re.compile(r"^(?:(?P<low>\d{1,3})\s*[-–]\s*(?P<high>\d{1,3})|(?P<plus>\d{1,3})\s*\+|up to (?P<to>\d{1,3}))$")


def _ages(token: str) -> Fields:
    found = _AGES.match(token.strip().lower())
    if found is None:
        raise forms.ValidationError(f"“{token[:20]}” is no age band. Write them like this: up to 17, 18-64, 65+.")
    low, high = found["low"] or found["plus"] or "", found["high"] or found["to"] or ""
    return {"age_min": low, "age_max": high}


def _age_token(values: Fields) -> str:
    low, high = values.get("age_min", ""), values.get("age_max", "")
    if low and high:
        return f"{low}-{high}"
    return f"{low}+" if low else f"up to {high}"


def _age_label(token: str) -> str:
    return token if token.startswith("up to") else token.replace("+", " and over").replace("-", " to ")


def _said(words: Mapping[str, str]) -> Callable[[str], str]:
    return lambda token: words.get(token, token)


@dataclass(frozen=True)
class Axis:
    """One way to split the images. ``options`` is empty for what is typed freely."""

    key: str
    label: str
    names: tuple[str, ...]
    read: Callable[[str], Fields]
    say: Callable[[str], str]
    options: tuple[tuple[str, str], ...] = ()

    def token(self, values: Fields) -> str:
        """This axis' value of a selection, or "" when the selection leaves it open."""
        if not any(values.get(name) for name in self.names):
            return ""
        if self.key == "age":
            return _age_token(values)
        if self.key == "finding":
            return ("-" if values.get("finding_state") == "absent" else "") + values.get("finding", "")
        return values[self.names[0]]


def _closed(key: str, label: str, options: Iterable[tuple[str, str]]) -> Axis:
    listed = tuple(options)
    return Axis(key, label, (key,), _one(key), _said(dict(listed)), listed)


#: In the order in which they become rows first and columns last.
AXES: tuple[Axis, ...] = (
    Axis(
        "finding",
        "Finding",
        ("finding",),
        _finding,
        lambda token: f"without {token[1:]}" if token.startswith("-") else token,
    ),
    _closed("view", "Projection", choices(View)),
    _closed("position", "Position", choices(Position)),
    _closed("portable", "Portable", [("true", "Portable"), ("false", "Not portable")]),
    Axis("vendor", "Manufacturer", ("vendor",), _one("vendor"), str),
    Axis("site", "Hospital", ("site",), _one("site"), str),
    _closed("sex", "Sex", choices(Sex)),
    Axis("age", "Age band", ("age_min", "age_max"), _ages, _age_label),
)
_BY_KEY = {axis.key: axis for axis in AXES}
_SELECTION = ("finding", "view", "position", "portable", "sex", "age_min", "age_max", "vendor", "site")


def plain(value: Any) -> str:
    """A field's value as the form would send it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).strip()


def selection_of(values: Mapping[str, Any]) -> Fields:
    """The selection of a row as text, what is left open left out."""
    found = {name: plain(values.get(name)) for name in _SELECTION}
    found = {name: value for name, value in found.items() if value}
    if "finding" in found and plain(values.get("finding_state")) == "absent":
        found["finding_state"] = "absent"
    return found


def _key(selection: Fields, unit: str) -> tuple[Any, ...]:
    folded = sorted((name, value.casefold()) for name, value in selection.items())
    return (unit or CountUnit.IMAGES.value, *folded)


@dataclass(frozen=True)
class Layout:
    """Which axes make rows and columns, with their values, and what is counted."""

    rows: tuple[tuple[Axis, tuple[str, ...]], ...]
    columns: tuple[tuple[Axis, tuple[str, ...]], ...]
    unit: str = CountUnit.IMAGES.value

    @property
    def size(self) -> int:
        size = 1
        for _, values in (*self.rows, *self.columns):
            size *= len(values)
        return size


class GridForm(forms.Form):
    """Which axes, and which of their values. It is never stored: the lines are."""

    unit = forms.ChoiceField(label="Counted in", choices=choices(CountUnit), required=False)

    prefix = "grid"

    def __init__(self, *args: Any, document: Document, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        findings = _findings(document)
        for axis in AXES:
            self.fields[f"{axis.key}_use"] = forms.ChoiceField(
                label=axis.label, choices=[("", "Not used"), ("rows", "Rows"), ("columns", "Columns")], required=False
            )
            options = findings if axis.key == "finding" else axis.options
            self.fields[f"{axis.key}_values"] = (
                forms.MultipleChoiceField(
                    label=f"{axis.label}: values",
                    choices=options,
                    required=False,
                    widget=forms.CheckboxSelectMultiple,
                )
                if options
                else forms.CharField(label=f"{axis.label}: values", required=False, max_length=2000)
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for axis in AXES:
            if data.get(f"{axis.key}_use") and not self._values(axis):
                self.add_error(f"{axis.key}_values", f"Name the values of “{axis.label}” that the grid counts.")
        if not self.errors:
            layout = self.layout()
            if layout is None:
                self.add_error(None, "Choose something for the rows and something else for the columns.")
            elif layout.size > MAX_CELLS:
                self.add_error(None, f"That makes {layout.size:,} cells; {MAX_CELLS} is the most. Use fewer values.")
        return data

    def _values(self, axis: Axis) -> tuple[str, ...]:
        given = self.cleaned_data.get(f"{axis.key}_values") or ""
        tokens = [part.strip() for part in re.split(r"[,;\n]", given)] if isinstance(given, str) else list(given)
        tokens = list(dict.fromkeys(token for token in tokens if token))
        try:
            for token in tokens:
                axis.read(token)
        except forms.ValidationError as error:
            self.add_error(f"{axis.key}_values", error)
        return tuple(tokens)

    def layout(self) -> Layout | None:
        """What was chosen; None unless there are rows and columns."""
        sides: dict[str, list[tuple[Axis, tuple[str, ...]]]] = {"rows": [], "columns": []}
        for axis in AXES:
            side = self.cleaned_data.get(f"{axis.key}_use")
            if side:
                sides[side].append((axis, self._values(axis)))
        if not sides["rows"] or not sides["columns"]:
            return None
        return Layout(
            tuple(sides["rows"]), tuple(sides["columns"]), self.cleaned_data.get("unit") or CountUnit.IMAGES.value
        )

    @property
    def axes(self) -> list[tuple[Axis, Any, Any]]:
        """Each axis with its two fields, for the template."""
        return [(axis, self[f"{axis.key}_use"], self[f"{axis.key}_values"]) for axis in AXES]


def _findings(document: Document) -> tuple[tuple[str, str], ...]:
    """The findings that the request labels or counts, each present and, where it is counted so, absent."""
    listed = [str(row.get("finding", "")) for row in get_at(document, "labels.findings") or []]
    counted = [
        (str(c["finding"]), c.get("finding_state")) for c in get_at(document, "quotas") or [] if c.get("finding")
    ]
    names = list(dict.fromkeys(name for name in [*listed, *(name for name, _ in counted)] if name))
    found = [(name, name) for name in names]
    return tuple(found + [(f"-{name}", f"without {name}") for name in names])


def starting_values(document: Document) -> dict[str, Any]:
    """What the form proposes: the projections asked for, both sexes, the findings, three age bands."""
    views = list(dict.fromkeys(row.get("view", "") for row in get_at(document, "projections") or []))
    youngest = get_at(document, "cohort.age.min") or 0
    return {
        "unit": CountUnit.IMAGES.value,
        "finding_values": [str(row.get("finding", "")) for row in get_at(document, "labels.findings") or []],
        "view_values": views or ["PA", "AP"],
        "sex_values": ["F", "M"],
        "age_values": ("up to 17, " if youngest < 18 else "") + "18-39, 40-64, 65+",
    }


def found_layout(cells: list[Mapping[str, Any]]) -> Layout | None:
    """The grid that the lines of a document already form, if enough of them agree on two axes or more."""
    groups: Counter[tuple[tuple[str, ...], str]] = Counter()
    for cell in cells:
        axes = tuple(axis.key for axis in AXES if axis.token(selection_of(cell)))
        groups[axes, plain(cell.get("unit")) or CountUnit.IMAGES.value] += 1
    for (axes, unit), count in groups.most_common():
        if len(axes) < 2 or count < 4:
            continue
        seen: dict[str, list[str]] = {key: [] for key in axes}
        for cell in cells:
            selection = selection_of(cell)
            mine = tuple(axis.key for axis in AXES if axis.token(selection))
            if mine == axes and (plain(cell.get("unit")) or CountUnit.IMAGES.value) == unit:
                for key in axes:
                    token = _BY_KEY[key].token(selection)
                    if token not in seen[key]:
                        seen[key].append(token)
        pairs = [(_BY_KEY[key], tuple(seen[key])) for key in axes]
        layout = Layout(tuple(pairs[:-1]), tuple(pairs[-1:]), unit)
        if layout.size <= min(MAX_CELLS, 3 * count):
            return layout
    return None


def form_values(layout: Layout) -> dict[str, Any]:
    """A layout as the values of its form."""
    values: dict[str, Any] = {"unit": layout.unit}
    for side, pairs in (("rows", layout.rows), ("columns", layout.columns)):
        for axis, tokens in pairs:
            values[f"{axis.key}_use"] = side
            typed = axis.key in ("vendor", "site", "age")
            values[f"{axis.key}_values"] = ", ".join(tokens) if typed else list(tokens)
    return values


@dataclass
class GridLine:
    """One row of the table: what its cells have in common, and their forms."""

    label: str
    cells: list[Any] = field(default_factory=list)
    total: int = 0


@dataclass
class Grid:
    """The table: column headers, lines, and sums of the minimums."""

    corner: str
    columns: list[str]
    lines: list[GridLine]
    column_totals: list[int]
    total: int
    unit: str
    shows_maximums: bool = False


def lay_out(layout: Layout, rows: list[Any], new_row: Callable[[dict[str, Any]], Any]) -> Grid:
    """Put each row whose selection is a cell's into the table; ``new_row`` makes the rows that are missing.

    Rows that are placed get ``in_grid``; of two rows with the same selection the second stays in the list.
    """
    by_key: dict[tuple[Any, ...], Any] = {}
    for row in rows:
        values = row.plain_values()
        by_key.setdefault(_key(selection_of(values), plain(values.get("unit"))), row)
    columns = _combinations(layout.columns)
    grid = Grid(
        " · ".join(axis.label for axis, _ in layout.rows),
        [label for label, _ in columns],
        [],
        [0] * len(columns),
        0,
        layout.unit,
    )
    for label, selection in _combinations(layout.rows):
        line = GridLine(label)
        for index, (column, more) in enumerate(columns):
            wanted = {**selection, **more}
            row = by_key.get(_key(selection_of(wanted), layout.unit))
            if row is None or row.in_grid:
                row = new_row({**wanted, "unit": layout.unit})
            row.in_grid, row.cell_label = True, f"{label}, {column}"
            values = row.plain_values()
            typed = plain(values.get("min"))
            least = int(typed) if typed.isdecimal() and len(typed) < 10 else 0
            line.cells.append(row)
            line.total += least
            grid.column_totals[index] += least
            grid.shows_maximums |= bool(plain(values.get("max")))
        grid.total += line.total
        grid.lines.append(line)
    return grid


def _combinations(pairs: tuple[tuple[Axis, tuple[str, ...]], ...]) -> list[tuple[str, Fields]]:
    """``(label, selection)`` for every combination of the axes' values."""
    found = []
    for tokens in product(*(values for _, values in pairs)):
        label = ", ".join(axis.say(token) for (axis, _), token in zip(pairs, tokens, strict=True))
        selection: Fields = {}
        for (axis, _), token in zip(pairs, tokens, strict=True):
            selection |= axis.read(token)
        found.append((label[:1].upper() + label[1:], selection))
    return found
