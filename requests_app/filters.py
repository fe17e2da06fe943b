"""Filters of the API's list of requests: the same words and values as the pages, over everything the person may see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters as df
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field

from requests_app.catalogue.snapshot import SIZES
from requests_app.catalogue.wanted import CHOICES, DEADLINES, LABELS
from requests_app.catalogue.words import matching
from requests_app.models import DatasetRequest, RequestFacet, RequestStatus

SORTS = {
    "newest": ("Newest first", F("opened_at").desc(nulls_last=True)),
    "deadline": ("Deadline, soonest first", F("deadline").asc(nulls_last=True)),
    "still": ("Most still needed first", F("listing__still_needed").desc(nulls_last=True)),
    "largest": ("Most images first", F("minimum_images").desc()),
    "smallest": ("Fewest images first", F("minimum_images").asc()),
}


class Words(df.CharFilter):
    """Every word must occur in the title, the findings or their aliases, the purpose or the organization's name."""

    def filter(self, qs: QuerySet[DatasetRequest], value: str) -> QuerySet[DatasetRequest]:
        if not value or not value.strip():
            return qs
        found = matching(value)
        return qs.filter(listing__number__in=found) if found is not None else qs.none()


class FacetChoice(df.MultipleChoiceFilter):
    """Requests with at least one of the chosen facet values."""

    def __init__(self, kind: str, **kwargs: Any) -> None:
        self.kind = kind
        super().__init__(**kwargs)

    def filter(self, qs: QuerySet[DatasetRequest], value: list[str]) -> QuerySet[DatasetRequest]:
        if not value:
            return qs
        facets = RequestFacet.objects.filter(request=OuterRef("pk"), kind=self.kind, value__in=value)
        return qs.filter(Exists(facets))


class AnyValues(df.fields.MultipleChoiceField):
    """Takes values that are not listed beforehand: which findings there are changes with the requests."""

    def valid_value(self, value: Any) -> bool:
        return True


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class FindingFacet(FacetChoice):
    """The findings that requests ask for. One that nobody asks for finds nothing."""

    field_class = AnyValues


def _choices(name: str) -> list[tuple[str, str]]:
    return list(CHOICES[name].items())


class RequestFilter(df.FilterSet):
    """``?q=bedside&category=cxr&projection=AP&finding=Pneumothorax&annotation=mask&reports=none&deadline=90&sort=largest``"""

    q = Words(label="Search")
    category = df.MultipleChoiceFilter(choices=_choices("category"), label=LABELS["category"])
    projection = FacetChoice(RequestFacet.Kind.PROJECTION, choices=_choices("projection"), label=LABELS["projection"])
    finding = FindingFacet(RequestFacet.Kind.FINDING, label=LABELS["finding"])
    annotation = FacetChoice(RequestFacet.Kind.ANNOTATION, choices=_choices("annotation"), label=LABELS["annotation"])
    reports = df.MultipleChoiceFilter(field_name="report_linkage", choices=_choices("reports"), label=LABELS["reports"])
    images = df.MultipleChoiceFilter(choices=_choices("images"), method="by_size", label=LABELS["images"])
    deadline = df.ChoiceFilter(choices=list(DEADLINES.items()), method="by_deadline", label=LABELS["deadline"])
    status = df.MultipleChoiceFilter(choices=RequestStatus.choices, label=LABELS["status"])
    sort = df.ChoiceFilter(choices=[(k, v[0]) for k, v in SORTS.items()], method="by_sort", label="Order")

    class Meta:
        model = DatasetRequest
        fields: list[str] = []

    def by_size(self, qs: QuerySet[DatasetRequest], name: str, value: list[str]) -> QuerySet[DatasetRequest]:
        wanted, lowest = Q(), 0.0
        for size, _, above in SIZES:
            if size in value:
                wanted |= Q(minimum_images__gte=lowest) & (
                    Q() if above == float("inf") else Q(minimum_images__lt=above)
                )
            lowest = above
        return qs.filter(wanted)

    def by_deadline(self, qs: QuerySet[DatasetRequest], name: str, value: str) -> QuerySet[DatasetRequest]:
        today = timezone.localdate()
        if value == "later":
            return qs.filter(deadline__gt=today + timedelta(days=180))
        return qs.filter(deadline__gte=today, deadline__lte=today + timedelta(days=int(value)))

    def by_sort(self, qs: QuerySet[DatasetRequest], name: str, value: str) -> QuerySet[DatasetRequest]:
        return qs.order_by(SORTS[value][1], "-created_at")
