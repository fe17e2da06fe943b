"""One's inbox and one's choices over the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from getdata.notifications import preferences
from getdata.notifications.matrix import EVENTS, Channel, Group, who
from getdata.notifications.models import Notification
from getdata.notifications.services import mark_all_read, mark_read


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """One line of the inbox."""

    class Meta:
        model = Notification
        fields = ["id", "event", "group", "text", "url", "read_at", "created_at"]
        read_only_fields = fields


class CountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()


class PreferenceSerializer(serializers.Serializer[Any]):
    """The channel chosen for a group; empty: each event keeps its own."""

    group = serializers.ChoiceField(choices=Group.choices)
    channel = serializers.ChoiceField(choices=Channel.choices, allow_blank=True)


class MatrixRowSerializer(serializers.Serializer[Any]):
    """One event: whom it reaches, and how unless they chose otherwise."""

    event = serializers.CharField()
    group = serializers.CharField()
    subject = serializers.CharField()
    reaches = serializers.CharField()
    channel = serializers.CharField()
    locked = serializers.BooleanField(help_text="cannot be switched off")


class PreferencesSerializer(serializers.Serializer[Any]):
    preferences = PreferenceSerializer(many=True)
    matrix = MatrixRowSerializer(many=True, read_only=True)


class NotificationFilter(filters.FilterSet):
    """``?unread=true``, ``?group=offers``, ``?event=offer.submitted``."""

    unread = filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")

    class Meta:
        model = Notification
        fields = ["group", "event"]


@extend_schema_view(
    list=extend_schema(summary="Your inbox, newest first"),
    retrieve=extend_schema(summary="One line of your inbox"),
)
class NotificationViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Notification]):
    """The caller's own lines."""

    scope = "account"
    serializer_class = NotificationSerializer
    queryset = Notification.objects.none()
    filterset_class = NotificationFilter

    def get_queryset(self) -> QuerySet[Notification]:
        user: Any = self.request.user
        return Notification.objects.filter(user=user) if user.is_authenticated else Notification.objects.none()

    @extend_schema(summary="Mark one line as read", request=None, responses={200: NotificationSerializer})
    @action(detail=True, methods=["post"])
    def read(self, request: Request, pk: str) -> Response:
        mark_read(notification=self.get_object())
        return Response(NotificationSerializer(self.get_object()).data)

    @extend_schema(
        summary="Mark everything as read",
        operation_id="notifications_read_all",
        request=None,
        responses={200: CountSerializer},
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="read", filterset_class=None)
    def read_all(self, request: Request) -> Response:
        return Response(CountSerializer({"count": mark_all_read(user=request.user)}).data)


class PreferencesView(APIView):
    """What comes by e-mail, and the matrix of events."""

    scope = "account"

    @extend_schema(
        summary="Your choices and the matrix of events",
        operation_id="notification_preferences",
        responses={200: PreferencesSerializer},
    )
    def get(self, request: Request) -> Response:
        return _told(request)

    @extend_schema(
        summary="Choose the channel of groups",
        operation_id="notification_preferences_set",
        request=PreferencesSerializer,
        responses={200: PreferencesSerializer},
    )
    def put(self, request: Request) -> Response:
        reading = PreferencesSerializer(data=request.data)
        reading.is_valid(raise_exception=True)
        chosen = {row["group"]: row["channel"] for row in reading.validated_data["preferences"]}
        preferences.choose(user=request.user, choices=chosen, actor=request.user)
        return _told(request)


def _told(request: Request) -> Response:
    chosen = preferences.preferences_of(request.user)
    matrix = [
        {
            "event": key,
            "group": event.group,
            "subject": event.subject,
            "reaches": who(event),
            "channel": event.channel,
            "locked": event.locked,
        }
        for key, event in EVENTS.items()
    ]
    rows = [{"group": group, "channel": channel} for group, channel in chosen.items()]
    return Response(PreferencesSerializer({"preferences": rows, "matrix": matrix}).data)


ROUTES = [("notifications", NotificationViewSet, "api-notification")]
API_URLS = [path("notifications/preferences/", PreferencesView.as_view(), name="api-notification-preferences")]
