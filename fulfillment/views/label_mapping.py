"""The form of the mapping: a row a column, a row a name. Hand-made, because its rows come from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fulfillment.intake.label_plan import Plan
from fulfillment.labels.columns import MEANINGS
from fulfillment.labels.formats import FORMATS
from requests_app.taxonomy import Taxonomy

WHY = {
    "exact": "the same name",
    "alias": "another name for the same",
    "crosswalk broader": "the list has only this wider finding",
    "narrower": "wider than any finding of the list: a parent is never taken for one of its children",
    "near": "spelled nearly like it: look twice",
    "none": "not in any list we know",
}
KINDS = {
    "": "what the file says",
    "sop_instance_uid": "SOPInstanceUID, as in your archive",
    "accession_number": "accession number",
    "file": "file name, as sent in this batch",
}


@dataclass(frozen=True)
class ColumnRow:
    """One column of the file. ``field`` is the select's name."""

    field: str
    title: str
    chosen: str


@dataclass
class NameRow:
    """One name as written. ``tick`` is the name of the confirming box, empty where none is needed."""

    field: str
    tick: str
    name: str
    count: int
    why: str
    suggested: str
    suggested_name: str
    chosen: str
    ticked: bool
    error: str = ""

    @property
    def needs_tick(self) -> bool:
        return bool(self.tick)


class MappingForm:
    """What the file has, what is chosen, and what speaks against it."""

    def __init__(
        self, found: Mapping[str, Any], plan: Plan, taxonomy: Taxonomy, data: Mapping[str, str] | None = None
    ) -> None:
        self.found, self.before, self.taxonomy, self.data = found, plan, taxonomy, data
        self.format = self._said("format", plan.format)
        self.image_kind = self._said("image_kind", plan.image_kind)
        is_table = bool(found.get("columns"))
        self.columns = [
            ColumnRow(f"column-{place}", title, self._said(f"column-{place}", plan.columns.get(place, "")))
            for place, title in enumerate(found.get("columns", []) if is_table else [])
        ]
        self.names = [self._name(place, row) for place, row in enumerate(found.get("names", []))]
        self.errors: list[tuple[str, str]] = []

    def _said(self, field: str, default: str) -> str:
        return default if self.data is None else str(self.data.get(field, ""))[:200]

    def _name(self, place: int, row: Mapping[str, Any]) -> NameRow:
        suggested, why, name = row["suggested"], row["why"], row["name"]
        broader = why == "crosswalk broader"
        default = self.before.names.get(name, suggested if row["certain"] or broader else "")
        return NameRow(
            field=f"name-{place}",
            tick=f"confirm-{place}" if broader else "",
            name=name,
            count=row["count"],
            why=WHY.get(why, why),
            suggested=suggested,
            suggested_name=self.taxonomy[suggested].name if suggested in self.taxonomy else "",
            chosen=self._said(f"name-{place}", default),
            ticked=bool(self._said(f"confirm-{place}", "on" if self.before.names.get(name) == suggested else "")),
        )

    def is_valid(self) -> bool:
        """Whether every choice is one of those offered, and every wider finding is confirmed. Errors stand beside their rows."""
        self.errors = []
        if self.format not in {"auto", *FORMATS}:
            self.errors.append(("format", "Choose one of the formats."))
        if self.image_kind not in KINDS:
            self.errors.append(("image_kind", "Choose one of the kinds of name."))
        for column in self.columns:
            if column.chosen and column.chosen not in MEANINGS:
                self.errors.append((column.field, "Choose one of the meanings."))
        for row in self.names:
            if row.chosen and row.chosen not in self.taxonomy:
                row.error = "Choose a finding of the list, or leave the name out."
            elif row.needs_tick and row.chosen == row.suggested and row.chosen and not row.ticked:
                row.error = "Confirm that the wider finding is meant, or leave the name out."
            else:
                row.error = ""
            if row.error:
                self.errors.append((row.tick if row.needs_tick and row.chosen else row.field, row.error))
        return not self.errors

    def plan(self) -> Plan:
        """What was chosen. Names that this file does not have keep what was said of them before."""
        said = {row.name: row.chosen for row in self.names}
        columns = {place: row.chosen for place, row in enumerate(self.columns) if row.chosen}
        return Plan.from_document(
            {
                "format": self.format,
                "image_kind": self.image_kind,
                "columns": columns,
                "names": {**self.before.names, **said},
            }
        )

    @property
    def formats(self) -> list[tuple[str, str]]:
        return [("auto", "what the file is taken for"), *((each.name, each.title) for each in FORMATS.values())]

    @property
    def kinds(self) -> list[tuple[str, str, int | None]]:
        ways = self.found["images"]["ways"]
        return [(kind, title, ways.get(kind)) for kind, title in KINDS.items()]

    @property
    def meanings(self) -> list[tuple[str, str]]:
        return list(MEANINGS.items())
