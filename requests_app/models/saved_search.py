"""A search that somebody keeps, and is told about when a request that fits is opened or amended."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models

from getdata.accounts.models import User
from getdata.common.models import Entity


class Pace(models.TextChoices):
    """How soon one is told."""

    AT_ONCE = "at_once", "At once"
    DAILY = "daily", "Once a day"


class SavedSearchQuerySet(models.QuerySet["SavedSearch"]):
    def visible_to(self, user: User | AnonymousUser) -> SavedSearchQuerySet:
        """One's own, and nobody else's: what somebody looks for is their business, staff included."""
        return self.filter(user=user) if isinstance(user, User) else self.none()


class SavedSearch(Entity):
    """``query`` is the address's query of ``Wanted``. ``seen`` is the last change of the catalogue it was compared with."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=120)
    query = models.CharField(max_length=2000, blank=True)
    pace = models.CharField(max_length=10, choices=Pace.choices, default=Pace.DAILY)
    by_mail = models.BooleanField(default=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    seen = models.BigIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)

    objects = SavedSearchQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "query"], name="one_saved_search_a_query"),
            models.CheckConstraint(condition=models.Q(pace__in=Pace.values), name="savedsearch_pace_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["paused_at", "seen"])]

    def __str__(self) -> str:
        return self.name
