"""Conformance: (facts of de-identified images, request) -> findings and quota progress. Pure."""

from fulfillment.conformance.batch import CellProgress, check_batch, fill_quotas, share_basis
from fulfillment.conformance.facts import FACTS_VERSION, ImageFacts
from fulfillment.conformance.finding import Finding, Severity
from fulfillment.conformance.image import check_image, check_labels
from fulfillment.conformance.match import matcher, matches
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
