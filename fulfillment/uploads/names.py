"""File names are identity: cleaned once, then only sealed or fingerprinted, never a path on our disk."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from fulfillment.intake.originals import scope
from fulfillment.labels.formats.gather import stem
from fulfillment.models import Batch, SourceFile, Upload
from getdata.common import crypto
from getdata.common.problems import CannotDo

MAX_NAME = 1024
UNREADABLE = "(this name cannot be opened with the present key)"

#: What operating systems leave in folders; nobody means to deliver it.
NOISE = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


def clean_relative_path(raw: str) -> str:
    """The relative path as the hospital gave it, in one spelling: NFC, forward slashes, no drive, no root, no ``.``.

    Raises ``CannotDo(code="bad_file_name")`` for an empty name, a step upwards, control characters or more than 1,024
    characters. The name itself is never repeated in the refusal.
    """
    text = unicodedata.normalize("NFC", raw.replace("\\", "/"))
    if len(text) > 2 and text[1:3] == ":/" and text[0].isalpha():
        text = text[2:]
    parts = [part for part in text.split("/") if part not in ("", ".")]
    name = "/".join(parts)
    if not name:
        raise _bad("The file came without a name.", "Send its name in Upload-Metadata as filename or relativePath.")
    if ".." in parts:
        raise _bad(
            "The file's path leads out of its folder.", "Send the path relative to the folder you chose, without '..'."
        )
    if len(name) > MAX_NAME:
        raise _bad(
            f"The file's path has {len(name):,} characters; the limit is {MAX_NAME:,}.", "Shorten the folder names."
        )
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise _bad("The file's name holds control characters.", "Rename the file and send it again.")
    return name


def is_noise(name: str) -> bool:
    """True for files that operating systems leave in folders."""
    last = name.rsplit("/", 1)[-1].lower()
    return last in NOISE or last.startswith("._") or name.startswith("__MACOSX/")


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


def unseal_names(rows: Iterable[SourceFile | Upload]) -> dict[object, str]:
    """Primary key -> relative path, for one page of a list. One that does not open does not take the page with it."""
    found: dict[object, str] = {}
    for row in rows:
        try:
            found[row.pk] = unseal_name(row)
        except crypto.CannotOpen:
            found[row.pk] = UNREADABLE
    return found


def _bad(message: str, remedy: str) -> CannotDo:
    return CannotDo(message, remedy=remedy, code="bad_file_name")
