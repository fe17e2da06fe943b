"""Requests, offers and agreements over the API: the same services and the same visibility as the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from getdata.accounts.models import User
from requests_app import serializers as s
from requests_app.documents import check_document
from requests_app.filters import RequestFilter
from requests_app.models import Agreement, DatasetRequest, Offer
from requests_app.services import agreements as agreement_services
from requests_app.services import offers as offer_services
from requests_app.services import requests as request_services
from requests_app.spec import spec_json_schema, spec_sha256, summarise


def _read(serializer: type[s.serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    reading = serializer(data=request.data, context={"request": request})
    reading.is_valid(raise_exception=True)
    return dict(reading.validated_data)


def _person(request: Request) -> User:
    """Who acts: ``ScopedAccess`` lets nobody else through to a view that writes."""
    assert isinstance(request.user, User)
    return request.user


_DETAIL = {200: s.RequestDetailSerializer}


@extend_schema_view(
    list=extend_schema(summary="List requests", description="Open and closed ones, and those of your organizations."),
    retrieve=extend_schema(summary="One request with specification and meter", responses=_DETAIL),
)
class RequestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[DatasetRequest]):
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
        data = _read(s.NewRequestSerializer, request)
        return self._answer(request_services.create_request(actor=_person(request), **data), status.HTTP_201_CREATED)

    @extend_schema(summary="Replace the draft", request=s.DocumentSerializer, responses=_DETAIL)
    @action(detail=True, methods=["put"])
    def draft(self, request: Request, slug: str) -> Response:
        data = _read(s.DocumentSerializer, request)
        return self._answer(request_services.save_draft(request=self.get_object(), actor=_person(request), **data))

    @extend_schema(summary="Submit for a check", request=None, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, slug: str) -> Response:
        return self._answer(request_services.submit_request(request=self.get_object(), actor=_person(request)))

    @extend_schema(summary="Open a submitted request (staff)", request=None, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def open(self, request: Request, slug: str) -> Response:
        return self._answer(request_services.open_request(request=self.get_object(), actor=_person(request)))

    @extend_schema(
        summary="Return a submitted request with a note (staff)", request=s.DecisionNoteSerializer, responses=_DETAIL
    )
    @action(detail=True, methods=["post"], url_path="return")
    def give_back(self, request: Request, slug: str) -> Response:
        data = _read(s.DecisionNoteSerializer, request)
        return self._answer(request_services.return_request(request=self.get_object(), actor=_person(request), **data))

    @extend_schema(summary="Amend an open request", request=s.DocumentSerializer, responses={201: s.AmendedSerializer})
    @action(detail=True, methods=["post"])
    def amend(self, request: Request, slug: str) -> Response:
        data = _read(s.DocumentSerializer, request)
        version, changes = request_services.amend_request(request=self.get_object(), actor=_person(request), **data)
        body = s.AmendedSerializer({"version": version, "changes": changes}).data
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Close an open request", request=None, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, slug: str) -> Response:
        return self._answer(request_services.close_request(request=self.get_object(), actor=_person(request)))

    @extend_schema(summary="Cancel a request", request=s.OptionalDecisionNoteSerializer, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, slug: str) -> Response:
        data = _read(s.OptionalDecisionNoteSerializer, request)
        return self._answer(request_services.cancel_request(request=self.get_object(), actor=_person(request), **data))

    @extend_schema(summary="Every frozen version", responses={200: s.VersionSerializer(many=True)}, filters=False)
    @action(detail=True, methods=["get"], filterset_class=None)
    def versions(self, request: Request, slug: str) -> Response:
        page = self.paginate_queryset(list(self.get_object().versions.order_by("number")))
        return self.get_paginated_response(s.VersionSerializer(page or [], many=True).data)


@extend_schema_view(
    list=extend_schema(summary="List offers you made or received"),
    retrieve=extend_schema(summary="One offer"),
)
class OfferViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Offer]):
    """Offers of hospitals."""

    scope = "requests"
    queryset = Offer.objects.none()
    serializer_class = s.OfferSerializer
    filterset_fields = ["status", "request__slug", "hospital__slug"]

    def get_queryset(self) -> QuerySet[Offer]:
        found = Offer.objects.visible_to(self.request.user)
        return found.select_related("request__organization", "hospital", "spec_version", "agreement")

    def _answer(self, offer: Offer, code: int = status.HTTP_200_OK) -> Response:
        return Response(s.OfferSerializer(offer, context=self.get_serializer_context()).data, status=code)

    @extend_schema(summary="Make an offer", request=s.NewOfferSerializer, responses={201: s.OfferSerializer})
    def create(self, request: Request) -> Response:
        data = _read(s.NewOfferSerializer, request)
        wanted = get_object_or_404(DatasetRequest.objects.visible_to(request.user), slug=data.pop("request"))
        made = offer_services.submit_offer(request=wanted, actor=_person(request), **data)
        return self._answer(made, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Withdraw (hospital)", request=s.OptionalDecisionNoteSerializer, responses={200: s.OfferSerializer}
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        data = _read(s.OptionalDecisionNoteSerializer, request)
        return self._answer(offer_services.withdraw_offer(offer=self.get_object(), actor=_person(request), **data))

    @extend_schema(summary="Decline (who asked)", request=s.DecisionNoteSerializer, responses={200: s.OfferSerializer})
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        data = _read(s.DecisionNoteSerializer, request)
        return self._answer(offer_services.decline_offer(offer=self.get_object(), actor=_person(request), **data))

    @extend_schema(summary="Draw up the agreement (who asked)", request=None, responses={201: s.AgreementSerializer})
    @action(detail=True, methods=["post"])
    def agreement(self, request: Request, pk: str) -> Response:
        made = agreement_services.draw_agreement(offer=self.get_object(), actor=_person(request))
        return Response(s.AgreementSerializer(made).data, status=status.HTTP_201_CREATED)


@extend_schema_view(
    list=extend_schema(summary="List agreements"),
    retrieve=extend_schema(summary="One agreement with its text and signatures"),
)
class AgreementViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Agreement]):
    """Agreements of one's organizations."""

    scope = "requests"
    queryset = Agreement.objects.none()
    serializer_class = s.AgreementSerializer
    filterset_fields = ["offer", "legal_class"]

    def get_queryset(self) -> QuerySet[Agreement]:
        found = Agreement.objects.visible_to(self.request.user)
        return found.select_related("offer__request__organization", "offer__hospital").prefetch_related(
            "signatures__organization"
        )

    @extend_schema(summary="Sign for one party", request=s.SignSerializer, responses={201: s.AgreementSerializer})
    @action(detail=True, methods=["post"])
    def sign(self, request: Request, pk: str) -> Response:
        data = _read(s.SignSerializer, request)
        agreement_services.sign_agreement(agreement=self.get_object(), actor=_person(request), **data)
        return Response(s.AgreementSerializer(self.get_object()).data, status=status.HTTP_201_CREATED)


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
        checked = check_document(_read(s.DocumentSerializer, request)["document"])
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


ROUTES = [
    ("requests", RequestViewSet, "api-request"),
    ("offers", OfferViewSet, "api-offer"),
    ("agreements", AgreementViewSet, "api-agreement"),
]
API_URLS = [
    path("spec-schema/", SpecSchemaView.as_view(), name="api-spec-schema"),
    path("lint/", LintView.as_view(), name="api-lint"),
]
