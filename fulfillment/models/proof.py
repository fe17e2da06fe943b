"""The proof of de-identification of a batch, as it was issued."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

from fulfillment.models.delivery import Batch
from getdata.accounts.models import User
from getdata.common.models import Immutable


class DeidCertificateQuerySet(models.QuerySet["DeidCertificate"]):
    def visible_to(self, user: User | AnonymousUser) -> DeidCertificateQuerySet:
        """Whoever may see the batch: a certificate holds no value of any header."""
        return self.filter(batch__in=Batch.objects.visible_to(user))


class DeidCertificate(Immutable):
    """A signed certificate for a batch as it was sealed. Sealing again, after a return, makes another one."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="certificates")
    sealed_at = models.DateTimeField(help_text="the sealing that it speaks of")
    text = models.TextField(help_text="the JSON file as it was issued: a single other byte makes it invalid")
    measured = models.BooleanField(help_text="whether canaries were planted")
    planted = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0, help_text="planted values that survived: a reviewer must look")
    note = models.CharField(max_length=200, blank=True, help_text="why there was no measurement")

    objects = DeidCertificateQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "sealed_at"], name="one_certificate_a_sealing")
        ]

    def __str__(self) -> str:
        return f"de-identification certificate of batch {self.batch.number}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.batch.fulfillment.hospital_id)
