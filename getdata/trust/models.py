"""What the portal's word rests on: anchors of the audit log, versions of keys, and openings of a hospital's scope by staff."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone

from getdata.accounts.models import Organization, User
from getdata.common.models import Entity, Immutable


class AuditAnchor(Immutable):
    """The head of the audit log at one moment, signed. Kept outside the database too, it shows a rewritten or shortened log."""

    number = models.PositiveIntegerField(unique=True)
    event_id = models.BigIntegerField(help_text="the number of the last event it speaks of")
    events = models.BigIntegerField(help_text="how many events there were up to that one")
    head = models.CharField(max_length=64, help_text="that event's hash")
    text = models.TextField(help_text="the JSON file as it was signed")

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"audit anchor {self.number}"


class KeyRoot(Entity):
    """A secret that must outlive the master key that it was first derived from, sealed under the present one."""

    class Kind(models.TextChoices):
        DIGESTS = "digests", "keyed fingerprints of names and contents"

    kind = models.CharField(max_length=20, choices=Kind.choices, unique=True)
    sealed_secret = models.BinaryField()

    class Meta:
        ordering = ["kind"]

    def __str__(self) -> str:
        return f"root of {self.kind}"


class SigningKeyVersion(Entity):
    """A key that signs certificates, releases' papers and anchors. A retired one signs no more; what it signed stays verifiable."""

    number = models.PositiveIntegerField(unique=True)
    fingerprint = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the raw public key")
    public = models.CharField(max_length=64, help_text="the raw public key, hexadecimal")
    sealed_seed = models.BinaryField(default=bytes, help_text="empty for the key that the environment holds")
    handover = models.TextField(blank=True, help_text="signed by the key before: that this one follows it")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"signing key {self.fingerprint[:16]}"


class OpeningQuerySet(models.QuerySet["ScopeOpening"]):
    def visible_to(self, user: User | AnonymousUser) -> OpeningQuerySet:
        """The organization whose scope was opened, and staff."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        return self.filter(organization__in=Organization.objects.filter(memberships__user=user))

    def running(self) -> OpeningQuerySet:
        return self.filter(ended_at=None, expires_at__gt=timezone.now())


class ScopeOpening(Entity):
    """Break-glass: one member of staff sees what else only one organization sees, for a stated reason and a short time."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="openings")
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=1000)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = OpeningQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "opened_by"],
                condition=models.Q(ended_at=None),
                name="one_opening_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"opening of {self.organization}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.organization_id)

    @property
    def is_running(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()
