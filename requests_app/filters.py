"""Finding requests: one definition of search, facets and order for the page and the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters as df
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone
from django.utils.text import capfirst
from drf_spectacular.utils import extend_schema_field

from requests_app.models import Category, DatasetRequest, RequestFacet, RequestStatus
from requests_app.spec import AnnotationType, ReportLinkage, View

SORTS = {
    "newest": ("Newest first", F("opened_at").desc(nulls_last=True)),
    "deadline": ("Deadline, soonest first", F("deadline").asc(nulls_last=True)),
    "largest": ("Most images first", F("minimum_images").desc()),
    "smallest": ("Fewest images first", F("minimum_images").asc()),
}
DEADLINES = {"30": "Within 30 days", "90": "Within 90 days", "180": "Within 180 days", "later": "Later than that"}
REPORTS = {"none": "Not asked for", "optional": "Welcome", "required": "Required"}


class Words(df.CharFilter):
    """Every word must occur somewhere in the request's text."""

    def filter(self, qs: QuerySet[DatasetRequest], value: str) -> QuerySet[DatasetRequest]:
        for word in (value or "").casefold().split()[:8]:
            qs = qs.filter(search_text__contains=word)
        return qs


class FacetChoice(df.MultipleChoiceFilter):
    """Requests with at least one of the chosen facet values. Values that nobody uses are accepted and find nothing."""

    def __init__(self, kind: str, **kwargs: Any) -> None:
        self.kind = kind
        super().__init__(**kwargs)

    def filter(self, qs: QuerySet[DatasetRequest], value: list[str]) -> QuerySet[DatasetRequest]:
        if not value:
            return qs
        facets = RequestFacet.objects.filter(request=OuterRef("pk"), kind=self.kind, value__in=value)
        return qs.filter(Exists(facets))


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class FindingFacet(FacetChoice):
    """The findings that open requests ask for; which they are changes with the requests."""


def _findings() -> list[tuple[str, str]]:
    values = RequestFacet.objects.filter(kind=RequestFacet.Kind.FINDING).values_list("value", flat=True)
    return [(value, value) for value in sorted(set(values), key=str.casefold)]


class RequestFilter(df.FilterSet):
    """``?q=bedside&category=cxr&projection=AP&finding=Pneumothorax&annotation=mask&reports=none&deadline=90&sort=largest``"""

    q = Words(label="Search")
    category = df.MultipleChoiceFilter(choices=Category.choices, label="Category")
    projection = FacetChoice(
        RequestFacet.Kind.PROJECTION, choices=[(v.value, capfirst(v.plain)) for v in View], label="Projection"
    )
    finding = FindingFacet(RequestFacet.Kind.FINDING, choices=_findings, label="Finding")
    annotation = FacetChoice(
        RequestFacet.Kind.ANNOTATION,
        choices=[(a.value, a.plain.capitalize()) for a in AnnotationType],
        label="Annotation",
    )
    reports = df.MultipleChoiceFilter(
        field_name="report_linkage",
        choices=[(r.value, REPORTS[r.value]) for r in ReportLinkage],
        label="Radiology reports",
    )
    deadline = df.ChoiceFilter(choices=list(DEADLINES.items()), method="by_deadline", label="Deadline")
    status = df.MultipleChoiceFilter(choices=RequestStatus.choices, label="State")
    sort = df.ChoiceFilter(choices=[(k, v[0]) for k, v in SORTS.items()], method="by_sort", label="Order")

    class Meta:
        model = DatasetRequest
        fields: list[str] = []

    def by_deadline(self, qs: QuerySet[DatasetRequest], name: str, value: str) -> QuerySet[DatasetRequest]:
        today = timezone.localdate()
        if value == "later":
            return qs.filter(deadline__gt=today + timedelta(days=180))
        return qs.filter(deadline__gte=today, deadline__lte=today + timedelta(days=int(value)))

    def by_sort(self, qs: QuerySet[DatasetRequest], name: str, value: str) -> QuerySet[DatasetRequest]:
        return qs.order_by(SORTS[value][1], "-created_at")
