"""Reading documents from outside: size, shape, JSON, notes."""

from __future__ import annotations

from datetime import date

import pytest

from requests_app.documents import MAX_DOCUMENT_BYTES, check_document, read_json
from requests_app.spec import example_specs, spec_document
from requests_app.spec.reading import MAX_NOTES


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


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": [-Infinity]}', b'{"a": Infinity}'])
def test_numbers_that_json_does_not_have_are_no_json(text: str | bytes) -> None:
    _, note = read_json(text)
    assert note is not None
    assert note.code == "NOT_JSON"
    assert "NaN" in note.message and note.remedy


def test_a_byte_order_mark_is_read_over() -> None:
    assert read_json('\ufeff{"a": 1}') == ({"a": 1}, None)
    assert read_json('\ufeff{"a": 1}'.encode()) == ({"a": 1}, None)


def test_a_key_that_stands_twice_is_refused_at_its_place() -> None:
    value, note = read_json('{"title": "x", "title": "y", "quotas": [{"min": 1}, {"min": 1, "sex": "F", "min": 9}]}')
    assert note is None
    checked = check_document(value)
    assert checked.spec is None
    assert [(note.code, note.path) for note in checked.notes] == [("KEY_TWICE", "title"), ("KEY_TWICE", "quotas.1.min")]
    assert all(note.remedy for note in checked.notes)


def test_so_many_problems_are_told_at_once_and_no_more() -> None:
    assert len(check_document({"title": "x", "quotas": [{"sex": 3, "min": "x"}] * 400}).notes) == MAX_NOTES
