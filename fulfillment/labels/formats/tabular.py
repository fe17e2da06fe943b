"""Tables of text, as spreadsheets and scripts really write them: encodings, separators, numbers, rounded ids.

No message repeats a cell: a wrong column may hold a patient's name or a report.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fulfillment.labels.formats.gather import Gathering

MAX_TABLE_BYTES = 512 * 1024 * 1024
MAX_ROWS = 2_000_000
MAX_COLUMNS = 2_000
MAX_CELL = 64 * 1024
_RESTARTS = 50
MAX_LONG_CELL = 16 * 1024 * 1024
# Run lengths of one mask can be longer than the 128 KiB that the csv module allows, whose limit is one for the whole process.
_LONG_LINE = 100_000

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\Z", re.ASCII)
_COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+\Z", re.ASCII)
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+\Z", re.ASCII)
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*\Z", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NOT_A_NUMBER = {
    "nan",
    "inf",
    "-inf",
    "+inf",
    "infinity",
    "-infinity",
    "na",
    "n/a",
    "null",
    "none",
    "#n/a",
    "#num!",
    "#value!",
}


class CellProblem(Exception):
    """A cell that cannot be what its column says: code, cause and remedy, without the cell's text."""

    def __init__(self, code: str, cause: str, remedy: str) -> None:
        super().__init__(code)
        self.code, self.cause, self.remedy = code, cause, remedy


def safe_cell(text: str) -> str:
    """Text that no spreadsheet runs as a formula: an apostrophe before what would be one. ``plain_cell`` takes it off."""
    return "'" + text if text.startswith((*_FORMULA, "'")) else text


def plain_cell(text: str) -> str:
    """The text as it was before ``safe_cell``."""
    return text[1:] if text.startswith("'") and text[1:].startswith((*_FORMULA, "'")) else text


class Verbatim(str):
    """A cell of our own making that needs no guarding, such as -1.0."""

    __slots__ = ()


def normal(name: str) -> str:
    """A column's name reduced for comparison: case, spaces, hyphens and underscores ignored."""
    return re.sub(r"[\s_\-]+", "_", name.strip().casefold())


@dataclass(frozen=True)
class Row:
    """One row: its line in the file and its cells by normalised column."""

    number: int
    cells: Mapping[str, str]

    def text(self, *columns: str) -> str:
        """The first of these columns that is filled, without spaces around."""
        for column in columns:
            value = self.cells.get(column, "").strip()
            if value:
                return plain_cell(value)
        return ""

    def number_in(self, column: str) -> float | None:
        """A number, or None for an empty cell. Raises CellProblem."""
        return number(self.cells.get(column, ""), column)


@dataclass(frozen=True)
class Table:
    """A header and its rows."""

    columns: tuple[str, ...]
    rows: Sequence[Row]

    def has(self, *columns: str) -> bool:
        here = {normal(column) for column in self.columns}
        return all(column in here for column in columns)


def number(text: str, column: str) -> float | None:
    """A finite number written with a point, or None for nothing. Raises CellProblem naming the column, never the text."""
    text = text.strip()
    if not text:
        return None
    if _NUMBER.match(text):
        value = float(text)
        if math.isfinite(value):
            return value
        raise CellProblem("NUMBER_TOO_LARGE", f"The number in {column} is too large.", "Write it in pixels.")
    if _COMMA_NUMBER.match(text):
        raise CellProblem(
            "DECIMAL_COMMA",
            f"The number in {column} has a decimal comma.",
            "Write decimal points: in the spreadsheet choose English number formats before saving as CSV.",
        )
    if text.casefold() in _NOT_A_NUMBER:
        raise CellProblem(
            "NUMBER_NOT_FINITE", f"The cell in {column} is not a number.", "Write the number, or leave the row out."
        )
    raise CellProblem(
        "NUMBER_MALFORMED", f"The cell in {column} is not a number.", "Write digits with a decimal point."
    )


