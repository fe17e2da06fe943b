"""The audit log's export over the API: the same document as on the page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from getdata.accounts.models import Organization
from getdata.trust import audit_export


class ExportQuerySerializer(serializers.Serializer[Any]):
    since = serializers.DateField(required=False)


class AuditExportSerializer(serializers.Serializer[Any]):
    """Checked without this portal by ``deid.proof.log_export``."""

    statement = serializers.JSONField(help_text="what the export holds, signed by the portal")
    anchors = serializers.ListField(
        child=serializers.JSONField(), help_text="signed heads of the log that the proofs lead to"
    )
    events = serializers.ListField(
        child=serializers.JSONField(), help_text="the organization's events, oldest first, each with hash and proof"
    )


class AuditExportView(APIView):
    """For owners and privacy officers of the organization."""

    scope = "account"

    @extend_schema(
        operation_id="organizations_audit",
        parameters=[OpenApiParameter("since", OpenApiTypes.DATE, description="events from this day on (UTC)")],
        responses=AuditExportSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """The organization's part of the audit log, signed, each event with its proof."""
        organization = get_object_or_404(Organization.objects.visible_to(request.user), slug=slug)
        if not audit_export.may_export(request.user, organization):
            self.permission_denied(request, message="Only an owner or privacy officer of the organization can do this.")
        query = ExportQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        day = query.validated_data.get("since")
        since = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
        audit_export.note_export(organization=organization, actor=request.user, kind="api")  # type: ignore[arg-type]
        text = audit_export.as_json(organization, audit_export.events_of(organization, since=since))
        return Response(json.loads(text), headers={"Cache-Control": "private, no-store"})


ROUTES: list[tuple[str, Any, str]] = []
API_URLS = [path("organizations/<slug:slug>/audit/", AuditExportView.as_view(), name="api-organization-audit")]
