"""Evidence packs: what a privacy officer files of a batch or a release, as it was issued."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from fulfillment.models.delivery import Batch
from fulfillment.models.outcome import Release, ReleaseStatus
from getdata.accounts.models import Organization, User
from getdata.common.models import Entity


class EvidencePackQuerySet(models.QuerySet["EvidencePack"]):
    def visible_to(self, user: User | AnonymousUser) -> EvidencePackQuerySet:
        """Staff; of a batch its hospital; of a release the organization that asked: each pack speaks of their own affairs."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        return self.filter(
            Q(batch__fulfillment__hospital__in=mine)
            | Q(
                release__request__organization__in=mine,
                release__status__in=[ReleaseStatus.PUBLISHED, ReleaseStatus.WITHDRAWN],
            )
        )


class EvidencePack(Entity):
    """One pack, built by a worker as of a moment. The file's bytes lie in the released storage, under ``stored``."""

    batch = models.ForeignKey(Batch, null=True, on_delete=models.PROTECT, related_name="evidence_packs")
    release = models.ForeignKey(Release, null=True, on_delete=models.CASCADE, related_name="evidence_packs")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateTimeField(help_text="what is told stood at this moment")
    stored = models.CharField(
        max_length=200, blank=True, help_text="key in the released storage; empty while it is built"
    )
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=200, blank=True)

    objects = EvidencePackQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(batch__isnull=False, release=None) | Q(batch=None, release__isnull=False),
                name="a_pack_is_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"evidence of {self.batch or self.release}"

    @property
    def is_ready(self) -> bool:
        return bool(self.stored)

    @property
    def audit_organization_id(self) -> str:
        if self.batch is not None:
            return str(self.batch.fulfillment.hospital_id)
        return str(self.release.request.organization_id) if self.release is not None else ""
