"""Read a generic label table: one row per image, finding and state.

Columns, in any order and case: `sop_instance_uid` or `file`, `finding`, `state`, and optionally `source` and
`reader`. Comma, semicolon or tab. Every problem is listed with its row; good rows are kept, so that one bad
row does not lose a table.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Literal

from fulfillment.labels.consensus import settle
from fulfillment.labels.methods import read_method
from fulfillment.labels.statement import Statement
from requests_app.taxonomy import LabelState, Taxonomy

MAX_ROWS = 2_000_000
MAX_PROBLEMS = 1_000
MAX_CELL = 1_000

STATES = {
    "present": LabelState.PRESENT,
    "positive": LabelState.PRESENT,
    "yes": LabelState.PRESENT,
    "true": LabelState.PRESENT,
    "1": LabelState.PRESENT,
    "1.0": LabelState.PRESENT,
    "likely": LabelState.LIKELY,
    "probable": LabelState.LIKELY,
    "possible": LabelState.POSSIBLE,
    "uncertain": LabelState.POSSIBLE,
    "-1": LabelState.POSSIBLE,
    "-1.0": LabelState.POSSIBLE,
    "absent": LabelState.ABSENT,
    "negative": LabelState.ABSENT,
    "no": LabelState.ABSENT,
    "false": LabelState.ABSENT,
    "0": LabelState.ABSENT,
    "0.0": LabelState.ABSENT,
    "not_mentioned": LabelState.NOT_MENTIONED,
    "not mentioned": LabelState.NOT_MENTIONED,
    "": LabelState.NOT_MENTIONED,
}
_COLUMNS = {
    "sop_instance_uid": "uid",
    "sopinstanceuid": "uid",
    "file": "file",
    "filename": "file",
    "file_name": "file",
    "finding": "finding",
    "label": "finding",
    "state": "state",
    "source": "source",
    "reader": "reader",
}
_UID = re.compile(r"^[0-9]+(\.[0-9]+)*$")


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One statement. `image` is a SOPInstanceUID or a file name, as `image_kind` says.

    `finding` is the taxonomy's key and `name` its spelling there; `row` is the line number in the table,
    the header being row 1.
    """

    image: str
    image_kind: Literal["sop_instance_uid", "file"]
    finding: str
    name: str
    state: LabelState
    source: str = ""
    reader: str = ""
    row: int = 0

    def statement(self) -> Statement:
        """What the row states, without the image and the finding."""
        method, readers = read_method(self.source)
        return Statement(self.state, method, self.reader, readers)


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """What is wrong with one row (0 = the file as a whole), why, and what to do.

    ``place`` says where in files that have no rows ("annotations[3]", "segment 2"); ``file`` names the member of a folder or an
    archive, and may hold what identifies a patient: it is for the one who sent it, never for storage in the clear.
    """

    row: int
    code: str
    cause: str
    remedy: str
    place: str = ""
    file: str = ""

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)


