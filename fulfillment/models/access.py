"""Custody: which organization may have a release, who of it by name, what each attested, and what each took."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from fulfillment.models.freezing import frozen_now
from fulfillment.models.outcome import Release, ReleaseItem, ReleaseStatus
from fulfillment.models.release_files import ReleaseFile
from getdata.accounts.models import CAPABILITIES, Organization, OrganizationStatus, User
from getdata.common.models import Entity, Immutable

#: An access that ends within this time is said to end soon.
SOON = timedelta(days=30)


class AccessGrantQuerySet(models.QuerySet["AccessGrant"]):
    def visible_to(self, user: User | AnonymousUser) -> AccessGrantQuerySet:
        """Staff see all; members of the granted organization see its own."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        return self.filter(organization__in=Organization.objects.filter(memberships__user=user))

    def live(self) -> AccessGrantQuerySet:
        """Neither revoked nor over, of a published release, held by an organization that is verified now; and no incident
        stops the release or the organization."""
        frozen = frozen_now()
        standing = self.filter(
            revoked_at=None,
            expires_at__gt=timezone.now(),
            release__status=ReleaseStatus.PUBLISHED,
            organization__status=OrganizationStatus.VERIFIED,
        ).exclude(release__archive="")
        if frozen:
            standing = standing.exclude(release__in=frozen.releases).exclude(organization__in=frozen.organizations)
        return standing

    def usable_by(self, user: User | AnonymousUser) -> AccessGrantQuerySet:
        """Live ones under which this person may download now: a member whose role allows it, named, and attested."""
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        named = GrantedUser.objects.filter(grant=OuterRef("pk"), user=user, removed_at=None)
        return self.live().filter(
            Exists(named.filter(attestations__isnull=False)),
            organization__in=Organization.objects.filter(
                memberships__user=user, memberships__role__in=CAPABILITIES["download"]
            ),
        )


class AccessGrant(Entity):
    """An organization's right to download one release, under its signed agreements, until a day."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="grants")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="grants")
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    revoked_reason = models.TextField(blank=True)

    objects = AccessGrantQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["release", "organization"], condition=Q(revoked_at=None), name="one_live_grant"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization} may download {self.release}"

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    @property
    def ends_soon(self) -> bool:
        return self.is_live and self.expires_at - timezone.now() <= SOON

    @property
    def state(self) -> str:
        """active, expired or revoked: a word that is derived, for it changes with the clock."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.is_live else "expired"

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("grant_detail", args=[self.pk])


class GrantedUser(Entity):
    """A person whom an owner or data manager of the granted organization named as one who may download."""

    grant = models.ForeignKey(AccessGrant, on_delete=models.PROTECT, related_name="named")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    named_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["grant", "user"], condition=Q(removed_at=None), name="one_live_name_a_grant"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.grant.organization}"


class Attestation(Immutable):
    """What a named person attested before the first download: purpose, country and duties, after proving who they are.

    ``statement`` is the text they saw, word for word; one who is named anew attests anew.
    """

    class Method(models.TextChoices):
        PASSWORD = "password", "password"
        TOTP = "totp", "one-time code"

    named = models.ForeignKey(GrantedUser, on_delete=models.PROTECT, related_name="attestations")
    printed_name = models.CharField(max_length=200)
    purpose = models.CharField(max_length=1000)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2: where the data are kept and worked on")
    statement = models.TextField()
    statement_sha256 = models.CharField(max_length=64)
    method = models.CharField("how the person proved who they are", max_length=10, choices=Method.choices)

    class Meta:
        ordering = ["created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(method__in=["password", "totp"]), name="attestation_method_known")
        ]

    def __str__(self) -> str:
        return f"attestation of {self.printed_name}"


class DownloadEvent(Immutable):
    """A line of the custody ledger: who took what, when. Written before a byte leaves.

    A download of the archive is a line for each request. Files fetched one by one are one line for each ``session`` (what one
    run of ``getdata pull`` calls itself, or a day), with a row for each file below it: ``DownloadedFile``.
    """

    grant = models.ForeignKey(AccessGrant, on_delete=models.PROTECT, related_name="downloads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=300, help_text="the archive; empty where files were taken one by one")
    first_byte = models.PositiveBigIntegerField(default=0)
    session = models.CharField(max_length=36, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["grant", "user", "session"], condition=~Q(session=""), name="one_line_a_session"
            )
        ]

    def __str__(self) -> str:
        return f"download by {self.user}"


class DownloadedFile(models.Model):
    """One file, or a part of it, that was about to leave. ``item`` is the image it is or was made from, if any."""

    id = models.BigAutoField(primary_key=True)
    created_at = models.DateTimeField(auto_now_add=True)
    event = models.ForeignKey(DownloadEvent, on_delete=models.PROTECT, related_name="files")
    file = models.ForeignKey(ReleaseFile, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(ReleaseItem, null=True, on_delete=models.PROTECT, related_name="+")
    first_byte = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(help_text="bytes asked for")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"file {self.file_id} in {self.event_id}"
