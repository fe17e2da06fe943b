"""The table beside pictures: file, patient and study of each, and what a DICOM header would say besides. Pure.

No value is ever repeated in a problem: patients' numbers and file names are identity.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MAX_ROWS = 200_000
MAX_PROBLEMS = 500
_MOST_CHARACTERS = 64

_COLUMNS = {
    "file": "file", "file_name": "file", "filename": "file", "path": "file", "image": "file",
    "patient_id": "patient", "patient": "patient", "patientid": "patient",
    "study_id": "study", "study": "study", "studyid": "study", "study_uid": "study", "study_instance_uid": "study",
    "accession_number": "accession", "accession": "accession",
    "view": "view", "view_position": "view", "projection": "view",
    "laterality": "laterality",
    "sex": "sex", "patient_sex": "sex", "gender": "sex",
    "age": "age", "age_years": "age", "patient_age": "age",
    "spacing": "spacing", "pixel_spacing": "spacing", "pixel_spacing_mm": "spacing", "spacing_mm": "spacing",
    "modality": "modality",
    "body_part": "body_part", "body_part_examined": "body_part",
    "photometric": "photometric", "photometric_interpretation": "photometric",
    "study_date": "date", "date": "date",
    "manufacturer": "manufacturer", "model": "model", "manufacturer_model_name": "model",
}  # fmt: skip
_NEEDED = frozenset({"file", "patient", "study"})
_VIEWS = frozenset({"PA", "AP", "LL", "RL", "LATERAL"})
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M", "o": "O", "other": "O", "": ""}
REMEDY = (
    "Columns: file, patient_id, study_id; and, where they are known, view, laterality, sex, age, pixel_spacing_mm, modality, "
    "body_part, photometric, study_date, accession_number, manufacturer, model."
)


@dataclass(frozen=True)
class PictureRow:
    """What the table says of one picture. All of it is identity until it was de-identified."""

    row: int
    file: str = field(repr=False)
    patient: str = field(repr=False)
    study: str = field(repr=False)
    accession: str = field(default="", repr=False)
    view: str = ""
    laterality: str = ""
    sex: str = ""
    age: int | None = None
    spacing: tuple[float, float] | None = None
    modality: str = ""
    body_part: str = ""
    photometric: str = ""
    date: str = field(default="", repr=False)
    manufacturer: str = field(default="", repr=False)
    model: str = field(default="", repr=False)


@dataclass(frozen=True)
class TableProblem:
    """Why a row cannot be used: row, code, cause, remedy."""

    row: int
    code: str
    cause: str
    remedy: str


def is_picture_table(head: bytes) -> bool:
    """Whether the first line names a picture's file, patient and study, and nothing that the table does not know.

    A table with further columns holds labels, and is read as one.
    """
    if b"\0" in head[:4096]:
        return False
    first = next(iter(head.decode("utf-8-sig", errors="replace").lstrip().splitlines()), "")[:4096]
    return any(set(kinds) >= _NEEDED and all(kinds) for kinds in (_kinds(first, mark) for mark in ",;\t"))


def _kinds(line: str, delimiter: str) -> list[str]:
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return [_COLUMNS.get(cell.strip().lower().replace(" ", "_"), "") for cell in cells]


def read_picture_table(data: bytes) -> tuple[list[PictureRow], list[TableProblem]]:
    """Rows and problems. A file named twice is a problem of the second row. Never raises on bad content."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    lines = text.lstrip()
    first = lines.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows: list[PictureRow] = []
    problems: list[TableProblem] = []
    seen: set[str] = set()
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter, strict=True)
    try:
        kinds = [_COLUMNS.get(cell.strip().lower().replace(" ", "_"), "") for cell in next(reader, [])]
        if not set(kinds) >= _NEEDED:
            return [], [
                TableProblem(1, "COLUMN_MISSING", "The header lacks the file, the patient or the study.", REMEDY)
            ]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) >= MAX_ROWS:
                problems.append(
                    TableProblem(reader.line_num, "TABLE_TOO_LONG", f"More than {MAX_ROWS:,} rows.", "Split it.")
                )
                break
            found = _row(reader.line_num, {key: cell for key, cell in zip(kinds, cells, strict=False) if key})
            if isinstance(found, PictureRow) and found.file in seen:
                found = TableProblem(
                    found.row, "FILE_TWICE", "The file has a row already.", "Keep one row for a picture."
                )
            if isinstance(found, TableProblem):
                problems.append(found)
            else:
                seen.add(found.file)
                rows.append(found)
    except csv.Error:
        problems.append(
            TableProblem(
                reader.line_num,
                "NOT_CSV",
                "The table cannot be read from this row on: it is not valid CSV.",
                "Look for a quotation mark that is not closed, and save the table as UTF-8 CSV.",
            )
        )
    return rows, problems[:MAX_PROBLEMS]


