"""Fulfillments, batches, files and images over the API: the pages' services and the pages' rule of who sees what."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fulfillment.api.serializers import (
    BatchSerializer,
    FileSerializer,
    FulfillmentSerializer,
    ImageSerializer,
    NewBatchSerializer,
    ProgressSerializer,
)
from fulfillment.ledger import progress
from fulfillment.models import Batch, Fulfillment, Image, QualityScore, SourceFile
from fulfillment.services import batches
from fulfillment.services.as_it_came import keep_as_it_came
from fulfillment.services.file_lists import file_row


class FulfillmentViewSet(viewsets.ReadOnlyModelViewSet[Fulfillment]):
    """Deliveries under way or ended, of the organizations you belong to."""

    scope = "deliveries"
    queryset = Fulfillment.objects.none()
    serializer_class = FulfillmentSerializer
    filterset_fields = ["status"]

    def get_queryset(self) -> QuerySet[Fulfillment]:
        return Fulfillment.objects.visible_to(self.request.user).select_related("request", "hospital")


class BatchViewSet(
    mixins.ListModelMixin, mixins.CreateModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Batch]
):
    """Batches of your organizations; the organization that asked sees a batch once it is sealed."""

    scope = "deliveries"
    queryset = Batch.objects.none()
    serializer_class = BatchSerializer
    filterset_fields = ["status", "fulfillment"]

    def get_queryset(self) -> QuerySet[Batch]:
        return Batch.objects.visible_to(self.request.user).select_related(
            "spec_version", "fulfillment__hospital", "fulfillment__request"
        )

    @extend_schema(request=NewBatchSerializer, responses={201: BatchSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Begin a batch under one of your hospital's active fulfillments."""
        wanted = NewBatchSerializer(data=request.data, context=self.get_serializer_context())
        wanted.is_valid(raise_exception=True)
        batch = batches.create_batch(actor=request.user, **wanted.validated_data)  # type: ignore[arg-type]
        return Response(self.get_serializer(batch).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=BatchSerializer)
    @action(detail=True, methods=["post"])
    def seal(self, request: Request, pk: str | None = None) -> Response:
        """Close the batch and hand it to the reviewers. 409 with cause and remedy while it cannot be sealed."""
        batches.seal_batch(batch=self.get_object(), actor=request.user)  # type: ignore[arg-type]
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses=ProgressSerializer)
    @action(detail=True, methods=["get"])
    def progress(self, request: Request, pk: str | None = None) -> Response:
        """How many files are settled, and how."""
        return Response(ProgressSerializer(progress(self.get_object())).data)


class FileViewSet(viewsets.GenericViewSet[Any]):
    """One file that was sent. Lists are at ``/batches/<id>/files/``."""

    scope = "deliveries"
    queryset = SourceFile.objects.none()
    serializer_class = FileSerializer
    filter_backends: list[Any] = []

    def get_queryset(self) -> QuerySet[SourceFile]:
        return SourceFile.objects.visible_to(self.request.user).select_related("batch__fulfillment__hospital", "image")

    def _answer(self, request: Request, pk: object) -> Response:
        row = file_row(get_object_or_404(self.get_queryset(), pk=pk), user=request.user)
        return Response(FileSerializer(row).data, headers={"Cache-Control": "no-store"})  # it may hold the file's name

    @extend_schema(responses=FileSerializer)
    def retrieve(self, request: Request, pk: UUID | str) -> Response:
        """State, cause and remedy; the original name only for its hospital."""
        return self._answer(request, self.get_object().pk)

    @extend_schema(request=None, responses=FileSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID | str) -> Response:
        """Process a refused or failed file again."""
        file = self.get_object()
        batches.retry_file(file=file, actor=request.user)  # type: ignore[arg-type]
        return self._answer(request, file.pk)

    @extend_schema(request=None, responses=FileSerializer)
    @action(detail=True, methods=["post"], url_path="as-it-came")
    def as_it_came(self, request: Request, pk: UUID | str) -> Response:
        """The picture stood right as it came: process it again, set nothing right, let a reviewer look."""
        file = self.get_object()
        keep_as_it_came(file=file, actor=request.user)  # type: ignore[arg-type]
        return self._answer(request, file.pk)

    @extend_schema(request=None, responses=FileSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: UUID | str) -> Response:
        """Take the file out of its batch."""
        file = self.get_object()
        batches.withdraw_file(file=file, actor=request.user)  # type: ignore[arg-type]
        return self._answer(request, file.pk)


class ImageFilter(django_filters.FilterSet):
    """``?batch=&view=&sex=&conforms=``"""

    batch = django_filters.UUIDFilter(field_name="source__batch")

    class Meta:
        model = Image
        fields = ["view", "sex", "conforms"]


class ImageViewSet(viewsets.ReadOnlyModelViewSet[Image]):
    """De-identified images of the batches you see: their facts and their findings, not their pixels."""

    scope = "deliveries"
    queryset = Image.objects.none()
    serializer_class = ImageSerializer
    filterset_class = ImageFilter

    def get_queryset(self) -> QuerySet[Image]:
        latest = Prefetch("scores", QualityScore.objects.order_by("-created_at"))
        return (
            Image.objects.visible_to(self.request.user)
            .live()
            .select_related("source", "series__study__patient")
            .prefetch_related(latest)
            .order_by("source__batch", "source__number")
        )
