"""``getdata label-reports``: what radiology reports say of each finding, as a table with the words that say it.

Exit status: 0 every row was read, 3 some rows could not be used (the others are in the table), 2 nothing was written.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from fulfillment.labels.reports import ENGINE_VERSION, POLICIES, in_taxonomy, label_report
from getdata.commands.frame import EXIT_PROBLEMS, counted, printable, refuse
from requests_app.taxonomy import get_taxonomy

ID, TEXT = "report_id", "text"
COLUMNS = (ID, "finding", "state", "start", "end", "section")
MAX_CELL = 16 * 1024 * 1024
MAX_LINE = 4 * MAX_CELL
#: Problems that are told one by one; the rest are counted.
MAX_TOLD = 50
_ROUND = 500


class TaxonomyName(StrEnum):
    """The label lists that the table can be written in."""

    NIH14 = "nih14"
    CHEXPERT14 = "chexpert14"
    GETDATA = "getdata"


class UnusableTable(Exception):
    """The table cannot be read on: cause and cure."""

    def __init__(self, cause: str, cure: str) -> None:
        super().__init__(cause)
        self.cause, self.cure = cause, cure


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report of the table, or what is wrong with its row; the header is row 1. `legacy` says that its bytes were not UTF-8."""

    row: int
    report_id: str = ""
    text: str = ""
    cause: str = ""
    cure: str = ""
    legacy: bool = False


def label_reports(
    table: Annotated[
        Path, typer.Argument(metavar="IN.csv", help="Columns report_id and text, one report a row.", show_default=False)
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="Where the findings go.", show_default=False)],
    taxonomy: Annotated[
        TaxonomyName, typer.Option(help="The label list whose findings and spellings are wanted.")
    ] = TaxonomyName.GETDATA,
) -> None:
    """Read reports and write what they say: one row for each report and finding, with state, words and section.

    A finding that a report does not speak of has no row. States: present, likely, possible, absent; start and end are character
    offsets into the report's text. The input is separated by commas, semicolons or tabs, in UTF-8 (with or without BOM), UTF-16 or
    Latin-1.

    Exit status: 0 every row was read, 3 some rows could not be used (the others are in the table), 2 nothing was written.
    """
    if out.resolve() == table.resolve():
        refuse("Input and output are the same file.", "Name another file for the output.", where=_named(out))
    started = time.process_time()
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    tally = _Tally(_named(table))
    try:
        with closing(_opened(table)) as stream, part.open("w", encoding="utf-8", newline="") as target:
            _label(stream, target, taxonomy, tally)
        part.replace(out)
    except UnusableTable as problem:
        refuse(problem.cause, f"{problem.cure} Nothing was written.", where=_named(table))
    except OSError as error:
        refuse(
            f"It cannot be written ({error.strerror}).",
            "Check the folder, its rights and the space left.",
            where=_named(out),
        )
    finally:
        part.unlink(missing_ok=True)
    tally.tell(time.process_time() - started)
    if tally.problems:
        raise typer.Exit(EXIT_PROBLEMS)


def _named(path: Path) -> str:
    return printable(str(path))


class _Tally:
    """What was read and what was wrong, told on standard error. No word of a report or of an id is ever told."""

    def __init__(self, table: str) -> None:
        self.table, self.reports, self.statements, self.silent, self.legacy, self.problems = table, 0, 0, 0, 0, 0

    def problem(self, row: int, cause: str, cure: str) -> None:
        self.problems += 1
        if self.problems <= MAX_TOLD:
            typer.echo(f"{self.table}: row {row}: {cause} {cure}", err=True)
        elif self.problems == MAX_TOLD + 1:
            typer.echo(f"{self.table}: more rows have problems; the last line counts them.", err=True)

    def tell(self, seconds: float) -> None:
        if self.legacy:
            typer.echo(
                f"{self.table}: {counted(self.legacy, 'report')} not in UTF-8, read as Windows-1252. UTF-8 would be sure.",
                err=True,
            )
        rate = (
            f" {self.reports / max(seconds, 1e-9):,.0f} reports a second of processor time."
            if self.reports >= _ROUND
            else ""
        )
        typer.echo(
            f"{counted(self.reports, 'report')}, {counted(self.statements, 'finding')} stated,"
            f" {counted(self.silent, 'report')} without any; {counted(self.problems, 'problem')}."
            f"{rate} Engine {ENGINE_VERSION}.",
            err=True,
        )


def _label(stream: BinaryIO, target: TextIO, name: TaxonomyName, tally: _Tally) -> None:
    columns = get_taxonomy(POLICIES[name.value])
    spelled = {finding.key: finding.name for finding in columns.findings}
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(COLUMNS)
    with _progress(stream) as advance, _SeenIds() as seen:
        for row in report_rows(stream):
            if row.cause:
                tally.problem(row.row, row.cause, row.cure)
                continue
            if not seen.add(row.report_id):
                tally.problem(
                    row.row,
                    "Its report_id stands in an earlier row, which is used.",
                    "Give each report one row and an id of its own.",
                )
                continue
            tally.legacy += row.legacy
            said = in_taxonomy(label_report(row.text), columns.name)
            for key, s in said.items():
                writer.writerow((row.report_id, spelled[key], s.state.value, s.start, s.end, s.section))
            tally.reports += 1
            tally.statements += len(said)
            tally.silent += not said
            if tally.reports % _ROUND == 0:
                advance(tally.reports)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a file name"
        refuse(f"It cannot be read ({reason}).", "Check the name, and that you may read the file.", where=_named(path))


