"""A blind second reading of a batch's labels by reviewers: the plan as it was drawn, and each answer. Written once."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from fulfillment.models.delivery import Batch
from fulfillment.models.imaging import Image
from getdata.common.models import Immutable
from requests_app.taxonomy import LabelState


class Rereading(Immutable):
    """A sample of a batch's labels, drawn before anybody looks. ``arithmetic`` says in words how many and why."""

    batch = models.OneToOneField(Batch, on_delete=models.PROTECT, related_name="rereading")
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    precision = models.FloatField(help_text="half width of the interval that was asked for")
    expected = models.FloatField(help_text="share of wrong labels that was assumed for it")
    seed = models.CharField(max_length=32, help_text="with the labels it gives the same sample again")
    arithmetic = models.JSONField(default=list)
    strata = models.JSONField(default=list, help_text="finding, state, labels in the batch: what the sample stands for")

    def __str__(self) -> str:
        return f"re-reading of {self.batch}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.batch.fulfillment.hospital_id)


class RereadingItem(models.Model):
    """One label to read again: what was submitted is kept here and not shown until all of the image is read."""

    id = models.BigAutoField(primary_key=True)
    rereading = models.ForeignKey(Rereading, on_delete=models.CASCADE, related_name="items")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    finding = models.CharField(max_length=120)
    submitted = models.CharField(max_length=16)

    class Meta:
        ordering = ["image__source__number", "finding"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rereading", "image", "finding"], name="one_item_a_label_to_read")
        ]

    def __str__(self) -> str:
        return f"item {self.pk}"


class RereadingAnswer(Immutable):
    """What a reviewer saw, before they knew what was submitted. ``state`` is empty where the image does not tell."""

    item = models.OneToOneField(RereadingItem, on_delete=models.CASCADE, related_name="answer")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=["", *(state.value for state in LabelState)]), name="reread_state_known"
            )
        ]

    def __str__(self) -> str:
        return self.state or "cannot be told"
