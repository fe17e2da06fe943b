"""Finding the files of a batch: a file, a folder of any nesting, zip archives; each with limits before it is read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deid.dicomfile.limits import DEFAULT_LIMITS
from deid.outcome import Refusal

_ARCHIVE_FILES = 200_000
_RATIO = 200


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


def list_sources(root: Path) -> list[Source]:
    """Every input under `root` in a fixed order; an archive that cannot be opened is listed as itself."""
    paths = [root] if root.is_file() else [path for path in root.rglob("*") if path.is_file()]
    found: list[Source] = []
    for path in paths:
        found.extend(_members(path) if _is_zip(path) else [Source(str(path))])
    return sorted(found, key=lambda source: source.name)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _members(path: Path) -> Iterator[Source]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError):
        yield Source(str(path))
        return
    if len(names) > _ARCHIVE_FILES or len(set(names)) != len(names):
        yield Source(str(path))
        return
    for name in names:
        yield Source(str(path), name)


def read_source(source: Source) -> bytes:
    """The bytes of one input. Raises Refusal (file-too-large, archive-unsafe); OSError when the disk fails."""
    limit = DEFAULT_LIMITS.file_bytes
    if source.member is None:
        path = Path(source.path)
        if path.stat().st_size > limit:
            raise Refusal("file-too-large")
        data = path.read_bytes()
        if data[:4] == b"PK\x03\x04":
            raise Refusal("archive-unsafe")
        return data
    try:
        with zipfile.ZipFile(source.path) as archive:
            info = archive.getinfo(source.member)
            if info.flag_bits & 1:
                raise Refusal("archive-unsafe", "encrypted")
            if info.file_size > limit or info.file_size > max(info.compress_size, 1) * _RATIO + 1_000_000:
                raise Refusal("archive-unsafe", "expansion")
            with archive.open(info) as stream:
                data = stream.read(limit + 1)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, KeyError, ValueError) as problem:
        raise Refusal("archive-unsafe", type(problem).__name__) from None
    if len(data) > limit:
        raise Refusal("archive-unsafe", "expansion")
    if data[:4] == b"PK\x03\x04":
        raise Refusal("archive-unsafe", "nested")
    return data
