"""The document itself: its schema, and a check of one."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from django.utils.decorators import method_decorator
from django.views.decorators.http import condition
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


@cache
def _schema() -> tuple[dict[str, Any], str]:
    """The schema and a tag that changes with it: it is the same for everybody until the program changes."""
    schema = spec_json_schema()
    digest = hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()
    return schema, f'"{digest[:24]}"'


@method_decorator(condition(etag_func=lambda request: _schema()[1]), name="get")
class DatasetSpecSchemaView(APIView):
    """The JSON Schema (draft 2020-12) of a request document, for editors and validators."""

    scope = "requests"
    public_read = True

    @extend_schema(
        summary="JSON Schema of a request document",
        description="Draft 2020-12. What it refuses, this portal refuses too; sums and selections are checked by lint.",
        operation_id="dataset_spec_schema",
        responses={(200, "application/schema+json"): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=3600"}
        return Response(_schema()[0], headers=headers, content_type="application/schema+json")


class SpecSchemaView(DatasetSpecSchemaView):
    """The same at its first address, for those who noted that one."""

    @extend_schema(
        summary="The same, at its first address",
        operation_id="spec_schema",
        responses={(200, "application/schema+json"): OpenApiTypes.OBJECT},
        deprecated=True,
    )
    def get(self, request: Request) -> Response:
        return super().get(request)


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
