"""API of the review desk and of releases."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from fulfillment.models import Batch, BatchStatus, Release, Review
from fulfillment.services import releases, reviews
from fulfillment.views.releases import deliver
from getdata.accounts.permissions import require_staff
from getdata.common.problems import CannotDo
from requests_app.models import DatasetRequest


class ReviewBatchSerializer(serializers.ModelSerializer[Batch]):
    """A batch in the reviewers' queue."""

    hospital = serializers.CharField(source="fulfillment.hospital.slug", read_only=True)
    request = serializers.CharField(source="fulfillment.request.slug", read_only=True)

    class Meta:
        model = Batch
        fields = ["id", "number", "name", "status", "hospital", "request", "sealed_at", "review_due_at", "findings"]
        read_only_fields = fields


class DecisionSerializer(serializers.Serializer[Any]):
    """A decision: ``notes`` maps a file's id to what is wrong with it and is required when a batch is returned."""

    decision = serializers.ChoiceField(choices=Review.Decision.choices)
    summary = serializers.CharField(max_length=4000)
    notes = serializers.DictField(child=serializers.CharField(max_length=2000), required=False, default=dict)


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    """A release, with the digests of every file in its package."""

    request = serializers.CharField(source="request.slug", read_only=True)
    images = serializers.SerializerMethodField()
    built = serializers.BooleanField(source="is_built", read_only=True)

    class Meta:
        model = Release
        fields = [
            "id", "request", "number", "status", "status_note", "created_at", "published_at", "built", "problem",
            "images", "archive_size", "archive_sha256", "manifest",
        ]  # fmt: skip
        read_only_fields = fields

    def get_images(self, release: Release) -> int:
        return release.items.count()


class ReviewViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Batch]):
    """Batches that wait for a reviewer. Staff only: for others the list is empty."""

    scope = "review"
    serializer_class = ReviewBatchSerializer
    queryset = Batch.objects.none()

    def get_queryset(self) -> Any:
        user = self.request.user
        if not getattr(user, "is_reviewer", False):
            return Batch.objects.none()
        return (
            Batch.objects.visible_to(user)  # type: ignore[arg-type]
            .filter(status__in=[BatchStatus.SEALED, BatchStatus.IN_REVIEW])
            .select_related("fulfillment__hospital", "fulfillment__request")
            .order_by("review_due_at")
        )

    @extend_schema(request=None, responses=ReviewBatchSerializer)
    @action(detail=True, methods=["post"])
    def claim(self, request: Request, pk: str | None = None) -> Response:
        """Take a sealed batch into review."""
        batch = reviews.claim_batch(batch=self.get_object(), actor=request.user)  # type: ignore[arg-type]
        return Response(self.get_serializer(batch).data)

    @extend_schema(request=None, responses=ReviewBatchSerializer)
    @action(detail=True, methods=["post"], url_path="give-back")
    def give_back(self, request: Request, pk: str | None = None) -> Response:
        """Put a claimed batch back into the queue."""
        batch = reviews.give_back_batch(batch=self.get_object(), actor=request.user)  # type: ignore[arg-type]
        return Response(self.get_serializer(batch).data)

    @extend_schema(request=DecisionSerializer, responses=ReviewBatchSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str | None = None) -> Response:
        """Accept, return with notes, or reject a batch that you claimed."""
        batch: Batch = self.get_object()
        asked = DecisionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        actor: Any = request.user
        summary, notes = asked.validated_data["summary"], asked.validated_data["notes"]
        match asked.validated_data["decision"]:
            case Review.Decision.ACCEPTED:
                reviews.accept_batch(batch=batch, actor=actor, summary=summary)
            case Review.Decision.RETURNED:
                files = {str(file.pk): file for file in batch.files.all()}
                if unknown := set(notes) - set(files):
                    raise CannotDo(
                        f"{len(unknown)} of the notes name no file of this batch.",
                        remedy="Use the ids of the batch's files.",
                        code="unknown_file",
                    )
                reviews.return_batch(
                    batch=batch, actor=actor, summary=summary, notes={files[key]: text for key, text in notes.items()}
                )
            case _:
                reviews.reject_batch(batch=batch, actor=actor, summary=summary)
        batch.refresh_from_db()
        return Response(self.get_serializer(batch).data)


class ReleaseViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Release]):
    """Releases. Reading needs the scope ``releases:read``; preparing and publishing are for staff."""

    scope = "releases"
    serializer_class = ReleaseSerializer
    queryset = Release.objects.none()

    def get_queryset(self) -> Any:
        return Release.objects.visible_to(self.request.user).select_related("request")  # type: ignore[arg-type]

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY, 206: OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def download(self, request: Request, pk: str | None = None) -> HttpResponseBase:
        """The package, whole or by ``Range``; on an S3 store a redirect to a signed address that lives five minutes."""
        return deliver(request._request, request.user, self.get_object())  # type: ignore[arg-type]


class PrepareReleaseView(APIView):
    """Prepare a release of a request's accepted images. Staff only."""

    scope = "review"

    @extend_schema(
        request=inline_serializer("PrepareRelease", {"request": serializers.SlugField()}), responses={201: ReleaseSerializer}
    )
    def post(self, request: Request) -> Response:
        require_staff(request.user)  # type: ignore[arg-type]
        wanted = get_object_or_404(
            DatasetRequest.objects.visible_to(request.user),  # type: ignore[arg-type]
            slug=str(request.data.get("request", "")),
        )
        release = releases.prepare_release(request=wanted, actor=request.user)  # type: ignore[arg-type]
        return Response(ReleaseSerializer(release).data, status=status.HTTP_201_CREATED)


class PublishReleaseView(APIView):
    """Publish a release that a colleague prepared. Staff only."""

    scope = "review"

    @extend_schema(request=None, responses=ReleaseSerializer)
    def post(self, request: Request, pk: str) -> Response:
        require_staff(request.user)  # type: ignore[arg-type]
        release = get_object_or_404(Release.objects.visible_to(request.user), pk=pk)  # type: ignore[arg-type]
        return Response(ReleaseSerializer(releases.publish_release(release=release, actor=request.user)).data)  # type: ignore[arg-type]


ROUTES = [("review/batches", ReviewViewSet, "review-batch"), ("releases", ReleaseViewSet, "release")]
API_URLS = [
    path("review/releases/", PrepareReleaseView.as_view(), name="api-release-prepare"),
    path("review/releases/<uuid:pk>/publish/", PublishReleaseView.as_view(), name="api-release-publish"),
]
