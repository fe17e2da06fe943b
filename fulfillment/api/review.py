"""API of the review desk and of releases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from fulfillment.models import Batch, BatchStatus, Image, Release, Review, SourceFile
from fulfillment.selectors import sees_whole_release
from fulfillment.services import release_window, releases, reviews
from fulfillment.views.release_delivery import deliver, require_grant
from getdata.accounts.models import User
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
    """A release as lists show it."""

    request = serializers.CharField(source="request.slug", read_only=True)
    built = serializers.BooleanField(source="is_built", read_only=True)

    class Meta:
        model = Release
        fields = [
            "id", "request", "number", "status", "status_note", "created_at", "approved_at", "live_at", "round",
            "published_at", "built", "problem",
            "archive_size", "archive_sha256",
        ]  # fmt: skip
        read_only_fields: list[str] = fields


class ReleaseDetailSerializer(ReleaseSerializer):
    """A release with the digests of its files. A hospital sees the count of its own images and no manifest."""

    images = serializers.SerializerMethodField(help_text="images you may know of: all, or those of your hospital")
    manifest = serializers.SerializerMethodField(
        help_text="path -> SHA-256; empty unless you may have the whole release"
    )

    class Meta(ReleaseSerializer.Meta):
        fields = [*ReleaseSerializer.Meta.fields, "images", "manifest"]
        read_only_fields = fields

    def get_images(self, release: Release) -> int:
        return Image.objects.visible_to(self._user).filter(release_items__release=release).count()

    def get_manifest(self, release: Release) -> dict[str, str]:
        if not release.is_built or not sees_whole_release(release, self._user):
            return {}
        return dict(release.files.filter(path__startswith="data/").values_list("path", "sha256").iterator())

    @property
    def _user(self) -> User:
        user: User = self.context["request"].user
        return user


class PrepareSerializer(serializers.Serializer[Any]):
    """Which request's accepted images to release."""

    request = serializers.SlugField(max_length=120)


class RoundSerializer(serializers.Serializer[Any]):
    """``round`` of the release as you read it: where it was taken back since, nothing is decided."""

    round = serializers.IntegerField(required=False, min_value=0)


class UndoSerializer(RoundSerializer):
    """Why a release is taken back; colleagues read it."""

    reason = serializers.CharField(max_length=2000)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why a release is withdrawn; everyone who holds it reads it."""

    reason = serializers.CharField(max_length=2000)


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
        notes = _notes(batch, asked.validated_data["notes"])
        decision, summary = asked.validated_data["decision"], asked.validated_data["summary"]
        actor: Any = request.user
        if decision == Review.Decision.ACCEPTED and notes:
            raise CannotDo(
                "An accepted batch carries no notes.",
                remedy="Return the batch with its notes, or send none.",
                code="notes_waiting",
            )
        match decision:
            case Review.Decision.ACCEPTED:
                reviews.accept_batch(batch=batch, actor=actor, summary=summary)
            case Review.Decision.RETURNED:
                reviews.return_batch(batch=batch, actor=actor, summary=summary, notes=notes)
            case _:
                reviews.reject_batch(batch=batch, actor=actor, summary=summary, notes=notes)
        batch.refresh_from_db()
        return Response(self.get_serializer(batch).data)


def _notes(batch: Batch, texts: dict[str, str]) -> dict[SourceFile, str]:
    files = {str(file.pk): file for file in batch.files.all()} if texts else {}
    unknown = set(texts) - set(files)
    if unknown:
        raise CannotDo(
            f"{len(unknown)} of the notes name no file of this batch.",
            remedy="Use the ids of the batch's files.",
            code="unknown_file",
        )
    return {files[key]: text for key, text in texts.items()}


class ReleaseViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Release]):
    """Releases you may know of. Reading and downloading need the scope ``releases:read``."""

    scope = "releases"
    serializer_class = ReleaseSerializer
    queryset = Release.objects.none()

    def get_queryset(self) -> Any:
        return Release.objects.visible_to(self.request.user).select_related("request")  # type: ignore[arg-type]

    def get_serializer_class(self) -> type[ReleaseSerializer]:
        return ReleaseSerializer if self.action == "list" else ReleaseDetailSerializer

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY, 206: OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def download(self, request: Request, pk: str | None = None) -> HttpResponseBase:
        """The package, whole or by ``Range``; on an S3 store a redirect to a signed address that lives a minute."""
        release, user = self.get_object(), request.user
        return deliver(request._request, user, release, require_grant(release, user))  # type: ignore[arg-type]


class StaffView(APIView):
    """What only reviewers do. For everyone else it does not exist, as on the pages."""

    scope = "review"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not getattr(request.user, "is_reviewer", False):
            raise Http404

    def answer(self, release: Release, *, code: int = status.HTTP_200_OK) -> Response:
        """The release as it stands now."""
        fresh = Release.objects.select_related("request").get(pk=release.pk)
        return Response(ReleaseDetailSerializer(fresh, context={"request": self.request}).data, status=code)


class PrepareReleaseView(StaffView):
    """Prepare a release of a request's accepted images."""

    @extend_schema(request=PrepareSerializer, responses={201: ReleaseDetailSerializer})
    def post(self, request: Request) -> Response:
        asked = PrepareSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = get_object_or_404(
            DatasetRequest.objects.visible_to(request.user),  # type: ignore[arg-type]
            slug=asked.validated_data["request"],
        )
        release = releases.prepare_release(request=wanted, actor=request.user)  # type: ignore[arg-type]
        return self.answer(release, code=status.HTTP_201_CREATED)


