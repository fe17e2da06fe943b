"""Short ways to a request for tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from requests_app.spec import DatasetSpec

TODAY = date(2026, 12, 1)


def complete(**parts: Any) -> DatasetSpec:
    """A request that nothing blocks, changed by `parts`."""
    document: dict[str, Any] = {
        "title": "Chest radiographs",
        "purpose": {
            "intended_use": "academic_research",
            "description": "A study of how well radiographs show what they are said to show.",
        },
        "cohort": {"images": {"min": 1000}},
        "delivery": {"deadline": "2027-06-30"},
        "terms": {"ethics_approval": "exempt", "retention_months": 12},
    }
    return DatasetSpec.model_validate({**document, **parts})


def codes(notes: list[Any], *, blocking: bool | None = None) -> set[str]:
    return {note.code for note in notes if blocking is None or note.blocking is blocking}
