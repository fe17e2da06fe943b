"""What a reviewer must look at before a batch is accepted, and what was looked at. Written once."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from fulfillment.models.delivery import Batch
from fulfillment.models.imaging import Image
from getdata.common.models import Entity, Immutable


class Inspection(Immutable):
    """The sample of a batch as it was sealed, drawn when the first reviewer claims it. ``arithmetic`` says how many and why."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="inspections")
    sealed_at = models.DateTimeField(help_text="the sealing that it speaks of: after a return another sample is drawn")
    drawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    seed = models.CharField(max_length=32, help_text="with the images it gives the same sample again")
    population = models.PositiveIntegerField(help_text="images that had passed")
    certain = models.PositiveIntegerField(help_text="those that are looked at in any case")
    drawn = models.PositiveIntegerField(help_text="those drawn by lot from the others")
    miss = models.FloatField(help_text="probability that the draw holds none of the defects that must not go unnoticed")
    arithmetic = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "sealed_at"], name="one_inspection_a_sealing")
        ]

    def __str__(self) -> str:
        return f"inspection of {self.batch}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.batch.fulfillment.hospital_id)


class InspectionItem(models.Model):
    """One image of the sample, at its place: worst first, then those drawn by lot."""

    class Why(models.TextChoices):
        DOUBT = "doubt", "It asks for a look"
        MASKED = "masked", "It carries a mask"
        NEW = "new", "It came since the last decision"
        LOT = "lot", "Drawn by lot"

    id = models.BigAutoField(primary_key=True)
    inspection = models.ForeignKey(Inspection, on_delete=models.CASCADE, related_name="items")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    place = models.PositiveIntegerField()
    why = models.CharField(max_length=8, choices=Why.choices)

    class Meta:
        ordering = ["inspection", "place"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["inspection", "image"], name="an_image_once_an_inspection")
        ]

    def __str__(self) -> str:
        return f"item {self.place}"


class ImageLook(Immutable):
    """A reviewer had this image before them. The first time counts; an image that was processed again is another image."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="looks")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    milliseconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="how long it was shown, as the browser tells; empty: said by the person"
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["image", "reviewer"], name="one_look_a_person")]

    def __str__(self) -> str:
        return f"look {self.pk}"


class DeskClaim(Entity):
    """Somebody takes an entry of the review queue that has no owner of its own (an organization, a request)."""

    kind = models.CharField(max_length=24)
    key = models.CharField(max_length=64)
    since = models.DateTimeField(help_text="since when the entry waits: handed in again, it is another entry")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "key", "since"], name="one_owner_an_entry")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
