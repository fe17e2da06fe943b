"""Reading documents from outside: size, shape, JSON, notes."""

from __future__ import annotations

from datetime import date

import pytest

from requests_app.documents import MAX_DOCUMENT_BYTES, check_document, read_json
from requests_app.spec import example_specs, spec_document


@pytest.mark.parametrize("value", [None, [], "text", 3, {"title": float("nan")}, {"title": object()}])
def test_what_is_no_document_gets_a_note_not_an_exception(value: object) -> None:
    checked = check_document(value)
    assert checked.spec is None
    assert checked.blocking
    assert checked.notes[0].remedy


def test_a_document_too_large_or_with_too_many_lines_is_not_linted() -> None:
    assert check_document({"title": "x" * MAX_DOCUMENT_BYTES}).notes[0].code == "TOO_LARGE"
    assert check_document({"title": "x", "quotas": [{"min": 1}] * 401}).notes[0].code == "TOO_MANY_LINES"


def test_a_good_document_may_be_posted_until_its_deadline() -> None:
    spec = example_specs()["cxr-pneumothorax-bedside"]
    deadline = spec.delivery.deadline
    assert deadline is not None
    assert check_document(spec_document(spec), today=date(2026, 12, 1)).may_be_posted
    late = check_document(spec_document(spec), today=deadline)
    assert [note.code for note in late.blocking] == ["DEADLINE_PAST"]


def test_json_that_breaks_says_where() -> None:
    _, note = read_json('{"title": "x",\n "quotas": [}')
    assert note is not None
    assert "line 2, column 13" in note.message
    _, note = read_json(b"\xff\xfe\xff")
    assert note is not None
    assert note.code == "NOT_UTF8"
    _, note = read_json("[" * 100_000)
    assert note is not None
    assert note.code == "NOT_JSON"
    assert read_json('{"a": 1}') == ({"a": 1}, None)
