"""``getdata label-reports``: every report is in the table or told with cause and cure, and no word of one is told."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from getdata.cli import app

pytestmark = pytest.mark.pure
NORMAL = "Heart size is normal. The lungs are clear. No pleural effusion or pneumothorax."
LINES = NORMAL.replace(". ", ".\r\n\r\n")


def run(table: Path, *arguments: str) -> tuple[Any, list[dict[str, str]]]:
    out = table.with_name("out.csv")
    done = CliRunner().invoke(app, ["label-reports", str(table), str(out), *arguments], catch_exceptions=False)
    rows = list(csv.DictReader(out.open(encoding="utf-8", newline=""))) if out.exists() else []
    return done, rows


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "in.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def said(rows: list[dict[str, str]], report: str = "r1") -> dict[str, str]:
    return {row["finding"]: row["state"] for row in rows if row["report_id"] == report}


def test_a_table_of_reports_becomes_a_table_of_findings_with_the_words_that_say_them(tmp_path: Path) -> None:
    text = "FINDINGS: Stable cardiomegaly.\nIMPRESSION: Small left effusion, possible pneumonia."
    done, rows = run(written(tmp_path, f'report_id,text\nr1,"{text}"\n'), "--taxonomy", "nih14")
    assert done.exit_code == 0, done.output
    assert list(rows[0]) == ["report_id", "finding", "state", "start", "end", "section"]
    assert said(rows) == {"Cardiomegaly": "present", "Effusion": "present", "Pneumonia": "possible"}
    quoted = {row["finding"]: (text[int(row["start"]) : int(row["end"])], row["section"]) for row in rows}
    assert quoted["Effusion"] == ("effusion", "impression")
    assert quoted["Cardiomegaly"] == ("cardiomegaly", "findings")


@pytest.mark.parametrize(
    ("taxonomy", "expected"),
    [
        ("nih14", {"Hernia": "present", "Infiltration": "present"}),
        ("chexpert14", {"Fracture": "present", "Lung Opacity": "present"}),
        ("getdata", {"Rib fracture": "present"}),
    ],
)
def test_findings_carry_the_names_of_the_list_and_a_child_fills_its_parent_only(
    taxonomy: str, expected: dict[str, str], tmp_path: Path
) -> None:
    done, rows = run(
        written(tmp_path, "report_id,text\nr1,Hiatal hernia. Rib fracture. Infiltrate.\n"), "--taxonomy", taxonomy
    )
    assert done.exit_code == 0
    assert said(rows) == expected


@pytest.mark.parametrize(
    "content",
    [
        f"report_id,text\nr1,{NORMAL}\n".encode("utf-8-sig"),
        f"report_id;text\nr1;{NORMAL}\n".encode(),
        f"text\treport_id\r\n{NORMAL}\tr1\r\n".encode(),
        f"report_id,text\nr1,{NORMAL}\n".encode("utf-16"),
        f'"Report_ID","site","TEXT"\n"r1","Süd","{NORMAL}"\n'.encode("latin-1"),
        f'report_id,text\n\n"r1","{LINES}"\n\n'.encode(),
    ],
)
def test_separators_encodings_and_cells_of_many_lines_are_read(content: bytes, tmp_path: Path) -> None:
    done, rows = run(written(tmp_path, content), "--taxonomy", "nih14")
    assert done.exit_code == 0, done.output
    assert said(rows)["Effusion"] == "absent"
    assert said(rows)["No Finding"] == "present"


def test_offsets_hold_in_a_report_that_is_not_in_utf8(tmp_path: Path) -> None:
    text = "Ödem: pulmonary edema."
    done, rows = run(written(tmp_path, f"report_id,text\nr1,{text}\n".encode("latin-1")), "--taxonomy", "nih14")
    assert done.exit_code == 0
    assert text[int(rows[0]["start"]) : int(rows[0]["end"])] == "pulmonary edema"
    assert "Windows-1252" in done.stderr


def test_rows_that_cannot_be_used_are_named_with_the_cure_and_the_others_are_kept(tmp_path: Path) -> None:
    table = "report_id,text\nr1,Cardiomegaly.\nr1,Pneumothorax.\n,Effusion.\nr3\nr4,a,b,c\nr5,Edema.\n"
    done, rows = run(written(tmp_path, table), "--taxonomy", "nih14")
    assert done.exit_code == 3
    assert {row["report_id"] for row in rows} == {"r1", "r5"}
    assert said(rows) == {"Cardiomegaly": "present"}
    for row in (3, 4, 5, 6):
        assert f"row {row}: " in done.stderr
    assert "4 problems" in done.stderr


def test_a_report_without_text_is_counted_and_is_no_problem(tmp_path: Path) -> None:
    done, rows = run(written(tmp_path, "report_id,text\nr1,\nr2,Edema.\n"))
    assert done.exit_code == 0
    assert [row["report_id"] for row in rows] == ["r2"]
    assert "1 report without any" in done.stderr


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "empty"),
        (b"id,report\nr1,Secretname has edema\n", "report_id and text"),
        (b"report_id,words\nr1,Secretname\n", "no column text"),
        (b"text,text,report_id\na,b,r1\n", "twice"),
        (b'report_id,text\nr1,"Secretname never closed\nr2,edema\n', "not closed"),
        (b'report_id,text\nr1,"Secretname" and more\n', "quotation mark"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_and_nothing_is_written(
    content: bytes, cause: str, tmp_path: Path
) -> None:
    done, rows = run(written(tmp_path, content))
    assert done.exit_code == 2
    assert cause in done.stderr
    assert "in.csv" in done.stderr
    assert rows == [] and [path.name for path in tmp_path.iterdir()] == ["in.csv"]
    assert "Secretname" not in done.output


def test_a_cell_past_the_limit_is_refused_and_a_large_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = "Heart is enlarged. " * 20_000
    done, rows = run(written(tmp_path, f"report_id,text\nr1,{large}\n"), "--taxonomy", "nih14")
    assert done.exit_code == 0
    assert said(rows) == {"Cardiomegaly": "present"}
    monkeypatch.setattr("getdata.commands.reports.MAX_CELL", 100_000)
    done, _ = run(written(tmp_path, f"report_id,text\nr1,{large}\n"))
    assert done.exit_code == 2
    assert "Row 2" in done.stderr


def test_the_input_is_never_overwritten_and_a_missing_file_is_named(tmp_path: Path) -> None:
    table = written(tmp_path, f"report_id,text\nr1,{NORMAL}\n")
    same = CliRunner().invoke(app, ["label-reports", str(table), str(table)])
    assert same.exit_code == 2
    assert NORMAL in table.read_text()
    missing = CliRunner().invoke(app, ["label-reports", str(tmp_path / "none.csv"), str(tmp_path / "out.csv")])
    assert missing.exit_code == 2
    assert "none.csv" in missing.stderr
    nowhere = CliRunner().invoke(app, ["label-reports", str(table), str(tmp_path / "no" / "out.csv")])
    assert nowhere.exit_code == 2
    assert "cannot be written" in nowhere.stderr
