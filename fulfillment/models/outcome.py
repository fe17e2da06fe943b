"""Decisions and what follows from them: reviews, releases, who may download, who did."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from fulfillment.models.delivery import Batch, SourceFile
from fulfillment.models.imaging import Image
from getdata.accounts.models import Organization, User
from getdata.common.models import Entity, Immutable
from getdata.common.states import status_constraint
from requests_app.models import DatasetRequest


class Review(Immutable):
    """A reviewer's decision on a batch."""

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        RETURNED = "returned", "Returned with notes"
        REJECTED = "rejected", "Rejected"

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    summary = models.TextField(max_length=4000)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.decision} by {self.reviewer}"


class ReviewNote(Immutable):
    """What a returned file needs."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="notes")
    file = models.ForeignKey(SourceFile, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(max_length=2000)

    class Meta:
        ordering = ["file__number"]

    def __str__(self) -> str:
        return f"note on file {self.file.number}"


class PendingNote(Entity):
    """A note that a reviewer is still writing: kept while they look at page after page, sent with the decision.

    It survives a batch that is given back: whoever claims it next sees it, and decides whether it goes out.
    """

    file = models.OneToOneField(SourceFile, on_delete=models.CASCADE, related_name="pending_note")
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=2000)

    class Meta:
        ordering = ["file__number"]

    def __str__(self) -> str:
        return f"unsent note on file {self.file.number}"


class ReleaseStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    APPROVED = "approved", "Goes live soon"
    PUBLISHED = "published", "Published"
    WITHDRAWN = "withdrawn", "Withdrawn"


#: Nobody but staff knows of a release in these states, and nothing of it leaves.
NOT_OUT = (ReleaseStatus.DRAFT, ReleaseStatus.APPROVED)


class ReleaseQuerySet(models.QuerySet["Release"]):
    def visible_to(self, user: User | AnonymousUser) -> ReleaseQuerySet:
        """Staff see all; the organization that asked and the hospitals inside see what is published or was withdrawn."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        return self.exclude(status__in=NOT_OUT).filter(
            Q(request__organization__in=mine)
            | Q(
                pk__in=ReleaseItem.objects.filter(image__source__batch__fulfillment__hospital__in=mine).values(
                    "release"
                )
            )
        )


class Release(Entity):
    """A documented, versioned package of accepted images. Prepared by one reviewer, published by another.

    Between the second person's word and the first byte lies a time in which either of them takes it back: *approved*, until
    ``live_at``.
    """

    Status = ReleaseStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "draft": {"approved"},
        "approved": {"published", "draft"},
        "published": {"withdrawn"},
        "withdrawn": set(),
    }

    request = models.ForeignKey(DatasetRequest, on_delete=models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    prepared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    live_at = models.DateTimeField(null=True, blank=True, help_text="until then it can be undone")
    round = models.PositiveSmallIntegerField(default=0, help_text="grows with each undo: an older page decides nothing")
    status = models.CharField(max_length=10, choices=ReleaseStatus.choices, default=ReleaseStatus.DRAFT)
    status_note = models.TextField(blank=True)
    # The package, once a worker has built it.
    archive = models.CharField(max_length=200, blank=True, help_text="key in the released storage")
    archive_size = models.PositiveBigIntegerField(default=0)
    archive_sha256 = models.CharField(max_length=64, blank=True)
    problem = models.CharField(max_length=200, blank=True, help_text="why building the package failed")
    # One worker builds at a time; a worker that died leaves a lease that runs out.
    build_lease_until = models.DateTimeField(null=True, blank=True)
    build_attempts = models.PositiveSmallIntegerField(default=0, help_text="takes since the package last grew")
    build_token = models.UUIDField(null=True, blank=True, help_text="of the worker that holds the lease")
    build_state = models.JSONField(default=dict, blank=True, help_text="what a later worker needs to go on")

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            status_constraint("release", ReleaseStatus),
            models.UniqueConstraint(fields=["request", "number"], name="one_number_a_release"),
            models.CheckConstraint(
                condition=Q(published_by=None) | ~Q(published_by=models.F("prepared_by")),
                name="a_release_needs_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request} · release {self.number}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.request.organization_id)

    @property
    def is_built(self) -> bool:
        return bool(self.archive)

    @property
    def archive_name(self) -> str:
        """The folder the archive unpacks to."""
        return self.archive.rsplit("/", 1)[-1].removesuffix(".zip")


class ReleaseUndo(Immutable):
    """A release that was taken back before it went live, and why. Nobody is named where the portal itself held it back."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="undos")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=2000)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"undo of {self.release}"


class ReleaseItem(Immutable):
    """One image in one release, at its path in the package."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="items")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="release_items")
    number = models.PositiveIntegerField(default=0, help_text="its place in the package, counted from 1")
    path = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["number", "path"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["release", "image"], name="an_image_once_a_release")]
        indexes: ClassVar = [
            models.Index(fields=["release", "path"], name="item_by_path"),
            models.Index(fields=["release", "number"], name="items_in_their_order"),
        ]

    def __str__(self) -> str:
        return self.path
