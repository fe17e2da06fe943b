"""Handing staged bytes over to the quarantine storage at once, so that a worker on any machine finds them.

With ``settings.HAND_OVER`` (production on S3) the process that took a file in seals it into the quarantine bucket before the file
enters the ledger; workers then need no folder in common with the web. Without it (the embedded default) worker and web are one
machine, or share the staging folder.
"""

from __future__ import annotations

import uuid

from django.conf import settings

from fulfillment.intake import sealing
from fulfillment.models import Batch
from fulfillment.uploads import staging
from getdata.common import storage


def hand_over(batch: Batch, staged: str) -> str:
    """Seal the staged bytes into the quarantine storage; returns their key there, or ``""`` where nothing is handed over.

    A call over the network: make it while no transaction is open. Raises ``storage.Unreachable``.
    """
    if not settings.HAND_OVER:
        return ""
    hospital = batch.fulfillment.hospital_id
    key = f"{hospital}/{batch.pk}/{uuid.uuid4()}"
    sealing.put(hospital, key, staging.path(staged))
    return key


def take_back(stored: str) -> None:
    """Remove what was handed over for a file that did not enter the ledger after all."""
    if stored:
        storage.quarantine().delete(stored)
