"""Saved searches over the API: one's own, with the same services as the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from requests_app.api.reading import person, read
from requests_app.catalogue.wanted import Wanted
from requests_app.models import Pace, SavedSearch
from requests_app.services import saved_searches as services


class SavedSearchSerializer(serializers.ModelSerializer[SavedSearch]):
    """A search one keeps; ``query`` is that of the list of requests: ``q=bedside&category=cxr&finding=Pneumothorax``."""

    in_words = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    paused = serializers.SerializerMethodField()

    class Meta:
        model = SavedSearch
        fields = ["id", "name", "query", "in_words", "pace", "by_mail", "paused", "told_at", "created_at", "url"]

    def get_in_words(self, search: SavedSearch) -> str:
        """What it looks for."""
        return Wanted.of(search.query).in_words()

    def get_url(self, search: SavedSearch) -> str:
        """The address of its results."""
        return services.results_url(search)

    def get_paused(self, search: SavedSearch) -> bool:
        """Whether it tells nobody at present."""
        return search.paused_at is not None


class NewSavedSearchSerializer(serializers.Serializer[Any]):
    query = serializers.CharField(
        max_length=2000, allow_blank=True, help_text="the query of the list of requests; unknown values are left out"
    )
    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    pace = serializers.ChoiceField(choices=Pace.choices, default=Pace.DAILY)
    by_mail = serializers.BooleanField(default=True)


class ChangedSavedSearchSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120, required=False)
    pace = serializers.ChoiceField(choices=Pace.choices, required=False)
    by_mail = serializers.BooleanField(required=False)


_ONE = {200: SavedSearchSerializer}


@extend_schema_view(
    list=extend_schema(summary="List your saved searches"), retrieve=extend_schema(summary="One saved search")
)
class SavedSearchViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[SavedSearch]):
    """Searches that tell you of requests that fit."""

    scope = "requests"
    queryset = SavedSearch.objects.none()
    serializer_class = SavedSearchSerializer
    filterset_fields = ["pace"]

    def get_queryset(self) -> QuerySet[SavedSearch]:
        return SavedSearch.objects.visible_to(self.request.user)

    @extend_schema(
        summary="Save a search",
        request=NewSavedSearchSerializer,
        responses={201: SavedSearchSerializer},
        examples=[
            OpenApiExample(
                "Pneumothorax at the bedside",
                value={"query": "q=bedside&category=cxr&finding=Pneumothorax", "pace": "at_once", "by_mail": True},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        data = read(NewSavedSearchSerializer, request)
        made = services.save_search(actor=person(request), wanted=Wanted.of(data.pop("query")), **data)
        return Response(SavedSearchSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Rename it, or change how you are told", request=ChangedSavedSearchSerializer, responses=_ONE
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        data = read(ChangedSavedSearchSerializer, request)
        changed = services.change_search(search=self.get_object(), actor=person(request), **data)
        return Response(SavedSearchSerializer(changed).data)

    @extend_schema(summary="Delete it", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        services.delete_search(search=self.get_object(), actor=person(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Pause it", request=None, responses=_ONE)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        paused = services.pause_search(search=self.get_object(), actor=person(request))
        return Response(SavedSearchSerializer(paused).data)

    @extend_schema(summary="Resume it", request=None, responses=_ONE)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        resumed = services.resume_search(search=self.get_object(), actor=person(request))
        return Response(SavedSearchSerializer(resumed).data)
