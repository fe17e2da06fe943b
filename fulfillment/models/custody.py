"""Custody of originals: the keys they are sealed under, and the proof that they are gone."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models

from fulfillment.models.delivery import Batch, SourceFile
from getdata.accounts.models import Organization, User
from getdata.common.models import Entity, Immutable


class SealingKey(Entity):
    """A hospital's key for the originals it sent: it wraps the data key of each object. The newest one seals; all of them open."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    ident = models.CharField(max_length=16, unique=True, help_text="stands in the header of what it sealed")
    sealed_secret = models.BinaryField(
        help_text="sealed under a key derived from the portal's master key; empty once the key is retired"
    )
    retired_at = models.DateTimeField(null=True, help_text="when nothing was sealed under it any more")

    class Meta:
        ordering = ["organization", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "number"], name="one_number_a_sealing_key")
        ]

    def __str__(self) -> str:
        return f"sealing key {self.ident}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.organization_id)


class Occasion(models.TextChoices):
    """Why originals are not needed any more."""

    ACCEPTED = "accepted", "Batch accepted"
    REJECTED = "rejected", "Batch rejected"
    ENDED = "ended", "Delivery ended"
    WITHDRAWN = "withdrawn", "Files withdrawn"


class DestructionQuerySet(models.QuerySet["OriginalsDestruction"]):
    def visible_to(self, user: User | AnonymousUser) -> DestructionQuerySet:
        """The hospital whose originals they were, and staff. It holds counts and keyed digests, no name."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        return self.filter(batch__fulfillment__hospital__in=Organization.objects.filter(memberships__user=user))


class OriginalsDestruction(Immutable):
    """A signed certificate that originals of a batch were destroyed, as it was issued."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="destructions")
    occasion = models.CharField(max_length=10, choices=Occasion.choices)
    objects_destroyed = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField(help_text="bytes of the originals, as they were sent")
    text = models.TextField(help_text="the JSON file as it was issued: a single other byte makes it invalid")

    objects = DestructionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(occasion__in=Occasion.values), name="occasion_known")
        ]

    def __str__(self) -> str:
        return f"destruction certificate of batch {self.batch.number}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.batch.fulfillment.hospital_id)


class Clearance(Entity):
    """What people of the hospital say of a withheld image: that what looks like text in it names nobody. One asks, another one
    looks too; the image then goes to a reviewer, marked. It holds for the file's bytes alone."""

    file = models.OneToOneField(SourceFile, on_delete=models.CASCADE, related_name="clearance")
    content_digest = models.CharField(max_length=64)
    reason = models.TextField(max_length=1000)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("asked_by")),
                name="a_second_look_is_another_persons",
            )
        ]

    def __str__(self) -> str:
        return f"clearance of file {self.file.number}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.file.batch.fulfillment.hospital_id)