def identity(text: str, column: str, *, uid: bool = False) -> str:
    """The name of an image. Raises CellProblem where a spreadsheet has rounded it, or where a UID cannot be one."""
    text = text.strip()
    remedy = "Copy it again from the images, and format the column as text before pasting."
    if not text:
        raise CellProblem("IMAGE_MISSING", "The row names no image.", f"Fill in {column}.")
    if len(text) > 1_000:
        raise CellProblem(
            "IMAGE_TOO_LONG", f"The name in {column} is longer than any.", "Look for a missing separator."
        )
    if _ROUNDED.match(text):
        raise CellProblem("ID_ROUNDED", f"A spreadsheet has turned {column} into a rounded number.", remedy)
    if text.isdigit() and len(text) > 15 and text.endswith("0" * (len(text) - 15)):
        raise CellProblem("ID_ROUNDED", f"{column} ends in zeros after 15 digits, as a spreadsheet rounds it.", remedy)
    if uid and (len(text) > 64 or not _UID.match(text) or "." not in text):
        raise CellProblem(
            "UID_MALFORMED",
            f"{column} is not a DICOM UID (digits and dots, at most 64).",
            f"{remedy} It is SOPInstanceUID.",
        )
    return text


def decode(data: bytes, into: Gathering) -> str | None:
    """The text of a table; None, and a problem, where it is none."""
    if len(data) > MAX_TABLE_BYTES:
        into.problem(0, "FILE_TOO_LARGE", "The table is larger than 512 MiB.", "Split it into several tables.")
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in data[:4096]:
        even, odd = data[0:4096:2].count(0), data[1:4096:2].count(0)
        if max(even, odd) < 0.3 * len(data[:4096]) / 2:
            into.problem(
                1, "NOT_TEXT", "The file is not text: it holds binary data.", "Save the table as CSV in UTF-8."
            )
            return None
        encoding = "utf-16-le" if odd > even else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        into.problem(
            line,
            "NOT_UTF8",
            "The table is not UTF-8 from this row on; it was read as Windows Latin."
            if encoding == "utf-8-sig"
            else "The table is cut short or is not the UTF-16 it begins as.",
            "Save it as CSV in UTF-8 and check names with accents.",
        )
        text = data.decode("latin-1") if encoding == "utf-8-sig" else data.decode(encoding, errors="replace")
    text = text.removeprefix("\ufeff")
    if not text.strip():
        into.problem(0, "EMPTY_FILE", "The file is empty.", "Send a table with a header row and at least one row.")
        return None
    return text


def read_table(data: bytes, into: Gathering, *, long: str = "") -> Table | None:
    """The table, its bad rows noted and left out. ``long`` is the one column whose cells may be up to 16 MiB.

    Comma, semicolon, tab or bar, whichever the header has most of; quotes as in RFC 4180. A row that cannot be read costs itself.
    """
    text = decode(data, into)
    if text is None:
        return None
    lines = text.splitlines(keepends=True)
    start = next(index for index, line in enumerate(lines) if line.strip())
    delimiter = max(",;\t|", key=lines[start].count)
    records = _records(lines, start, delimiter, into)
    first = next(records, None)
    if first is None:
        return None
    header = [plain_cell(cell.strip()) for cell in first[1]]
    while header and not header[-1]:
        header.pop()
    if len(header) > MAX_COLUMNS:
        into.problem(
            1, "TOO_MANY_COLUMNS", f"The header has more than {MAX_COLUMNS:,} columns.", "Check the separator."
        )
        return None
    names = [normal(name) for name in header]
    twice = next((index for index, name in enumerate(names) if name and name in names[:index]), None)
    if twice is not None:
        into.problem(
            first[0],
            "COLUMN_TWICE",
            f"Column {twice + 1} has the name of an earlier one; which is meant cannot be told.",
            "Give each column a name of its own, or delete the one that is not meant.",
        )
        return None
    into.columns = tuple(header)
    rows: list[Row] = []
    for line, cells in records:
        into.rows += 1
        if into.rows > MAX_ROWS:
            into.rows -= 1
            into.problem(
                line,
                "TABLE_TOO_LONG",
                f"The table has more than {MAX_ROWS:,} rows; the rest was not read.",
                "Split it into several tables.",
            )
            break
        row = _row(line, cells, names, delimiter, long, into)
        if row is not None:
            rows.append(row)
    return Table(tuple(header), rows)


