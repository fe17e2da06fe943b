"""Requests over the API: the same services and the same visibility as the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from requests_app import serializers as s
from requests_app.api.amendments import AmendmentActions
from requests_app.api.reading import person, read
from requests_app.filters import RequestFilter
from requests_app.models import DatasetRequest
from requests_app.services import requests as request_services

_DETAIL = {200: s.RequestDetailSerializer}


@extend_schema_view(
    list=extend_schema(summary="List requests", description="Open and closed ones, and those of your organizations."),
    retrieve=extend_schema(summary="One request with specification and meter", responses=_DETAIL),
)
class RequestViewSet(
    AmendmentActions, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[DatasetRequest]
):
    """Requests, by slug."""

    scope = "requests"
    public_read = True
    lookup_field = "slug"
    queryset = DatasetRequest.objects.none()
    serializer_class = s.RequestSerializer
    filterset_class = RequestFilter

    def get_queryset(self) -> QuerySet[DatasetRequest]:
        found = DatasetRequest.objects.visible_to(self.request.user)
        return found.select_related("organization").prefetch_related("versions")

    def get_serializer_class(self) -> Any:
        return s.RequestSerializer if self.action == "list" else s.RequestDetailSerializer

    def _answer(self, item: DatasetRequest, code: int = status.HTTP_200_OK) -> Response:
        return Response(s.RequestDetailSerializer(item, context=self.get_serializer_context()).data, status=code)

    @extend_schema(summary="Make a draft", request=s.NewRequestSerializer, responses={201: s.RequestDetailSerializer})
    def create(self, request: Request) -> Response:
        data = read(s.NewRequestSerializer, request)
        return self._answer(request_services.create_request(actor=person(request), **data), status.HTTP_201_CREATED)

    @extend_schema(summary="Replace the draft", request=s.DraftSerializer, responses=_DETAIL)
    @action(detail=True, methods=["put"])
    def draft(self, request: Request, slug: str) -> Response:
        data = read(s.DraftSerializer, request)
        return self._answer(request_services.save_draft(request=self.get_object(), actor=person(request), **data))

    @extend_schema(summary="Submit for a check", request=None, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, slug: str) -> Response:
        return self._answer(request_services.submit_request(request=self.get_object(), actor=person(request)))

    @extend_schema(summary="Open a submitted request (staff)", request=None, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def open(self, request: Request, slug: str) -> Response:
        return self._answer(request_services.open_request(request=self.get_object(), actor=person(request)))

    @extend_schema(
        summary="Return a submitted request with a note (staff)", request=s.DecisionNoteSerializer, responses=_DETAIL
    )
    @action(detail=True, methods=["post"], url_path="return")
    def give_back(self, request: Request, slug: str) -> Response:
        data = read(s.DecisionNoteSerializer, request)
        return self._answer(request_services.return_request(request=self.get_object(), actor=person(request), **data))

    @extend_schema(summary="Amend an open request", request=s.DocumentSerializer, responses={201: s.AmendedSerializer})
    @action(detail=True, methods=["post"])
    def amend(self, request: Request, slug: str) -> Response:
        data = read(s.DocumentSerializer, request)
        version, changes = request_services.amend_request(request=self.get_object(), actor=person(request), **data)
        body = s.AmendedSerializer({"version": version, "changes": changes}).data
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Close an open request", request=None, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, slug: str) -> Response:
        return self._answer(request_services.close_request(request=self.get_object(), actor=person(request)))

    @extend_schema(summary="Cancel a request", request=s.OptionalDecisionNoteSerializer, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, slug: str) -> Response:
        data = read(s.OptionalDecisionNoteSerializer, request)
        return self._answer(request_services.cancel_request(request=self.get_object(), actor=person(request), **data))

    @extend_schema(summary="Every frozen version", responses={200: s.VersionSerializer(many=True)}, filters=False)
    @action(detail=True, methods=["get"], filterset_class=None)
    def versions(self, request: Request, slug: str) -> Response:
        page = self.paginate_queryset(list(self.get_object().versions.order_by("number")))
        return self.get_paginated_response(s.VersionSerializer(page or [], many=True).data)
