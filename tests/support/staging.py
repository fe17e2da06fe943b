"""Putting bytes into a batch the way an upload does, for tests of what comes after."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from pathlib import Path

import numpy as np
from django.conf import settings

from fulfillment.models import Batch, PseudonymKey, SourceFile
from fulfillment.uploads import take_in
from getdata.common import crypto
from getdata.demo.dicomize import encode


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


def small_radiograph(seed: int = 0, *, side: int = 1100, **header: object) -> bytes:
    """A quick grey picture in a valid CR: enough for the pipeline, cheap to make. Not anatomy."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    lungs = np.exp(-(((x - 0.3) / 0.15) ** 2 + ((y - 0.5) / 0.3) ** 2)) + np.exp(
        -(((x - 0.7) / 0.15) ** 2 + ((y - 0.5) / 0.3) ** 2)
    )
    field = 2600 - 1500 * lungs + 300 * np.sin(18 * y) + rng.normal(0, 25, (side, side))
    pixels = np.clip(field, 0, 4095).astype(np.uint16)
    fields: dict[str, object] = {
        "PatientName": "SMITH^JANE",
        "PatientID": f"00{seed:06d}",
        "PatientSex": "F",
        "PatientAge": "051Y",
        "ViewPosition": "PA",
        "BodyPartExamined": "CHEST",
        "StudyInstanceUID": f"1.2.826.0.1.99.{seed}.1",
        "SeriesInstanceUID": f"1.2.826.0.1.99.{seed}.2",
        "SOPInstanceUID": f"1.2.826.0.1.99.{seed}.3",
        "PixelSpacing": [0.3, 0.3],
        "StudyDate": "20240612",
        "StudyDescription": "Chest PA",
    }
    return encode(pixels, {**fields, **header})
