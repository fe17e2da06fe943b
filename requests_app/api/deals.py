"""Offers and agreements over the API."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from requests_app import serializers as s
from requests_app.api.reading import person, read
from requests_app.models import Agreement, DatasetRequest, Offer
from requests_app.services import agreements as agreement_services
from requests_app.services import offers as offer_services


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
        data = read(s.NewOfferSerializer, request)
        wanted = get_object_or_404(DatasetRequest.objects.visible_to(request.user), slug=data.pop("request"))
        made = offer_services.submit_offer(request=wanted, actor=person(request), **data)
        return self._answer(made, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Withdraw (hospital)", request=s.OptionalDecisionNoteSerializer, responses={200: s.OfferSerializer}
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        data = read(s.OptionalDecisionNoteSerializer, request)
        return self._answer(offer_services.withdraw_offer(offer=self.get_object(), actor=person(request), **data))

    @extend_schema(summary="Decline (who asked)", request=s.DecisionNoteSerializer, responses={200: s.OfferSerializer})
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        data = read(s.DecisionNoteSerializer, request)
        return self._answer(offer_services.decline_offer(offer=self.get_object(), actor=person(request), **data))

    @extend_schema(
        summary="Draw up the agreement on all of it or a part (who asked)",
        request=s.PartSerializer,
        responses={201: s.AgreementSerializer},
    )
    @action(detail=True, methods=["post"])
    def agreement(self, request: Request, pk: str) -> Response:
        part = read(s.PartSerializer, request)
        made = agreement_services.draw_agreement(offer=self.get_object(), actor=person(request), **part)
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
        data = read(s.SignSerializer, request)
        agreement_services.sign_agreement(agreement=self.get_object(), actor=person(request), **data)
        return Response(s.AgreementSerializer(self.get_object()).data, status=status.HTTP_201_CREATED)
