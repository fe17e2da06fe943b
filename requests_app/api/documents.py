"""The document itself: its schema, and a check of one."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from requests_app import serializers as s
from requests_app.api.reading import read
from requests_app.documents import check_document
from requests_app.spec import spec_json_schema, spec_sha256, summarise


class SpecSchemaView(APIView):
    """The JSON Schema of a request document, for editors and validators."""

    scope = "requests"
    public_read = True

    @extend_schema(
        summary="JSON Schema of a specification", operation_id="spec_schema", responses={200: OpenApiTypes.OBJECT}
    )
    def get(self, request: Request) -> Response:
        return Response(spec_json_schema())


class LintView(APIView):
    """Check a document without storing it; nobody needs to sign in."""

    scope = "requests"
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Check a specification",
        operation_id="lint",
        request=s.DocumentSerializer,
        responses={200: s.LintSerializer},
    )
    def post(self, request: Request) -> Response:
        checked = check_document(read(s.DocumentSerializer, request)["document"])
        notes = [{**note.as_dict(), "pointer": note.pointer} for note in checked.notes]
        return Response(
            s.LintSerializer(
                {
                    "readable": checked.spec is not None,
                    "may_be_posted": checked.may_be_posted,
                    "sha256": spec_sha256(checked.spec) if checked.spec else "",
                    "summary": summarise(checked.spec) if checked.spec else [],
                    "notes": notes,
                }
            ).data
        )
