"""File names are identity: cleaned once, then only sealed or fingerprinted, never a path on our disk."""

from __future__ import annotations

from collections.abc import Iterable

from fulfillment.intake.originals import scope
from fulfillment.labels.formats.gather import stem
from fulfillment.models import Batch, SourceFile, Upload
from fulfillment.verdict.names import MAX_NAME, NOISE, BadName, is_noise, one_spelling
from getdata.common import crypto
from getdata.common.problems import CannotDo

UNREADABLE = "(this name cannot be opened with the present key)"

__all__ = ["MAX_NAME", "NOISE", "UNREADABLE", "clean_relative_path", "content_digest", "is_noise", "name_digest", "seal_name",
           "stem_digest", "unseal_name", "unseal_names", "upload_fingerprint"]  # fmt: skip


def clean_relative_path(raw: str) -> str:
    """The relative path as the hospital gave it, in one spelling: NFC, forward slashes, no drive, no root, no ``.``.

    Raises ``CannotDo(code="bad_file_name")`` for an empty name, a step upwards, control characters or more than 1,024
    characters. The name itself is never repeated in the refusal.
    """
    try:
        return one_spelling(raw)
    except BadName as bad:
        raise CannotDo(str(bad), remedy=bad.remedy, code="bad_file_name") from None


def seal_name(batch: Batch, name: str) -> bytes:
    """The name, readable only for the batch's hospital."""
    return crypto.seal(name.encode(), scope=scope(batch))


def name_digest(batch: Batch, name: str) -> str:
    """Keyed fingerprint of a relative path: finds the same name again without storing it."""
    return crypto.digest(name, scope=scope(batch))


def stem_digest(batch: Batch, name: str) -> str:
    """Keyed fingerprint of a file's name without folders and ending: ``a/b/7.dcm`` and ``7.png`` have the same."""
    return crypto.digest(f"stem:{stem(name)}", scope=scope(batch))


def content_digest(batch: Batch, sha256: str) -> str:
    """Keyed fingerprint of a content's SHA-256 (hex): a plain hash would let others match originals."""
    return crypto.digest(f"sha256:{sha256}", scope=scope(batch))


def upload_fingerprint(batch: Batch, name: str, length: int, modified: str) -> str:
    """Keyed fingerprint of path, length and time of change: the same file on the same disk."""
    return crypto.digest(f"upload:{length}:{modified}:{name}", scope=scope(batch))


def unseal_name(row: SourceFile | Upload) -> str:
    """The relative path. Show it to that hospital's members who may see the quarantine, to nobody else."""
    return crypto.unseal(bytes(row.sealed_name), scope=scope(row.batch)).decode()


def unseal_metadata(upload: Upload) -> str:
    """``Upload-Metadata`` as the client wrote it; ``""`` where it was not kept."""
    sealed = bytes(upload.sealed_metadata)
    return crypto.unseal(sealed, scope=scope(upload.batch)).decode() if sealed else ""


def unseal_names(rows: Iterable[SourceFile | Upload]) -> dict[object, str]:
    """Primary key -> relative path, for one page of a list. One that does not open does not take the page with it."""
    found: dict[object, str] = {}
    for row in rows:
        try:
            found[row.pk] = unseal_name(row)
        except crypto.CannotOpen:
            found[row.pk] = UNREADABLE
    return found
