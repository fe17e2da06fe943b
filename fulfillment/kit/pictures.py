"""Tables of pictures in the folder: which row belongs to which file, and the verdict on each table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fulfillment.kit.settled import Settled
from fulfillment.kit.sources import Source
from fulfillment.pictures import PictureRow, read_picture_table, row_for
from fulfillment.verdict.pictures import table_findings


@dataclass
class Rows:
    """Rows by file, of every table; the newest table that has a row for a file counts. ``permitted``: the request takes pictures."""

    permitted: bool
    _tables: list[Mapping[str, PictureRow]] = field(default_factory=list, repr=False)

    def take(self, source: Source) -> Settled:
        """Read one table; returns its verdict."""
        rows, problems = read_picture_table(source.path.read_bytes()) if self.permitted else ([], [])
        findings = table_findings(rows, problems, permitted=self.permitted)
        if not rows:
            return Settled(source, "rejected", findings[0]["code"] if findings else "TABLE_UNUSABLE", findings)
        self._tables.insert(0, {row.file: row for row in rows})
        return Settled(source, "passed", "", findings)

    def of(self, source: Source) -> PictureRow | None:
        found = (row_for(rows, source.name) for rows in self._tables)
        return next((row for row in found if row is not None), None)
