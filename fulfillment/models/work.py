"""Book-keeping of the workers: whose turn it was, and when the clock's tasks last ran. Nothing here is evidence."""

from __future__ import annotations

from django.db import models

from getdata.accounts.models import Organization


class Turn(models.Model):
    """When a worker last took a file of this hospital: among hospitals with equal work in hand the longest waiting is next."""

    hospital = models.OneToOneField(Organization, on_delete=models.CASCADE, primary_key=True, related_name="+")
    served_at = models.DateTimeField(help_text="by the database's clock")

    def __str__(self) -> str:
        return f"turn of {self.hospital_id}"


class Pulse(models.Model):
    """When something that must run again and again last did: readiness looks here."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(help_text="by the database's clock")
    count = models.PositiveIntegerField(default=0, help_text="what it did that time")

    def __str__(self) -> str:
        return self.name
