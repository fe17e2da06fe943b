"""Which archive a file is, told by its first bytes."""

from __future__ import annotations

ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
"""Endings of names under which a file may be as large as an archive, before its bytes are here."""

_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),  # the first part of one that was split
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x1f\x9d", "compress"),
    (b"\x1f\xa0", "compress"),
)
READ = frozenset({"zip", "tar", "gzip", "bzip2", "xz"})


def archive_format(head: bytes) -> str | None:
    """ "zip", "tar", "gzip", "bzip2" or "xz"; the name of a format that is known and not read; None for anything else.

    A DICOM preamble may hold any of these marks: look for DICM first (PS3.10 7.1).
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:3] == b"BZh" and head[3:4].isdigit() and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):
        return "bzip2"
    return "tar" if is_tar_header(head[:512]) else None


def is_tar_header(block: bytes) -> bool:
    """Whether 512 bytes are the header of a tar entry: its checksum agrees (POSIX.1-1988, ustar)."""
    if len(block) < 512 or not block[0]:
        return False
    said = block[148:156].strip(b" \0")
    if not 1 <= len(said) <= 8 or said.strip(b"01234567"):
        return False
    return int(said, 8) == sum(block) - sum(block[148:156]) + 8 * 32
