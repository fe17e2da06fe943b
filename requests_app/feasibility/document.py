"""The count-only file, version 1, as JSON or CSV.

JSON::

    {"format": "getdata-feasibility", "version": 1, "spec_sha256": "<of the specification counted for>",
     "counted_on": "2026-11-27", "counts": {"cohort.images": 1200, "cohort.patients": 900,
     "projection.ap": 480, "projection.lateral": "<11"}}

CSV: the columns ``check_id,count``, one line a check id, and one line ``spec_sha256,<hash>``. Keys are the check ids of the
request's quota lines, with ``cohort.images`` and ``cohort.patients`` for the totals. A line that was not counted is left
out. ``"<11"`` stands for any count under 11, none included; ``"withheld"`` for a larger one that would give a small one away.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from requests_app.spec import DatasetSpec, Demand, demands

FORMAT: Literal["getdata-feasibility"] = "getdata-feasibility"
SMALL: Literal["<11"] = "<11"
WITHHELD: Literal["withheld"] = "withheld"
#: A file of counts is small; a larger one is something else.
MAX_BYTES = 256 * 1024

Count = Annotated[int, Field(ge=0, le=100_000_000, strict=True)] | Literal["<11", "withheld"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class CountsProblem(ValueError):
    """A file that cannot be read: ``str()`` says what is wrong, ``remedy`` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(message)


class Counts(BaseModel):
    """One file of counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["getdata-feasibility"] = FORMAT
    version: Literal[1] = 1
    spec_sha256: Sha256
    counted_on: date | None = None
    counts: dict[str, Count] = Field(max_length=2000)


@dataclass(frozen=True, slots=True)
class CountLine:
    """One line that can be counted."""

    check_id: str
    text: str
    unit: str
    needed: int


def count_lines(spec: DatasetSpec) -> list[CountLine]:
    """The lines of a request that a file may count: the two totals, then every quota line."""
    rows = [
        CountLine("cohort.images", "All images", "images", spec.cohort.images.min),
        CountLine("cohort.patients", "All patients", "patients", spec.cohort.patients.min),
    ]
    for demand in demands(spec):
        if demand.kind != "total":
            rows.append(CountLine(demand.check_id, _said(demand), demand.unit.value, demand.min))
    return rows


def _said(demand: Demand) -> str:
    return demand.text[:1].upper() + demand.text[1:]


def read_counts(data: bytes) -> Counts:
    """Read JSON or CSV. Raises ``CountsProblem``; no value of the file is repeated in it."""
    if len(data) > MAX_BYTES:
        raise CountsProblem("The file is too large for counts.", "Choose the file that the check kit wrote.")
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise CountsProblem("The file is not text.", "Choose a JSON or CSV file of counts.") from None
    value = _json(text) if text.startswith("{") else _csv(text)
    try:
        return Counts.model_validate(value)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"][:2])[:120] or "the file"
        raise CountsProblem(
            f"The counts cannot be read at {place}.",
            f"Counts are whole numbers or “{SMALL}”; spec_sha256 is 64 letters and digits. Start from the template.",
        ) from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise CountsProblem("The file is not valid JSON.", "Use the file as the check kit wrote it.") from None


def _csv(text: str) -> dict[str, Any]:
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if any(row)]
    except csv.Error:
        raise CountsProblem("The file is not valid CSV.", "Start from the template.") from None
    if not rows or [name.casefold() for name in rows[0][:2]] != ["check_id", "count"]:
        raise CountsProblem("The first line is not “check_id,count”.", "Start from the template.")
    value: dict[str, Any] = {"counts": {}}
    for row in rows[1:]:
        key, said = row[0], row[1] if len(row) > 1 else ""
        if key in ("spec_sha256", "counted_on"):
            value[key] = said
        elif said:
            if key in value["counts"]:
                raise CountsProblem(f"The line {key[:100]} stands twice.", "Keep one of them.")
            value["counts"][key] = int(said) if said.isascii() and said.isdecimal() and len(said) < 12 else said
    return value


def write_json(counts: Counts) -> str:
    """The file as JSON, sorted, ending in a newline."""
    return json.dumps(counts.model_dump(mode="json", exclude_none=True), indent=2, sort_keys=True) + "\n"


def write_csv(counts: Counts, lines: list[CountLine]) -> str:
    """The file as CSV, a line for each line of the request; those not counted are empty, so this is the template too."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["check_id", "count", "what"])
    writer.writerow(["spec_sha256", counts.spec_sha256, ""])
    for line in lines:
        writer.writerow([line.check_id, counts.counts.get(line.check_id, ""), f"{line.text} ({line.unit})"])
    return out.getvalue()
