"""What every model of the portal has in common."""

from __future__ import annotations

import uuid

from django.db import models


class Entity(models.Model):
    """A row that has an address: its key cannot be guessed, and it knows when it was made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        abstract = True


class ImmutableRow(Exception):
    """An attempt to change a row that is evidence. Make a new row instead."""


class Immutable(Entity):
    """A row that is written once: a correction is a new row."""

    class Meta:
        abstract = True

    def save(self, *args: object, **kwargs: object) -> None:
        if not self._state.adding:
            raise ImmutableRow(f"{self._meta.verbose_name} rows are written once; add a new row instead")
        super().save(*args, **kwargs)  # type: ignore[arg-type]