class PublishReleaseView(StaffView):
    """Publish a release that a colleague prepared. It goes live when ``live_at`` has passed, and can be undone until then."""

    @extend_schema(request=RoundSerializer, responses=ReleaseDetailSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        asked = RoundSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        release, seen = get_object_or_404(Release, pk=pk), asked.validated_data.get("round")
        return self.answer(releases.publish_release(release=release, actor=request.user, seen=seen))  # type: ignore[arg-type]


class UndoReleaseView(StaffView):
    """Take a release back before it goes live: it is a draft again."""

    @extend_schema(request=UndoSerializer, responses=ReleaseDetailSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        asked = UndoSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        release, seen = get_object_or_404(Release, pk=pk), asked.validated_data.get("round")
        reason, actor = asked.validated_data["reason"], request.user
        return self.answer(release_window.undo_release(release=release, actor=actor, reason=reason, seen=seen))  # type: ignore[arg-type]


class DiscardReleaseView(StaffView):
    """Throw away a draft; the accepted images stay accepted."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, pk: UUID) -> Response:
        releases.discard_release(release=get_object_or_404(Release, pk=pk), actor=request.user)  # type: ignore[arg-type]
        return Response(status=status.HTTP_204_NO_CONTENT)


class WithdrawReleaseView(StaffView):
    """Withdraw a published release: its grants end at once."""

    @extend_schema(request=ReasonSerializer, responses=ReleaseDetailSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        asked = ReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        release = get_object_or_404(Release, pk=pk)
        reason = asked.validated_data["reason"]
        return self.answer(releases.withdraw_release(release=release, actor=request.user, reason=reason))  # type: ignore[arg-type]


ROUTES = [("review/batches", ReviewViewSet, "review-batch"), ("releases", ReleaseViewSet, "release")]
API_URLS = [
    path("review/releases/", PrepareReleaseView.as_view(), name="api-release-prepare"),
    path("review/releases/<uuid:pk>/publish/", PublishReleaseView.as_view(), name="api-release-publish"),
    path("review/releases/<uuid:pk>/undo/", UndoReleaseView.as_view(), name="api-release-undo"),
    path("review/releases/<uuid:pk>/discard/", DiscardReleaseView.as_view(), name="api-release-discard"),
    path("review/releases/<uuid:pk>/withdraw/", WithdrawReleaseView.as_view(), name="api-release-withdraw"),
]
