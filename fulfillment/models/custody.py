"""Custody of originals: the keys they are sealed under, and the proof that they are gone."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

from fulfillment.models.delivery import Batch
from getdata.accounts.models import Organization, User
from getdata.common.models import Entity, Immutable


class SealingKey(Entity):
    """A hospital's key for the originals it sent: it wraps the data key of each object. The newest one seals; all of them open."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    ident = models.CharField(max_length=16, unique=True, help_text="stands in the header of what it sealed")
    sealed_secret = models.BinaryField(help_text="sealed under a key derived from the portal's master key")

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
