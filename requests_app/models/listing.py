"""What lists, facets and search read: one narrow row for each public request, and a log of what changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from requests_app.models.request import Category, DatasetRequest


class RequestListing(models.Model):
    """An open or closed request as the catalogue lists it. Written by ``requests_app.services.listing`` alone.

    ``title``, ``findings`` (one a line, with its aliases) and ``body`` are the text that is searched, from most to least weight; the
    index over them (``requests_app.catalogue.words``) belongs to the database and is not a field.
    """

    number = models.BigAutoField(primary_key=True)
    request = models.OneToOneField(DatasetRequest, on_delete=models.CASCADE, related_name="listing")
    is_open = models.BooleanField(default=True)
    category = models.CharField(max_length=10, choices=Category.choices)
    report_linkage = models.CharField(max_length=10)
    images = models.PositiveIntegerField(default=0)
    still_needed = models.PositiveIntegerField(
        default=0, help_text="for the order of lists; the sweeper keeps it current"
    )
    deadline = models.DateField(null=True, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1, help_text="the number of the SpecVersion that is listed")
    announced = models.BigIntegerField(default=0, help_text="the change with which it was opened or last amended")
    title = models.TextField()
    findings = models.TextField(blank=True)
    body = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return self.title


class CatalogueState(models.Model):
    """One row: the number of the last change. Whoever makes a change holds it, so that changes are committed in their order."""

    version = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"change {self.version}"


class CatalogueChange(models.Model):
    """One change of one listing. A snapshot in memory reads the changes after its own and is current again.

    The token is different for every change, so that a number given out twice, after a rollback, is noticed.
    """

    version = models.BigIntegerField(primary_key=True)
    token = models.CharField(max_length=32)
    listing = models.BigIntegerField()

    class Meta:
        ordering: ClassVar = ["version"]

    def __str__(self) -> str:
        return f"change {self.version} of listing {self.listing}"