def report_rows(stream: BinaryIO) -> Iterator[ReportRow]:
    """The reports of a table, one at a time, in constant memory. Raises `UnusableTable` where the table cannot be read on."""
    text = io.TextIOWrapper(stream, encoding=_encoding(stream), errors="surrogateescape", newline="")
    header = _line(text)
    if not header.strip():
        raise UnusableTable("It is empty.", f"Its first row must name the columns {ID} and {TEXT}.")
    separator, names = _separator(header)
    at_id, at_text = names.index(ID), names.index(TEXT)
    limit = csv.field_size_limit(MAX_CELL)
    number = 1
    try:
        reader = csv.reader(iter(lambda: _line(text), ""), delimiter=separator, strict=True)
        for cells in reader:
            number += 1
            if not cells or (len(cells) == 1 and not cells[0].strip()):
                continue
            yield _row(number, cells, at_id, at_text, len(names))
    except csv.Error as error:
        if "field larger" in str(error):
            cause = f"Row {number + 1} has a cell of over {MAX_CELL // 2**20} million characters; does a quotation mark never close?"
        else:
            cause = f"Row {number + 1} has a quotation mark that is not closed, or text after a closed one."
        raise UnusableTable(
            cause, 'Put quotation marks around the whole cell, and write one inside it twice ("").'
        ) from None
    finally:
        csv.field_size_limit(limit)
        text.detach()


def _encoding(stream: BinaryIO) -> str:
    start = stream.peek(4)[:4] if isinstance(stream, io.BufferedReader) else b""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return "utf-8-sig"


def _line(text: TextIO) -> str:
    line = text.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise UnusableTable(
            "It has a line of more than 64 million characters.", "Check that it is a table with one report a row."
        )
    return line


def _separator(header: str) -> tuple[str, list[str]]:
    """The separator under which the first row names both columns, and the row's names. What else it holds is never told."""
    missing: set[str] = {ID, TEXT}
    for separator in (",", ";", "\t"):
        names = [name.strip().strip('"').strip().lower() for name in header.strip("\r\n").split(separator)]
        lacking = {ID, TEXT} - set(names)
        if not lacking:
            if names.count(ID) > 1 or names.count(TEXT) > 1:
                raise UnusableTable("A column is named twice.", f"Name {ID} once and {TEXT} once in the first row.")
            return separator, names
        missing = min(missing, lacking, key=len)
    lacking_names = " and ".join(sorted(missing))
    raise UnusableTable(
        f"Its first row names no column {lacking_names}.",
        f"Name the columns {ID} and {TEXT} in the first row, separated by , ; or a tab.",
    )


def _row(number: int, cells: list[str], at_id: int, at_text: int, width: int) -> ReportRow:
    if len(cells) <= max(at_id, at_text):
        return ReportRow(
            number, cause=f"It has {counted(len(cells), 'cell')} of {width}.", cure="Give it a report_id and a text."
        )
    if len(cells) > width:
        return ReportRow(
            number,
            cause=f"It has {len(cells)} cells of {width}.",
            cure="Put quotation marks around a text that contains the separator.",
        )
    report_id, text = cells[at_id].strip(), cells[at_text]
    if not report_id:
        return ReportRow(number, cause="It has no report_id.", cure="Give the report an id of its own.")
    legacy = False
    if not (report_id.isascii() and text.isascii()):
        (report_id, one), (text, two) = _mended(report_id), _mended(text)
        legacy = one or two
    return ReportRow(number, report_id, text, legacy=legacy)


def _mended(cell: str) -> tuple[str, bool]:
    """A cell whose bytes were not UTF-8, read as Windows-1252; a character for each byte, so that offsets hold."""
    if not any("\udc80" <= character <= "\udcff" for character in cell):
        return cell, False
    return cell.encode("utf-8", "surrogateescape").decode("cp1252", "replace"), True


class _SeenIds:
    """Which ids were met, in a temporary file of SQLite's, so that a table of any length takes no memory."""

    def __enter__(self) -> _SeenIds:
        self._store = sqlite3.connect("")
        self._store.execute("PRAGMA synchronous = OFF")
        self._store.execute("CREATE TABLE seen (id BLOB PRIMARY KEY) WITHOUT ROWID")
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def add(self, report_id: str) -> bool:
        """True the first time."""
        digest = hashlib.blake2b(report_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return self._store.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount == 1


@contextmanager
def _progress(stream: BinaryIO) -> Iterator[Callable[[int], None]]:
    """A bar on standard error where somebody looks at it; nothing otherwise."""
    console = Console(file=sys.stderr)
    try:
        total = os.fstat(stream.fileno()).st_size or None
    except OSError:
        total = None
    with Progress(
        TextColumn("{task.fields[reports]:,} reports"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=total, reports=0)
        yield lambda reports: bar.update(task, completed=_place(stream), reports=reports)


def _place(stream: BinaryIO) -> int:
    try:
        return os.lseek(stream.fileno(), 0, os.SEEK_CUR)
    except OSError:  # a pipe
        return 0
