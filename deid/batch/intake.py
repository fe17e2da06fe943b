"""Finding and reading the files of a batch: a file, a folder of any nesting, zip archives; each with limits before it
is read."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from deid.dicomfile.limits import DEFAULT_LIMITS
from deid.outcome import Refusal

_ARCHIVE_FILES = 200_000
_RATIO = 200
_ARCHIVE_HEADS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Source:
    """One input: a file on disk, or a member of a zip archive. `name` orders the batch and is never written
    anywhere public."""

    path: str
    member: str | None = None

    @property
    def name(self) -> str:
        """Order key."""
        return self.path if self.member is None else f"{self.path}!{self.member}"


def list_files(root: Path) -> list[str]:
    """Every path under `root` that is no folder, and every folder that cannot be listed: what cannot be read is
    answered with a reason and never skipped in silence. Links to folders are not followed, links to files are."""
    if not root.is_dir():
        return [str(root)]
    found: list[str] = []

    def unlisted(problem: OSError) -> None:
        found.append(os.fspath(problem.filename))

    for folder, folders, names in os.walk(root, onerror=unlisted):
        found += (os.path.join(folder, name) for name in names)
        found += (path for path in (os.path.join(folder, name) for name in folders) if os.path.islink(path))
    return found


def list_members(path: str) -> list[Source]:
    """The sources of one path: itself, or the members of a zip archive. An archive that cannot be trusted as a
    whole is listed as itself, and refused when it is read."""
    itself = [Source(path)]
    try:
        with _opened(path) as descriptor:
            if _head(descriptor) not in _ARCHIVE_HEADS:
                return itself
            size = os.fstat(descriptor).st_size
            with os.fdopen(os.dup(descriptor), "rb") as stream, zipfile.ZipFile(stream) as archive:
                members = [info for info in archive.infolist() if not info.is_dir()]
    except (Refusal, MemoryError):
        return itself
    except Exception:  # zipfile raises half a dozen types for broken archives
        return itself
    names = {info.filename for info in members}
    # Members that share bytes are how a small archive claims to hold more than its size allows.
    overlapping = sum(info.compress_size for info in members) > size
    if not members or len(members) > _ARCHIVE_FILES or len(names) != len(members) or overlapping:
        return itself
    return [Source(path, name) for name in names]


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """A descriptor of a regular file. Raises Refusal("unreadable"): pipes, sockets and devices never block or feed
    a run, and a file without permission costs itself only."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as problem:
        raise Refusal("unreadable", _errno(problem)) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refusal("unreadable", "not a regular file")
        yield descriptor
    except OSError as problem:
        raise Refusal("unreadable", _errno(problem)) from None
    finally:
        os.close(descriptor)


def _errno(problem: Exception) -> str:
    number = getattr(problem, "errno", None)
    return errno.errorcode.get(number, "") if number is not None else type(problem).__name__


def read_source(source: Source) -> bytes:
    """The bytes of one input. Raises Refusal: unreadable, file-too-large, archive-unsafe."""
    if source.member is not None:
        return _read_member(source.path, source.member)
    with _opened(source.path) as descriptor, os.fdopen(os.dup(descriptor), "rb", buffering=0) as stream:
        _check_head(descriptor)
        return stream.readall()


@contextmanager
def look_into(source: Source) -> Iterator[bytes | mmap.mmap]:
    """The bytes of one input without reading more of a file than is looked at. Raises Refusal as read_source does."""
    if source.member is not None:
        yield _read_member(source.path, source.member)
        return
    with _opened(source.path) as descriptor:
        _check_head(descriptor)
        if not os.fstat(descriptor).st_size:
            yield b""
            return
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as view:
            yield view


def _check_head(descriptor: int) -> None:
    if os.fstat(descriptor).st_size > DEFAULT_LIMITS.file_bytes:
        raise Refusal("file-too-large")
    if _head(descriptor) in _ARCHIVE_HEADS:
        raise Refusal("archive-unsafe")


def _head(descriptor: int) -> bytes:
    first = os.read(descriptor, 4)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return first


@lru_cache(maxsize=1)
def _archive(path: str, _size: int, _changed: int) -> zipfile.ZipFile:
    """The archive read last stays open: its directory would otherwise be parsed once a member."""
    return zipfile.ZipFile(path)


def _read_member(path: str, member: str) -> bytes:
    limit = DEFAULT_LIMITS.file_bytes
    try:
        with _opened(path) as descriptor:
            facts = os.fstat(descriptor)
        archive = _archive(path, facts.st_size, facts.st_mtime_ns)
        info = archive.getinfo(member)
        if info.flag_bits & 1:
            raise Refusal("archive-unsafe", "encrypted")
        if info.file_size > limit or info.file_size > max(info.compress_size, 1) * _RATIO + 1_000_000:
            raise Refusal("archive-unsafe", "expansion")
        with archive.open(info) as stream:
            data = stream.read(limit + 1)
    except (Refusal, MemoryError):
        raise
    except Exception as problem:  # zipfile and its decompressors raise a dozen types for broken archives
        raise Refusal("archive-unsafe", type(problem).__name__) from None
    if len(data) > limit:
        raise Refusal("archive-unsafe", "expansion")
    if data[:4] in _ARCHIVE_HEADS:
        raise Refusal("archive-unsafe", "nested")
    return data
