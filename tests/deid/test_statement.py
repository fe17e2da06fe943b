"""The conformance statement says what the engine does."""

from __future__ import annotations

from pathlib import Path

from deid.headers.statement import attribute_rows, page
from deid.profile.table import table_rows
from tests.deid.objects import make_file, released


def test_the_page_is_the_codes_own_word() -> None:
    written = Path(__file__).resolve().parents[2] / "docs" / "deid-attributes.md"
    assert written.read_text(encoding="utf-8") == page(), (
        "run: python -m deid.headers.statement > docs/deid-attributes.md"
    )


def test_every_row_of_the_table_has_an_outcome_under_every_policy() -> None:
    rows = list(attribute_rows())
    assert [row[1] for row in rows] == [row.keyword for row in table_rows()]
    assert all(
        set(row[3]) == {"cxr-research", "limited-data-set", "safe-harbor"} and all(row[3].values()) for row in rows
    )


def test_what_the_statement_says_of_a_file_is_what_happens() -> None:
    said = {keyword: outcome["cxr-research"] for _, keyword, _, outcome in attribute_rows()}
    out, _ = released(make_file(InstanceCreationTime="101530", DeviceSerialNumber="SN-1", StudyTime="101530"))
    assert said["DeviceSerialNumber"] == "removed" and "DeviceSerialNumber" not in out
    assert said["ReferringPhysicianName"] == "emptied" and out.ReferringPhysicianName == ""
    assert said["StudyTime"] == "kept" and out.StudyTime == "101530"
    assert said["StudyDate"] == "shifted" and out.StudyDate not in ("", "20240315")
    assert said["PatientBirthDate"] == "emptied" and out.PatientBirthDate == ""
