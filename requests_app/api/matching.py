"""A hospital's profile, the requests that fit it, and how many hospitals a request finds."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from pydantic import ValidationError
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from getdata.accounts.models import Organization
from requests_app.api.reading import person
from requests_app.match_lists import SMALLEST_COUNT, match_counts, requests_for
from requests_app.matching import Capability, completeness
from requests_app.models import CapabilityProfile, DatasetRequest
from requests_app.services.capabilities import state_capability
from requests_app.spec import DatasetSpec


class ProfileSerializer(serializers.Serializer[Any]):
    """What a hospital states; ``capability`` keys left out are not stated."""

    capability = serializers.DictField(
        help_text="modalities and views (images a year), first_year, last_year, devices, portable_percent, youngest, "
        "oldest, reports, languages, readers, board_certified, annotations, label_methods, legal_classes, countries, "
        "any_country, notes"
    )
    stated = serializers.IntegerField(read_only=True)
    subjects = serializers.IntegerField(read_only=True)
    missing = serializers.ListField(child=serializers.CharField(), read_only=True)


class ReasonSerializer(serializers.Serializer[Any]):
    check_id = serializers.CharField(source="need.key")
    label = serializers.CharField(source="need.label")  # type: ignore[assignment]
    must = serializers.BooleanField(source="need.must")
    verdict = serializers.ChoiceField(choices=["meets", "part", "lacks", "removes", "unknown"])
    score = serializers.FloatField(allow_null=True)
    said = serializers.CharField()


class MatchSerializer(serializers.Serializer[Any]):
    """One open request and how well the hospital fits it."""

    request = serializers.SlugField(source="request.slug")
    title = serializers.CharField(source="request.title")
    percent = serializers.IntegerField(source="fit.percent", allow_null=True)
    stated = serializers.IntegerField(source="fit.stated")
    asked = serializers.IntegerField(source="fit.asked")
    reasons = ReasonSerializer(source="fit.reasons", many=True)
    has_offer = serializers.BooleanField()


class RemovalSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField(allow_null=True, help_text=f"null: fewer than {SMALLEST_COUNT}")


class MatchCountsSerializer(serializers.Serializer[Any]):
    """How many verified hospitals match; a count below 5 is null."""

    matching = serializers.IntegerField(allow_null=True, help_text=f"null: fewer than {SMALLEST_COUNT}")
    removals = RemovalSerializer(many=True)


def _hospital(request: Request, slug: str) -> Organization:
    mine = Organization.objects.filter(memberships__user=person(request), kind=Organization.Kind.HOSPITAL)
    return get_object_or_404(mine, slug=slug)


def _capability(request: Request, hospital: Organization) -> Capability:
    profile = CapabilityProfile.objects.visible_to(person(request)).filter(hospital=hospital).first()
    return profile.capability if profile else Capability()


class CapabilityView(APIView):
    """The profile of one's own hospital."""

    scope = "requests"

    @extend_schema(summary="What your hospital states of its archive", responses={200: ProfileSerializer})
    def get(self, request: Request, slug: str) -> Response:
        return _profile(_capability(request, _hospital(request, slug)))

    @extend_schema(
        summary="State what your hospital holds", request=ProfileSerializer, responses={200: ProfileSerializer}
    )
    def put(self, request: Request, slug: str) -> Response:
        hospital = _hospital(request, slug)
        reading = ProfileSerializer(data=request.data)
        reading.is_valid(raise_exception=True)
        try:
            capability = Capability.model_validate(reading.validated_data["capability"])
        except ValidationError as error:
            raise serializers.ValidationError(
                {".".join(["capability", *(str(part) for part in e["loc"])]): [e["msg"]] for e in error.errors()}
            ) from None
        state_capability(hospital=hospital, capability=capability, actor=person(request))
        return _profile(capability)


def _profile(capability: Capability) -> Response:
    complete = completeness(capability)
    said = {
        "capability": capability.model_dump(mode="json", exclude_defaults=True),
        "stated": complete.stated,
        "subjects": complete.total,
        "missing": list(complete.missing),
    }
    return Response(ProfileSerializer(said).data)


class MatchesView(GenericAPIView[Any]):
    """Open requests for one's own hospital."""

    scope = "requests"
    serializer_class = MatchSerializer

    @extend_schema(
        summary="Requests that fit your hospital, best first",
        filters=False,
        responses={200: MatchSerializer(many=True)},
    )
    def get(self, request: Request, slug: str) -> Response:
        hospital = _hospital(request, slug)
        page: Any = self.paginate_queryset(requests_for(hospital, _capability(request, hospital)))  # type: ignore[arg-type]
        return self.get_paginated_response(MatchSerializer(page, many=True).data)


class MatchCountsView(APIView):
    """How many hospitals match a request of one's own organization."""

    scope = "requests"

    @extend_schema(
        operation_id="requests_match_counts", summary="How many hospitals match", responses={200: MatchCountsSerializer}
    )
    def get(self, request: Request, slug: str) -> Response:
        mine = DatasetRequest.objects.filter(organization__memberships__user=person(request))
        found = get_object_or_404(mine.select_related("organization"), slug=slug)
        version = found.current_version
        document = version.document if version else found.draft
        try:
            spec = DatasetSpec.model_validate(document)
        except ValidationError:
            raise serializers.ValidationError(
                "The draft cannot be read yet. See /api/v1/lint/ for what to mend."
            ) from None
        counts = match_counts(spec, found.organization)
        return Response(
            {
                "matching": _told(counts.matching),
                "removals": [{"label": one.label, "count": _told(one.count)} for one in counts.removals],
            }
        )


def _told(count: int) -> int | None:
    return count if count >= SMALLEST_COUNT else None
