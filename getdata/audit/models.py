"""The audit log: append-only, hash-chained. Nothing from a DICOM header or a report ever enters it."""

from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    """One decision or one access, and its place in the chain.

    ``hash`` is SHA-256 over ``previous_hash`` and the canonical JSON of every other column, so that an altered, removed or
    inserted row breaks the chain from there on. Database triggers refuse UPDATE and DELETE.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10, choices=[(k, k) for k in ("user", "token", "system", "visitor")])
    actor_id = models.CharField(max_length=64, blank=True)
    verb = models.CharField(max_length=80, db_index=True)
    target_type = models.CharField(max_length=80)
    target_id = models.CharField(max_length=64, db_index=True)
    organization_id = models.CharField(max_length=64, blank=True, db_index=True)
    data = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.id} {self.verb} {self.target_type}:{self.target_id}"
