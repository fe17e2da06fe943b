"""Opening a zip archive that may be hostile: limits before bytes, no names trusted, every member a file of its own."""

from __future__ import annotations

import hashlib
import os
import stat
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.conf import settings

MAX_RATIO = 200
_BLOCK = 1024 * 1024
_NOISE = ("__MACOSX/", ".DS_Store", "Thumbs.db")


class ArchiveRefused(Exception):
    """The archive cannot be taken; ``code`` names why."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        self.code, self.message, self.remedy = code, message, remedy
        super().__init__(code)


@dataclass(frozen=True)
class Member:
    """One extracted member: its cleaned relative path, the staged file's name, size in bytes and SHA-256 (hex)."""

    path: str
    staged: str
    size: int
    sha256: str


def members(archive: Path) -> Iterator[Member]:
    """Extract member by member into the staging folder. Raises ``ArchiveRefused`` with cause and remedy."""
    try:
        bundle = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ArchiveRefused(
            "ARCHIVE_UNREADABLE", "This archive is damaged or cut short.", "Make it again and resend it."
        ) from error
    with bundle:
        wanted = [info for info in bundle.infolist() if not info.is_dir() and not _noise(info.filename)]
        _refuse_hostile(wanted)
        for info in wanted:
            yield _extract(bundle, info)


def _refuse_hostile(wanted: list[zipfile.ZipInfo]) -> None:
    if len(wanted) > settings.MAX_ARCHIVE_FILES:
        raise ArchiveRefused(
            "ARCHIVE_TOO_MANY_FILES",
            f"This archive holds {len(wanted)} files; the limit is {settings.MAX_ARCHIVE_FILES}.",
            "Split it into several archives.",
        )
    total = sum(info.file_size for info in wanted)
    packed = sum(info.compress_size for info in wanted)
    if total > settings.MAX_UPLOAD_BYTES or (total > 64 * _BLOCK and total > MAX_RATIO * max(1, packed)):
        raise ArchiveRefused(
            "ARCHIVE_EXPANDS_TOO_FAR",
            "This archive would expand to far more than its size or our limit.",
            "Send the files themselves, or an archive of plain DICOM files.",
        )
    for info in wanted:
        if info.flag_bits & 0x1:
            raise ArchiveRefused(
                "ARCHIVE_ENCRYPTED", "This archive is protected by a password.", "Send it without one."
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ArchiveRefused("ARCHIVE_HAS_LINKS", "This archive holds links.", "Archive the files themselves.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # The others are unpacked a block of input at a time, however much that becomes: a bomb in one read.
            raise ArchiveRefused(
                "ARCHIVE_COMPRESSION",
                "This archive is packed in a way that is not taken in.",
                "Make it again as an ordinary zip archive (stored or deflated).",
            )
        if info.file_size > settings.MAX_INSTANCE_BYTES:
            raise ArchiveRefused(
                "ARCHIVE_MEMBER_TOO_LARGE",
                "A file in this archive is larger than one image may be.",
                f"Leave out files above {settings.MAX_INSTANCE_BYTES // 1024**2} MiB.",
            )


def _extract(bundle: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    staged = f"member-{uuid.uuid4()}"
    target = Path(settings.STAGING) / staged
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    try:
        with (
            bundle.open(info) as source,
            os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        ):
            while block := source.read(_BLOCK):
                size += len(block)
                if size > info.file_size:  # the directory lied about the size: the limits above were about the lie
                    raise zipfile.BadZipFile("longer than announced")
                digest.update(block)
                out.write(block)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        target.unlink(missing_ok=True)
        raise ArchiveRefused(
            "ARCHIVE_MEMBER_DAMAGED", "A file in this archive is damaged.", "Make the archive again and resend it."
        ) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Member(_clean(info.filename), staged, size, digest.hexdigest())


def _clean(name: str) -> str:
    """The path without tricks: it is only ever sealed and shown, never used on our disk."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return "/".join(parts)[:400] or "unnamed"


def _noise(name: str) -> bool:
    return name.startswith(_NOISE[0]) or name.rsplit("/", 1)[-1] in _NOISE[1:]
