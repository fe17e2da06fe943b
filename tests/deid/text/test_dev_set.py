"""The report labeler's development set, written by another author: identifiers go, words and label states stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.deid.text import clean_jsonl
from tests.deid.text.measure_dev import measure

pytestmark = pytest.mark.pure


def test_identifiers_go_and_what_the_report_says_stays() -> None:
    tally = measure()
    assert all(tally.header)
    assert sum(tally.every) >= 0.98 * len(tally.every)
    assert tally.lost <= 0.02 * tally.harmless
    assert tally.changed <= 0.005 * tally.states


def test_a_file_of_reports_is_cleaned_line_by_line(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    entry = {
        "id": "a",
        "text": "Ms. Okonkwo: no effusion.",
        "header": {"PatientName": "Okonkwo^Ada", "StudyDate": "20240102"},
    }
    source.write_text(json.dumps(entry) + "\n", encoding="utf-8")
    clean_jsonl.main(str(source), str(target))
    assert json.loads(target.read_text(encoding="utf-8")) == {"id": "a", "clean": "Ms. [NAME]: no effusion."}
