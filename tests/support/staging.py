"""Putting bytes into a batch the way an upload does, for tests of what comes after."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from pathlib import Path

from django.conf import settings

from fulfillment.models import Batch, PseudonymKey, SourceFile
from fulfillment.uploads import take_in
from getdata.common import crypto
from tests.support.small import small_radiograph

__all__ = ["ensure_key", "small_radiograph", "stage"]


def ensure_key(batch: Batch) -> None:
    """The pseudonym key that the first batch of a fulfillment makes."""
    hospital = batch.fulfillment.hospital_id
    PseudonymKey.objects.get_or_create(
        hospital_id=hospital,
        request_id=batch.fulfillment.request_id,
        defaults={"sealed_secret": crypto.seal(secrets.token_bytes(32), scope=f"pseudonym:{hospital}")},
    )


def stage(batch: Batch, data: bytes, name: str = "SMITH_JANE/image.dcm") -> SourceFile:
    """Stage bytes and enter them into the ledger; returns the row as it stands afterwards."""
    ensure_key(batch)
    staged = str(uuid.uuid4())
    folder = Path(settings.STAGING)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / staged).write_bytes(data)
    file, _ = take_in(batch=batch, name=name, staged=staged, size=len(data), sha256=hashlib.sha256(data).hexdigest())
    return SourceFile.objects.get(pk=file.pk)
