"""PS3.15 Table E.1-1, edition 2026c, read from the data file beside this module."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

EDITION = "PS3.15-2026c"
BASIC_ACTIONS = frozenset({"X", "Z", "D", "U", "K", "C", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"})
OPTION_COLUMNS = (
    "retain_uids",
    "retain_device",
    "retain_institution",
    "retain_patient",
    "full_dates",
    "modified_dates",
    "clean_descriptors",
    "clean_structured",
    "clean_graphics",
)


@dataclass(frozen=True)
class TableRow:
    """One attribute: `basic` action and, by option column, K (keep) or C (clean)."""

    tag: str
    keyword: str
    basic: str
    options: Mapping[str, str]


@cache
def table_rows() -> tuple[TableRow, ...]:
    """Every row of the table. Raises ValueError naming the row when an action is missing or unknown."""
    text = files("deid.profile").joinpath("ps3_15_2026c.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    rows = []
    for line in csv.DictReader(lines):
        if line["basic"] not in BASIC_ACTIONS:
            raise ValueError(f"ps3_15_2026c.csv: row {line['tag']} has no known basic action. Restore the data file.")
        options = {name: line[name] for name in OPTION_COLUMNS if line[name]}
        rows.append(TableRow(line["tag"], line["keyword"], line["basic"], options))
    return tuple(rows)


@cache
def _by_tag() -> tuple[dict[int, TableRow], tuple[tuple[str, TableRow], ...]]:
    exact: dict[int, TableRow] = {}
    masked: list[tuple[str, TableRow]] = []
    for row in table_rows():
        if "X" in row.tag:
            masked.append((row.tag, row))
        else:
            exact[int(row.tag, 16)] = row
    return exact, tuple(masked)


@lru_cache(maxsize=16_384)
def find_row(tag: int) -> TableRow | None:
    """The row for a tag (GGGGEEEE as an integer), or None when the table is silent on it."""
    exact, masked = _by_tag()
    row = exact.get(tag)
    if row is not None:
        return row
    text = f"{tag:08X}"
    for pattern, candidate in masked:
        if all(want in ("X", have) for want, have in zip(pattern, text, strict=True)):
            return candidate
    return None
