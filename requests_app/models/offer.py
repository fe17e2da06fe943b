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
from requests_app.models.feasibility import Feasibility
from requests_app.models.request import DatasetRequest, SpecVersion


class OfferStatus(models.TextChoices):
    SUBMITTED = "submitted", "Submitted"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"


#: An offer that still binds or may come to bind its hospital; one at a time for each hospital and request.
LIVE_OFFER_STATUSES = (OfferStatus.SUBMITTED, OfferStatus.ACCEPTED)


class OfferQuerySet(models.QuerySet["Offer"]):
    def live(self) -> OfferQuerySet:
        """Those that wait for an answer or were accepted."""
        return self.filter(status__in=LIVE_OFFER_STATUSES)

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
    deviations = models.JSONField(
        default=dict, blank=True, help_text='check_id -> {"text": what differs, "percent": of the images, or null}'
    )
    message = models.TextField(blank=True, max_length=4000)
    terms = models.TextField(blank=True, max_length=4000)
    deliver_from = models.DateField(null=True, blank=True)
    deliver_by = models.DateField(null=True, blank=True)
    feasibility = models.ForeignKey(Feasibility, null=True, blank=True, on_delete=models.PROTECT, related_name="offers")
    agreed = models.JSONField(
        default=dict,
        blank=True,
        help_text="what the agreement takes of it: images, patients, cells; empty: not drawn up",
    )
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

    @property
    def counted_images(self) -> int:
        """What counts: the part agreed once an agreement is drawn up, until then all that is offered."""
        return int(self.agreed.get("images", self.images))

    @property
    def counted_patients(self) -> int:
        return int(self.agreed.get("patients", self.patients))

    @property
    def counted_cells(self) -> dict[str, int]:
        return dict(self.agreed.get("cells", self.cells))

    @property
    def is_partly_agreed(self) -> bool:
        """An agreement is drawn up that takes less than was offered."""
        whole = {"images": self.images, "patients": self.patients, "cells": self.cells}
        return bool(self.agreed) and self.agreed != whole

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("offer_detail", args=[self.pk])
