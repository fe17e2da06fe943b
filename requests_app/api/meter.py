"""The meter over the API."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from requests_app import serializers as s
from requests_app.meter import meter_view
from requests_app.models import DatasetRequest
from requests_app.spec import DatasetSpec


class MeterView(APIView):
    """Needed, offered, received and accepted for every counted line of a request."""

    scope = "requests"
    public_read = True

    @extend_schema(
        summary="How far a request is filled",
        description="Pooled over hospitals. Send the ETag of the last answer as If-None-Match: 304 says that nothing changed.",
        operation_id="requests_meter",
        parameters=[OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, required=False)],
        responses={200: s.MeterSerializer, 304: OpenApiResponse(description="Nothing changed.")},
    )
    def get(self, request: Request, slug: str) -> Response:
        visible = DatasetRequest.objects.visible_to(request.user).select_related("organization")
        found = get_object_or_404(visible, slug=slug)
        view = meter_view(found, request.user, patient=True)
        headers = {"ETag": f'"{view.tag}"', "Cache-Control": "private, no-cache"}
        if headers["ETag"] in parse_etags(request.headers.get("If-None-Match", "")):
            return Response(status=304, headers=headers)
        version = found.versions.filter(number=view.version).first()
        counting = DatasetSpec.model_validate(version.document).quota_counting.value if version else "every"
        body = {
            "request": found.slug,
            "status": found.status,
            "version": view.version,
            "counting": counting,
            "exact": view.exact,
            "filled": view.filled,
            "rows": view.rows,
            "useful": view.useful,
            "more": view.more,
        }
        return Response(s.MeterSerializer(body).data, headers=headers)
