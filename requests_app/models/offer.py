"""A hospital's offer."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from getdata.accounts.models import Organization, User
from getdata.common.models import Entity
from getdata.common.states import status_constraint
from requests_app.models.request import DatasetRequest, SpecVersion


class OfferStatus(models.TextChoices):
    SUBMITTED = "submitted", "Submitted"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"


class OfferQuerySet(models.QuerySet["Offer"]):
    def visible_to(self, user: User | AnonymousUser) -> OfferQuerySet:
        """Members of the hospital that offers and of the organization that asked, and staff."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        return self.filter(Q(hospital__in=mine) | Q(request__organization__in=mine))


class Offer(Entity):
    """A hospital's offer to fill part of a request, counted by quota line."""

    Status = OfferStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "submitted": {"accepted", "declined", "withdrawn", "expired"},
        "accepted": set(),
        "declined": set(),
        "withdrawn": set(),
        "expired": set(),
    }

    request = models.ForeignKey(DatasetRequest, on_delete=models.PROTECT, related_name="offers")
    spec_version = models.ForeignKey(SpecVersion, on_delete=models.PROTECT, related_name="+")
    hospital = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="offers")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    images = models.PositiveIntegerField("images offered")
    patients = models.PositiveIntegerField("patients offered", default=0)
    cells = models.JSONField(default=dict, help_text="check_id of a quota line -> images offered")
    message = models.TextField(blank=True, max_length=4000)
    deliver_by = models.DateField(null=True, blank=True)
    expires_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=OfferStatus.choices, default=OfferStatus.SUBMITTED)
    status_note = models.TextField(blank=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            status_constraint("offer", OfferStatus),
            models.UniqueConstraint(
                fields=["request", "hospital"],
                condition=Q(status__in=["submitted", "accepted"]),
                name="one_live_offer_a_hospital",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hospital}: {self.images} images"

    @property
    def audit_organization_id(self) -> str:
        return str(self.hospital_id)

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("offer_detail", args=[self.pk])
