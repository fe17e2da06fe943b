"""Conformance: (facts of de-identified images, request) -> findings and quota progress. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fulfillment.conformance.batch import CellProgress, check_batch, fill_quotas, share_basis
from fulfillment.conformance.facts import FACTS_VERSION, ImageFacts
from fulfillment.conformance.finding import Finding, Severity
from fulfillment.conformance.image import check_image, check_labels
from fulfillment.conformance.match import matcher, matches

if TYPE_CHECKING:
    from fulfillment.conformance.read import age_in_years, read_facts

__all__ = [
    "FACTS_VERSION",
    "CellProgress",
    "Finding",
    "ImageFacts",
    "Severity",
    "age_in_years",
    "check_batch",
    "check_image",
    "check_labels",
    "fill_quotas",
    "matcher",
    "matches",
    "read_facts",
    "share_basis",
]


def __getattr__(name: str) -> Any:
    """The reader alone needs pydicom, which takes a second to import: a web server counts quotas without it."""
    if name in ("age_in_years", "read_facts"):
        from fulfillment.conformance import read

        return getattr(read, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
