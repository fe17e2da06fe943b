"""Announcing what was recorded, inside the same transaction: receivers add rows of their own and do nothing else."""

from django.dispatch import Signal

#: ``event`` is the AuditEvent, ``target`` the row it is about.
recorded = Signal()
