"""The request that the end-to-end tests post: what the test delivery can fulfil."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any


def document() -> dict[str, Any]:
    """A DatasetSpec document for forty frontal radiographs of at least 700 px with NIH labels."""
    return {
        "title": "Forty frontal radiographs with NIH labels",
        "category": "cxr",
        "purpose": {
            "intended_use": "academic_research",
            "description": "A rehearsal: forty public radiographs and their labels travel from request to release.",
        },
        "cohort": {"images": {"min": 38}, "patients": {"min": 20}},
        "projections": [{"view": "PA", "min_images": 10}, {"view": "AP", "min_images": 10}],
        "labels": {"taxonomy": "nih-chestxray14", "findings": [{"finding": "Pneumothorax"}]},
        "image": {"bits_stored": {"min": 8}, "short_side": {"min_px": 600}, "pixel_spacing": None},
        "delivery": {
            "label_formats": ["generic_csv", "chexpert_csv"],
            "deadline": (date.today() + timedelta(days=60)).isoformat(),
        },
        "terms": {"retention_months": 12, "ethics_approval": "Exempt: public images"},
    }
