"""Reading a document that a person or a program hands in: the model, and every note on it. Never raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from requests_app.spec.canonical import spec_document
from requests_app.spec.document import DatasetSpec
from requests_app.spec.lint import lint
from requests_app.spec.notes import LintNote, explain_errors

#: A request that asks this much in one document is a mistake or an attack; the largest example is 6 kB.
MAX_DOCUMENT_BYTES = 256 * 1024
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
    try:
        spec = DatasetSpec.model_validate(document)
    except ValidationError as error:
        return Checked(None, tuple(explain_errors(error)))
    return Checked(spec, tuple(lint(spec, today=today)))


def read_json(text: str | bytes) -> tuple[object, LintNote | None]:
    """Parse pasted or uploaded JSON: the value, or a note that says where it breaks."""
    if len(text) > MAX_DOCUMENT_BYTES:
        return None, _note("TOO_LARGE", f"The document is larger than {MAX_DOCUMENT_BYTES // 1024} kB.", _SPLIT)
    try:
        return json.loads(text), None
    except UnicodeDecodeError:
        return None, _note("NOT_UTF8", "The file is not UTF-8 text.", "Save it as UTF-8 and try again.")
    except json.JSONDecodeError as error:
        place = f" at line {error.lineno}, column {error.colno}"
        return None, _note("NOT_JSON", f"This is not valid JSON{place}.", "Check brackets, commas and quotation marks.")
    except (RecursionError, ValueError):  # nested a thousand deep, or a number with thousands of digits
        return None, _note("NOT_JSON", "This is not JSON of a request's size.", "Start from a template or an example.")


_SPLIT = "Split the request into several, or merge lines that ask for the same."


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
