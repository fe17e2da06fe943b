"""Answers that clarify a request, numbered, ready for pages and API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from requests_app.models import DatasetRequest, Question


@dataclass(frozen=True)
class Erratum:
    """An answer that clarifies version ``version`` of a request. ``number`` counts from 1 over the request."""

    number: int
    question: Question
    version: int
    at: datetime


def errata_of(request: DatasetRequest) -> list[Erratum]:
    """The errata of a request, first given first; hidden ones are not among them."""
    found = Question.objects.filter(request=request).errata()
    return [
        Erratum(number, question, question.clarifies_version or 1, question.clarified_at or question.created_at)
        for number, question in enumerate(found, start=1)
    ]


def erratum_data(erratum: Erratum) -> dict[str, Any]:
    """An erratum as the file and the API show it."""
    return {
        "number": erratum.number,
        "version": erratum.version,
        "date": erratum.at.date().isoformat(),
        "question_id": str(erratum.question.pk),
        "question": erratum.question.text,
        "answer": erratum.question.answer,
    }


def errata_document(request: DatasetRequest) -> dict[str, Any]:
    """All errata of a request with the version they stand beside and its hash."""
    version = request.current_version
    return {
        "request": request.slug,
        "version": version.number if version else 0,
        "sha256": version.sha256 if version else "",
        "errata": [erratum_data(erratum) for erratum in errata_of(request)],
    }