def _columns(header: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, name in enumerate(header):
        meaning = _COLUMNS.get(name.strip().casefold().replace(" ", "_"))
        if meaning is not None:
            found.setdefault(meaning, index)
    return found


def _delimiter(first_line: str) -> str:
    return max(",;\t", key=first_line.count)


def read_label_table(text: str, taxonomy: Taxonomy) -> tuple[list[LabelRow], list[LabelProblem]]:
    """The rows that can be used and the problems found, both in table order. Never raises on bad content.

    The same statement twice by the same reader is one row and a remark; two different states for one image
    and finding by the same reader contradict each other, and neither is used.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return [], [
            LabelProblem(
                0, "EMPTY_TABLE", "The table is empty.", "Send a table with a header row and at least one row."
            )
        ]
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text.splitlines()[0]))
    rows: list[LabelRow] = []
    problems: list[LabelProblem] = []
    try:
        columns = _columns(next(reader))
        missing = _missing(columns)
        if missing is not None:
            return [], [missing]
        for cells in reader:
            if len(rows) >= MAX_ROWS or len(problems) >= MAX_PROBLEMS:
                problems.append(_stopped(reader.line_num, len(rows) >= MAX_ROWS))
                break
            if not any(cell.strip() for cell in cells):
                continue
            result = _row(cells, columns, taxonomy, reader.line_num)
            (rows if isinstance(result, LabelRow) else problems).append(result)  # type: ignore[arg-type]
    except csv.Error:
        problems.append(
            LabelProblem(
                reader.line_num,
                "NOT_CSV",
                "The table cannot be read from this row on: it is not valid CSV.",
                "Look for a quotation mark that is not closed, or binary content, and save the table as UTF-8 CSV.",
            )
        )
    kept, conflicts = _settle(rows)
    return kept, sorted([*problems, *conflicts], key=lambda problem: problem.row)


def _missing(columns: dict[str, int]) -> LabelProblem | None:
    lacking = [name for name in ("finding", "state") if name not in columns]
    if "uid" not in columns and "file" not in columns:
        lacking.insert(0, "sop_instance_uid (or file)")
    if not lacking:
        return None
    return LabelProblem(
        1,
        "COLUMN_MISSING",
        f"The header has no column {', '.join(lacking)}.",
        "Name the columns sop_instance_uid (or file), finding, state, and if you like source, reader.",
    )


def _stopped(row: int, too_long: bool) -> LabelProblem:
    if too_long:
        return LabelProblem(
            row,
            "TABLE_TOO_LONG",
            f"The table has more than {MAX_ROWS:,} rows; the rest was not read.",
            "Split it into several tables.",
        )
    return LabelProblem(
        row,
        "TOO_MANY_PROBLEMS",
        f"More than {MAX_PROBLEMS:,} rows have problems; the rest was not read.",
        "Correct the first ones; they usually share a cause.",
    )


def _row(cells: list[str], columns: dict[str, int], taxonomy: Taxonomy, number: int) -> LabelRow | LabelProblem:
    def cell(name: str) -> str:
        index = columns.get(name)
        return cells[index].strip() if index is not None and index < len(cells) else ""

    if any(len(value) > MAX_CELL for value in cells):
        return LabelProblem(
            number,
            "CELL_TOO_LONG",
            f"A cell has more than {MAX_CELL:,} characters.",
            "Look for a quotation mark that is not closed.",
        )
    uid, file = cell("uid"), cell("file")
    if not uid and not file:
        return LabelProblem(number, "IMAGE_MISSING", "The row names no image.", "Fill in sop_instance_uid or file.")
    if uid and (not _UID.match(uid) or len(uid) > 64):
        return LabelProblem(
            number,
            "UID_MALFORMED",
            "sop_instance_uid is not a DICOM UID (digits and dots, at most 64).",
            "Copy it from the image's SOPInstanceUID; a spreadsheet may have rounded it, so format the column as text.",
        )
    name = cell("finding")
    finding = taxonomy.find(name)
    if finding is None:
        near = get_close_matches(name, taxonomy.names, n=1, cutoff=0.6)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        return LabelProblem(
            number,
            "FINDING_UNKNOWN",
            f"The finding is not in the list {taxonomy.title}.",
            f"{hint}The list has: {', '.join(taxonomy.names)}.",
        )
    state = STATES.get(cell("state").casefold())
    if state is None:
        return LabelProblem(
            number,
            "STATE_UNKNOWN",
            "The state is not one of the five.",
            "Write present, likely, possible, absent or not_mentioned.",
        )
    return LabelRow(
        image=uid or file,
        image_kind="sop_instance_uid" if uid else "file",
        finding=finding.key,
        name=finding.name,
        state=state,
        source=cell("source"),
        reader=cell("reader"),
        row=number,
    )


def _settle(rows: Iterable[LabelRow]) -> tuple[list[LabelRow], list[LabelProblem]]:
    """One row for each image, finding, source and reader; contradictions are reported and not used."""
    groups: dict[tuple[str, str, str, str, str], list[LabelRow]] = defaultdict(list)
    for row in rows:
        groups[(row.image_kind, row.image, row.finding, row.source, row.reader)].append(row)
    kept: list[LabelRow] = []
    problems: list[LabelProblem] = []
    for group in groups.values():
        first = group[0]
        if len({row.state for row in group}) == 1:
            kept.append(first)
            problems.extend(
                LabelProblem(
                    row.row, "REPEATED", f"The row repeats row {first.row}.", "Nothing to do; it is counted once."
                )
                for row in group[1:]
            )
            continue
        said = ", ".join(f"row {row.row} {row.state.plain}" for row in group)
        problems.extend(
            LabelProblem(
                row.row,
                "CONTRADICTION",
                f"{first.name} of one image has different states ({said}).",
                "Keep the right row, or name the readers so that both are kept. Until then none is used.",
            )
            for row in group
        )
    kept.sort(key=lambda row: row.row)
    return kept, problems


def labels_by_image(rows: Iterable[LabelRow]) -> dict[str, dict[str, str]]:
    """Per image (UID or file name) its findings' states by key, in the form that `ImageFacts.labels` takes, by the rule of
    `fulfillment.labels.consensus`.
    """
    return {
        image: {finding: settle(said).state.value for finding, said in findings.items()}
        for image, findings in statements_by_image(rows).items()
    }


def statements_by_image(rows: Iterable[LabelRow]) -> dict[str, dict[str, list[Statement]]]:
    """Per image, by finding, what each row states: the form that `ImageFacts.statements` takes."""
    said: dict[str, dict[str, list[Statement]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        said[row.image][row.finding].append(row.statement())
    return {image: dict(findings) for image, findings in said.items()}
