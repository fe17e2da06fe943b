"""Reading a document that a person or a program hands in: the model, and every note on it. Never raises."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from requests_app.spec.canonical import spec_document
from requests_app.spec.document import DatasetSpec
from requests_app.spec.lint import lint
from requests_app.spec.notes import LintNote, explain_errors, field_label

#: A request that asks this much in one document is a mistake or an attack; the largest example is 6 kB.
MAX_DOCUMENT_BYTES = 256 * 1024
#: So many problems are told at once; a person mends a few at a time.
MAX_NOTES = 100
#: The quota arithmetic compares every count with every other.
MAX_LINES = 400


@dataclass(frozen=True)
class Checked:
    """What came of reading a document: ``spec`` is None when it does not even have the right shape."""

    spec: DatasetSpec | None
    notes: tuple[LintNote, ...]

    @property
    def blocking(self) -> tuple[LintNote, ...]:
        return tuple(note for note in self.notes if note.blocking)

    @property
    def advice(self) -> tuple[LintNote, ...]:
        return tuple(note for note in self.notes if not note.blocking)

    @property
    def may_be_posted(self) -> bool:
        return self.spec is not None and not self.blocking

    @property
    def document(self) -> dict[str, Any]:
        """The document with its defaults and check ids written out. Raises ValueError when it has no shape."""
        if self.spec is None:
            raise ValueError("an unreadable document has no normal form")
        return spec_document(self.spec)


def check_document(document: object, *, today: date) -> Checked:
    """Validate and lint one document. Never raises: what is wrong comes back as notes with path and remedy."""
    too_big = _too_big(document)
    if too_big is not None:
        return Checked(None, (too_big,))
    repeated = tuple(_repeated(document, ""))
    if repeated:
        return Checked(None, repeated[:MAX_NOTES])
    try:
        spec = DatasetSpec.model_validate(document)
    except ValidationError as error:
        return Checked(None, tuple(explain_errors(error)[:MAX_NOTES]))
    return Checked(spec, tuple(lint(spec, today=today)))


def read_json(text: str | bytes) -> tuple[object, LintNote | None]:
    """Parse pasted or uploaded JSON: the value, or a note that says where it breaks."""
    if len(text) > MAX_DOCUMENT_BYTES:
        return None, _note("TOO_LARGE", f"The document is larger than {MAX_DOCUMENT_BYTES // 1024} kB.", _SPLIT)
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        # A byte order mark is what some editors put before a file.
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_object, parse_constant=_no_constant)
        return value, None
    except UnicodeDecodeError:
        return None, _note("NOT_UTF8", "The file is not UTF-8 text.", "Save it as UTF-8 and try again.")
    except json.JSONDecodeError as error:
        place = f" at line {error.lineno}, column {error.colno}"
        return None, _note("NOT_JSON", f"This is not valid JSON{place}.", "Check brackets, commas and quotation marks.")
    except NotANumber:
        message = "The document holds NaN or Infinity, which JSON does not have."
        return None, _note("NOT_JSON", message, "Write a number, or leave the field out.")
    except (RecursionError, ValueError):  # nested a thousand deep, or a number with thousands of digits
        return None, _note("NOT_JSON", "This is not JSON of a request's size.", "Start from a template or an example.")


_SPLIT = "Split the request into several, or merge lines that ask for the same."


class NotANumber(ValueError):
    """NaN or Infinity, which Python writes and reads although JSON has neither."""


def _no_constant(name: str) -> None:
    raise NotANumber(name)


class RepeatedKeys(dict[str, Any]):
    """An object in which a key stood twice: readers disagree on which of the two counts."""

    keys_twice: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = RepeatedKeys(found)
    counts = Counter(key for key, _ in pairs)
    repeated.keys_twice = tuple(key for key, count in counts.items() if count > 1)
    return repeated


def _repeated(value: object, path: str) -> Iterator[LintNote]:
    """A note for each key that stands twice in one object, at its place."""
    if isinstance(value, RepeatedKeys):
        for key in value.keys_twice:
            place = f"{path}.{key}" if path else key
            message = f"{field_label(place)} stands twice in the same object, so it is not clear which one counts."
            yield LintNote("KEY_TWICE", "blocking", place, message, "Keep one of the two.")
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _repeated(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _repeated(item, f"{path}.{index}" if path else str(index))


def _too_big(document: object) -> LintNote | None:
    if not isinstance(document, Mapping):
        return _note("NOT_AN_OBJECT", "The document is not a JSON object.", "Start from an example or from the schema.")
    try:
        size = len(json.dumps(document))
    except (TypeError, ValueError, RecursionError):
        return _note("NOT_JSON", "The document holds values that JSON does not have.", "Use text, numbers, lists only.")
    if size > MAX_DOCUMENT_BYTES:
        return _note("TOO_LARGE", f"The document is larger than {MAX_DOCUMENT_BYTES // 1024} kB.", _SPLIT)
    labels = document.get("labels")
    lists = [document.get(name) for name in ("projections", "quotas", "share_caps")]
    lists.append(labels.get("findings") if isinstance(labels, Mapping) else None)
    lines = sum(len(rows) for rows in lists if isinstance(rows, list))
    if lines > MAX_LINES:
        return _note("TOO_MANY_LINES", f"The document has {lines} lines; {MAX_LINES} is the most.", _SPLIT)
    return None


def _note(code: str, message: str, remedy: str) -> LintNote:
    return LintNote(code, "blocking", "", message, remedy)
