"""Originals in quarantine: sealed with the hospital's key, read back only by workers and by that hospital."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from fulfillment.intake import sealing
from fulfillment.models import Batch, PseudonymKey, SourceFile
from getdata.common import crypto, storage


class StagingMissing(Exception):
    """The bytes are neither staged on this machine nor in quarantine yet."""


def scope(batch: Batch) -> str:
    """The scope under which a hospital's originals and file names are sealed."""
    return sealing.scope_of(batch.fulfillment.hospital_id)


def staged_path(file: SourceFile) -> Path | None:
    """Where the upload left the bytes, if they are still there."""
    if not file.staged:
        return None
    path = Path(settings.STAGING) / file.staged
    return path if path.is_file() else None


def first_bytes(path: Path, length: int = 64 * 1024) -> bytes:
    """The beginning of a staged file; empty when it is gone meanwhile."""
    try:
        with path.open("rb") as source:
            return source.read(length)
    except FileNotFoundError:
        return b""


def read_original(file: SourceFile) -> bytes:
    """The original bytes, moved into quarantine first if they were only staged. Raises ``StagingMissing``."""
    staged, hospital = staged_path(file), file.batch.fulfillment.hospital_id
    if file.stored:
        return sealing.get(hospital, file.stored)
    if staged is None:
        raise StagingMissing
    key = f"{hospital}/{file.batch_id}/{file.pk}"
    sealing.put(hospital, key, staged)
    data = staged.read_bytes()
    SourceFile.objects.filter(pk=file.pk).update(stored=key)
    file.stored = key
    return data


@contextmanager
def archive_on_disk(file: SourceFile) -> Iterator[Path]:
    """An archive as a file on this machine: where the upload left it, or fetched from quarantine for as long as it is read.

    Raises ``StagingMissing``.
    """
    staged = staged_path(file)
    if staged is not None:
        yield staged
        return
    if not file.stored:
        raise StagingMissing
    path = Path(settings.STAGING) / str(uuid.uuid4())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for block in sealing.blocks(file.batch.fulfillment.hospital_id, file.stored):
                out.write(block)
        yield path
    except FileNotFoundError as error:
        raise StagingMissing from error
    finally:
        path.unlink(missing_ok=True)


def forget_archive(file: SourceFile) -> None:
    """Remove an archive that was opened or refused: its members are originals of their own."""
    forget_staged(file)
    if file.stored:
        SourceFile.objects.filter(pk=file.pk).update(stored="")
        storage.quarantine().delete(file.stored)


def forget_staged(file: SourceFile) -> None:
    """Remove the clear bytes from the staging folder, once quarantine holds them sealed."""
    staged = staged_path(file)
    if staged is not None:
        staged.unlink(missing_ok=True)
    if file.staged:
        SourceFile.objects.filter(pk=file.pk).update(staged="")


def name_of(file: SourceFile) -> str:
    """The relative path the hospital gave the file. Identity: show it to that hospital only."""
    return crypto.unseal(bytes(file.sealed_name), scope=scope(file.batch)).decode()


def pseudonym_secret(batch: Batch) -> tuple[bytes, str]:
    """The secret and the key id for this hospital and request. Raises ``PseudonymKey.DoesNotExist`` before the first batch."""
    fulfillment = batch.fulfillment
    key = PseudonymKey.objects.get(hospital=fulfillment.hospital_id, request=fulfillment.request_id, destroyed_at=None)
    secret = crypto.unseal(bytes(key.sealed_secret), scope=sealing.pseudonym_scope(fulfillment.hospital_id))
    return secret, str(key.pk)[:8]