def _row(number: int, cells: Mapping[str, str]) -> PictureRow | TableProblem:
    said = {key: _plain(value) for key, value in cells.items()}
    file = unicodedata.normalize("NFC", said.get("file", "").replace("\\", "/"))
    file = "/".join(part for part in file.split("/") if part not in ("", "."))
    patient, study = said.get("patient", ""), said.get("study", "")
    if not file or len(file) > 1024:
        return TableProblem(number, "FILE_MISSING", "The row names no file.", "Write the picture's file name.")
    if not patient or not study or max(len(patient), len(study)) > _MOST_CHARACTERS or "\\" in patient + study:
        cause = f"The row lacks the patient or the study, or one has more than {_MOST_CHARACTERS} characters."
        return TableProblem(number, "PATIENT_MISSING", cause, "Write both as your own system numbers them.")
    for key, check in _CHECKS.items():
        if said.get(key) and check(said[key]) is None:
            return TableProblem(number, "VALUE_MALFORMED", f"The value of {key} cannot be read.", _WANTED[key])
    return PictureRow(
        row=number,
        file=file,
        patient=patient,
        study=study,
        accession=said.get("accession", "")[:16],
        view=said.get("view", "").upper(),
        laterality=said.get("laterality", "").upper()[:1],
        sex=_SEXES[said.get("sex", "").lower()],
        age=_age(said["age"]) if said.get("age") else None,
        spacing=_spacing(said["spacing"]) if said.get("spacing") else None,
        modality=said.get("modality", "").upper(),
        body_part=said.get("body_part", "").upper()[:16],
        photometric=said.get("photometric", "").upper(),
        date=said.get("date", "").replace("-", ""),
        manufacturer=said.get("manufacturer", "")[:_MOST_CHARACTERS],
        model=said.get("model", "")[:_MOST_CHARACTERS],
    )


def _plain(text: str) -> str:
    """Without control characters, which no header may hold."""
    return "".join(c for c in text if unicodedata.category(c)[0] != "C").strip()


def _age(text: str) -> int | None:
    match = re.fullmatch(r"0*([0-9]{1,3})(?:\.0+)?\s*(?:y|years?)?", text.lower())
    return int(match[1]) if match and int(match[1]) <= 120 else None


def _spacing(text: str) -> tuple[float, float] | None:
    match = re.fullmatch(r"([0-9]*[.]?[0-9]+)\s*(?:mm)?(?:\s*[x;/ ]\s*([0-9]*[.]?[0-9]+)\s*(?:mm)?)?", text.lower())
    if match is None:
        return None
    rows, columns = float(match[1]), float(match[2] or match[1])
    return (rows, columns) if min(rows, columns) >= 0.01 and max(rows, columns) <= 10 else None


_CHECKS: dict[str, Callable[[str], object]] = {
    "view": lambda text: text if text.upper() in _VIEWS else None,
    "laterality": lambda text: text if text.upper() in ("L", "R", "U", "B", "LEFT", "RIGHT") else None,
    "sex": lambda text: text if text.lower() in _SEXES else None,
    "age": _age,
    "spacing": _spacing,
    "modality": lambda text: text if text.upper() in ("CR", "DX", "RG", "OT") else None,
    "photometric": lambda text: text if text.upper() in ("MONOCHROME1", "MONOCHROME2") else None,
    "date": lambda text: text if re.fullmatch(r"[12][0-9]{3}-?[01][0-9]-?[0-3][0-9]", text) else None,
}
_WANTED = {
    "view": "Write PA, AP, LL, RL or LATERAL, or leave it empty.",
    "laterality": "Write L, R, B or U, or leave it empty.",
    "sex": "Write F, M or O, or leave it empty.",
    "age": "Write whole years from 0 to 120, or leave it empty.",
    "spacing": "Write millimetres for a pixel, such as 0.143 or 0.143x0.139, or leave it empty.",
    "modality": "Write CR, DX, RG or OT, or leave it empty.",
    "photometric": "Write MONOCHROME1 (bones dark) or MONOCHROME2 (bones bright), or leave it empty.",
    "date": "Write the day as 2024-06-12, or leave it empty.",
}


def row_for(rows: Mapping[str, PictureRow], name: str) -> PictureRow | None:
    """The row of a file by its path, or by its last part where the table writes no folders. ``rows``: by file."""
    if name in rows:
        return rows[name]
    parts = name.split("/")
    return next((rows["/".join(parts[at:])] for at in range(1, len(parts)) if "/".join(parts[at:]) in rows), None)
