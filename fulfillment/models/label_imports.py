"""A hospital's label file on its way in: read, mapped, looked at, and only then taken into the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from fulfillment.models.delivery import Batch, SourceFile
from getdata.accounts.models import CAPABILITIES, Organization, User
from getdata.common.models import Entity
from getdata.common.states import status_constraint


class LabelImportStatus(models.TextChoices):
    READING = "reading", "Being read"
    READY = "ready", "Ready for you"
    FAILED = "failed", "Failed"
    CONFIRMED = "confirmed", "Confirmed"
    DISCARDED = "discarded", "Discarded"


class LabelImportQuerySet(models.QuerySet["LabelImport"]):
    def visible_to(self, user: User | AnonymousUser) -> LabelImportQuerySet:
        """Members of the hospital who may bring files: what is read here has the hospital's own names in it. Staff never."""
        if not isinstance(user, User):
            return self.none()
        mine = Organization.objects.filter(memberships__user=user, memberships__role__in=CAPABILITIES["upload"])
        return self.filter(batch__fulfillment__hospital__in=mine)

    def under_way(self) -> LabelImportQuerySet:
        return self.exclude(status__in=[LabelImportStatus.CONFIRMED, LabelImportStatus.DISCARDED])


class LabelImport(Entity):
    """One file on the import screen. The bytes, the file's name, the mapping and what was read are sealed for the hospital.

    ``mapped_at`` is empty until a person has looked at the mapping. Once confirmed, ``file`` is its row in the ledger, which
    the worker reads under this mapping.
    """

    Status = LabelImportStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "reading": {"ready", "failed", "discarded"},
        "ready": {"reading", "confirmed", "discarded"},
        "failed": {"reading", "discarded"},
        "confirmed": set(),
        "discarded": set(),
    }

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="label_imports")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=LabelImportStatus.choices, default=LabelImportStatus.READING)
    sealed_name = models.BinaryField()
    stored = models.CharField(max_length=200, blank=True, help_text="key of the sealed file in the quarantine storage")
    size = models.PositiveBigIntegerField()
    content_digest = models.CharField(max_length=64, help_text="keyed fingerprint of the bytes")
    sealed_plan = models.BinaryField(default=bytes, help_text="how it is to be read: format, columns, names, image ids")
    sealed_survey = models.BinaryField(default=bytes, help_text="what was read, for the hospital's eyes")
    remembered = models.BooleanField(default=False, help_text="the mapping came from an earlier file of the same shape")
    mapped_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    file = models.OneToOneField(
        SourceFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="label_import"
    )

    objects = LabelImportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            status_constraint("labelimport", LabelImportStatus),
            models.CheckConstraint(
                condition=~Q(status="discarded") | Q(stored=""), name="a_discarded_import_keeps_no_file"
            ),
        ]

    def __str__(self) -> str:
        return f"label import {self.pk}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.batch.fulfillment.hospital_id)


class LabelMapping(Entity):
    """How a hospital mapped the last file of one shape: offered again for the next. Sealed: names may hold anything."""

    hospital = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    shape = models.CharField(max_length=64, help_text="keyed fingerprint of format, columns and label list")
    sealed_plan = models.BinaryField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hospital", "shape"], name="one_mapping_a_hospital_and_shape")
        ]

    def __str__(self) -> str:
        return f"mapping {self.pk}"
