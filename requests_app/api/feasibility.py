"""Counts without data over the API."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from getdata.accounts.models import Organization
from getdata.common.problems import CannotDo
from requests_app.api.reading import person, read
from requests_app.feasibility import CountsProblem, read_counts
from requests_app.models import DatasetRequest, Feasibility
from requests_app.serializers import PartySerializer, visible_organizations
from requests_app.services.feasibility import record_feasibility


class FeasibilitySerializer(serializers.ModelSerializer[Feasibility]):
    """Counts as they may be shown: small ones are ``"<11"``, those that would give one away ``"withheld"``."""

    request: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    hospital = PartySerializer(read_only=True)
    version = serializers.IntegerField(source="spec_version.number", read_only=True)
    spec_sha256 = serializers.CharField(source="spec_version.sha256", read_only=True)

    class Meta:
        model = Feasibility
        fields = ["id", "request", "version", "spec_sha256", "hospital", "counts", "counted_on", "source", "created_at"]


class NewFeasibilitySerializer(serializers.Serializer[Any]):
    request = serializers.SlugField(help_text="the request's slug")
    hospital = serializers.SlugRelatedField(slug_field="slug", queryset=Organization.objects.none())
    document = serializers.DictField(help_text="a getdata-feasibility document, version 1")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["hospital"].queryset = visible_organizations(self)  # type: ignore[attr-defined]


@extend_schema_view(
    list=extend_schema(summary="List counts of your hospitals and of offers you received"),
    retrieve=extend_schema(summary="One file of counts"),
)
class FeasibilityViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Feasibility]):
    """Counts without data."""

    scope = "requests"
    queryset = Feasibility.objects.none()
    serializer_class = FeasibilitySerializer
    filterset_fields = ["request__slug", "hospital__slug"]

    def get_queryset(self) -> QuerySet[Feasibility]:
        found = Feasibility.objects.visible_to(self.request.user)
        return found.select_related("request", "hospital", "spec_version")

    @extend_schema(
        summary="Hand in counts; small ones are suppressed before they are kept",
        request=NewFeasibilitySerializer,
        responses={201: FeasibilitySerializer},
    )
    def create(self, request: Request) -> Response:
        data = read(NewFeasibilitySerializer, request)
        wanted = get_object_or_404(DatasetRequest.objects.visible_to(request.user), slug=data["request"])
        try:
            counts = read_counts(json.dumps(data["document"]).encode())
        except CountsProblem as problem:
            raise CannotDo(str(problem), remedy=problem.remedy, code="counts_unreadable") from None
        made = record_feasibility(
            request=wanted, hospital=data["hospital"], counts=counts, source="file", actor=person(request)
        )
        return Response(FeasibilitySerializer(made).data, status=status.HTTP_201_CREATED)
