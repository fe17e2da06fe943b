"""A release over the API: its files one by one, who may download them, and attesting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fulfillment.models import AccessGrant, Attestation, Release, ReleaseFile
from fulfillment.services import attestations
from fulfillment.views.release_delivery import SESSION_HEADER, deliver_file, require_grant
from getdata.accounts.models import User
from getdata.common.pagination import Pages


class FilePages(Pages):
    """``?page=2&page_size=1000``; never more than 1,000 rows."""

    page_size = 500
    max_page_size = 1000


class ReleaseFileSerializer(serializers.ModelSerializer[ReleaseFile]):
    """One file of a release: its path below the folder that the archive unpacks to, its bytes, its digest."""

    class Meta:
        model = ReleaseFile
        fields = ["path", "size", "sha256"]
        read_only_fields = fields


class AttestSerializer(serializers.Serializer[Any]):
    """Purpose and country, and proof of who one is: the password, or a one-time code of the authenticator."""

    printed_name = serializers.CharField(max_length=200)
    purpose = serializers.CharField(max_length=attestations.MAX_PURPOSE)
    country = serializers.RegexField(r"^[A-Z]{2}$", help_text="ISO 3166-1, two letters; one that the agreement names")
    keeps_duties = serializers.BooleanField(help_text="true: you keep the duties that GET lists")
    password = serializers.CharField(required=False, default="", trim_whitespace=False)
    code = serializers.CharField(required=False, default="", max_length=12)

    def validate_keeps_duties(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("Nothing can be downloaded without keeping the duties.")
        return value


class TermsSerializer(serializers.Serializer[Any]):
    """What is attested to."""

    purposes = serializers.ListField(child=serializers.CharField(), help_text="the purpose that was agreed on")
    countries = serializers.ListField(child=serializers.CharField(), help_text="where the data may be")
    duties = serializers.ListField(child=serializers.CharField())


class AttestationSerializer(serializers.ModelSerializer[Attestation]):
    """What was attested, word for word, with its digest."""

    expires_at = serializers.DateTimeField(source="named.grant.expires_at", help_text="when the access ends")

    class Meta:
        model = Attestation
        fields = [
            "id", "created_at", "printed_name", "purpose", "country", "statement", "statement_sha256", "method", "expires_at",
        ]  # fmt: skip
        read_only_fields = fields


def _user(request: Request) -> User:
    assert isinstance(request.user, User)  # ScopedAccess lets nobody else through
    return request.user


def _release(request: Request, pk: UUID) -> Release:
    return get_object_or_404(Release.objects.visible_to(request.user).select_related("request"), pk=pk)


class ReleaseFilesView(GenericAPIView[ReleaseFile]):
    """The files of a release that you may download, in the order in which they lie in the archive."""

    scope = "releases"
    queryset = ReleaseFile.objects.none()
    serializer_class = ReleaseFileSerializer
    pagination_class = FilePages
    filter_backends: list[Any] = []

    @extend_schema(
        parameters=[OpenApiParameter("prefix", str, description="only paths that begin so, such as data/dicom/")],
        responses=ReleaseFileSerializer(many=True),
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Path, size and SHA-256 of every file, or of those below a folder."""
        release = _release(request, pk)
        require_grant(release, _user(request))
        files = release.files.all()
        if prefix := request.query_params.get("prefix", "")[:300]:
            files = files.filter(path__startswith=prefix)
        page = self.paginate_queryset(files)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class ReleaseFileView(APIView):
    """One file of a release."""

    scope = "releases"

    @extend_schema(
        parameters=[
            OpenApiParameter(
                SESSION_HEADER,
                str,
                OpenApiParameter.HEADER,
                description="what one run of a program calls itself (8 to 36 letters, digits and dashes): its files are "
                "one line of the custody ledger",
            )
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 206: OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: UUID, path: str) -> HttpResponseBase:
        """The file, whole or by Range; its ETag is its SHA-256. It is noted before a byte leaves."""
        release, user = _release(request, pk), _user(request)
        grant = require_grant(release, user)
        file = release.files.filter(path=path).first()
        if file is None:
            raise Http404
        return deliver_file(request._request, user, release, grant, file)


class AttestView(APIView):
    """What is to be attested before the first download, and attesting it for oneself."""

    scope = "releases"

    def _grant(self, request: Request, pk: UUID) -> AccessGrant:
        release, user = _release(request, pk), _user(request)
        grant = attestations.grant_to_attest(release=release, user=user)
        return grant if grant is not None else require_grant(release, user)

    @extend_schema(responses=TermsSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """Purpose, countries and duties of the agreements behind the release."""
        return Response(TermsSerializer(attestations.terms_of(self._grant(request, pk).release)).data)

    @extend_schema(request=AttestSerializer, responses={201: AttestationSerializer})
    def post(self, request: Request, pk: UUID) -> Response:
        """Attest. Who may name others and is not named yet names themselves by it."""
        grant = self._grant(request, pk)
        asked = AttestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        asked.validated_data.pop("keeps_duties")
        made = attestations.attest(grant=grant, actor=_user(request), **asked.validated_data)
        return Response(AttestationSerializer(made).data, status=status.HTTP_201_CREATED)


API_URLS = [
    path("releases/<uuid:pk>/files/", ReleaseFilesView.as_view(), name="api-release-files"),
    path("releases/<uuid:pk>/files/<path:path>", ReleaseFileView.as_view(), name="api-release-file"),
    path("releases/<uuid:pk>/attestation/", AttestView.as_view(), name="api-release-attest"),
]
