"""Files of reports as rows: a CSV or JSONL table, or one report a text file. Pure; nothing of a text is ever said in a problem."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from deid.text.vocabulary import FUNCTION, RADIOLOGY, classify, fold

MAX_ROWS = 200_000
MAX_CHARACTERS = 100_000
MAX_PROBLEMS = 500
#: A text file with fewer words of radiology is a note or a manual, and no report.
_LEAST_TERMS = 2

_COLUMNS = {
    "study_instance_uid": "uid",
    "studyinstanceuid": "uid",
    "study_uid": "uid",
    "accession_number": "accession",
    "accessionnumber": "accession",
    "accession": "accession",
    "file": "file",
    "file_name": "file",
    "filename": "file",
    "path": "file",
    "image": "file",
    "text": "text",
    "report": "text",
    "report_text": "text",
    "language": "language",
    "lang": "language",
}
_NAMES_STUDY = frozenset({"uid", "accession", "file"})
_OF_LABELS = frozenset({"finding", "state", "labels", "class_name", "x_min"})
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)+\Z")
_LANGUAGES = ("en", "de", "es")
_REMEDY_ID = "Name the study by study_instance_uid, accession_number, or the file of one of its images."


@dataclass(frozen=True)
class ReportRow:
    """One report as it came. All of it is identity: sealed or cleaned at once, never shown."""

    row: int
    text: str = field(repr=False)
    uid: str = field(default="", repr=False)
    accession: str = field(default="", repr=False)
    file: str = field(default="", repr=False)
    language: str = ""


@dataclass(frozen=True)
class ReportProblem:
    """Why a row cannot be used: row, code, cause, remedy."""

    row: int
    code: str
    cause: str
    remedy: str


def is_report_table(head: bytes) -> bool:
    """Whether the first kilobytes are a table of reports: columns (or keys) for a study and its text, and none for labels."""
    if b"\0" in head[:4096]:
        return False
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("{"):
        found = [key.lower() for key in re.findall(r'"([A-Za-z_]{2,40})"\s*:', text[:8192])]
        return _has_reports(found)
    first = next(iter(text.splitlines()), "")[:4096]  # a lone carriage return ends a line too
    return any(
        _has_reports([cell.strip().lower() for row in csv.reader([first], delimiter=delimiter) for cell in row])
        for delimiter in ",;\t"
    )


def _has_reports(columns: list[str]) -> bool:
    kinds = {_COLUMNS.get(column) for column in columns}
    return "text" in kinds and bool(kinds & _NAMES_STUDY) and not _OF_LABELS & set(columns)


def is_text_report(head: bytes, name: str) -> bool:
    """Whether a file is one report: readable text under a name that ends with .txt, with words of radiology in it."""
    if not name.lower().endswith(".txt") or b"\0" in head[:4096]:
        return False
    words = {fold(word) for word in re.findall(r"[^\W\d_]{4,}", head[:4096].decode("utf-8-sig", errors="replace"))}
    return sum(classify(word) & (RADIOLOGY | FUNCTION) == RADIOLOGY for word in words) >= _LEAST_TERMS


def read_report_file(data: bytes, name: str) -> tuple[list[ReportRow], list[ReportProblem]]:
    """Rows and problems of a file. `name` is its relative path: it names the study of a text file."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if text.lstrip().startswith("{"):
        found = list(_json_rows(text))
    elif is_report_table(data[:8192]) or not name.lower().endswith(".txt"):
        found = list(_table_rows(text))
    else:
        found = [_checked(1, {"text": text, **_named_by(name)})]
    rows: list[ReportRow] = []
    problems: list[ReportProblem] = []
    seen: dict[tuple[str, str, str], int] = {}
    for item in found:
        if isinstance(item, ReportRow):
            key = (item.uid, item.accession, item.file)
            if key in seen:
                problems.append(
                    ReportProblem(
                        item.row,
                        "REPORT_TWICE",
                        f"The study of this row has a report in row {seen[key]} already.",
                        "Keep the final report of each study; join addenda to its text.",
                    )
                )
                continue
            seen[key] = item.row
            rows.append(item)
        else:
            problems.append(item)
    return rows, problems[:MAX_PROBLEMS]


def _named_by(name: str) -> dict[str, str]:
    """What a text file's name says of its study: its UID, or its accession number or an image's name."""
    stem = name.rsplit("/", 1)[-1]
    stem = stem[: -len(".txt")] if stem.lower().endswith(".txt") else stem
    return {"uid": stem} if _UID.match(stem) else {"accession": stem, "file": name[: -len(".txt")]}


def _table_rows(text: str) -> Iterator[ReportRow | ReportProblem]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    before = csv.field_size_limit()  # one for the whole process: put back when the table is read
    csv.field_size_limit(max(before, MAX_CHARACTERS * 4))
    try:
        columns = [_COLUMNS.get(cell.strip().lower(), "") for cell in next(reader, [])]
        if "text" not in columns or not _NAMES_STUDY & set(columns):
            yield ReportProblem(
                1, "COLUMN_MISSING", "The header lacks a column for the study or for the text.", _REMEDY_ID
            )
            return
        for count, cells in enumerate(reader):
            if count >= MAX_ROWS:
                yield ReportProblem(
                    reader.line_num,
                    "TABLE_TOO_LONG",
                    f"The table has more than {MAX_ROWS:,} rows; the rest was not read.",
                    "Split it.",
                )
                return
            if any(cell.strip() for cell in cells):
                yield _checked(reader.line_num, {key: cell for key, cell in zip(columns, cells, strict=False) if key})
    except csv.Error:
        yield ReportProblem(
            reader.line_num,
            "NOT_CSV",
            "The table cannot be read from this row on: it is not valid CSV.",
            "Look for a quotation mark that is not closed, and save the table as UTF-8 CSV.",
        )
    finally:
        csv.field_size_limit(before)


def _json_rows(text: str) -> Iterator[ReportRow | ReportProblem]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            item = None
        if not isinstance(item, dict):
            yield ReportProblem(number, "NOT_JSON", "The line is not one JSON object.", "Write one object a line.")
            continue
        yield _checked(number, {_COLUMNS.get(str(key).lower(), ""): str(value) for key, value in item.items() if value})


def _checked(row: int, cells: dict[str, str]) -> ReportRow | ReportProblem:
    uid, accession, file = (cells.get(key, "").strip() for key in ("uid", "accession", "file"))
    text, language = cells.get("text", "").strip(), cells.get("language", "").strip().lower()[:2]
    if not (uid or accession or file):
        return ReportProblem(row, "STUDY_MISSING", "The row names no study.", _REMEDY_ID)
    if uid and (not _UID.match(uid) or len(uid) > 64):
        return ReportProblem(
            row,
            "UID_MALFORMED",
            "study_instance_uid is not a DICOM UID (digits and dots, at most 64).",
            "Copy it from the images; a spreadsheet may have rounded it, so format the column as text.",
        )
    if not text:
        return ReportProblem(
            row, "TEXT_MISSING", "The report has no text.", "Send the report's text, or leave the row out."
        )
    if len(text) > MAX_CHARACTERS:
        return ReportProblem(
            row,
            "TEXT_TOO_LONG",
            f"The text has more than {MAX_CHARACTERS:,} characters.",
            "Look for a quotation mark that is not closed; one report is one row.",
        )
    if len(accession) > 64 or len(file) > 1024:
        return ReportProblem(row, "STUDY_MISSING", "The row's study is named by a text that is too long.", _REMEDY_ID)
    return ReportRow(row, text, uid, accession, file, language if language in _LANGUAGES else "")
