"""Reading the tables of an audit. What is wrong with a row is told with file, row, cause and cure."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

IMAGES, LABELS, DUPLICATES = "images.csv", "labels.csv", "duplicates.csv"
IMAGE_COLUMNS = ("image_id", "patient_id", "site", "vendor", "model", "view", "sex", "age")
LABEL_COLUMNS = ("image_id", "finding", "state", "source", "reader")
NEEDED = {IMAGES: ("image_id",), LABELS: ("image_id", "finding", "state"), DUPLICATES: ("image_id", "cluster")}
#: So many rows of each kind of problem are named; the rest are counted.
MOST_NAMED = 20
_FIELD_LIMIT = 1 << 20


class BadTable(Exception):
    """The file as a whole cannot be used."""

    def __init__(self, file: str, cause: str, cure: str) -> None:
        self.file, self.cause, self.cure = file, cause, cure
        super().__init__(f"{file}: {cause} {cure}")


@dataclass(frozen=True, slots=True)
class Problem:
    """``row`` is the line of the table, its header being row 1; 0 is the file as a whole."""

    file: str
    row: int
    code: str
    cause: str
    cure: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Problems:
    """Problems as they are found: all are counted, the first of each kind are kept."""

    named: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, file: str, row: int, code: str, cause: str, cure: str) -> None:
        key = f"{file}:{code}"
        self.counts[key] += 1
        if self.counts[key] <= MOST_NAMED:
            self.named.append(Problem(file, row, code, cause, cure))

    def as_dict(self) -> dict[str, Any]:
        return {
            "total": sum(self.counts.values()),
            "by_kind": dict(sorted(self.counts.items())),
            "rows": [problem.as_dict() for problem in self.named],
        }


def read_table(folder: Path, name: str, problems: Problems) -> list[dict[str, Any]]:
    """The rows of a CSV (or semicolon, or tab separated) table, each with its ``row``. Raises BadTable.

    Column names are read without case and surrounding blanks.
    """
    path = folder / name
    needed = NEEDED[name]
    csv.field_size_limit(_FIELD_LIMIT)
    try:
        with path.open(encoding=_encoding(path), errors="replace", newline="") as stream:
            first = stream.readline(1 << 16)
            if not first.strip():
                raise BadTable(
                    name, "It is empty.", f"Its first row names its columns: {', '.join(needed)} and others."
                )
            stream.seek(0)
            delimiter = max(",;\t", key=first.count)
            return list(_rows(csv.reader(stream, delimiter=delimiter), name, needed, problems))
    except FileNotFoundError:
        raise BadTable(name, "It is not in the folder.", f"Write it with the columns {', '.join(needed)}.") from None
    except OSError as error:
        raise BadTable(name, f"It cannot be read ({error.strerror}).", "Check that you may read it.") from None
    except csv.Error:
        raise BadTable(name, "It is no table of text.", "Save it as CSV in UTF-8.") from None


def _encoding(path: Path) -> str:
    with path.open("rb") as stream:
        return "utf-16" if stream.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _rows(reader: Any, name: str, needed: tuple[str, ...], problems: Problems) -> Iterator[dict[str, Any]]:
    header = [cell.strip().casefold().replace(" ", "_") for cell in next(reader)]
    missing = [column for column in needed if column not in header]
    if missing:
        raise BadTable(
            name, f"It has no column {missing[0]}.", f"Name its columns in the first row: {', '.join(needed)}."
        )
    twice = [column for column, count in Counter(header).items() if count > 1 and column]
    if twice:
        problems.add(
            name, 1, "COLUMN_TWICE", "Two columns have the same name; the first is read.", "Rename one of them."
        )
    place: dict[str, int] = {}
    for number, column in enumerate(header):
        if column:
            place.setdefault(column, number)
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) < max(place[column] for column in needed) + 1:
            problems.add(
                name,
                reader.line_num,
                "ROW_SHORT",
                "The row has fewer cells than the header.",
                "Check its separators; the row is left out.",
            )
            continue
        row: dict[str, Any] = {column: cells[at].strip() if at < len(cells) else "" for column, at in place.items()}
        row["row"] = reader.line_num
        yield row
