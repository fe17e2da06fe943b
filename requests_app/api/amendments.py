"""The next version of an open request over the API: written, compared, posted, checked, given up."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from requests_app import serializers as s
from requests_app.api.reading import person, read
from requests_app.models import LIVE_AMENDMENT, Amendment, DatasetRequest
from requests_app.services import amendments, drafts


class AmendmentSerializer(serializers.ModelSerializer[Amendment]):
    """An amendment with what it changes against the version that it was made from."""

    changes = s.ChangeSerializer(many=True, source="found_changes")

    class Meta:
        model = Amendment
        fields = ["status", "status_note", "base_number", "revision", "document", "changes", "submitted_at"]


_ANSWER = {200: AmendmentSerializer}


class AmendmentActions:
    """The part of ``/requests/{slug}/`` that is about its amendment; there is one that is live at most."""

    def _asked(self) -> DatasetRequest:
        found: DatasetRequest = self.get_object()  # type: ignore[attr-defined]
        return found

    def _live(self, request: Request) -> Amendment:
        visible = Amendment.objects.visible_to(request.user).select_related("request__organization")
        return get_object_or_404(visible, request=self._asked(), status__in=LIVE_AMENDMENT)

    def _said(self, amendment: Amendment, code: int = status.HTTP_200_OK) -> Response:
        amendment.found_changes = amendments.amendment_changes(amendment)  # type: ignore[attr-defined]
        return Response(AmendmentSerializer(amendment).data, status=code)

    @extend_schema(summary="The amendment being written or checked", request=None, responses=_ANSWER)
    @action(detail=True, methods=["get"])
    def amendment(self, request: Request, slug: str) -> Response:
        return self._said(self._live(request))

    @extend_schema(
        summary="Begin or replace the amendment",
        description="Nothing opens yet. `revision` is the one that was edited; a newer one is not overwritten.",
        request=s.DraftSerializer,
        responses=_ANSWER,
    )
    @amendment.mapping.put
    def write_amendment(self, request: Request, slug: str) -> Response:
        data: dict[str, Any] = read(s.DraftSerializer, request)
        begun = amendments.start_amendment(request=self._asked(), actor=person(request))
        return self._said(drafts.save_amendment(amendment=begun, actor=person(request), **data))

    @extend_schema(summary="Give the amendment up", request=None, responses={204: None})
    @amendment.mapping.delete
    def discard_amendment(self, request: Request, slug: str) -> Response:
        amendments.discard_amendment(amendment=self._live(request), actor=person(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Post the amendment",
        description="It opens as the next version at once, or waits for staff where it changes what they have checked.",
        request=None,
        responses=_ANSWER,
    )
    @action(detail=True, methods=["post"], url_path="amendment/post")
    def post_amendment(self, request: Request, slug: str) -> Response:
        return self._said(amendments.post_amendment(amendment=self._live(request), actor=person(request)))

    @extend_schema(summary="Open a posted amendment (staff)", request=None, responses=_ANSWER)
    @action(detail=True, methods=["post"], url_path="amendment/open")
    def open_amendment(self, request: Request, slug: str) -> Response:
        return self._said(amendments.open_amendment(amendment=self._live(request), actor=person(request)))

    @extend_schema(
        summary="Return a posted amendment with a note (staff)", request=s.DecisionNoteSerializer, responses=_ANSWER
    )
    @action(detail=True, methods=["post"], url_path="amendment/return")
    def return_amendment(self, request: Request, slug: str) -> Response:
        data = read(s.DecisionNoteSerializer, request)
        live = self._live(request)
        return self._said(amendments.return_amendment(amendment=live, actor=person(request), **data))