def _row(line: int, cells: list[str], names: list[str], delimiter: str, long: str, into: Gathering) -> Row | None:
    if normal(cells[0]) == names[0] and [normal(cell) for cell in cells[: len(names)]] == names:
        into.problem(line, "HEADER_REPEATED", "The header stands here again.", "Delete the row; it was not counted.")
        return None
    if len(cells) < len(names):
        into.problem(
            line,
            "ROW_SHORT",
            f"The row has {len(cells)} of {len(names)} cells: the file may be cut off here, or the separator is another.",
            "Send the whole table again, with one separator throughout.",
        )
        return None
    if any(cell.strip() for cell in cells[len(names) :]):
        into.problem(
            line,
            "ROW_LONG",
            f"The row has {len(cells)} cells under {len(names)} columns: a text or a decimal comma holds the separator.",
            "Put such a text in quotation marks, and write decimal points.",
        )
        return None
    for name, cell in zip(names, cells, strict=False):
        if len(cell) > (MAX_LONG_CELL if name == long else MAX_CELL):
            into.problem(
                line,
                "CELL_TOO_LONG",
                "A cell is longer than any label.",
                "Look for a quotation mark that is not closed.",
            )
            return None
    return Row(line, dict(zip(names, cells, strict=False)))


def _records(lines: list[str], start: int, delimiter: str, into: Gathering) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not empty. After a row that is no CSV reading goes on in the next line."""
    long = [index for index in range(start, len(lines)) if len(lines[index]) > _LONG_LINE]
    at, restarts = start, 0
    for stop in (*long, len(lines)):
        while at < stop:
            reader = csv.reader(iter(lines[at:stop]), delimiter=delimiter, strict=True)
            begun = at
            try:
                for cells in reader:
                    line, begun = begun, at + reader.line_num
                    if any("\0" in cell for cell in cells):
                        into.problem(line + 1, "NOT_TEXT", "The row holds binary data.", "Save it as CSV in UTF-8.")
                    elif any(cell.strip() for cell in cells):
                        yield line + 1, cells
                at = stop
            except csv.Error:
                restarts += 1
                at = begun + 1
                _not_csv(begun + 1, into)
                if restarts >= _RESTARTS:
                    _given_up(begun + 1, into)
                    return
        if stop < len(lines):
            row = _split_long(lines[stop].rstrip("\r\n"), delimiter)
            if row is None:
                _not_csv(stop + 1, into)
            else:
                yield stop + 1, row
        at = stop + 1


def _split_long(line: str, delimiter: str) -> list[str] | None:
    """The cells of one line however long; None where its quotes do not close."""
    cells, at = [], 0
    while True:
        if line.startswith('"', at):
            end = at + 1
            while (end := line.find('"', end)) >= 0 and line.startswith('""', end):
                end += 2
            if end < 0 or line[end + 1 : end + 2] not in ("", delimiter):
                return None
            cells.append(line[at + 1 : end].replace('""', '"'))
            at = end + 1
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            cells.append(line[at:end])
            at = end
        if at >= len(line):
            return cells
        at += 1
        if at == len(line):
            return [*cells, ""]


def _not_csv(line: int, into: Gathering) -> None:
    into.problem(
        line,
        "NOT_CSV",
        "The row is not valid CSV: a quotation mark is not closed, or text follows a closing one.",
        "Double each quotation mark inside a text, and close every one.",
    )


def _given_up(line: int, into: Gathering) -> None:
    into.problem(
        line,
        "TOO_MANY_PROBLEMS",
        f"{_RESTARTS} rows are not valid CSV; the rest was not read.",
        "Save the table again as CSV.",
    )


def need(table: Table, into: Gathering, wanted: Mapping[str, Sequence[str]]) -> bool:
    """Whether the header has every wanted column (name shown -> normalised names that serve); what lacks is noted."""
    lacking = [shown for shown, names in wanted.items() if not any(table.has(name) for name in names)]
    if not lacking:
        return True
    into.problem(
        1,
        "COLUMN_MISSING",
        f"The header has no column {', '.join(lacking)}.",
        f"Name the columns {', '.join(wanted)}; commas, semicolons or tabs separate them.",
    )
    return False


def told(into: Gathering, row: Row, problem: CellProblem) -> None:
    """Note a cell's problem at its row."""
    into.problem(row.number, problem.code, problem.cause, problem.remedy)


def write_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """CSV in UTF-8 with plain line ends; texts are made safe for spreadsheets, numbers written so that they read back equal."""
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([safe_cell(name) for name in header])
    for row in rows:
        writer.writerow([_cell(cell) for cell in row])
    return out.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value if isinstance(value, Verbatim) else safe_cell(value)
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)
