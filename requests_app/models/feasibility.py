"""Counts of an archive against a request, made before an offer."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from getdata.accounts.models import Organization, User
from getdata.common.models import Immutable
from requests_app.models.request import DatasetRequest, SpecVersion


class FeasibilityQuerySet(models.QuerySet["Feasibility"]):
    def visible_to(self, user: User | AnonymousUser) -> FeasibilityQuerySet:
        """Members of the hospital; who asked, once an offer rests on the counts; staff."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        asked = Q(offers__isnull=False, request__organization__in=mine)
        return self.filter(Q(hospital__in=mine) | asked).distinct()


class Feasibility(Immutable):
    """One count. ``counts`` holds what may be shown alone: small cells are suppressed before anything is kept."""

    class Source(models.TextChoices):
        FORM = "form", "Typed in"
        FILE = "file", "From a file"

    request = models.ForeignKey(DatasetRequest, on_delete=models.PROTECT, related_name="feasibilities")
    spec_version = models.ForeignKey(SpecVersion, on_delete=models.PROTECT, related_name="+")
    hospital = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="feasibilities")
    counted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    counts = models.JSONField(help_text='check_id -> count, "<11" or "withheld"')
    counted_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=4, choices=Source.choices)

    objects = FeasibilityQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "feasibilities"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(source__in=["form", "file"]), name="feasibility_source_known")
        ]

    def __str__(self) -> str:
        return f"counts of {self.hospital}"

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("feasibility_detail", args=[self.pk])
