"""Reading a specification document inside the portal: as ``requests_app.spec.reading`` does, on the portal's own day."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from requests_app.spec import reading
from requests_app.spec.reading import MAX_DOCUMENT_BYTES, MAX_LINES, Checked, read_json

__all__ = ["MAX_DOCUMENT_BYTES", "MAX_LINES", "Checked", "check_document", "read_json"]


def check_document(document: object, *, today: date | None = None) -> Checked:
    """Validate and lint one document. Never raises: what is wrong comes back as notes with path and remedy."""
    return reading.check_document(document, today=today or timezone.localdate())
