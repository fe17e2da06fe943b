"""Freezing a specification: the immutable version, and what lists, facets and search derive from it."""

from __future__ import annotations

from typing import Any

from getdata.accounts.models import User
from requests_app.models import DatasetRequest, RequestFacet, SpecVersion
from requests_app.spec import DatasetSpec, spec_document, spec_sha256
from requests_app.taxonomy import Relation, concepts


def add_version(*, request: DatasetRequest, spec: DatasetSpec, number: int, actor: User) -> SpecVersion:
    """Freeze ``spec`` as version ``number`` and rewrite the request's facets. Call it inside a transaction."""
    version = SpecVersion.objects.create(
        request=request, number=number, document=spec_document(spec), sha256=spec_sha256(spec), created_by=actor
    )
    RequestFacet.objects.filter(request=request).delete()
    RequestFacet.objects.bulk_create(
        RequestFacet(request=request, kind=kind, value=value) for kind, value in sorted(facets(spec))
    )
    return version


def listed_columns(spec: DatasetSpec) -> dict[str, Any]:
    """The columns by which a request is listed; a draft has them too."""
    return {
        "title": spec.title,
        "category": spec.category.value,
        "deadline": spec.delivery.deadline,
        "minimum_images": spec.cohort.images.min,
        "report_linkage": spec.reports.linkage.value,
    }


def derived_columns(spec: DatasetSpec) -> dict[str, Any]:
    """The columns of a request that follow from its open specification."""
    return {
        **listed_columns(spec),
        "draft": spec_document(spec),
    }


def finding_name(spec: DatasetSpec, text: str) -> str:
    """A finding under the name that all label lists share where there is one, so that one facet finds them all."""
    found = spec.taxonomy().find(text)
    if found is None:
        return text
    if found.concept and found.concept_relation is Relation.EXACT:
        return concepts()[found.concept].name
    return found.name


def facets(spec: DatasetSpec) -> set[tuple[str, str]]:
    """``(kind, value)`` pairs by which the request is found."""
    kinds = RequestFacet.Kind
    found: set[tuple[str, str]] = set()
    for line in spec.projections:
        found.add((kinds.PROJECTION, line.view.value))
    for wanted in spec.labels.findings:
        found.add((kinds.FINDING, finding_name(spec, wanted.finding)[:120]))
        found.add((kinds.ANNOTATION, wanted.annotation.value))
    for cell in spec.quotas:
        if cell.view is not None:
            found.add((kinds.PROJECTION, cell.view.value))
        if cell.finding is not None:
            found.add((kinds.FINDING, finding_name(spec, cell.finding)[:120]))
    return found
