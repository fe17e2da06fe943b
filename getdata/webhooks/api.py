"""Webhooks over the API: the same services, for owners."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from getdata.accounts.models import Organization, User
from getdata.webhooks import services
from getdata.webhooks.address import MAX_LENGTH
from getdata.webhooks.models import Attempt, Delivery, Endpoint
from getdata.webhooks.topics import topics


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    """An endpoint. Its secrets are never shown again."""

    organization: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    events = serializers.ListField(source="topics", child=serializers.CharField(), read_only=True)
    live = serializers.BooleanField(source="is_live", read_only=True)
    key_ids = serializers.SerializerMethodField()

    class Meta:
        model = Endpoint
        fields = [
            "id",
            "organization",
            "url",
            "events",
            "live",
            "disabled_at",
            "disabled_reason",
            "last_success_at",
            "key_ids",
            "created_at",
        ]
        read_only_fields = fields

    def get_key_ids(self, endpoint: Endpoint) -> list[str]:
        """The ids of the secrets that sign now, the newest first."""
        return [key.key_id for key in endpoint.keys.all() if key.is_live]


class NewSecretSerializer(serializers.Serializer[Any]):
    """Shown once."""

    key_id = serializers.CharField()
    secret = serializers.CharField()


class MadeEndpointSerializer(EndpointSerializer):
    """A new endpoint with its secret, shown this once."""

    signing = serializers.SerializerMethodField()

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "signing"]
        read_only_fields = fields

    def get_signing(self, endpoint: Endpoint) -> dict[str, str]:
        return {"key_id": endpoint.keys.latest("created_at").key_id, "secret": self.context["secret"]}


class WebhookChangeSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=MAX_LENGTH)
    events = serializers.ListField(child=serializers.CharField(max_length=60), allow_empty=False, max_length=100)


class WebhookRegisterSerializer(WebhookChangeSerializer):
    organization = serializers.SlugField()


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    class Meta:
        model = Attempt
        fields = ["created_at", "status_code", "error", "milliseconds"]
        read_only_fields = fields


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One event sent to one endpoint."""

    event = serializers.CharField(source="topic", read_only=True)
    state = serializers.ChoiceField(choices=["waiting", "delivered", "failed"], read_only=True)
    tries = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = Delivery
        fields = [
            "id",
            "event_id",
            "event",
            "state",
            "attempts",
            "next_attempt_at",
            "delivered_at",
            "gave_up_at",
            "body",
            "tries",
            "created_at",
        ]
        read_only_fields = fields


class TopicSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    says = serializers.CharField()


@extend_schema_view(
    list=extend_schema(summary="Webhooks of organizations you own"),
    retrieve=extend_schema(summary="One webhook"),
)
class WebhookViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Endpoint]):
    """Endpoints of the organizations of which the caller is an owner."""

    scope = "webhooks"
    serializer_class = EndpointSerializer
    queryset = Endpoint.objects.none()
    filterset_fields = ("organization__slug",)

    def get_queryset(self) -> QuerySet[Endpoint]:
        found = Endpoint.objects.visible_to(self.request.user)
        return found.select_related("organization").prefetch_related("keys").order_by("created_at")

    @extend_schema(
        summary="Register an endpoint; the secret is in this answer and nowhere else",
        request=WebhookRegisterSerializer,
        responses={201: MadeEndpointSerializer},
    )
    def create(self, request: Request) -> Response:
        data = _read(WebhookRegisterSerializer, request)
        organization = get_object_or_404(Organization.objects.visible_to(request.user), slug=data["organization"])
        made, secret = services.register_endpoint(
            organization=organization, url=data["url"], topics=data["events"], actor=_person(request)
        )
        body = MadeEndpointSerializer(made, context={"secret": secret}).data
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change address and events", request=WebhookChangeSerializer, responses={200: EndpointSerializer}
    )
    def update(self, request: Request, pk: str) -> Response:
        data = _read(WebhookChangeSerializer, request)
        changed = services.update_endpoint(
            endpoint=self.get_object(), url=data["url"], topics=data["events"], actor=_person(request)
        )
        return Response(EndpointSerializer(changed).data)

    @extend_schema(summary="Remove it with its log", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        services.remove_endpoint(endpoint=self.get_object(), actor=_person(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="A new secret; the old one signs for a day more", request=None, responses=NewSecretSerializer
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        endpoint = self.get_object()
        secret = services.rotate_secret(endpoint=endpoint, actor=_person(request))
        key_id = endpoint.keys.order_by("-created_at").values_list("key_id", flat=True)[0]
        return Response(NewSecretSerializer({"key_id": key_id, "secret": secret}).data)

    @extend_schema(summary="End the old secret now", request=None, responses=EndpointSerializer)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, pk: str) -> Response:
        services.retire_old_secret(endpoint=self.get_object(), actor=_person(request))
        return Response(EndpointSerializer(self.get_object()).data)

    @extend_schema(summary="Switch it on", request=None, responses=EndpointSerializer)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        return Response(
            EndpointSerializer(services.enable_endpoint(endpoint=self.get_object(), actor=_person(request))).data
        )

    @extend_schema(summary="Switch it off", request=None, responses=EndpointSerializer)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        return Response(
            EndpointSerializer(services.disable_endpoint(endpoint=self.get_object(), actor=_person(request))).data
        )

    @extend_schema(summary="Send a test", request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        sent = services.send_test(endpoint=self.get_object(), actor=_person(request))
        return Response(DeliverySerializer(sent).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="What was sent, newest first; kept for 30 days",
        responses={200: DeliverySerializer(many=True)},
        filters=False,
    )
    @action(detail=True, methods=["get"], filterset_fields=())
    def deliveries(self, request: Request, pk: str) -> Response:
        page: Any = self.paginate_queryset(self.get_object().deliveries.prefetch_related("tries"))  # type: ignore[arg-type]
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)


class AgainView(GenericAPIView[Any]):
    """One event of the log."""

    scope = "webhooks"
    serializer_class = DeliverySerializer

    @extend_schema(
        summary="Send it again, with the same event id",
        operation_id="webhooks_send_again",
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, pk: str, delivery: str) -> Response:
        mine = Delivery.objects.filter(endpoint__in=Endpoint.objects.visible_to(request.user), endpoint=pk)
        found = get_object_or_404(mine.select_related("endpoint__organization"), pk=delivery)
        again = services.send_again(delivery=found, actor=_person(request))
        return Response(DeliverySerializer(again).data, status=status.HTTP_202_ACCEPTED)


class TopicsView(GenericAPIView[Any]):
    """The events an endpoint can choose."""

    scope = "webhooks"
    public_read = True
    serializer_class = TopicSerializer

    @extend_schema(
        summary="Events a webhook can choose",
        operation_id="webhook_events",
        filters=False,
        responses={200: TopicSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page: Any = self.paginate_queryset(topics())  # type: ignore[arg-type]
        return self.get_paginated_response(TopicSerializer(page, many=True).data)


def _read(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    reading = serializer(data=request.data)
    reading.is_valid(raise_exception=True)
    return dict(reading.validated_data)


def _person(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


ROUTES = [("webhooks", WebhookViewSet, "api-webhook")]
API_URLS = [
    path("webhook-events/", TopicsView.as_view(), name="api-webhook-events"),
    path("webhooks/<uuid:pk>/deliveries/<uuid:delivery>/again/", AgainView.as_view(), name="api-webhook-again"),
]
