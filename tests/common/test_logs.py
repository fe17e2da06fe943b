"""Logs: one JSON object a line, known fields only, never an exception's message."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from getdata.common.logs import JsonFormatter

NAME = "DOE^JANE"


@pytest.fixture
def written() -> Any:
    """A logger of ours and what it writes, parsed."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("getdata.test_logs")
    logger.handlers, logger.propagate, logger.level = [handler], False, logging.INFO

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return logger, lines, stream


def test_known_fields_are_written_and_unknown_ones_dropped(written: Any) -> None:
    logger, lines, stream = written
    logger.info("file.settled", extra={"batch": "b1", "count": 3, "PatientName": NAME, "header": {"x": NAME}})
    (line,) = lines()
    assert line["event"] == "file.settled"
    assert (line["level"], line["logger"], line["batch"], line["count"]) == ("info", "getdata.test_logs", "b1", 3)
    assert set(line) == {"at", "level", "logger", "event", "batch", "count"}
    assert NAME not in stream.getvalue()


@pytest.mark.parametrize("value", [{"a": NAME}, [NAME], object(), b"bytes"])
def test_a_known_field_with_anything_but_a_plain_value_is_dropped(written: Any, value: Any) -> None:
    logger, lines, stream = written
    logger.info("file.settled", extra={"reason": value})
    assert "reason" not in lines()[0]
    assert NAME not in stream.getvalue()


def test_an_exception_is_its_type_and_its_places_never_its_message(written: Any) -> None:
    logger, lines, stream = written
    try:
        try:
            raise KeyError(NAME)
        except KeyError as inner:
            raise ValueError(f"cannot read {NAME}") from inner
    except ValueError:
        logger.exception("file.failed", extra={"source_file": "f1"})
    (line,) = lines()
    assert (line["error"], line["source_file"]) == ("ValueError", "f1")
    assert any("test_an_exception_is_its_type" in place for place in line["where"])
    assert NAME not in stream.getvalue()


@pytest.mark.parametrize("message", ["Invalid value %s", f"Invalid value {NAME}"])
def test_what_other_libraries_say_is_not_repeated(message: str) -> None:
    arguments = (NAME,) if "%s" in message else ()
    record = logging.LogRecord("pydicom", logging.WARNING, __file__, 1, message, arguments, None)
    line = JsonFormatter().format(record)
    assert NAME not in line
    assert json.loads(line)["logger"] == "pydicom"


def test_a_message_with_a_line_break_stays_one_line(written: Any) -> None:
    logger, lines, stream = written
    logger.info("two\nlines")
    assert stream.getvalue().count("\n") == 1
    assert lines()[0]["event"] == "two\nlines"
