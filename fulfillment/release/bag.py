"""Writing a BagIt bag (RFC 8493) into an archive as a stream: one entry at a time, from any entry on, the same bytes each time."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

from fulfillment.release.archive import Written, directory, local_header

_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """One file of the bag: its path, its bytes or the file that holds them, the SHA-256 (hex) it must have if known."""

    path: str
    read: Callable[[], bytes | Path]
    sha256: str = ""


class DamagedEntry(Exception):
    """A stored file no longer has the bytes it had when it was accepted. Names its path: pseudonyms only."""


class Target(Protocol):
    """What an archive is written to."""

    def write(self, data: bytes, /) -> object: ...


class BagWriter:
    """Writes entries of the bag ``name/`` from byte ``at`` of its archive on.

    ``digest`` is the SHA-256 of the whole archive when nothing was left out: where writing begins later, the bytes before
    must be given to ``skip`` first. It is computed beside the writing, in a thread, and so are checksums.
    """

    def __init__(self, target: Target, name: str, *, at: int = 0) -> None:
        self.name = name
        self.at = at
        self._target = target
        self._hash = hashlib.sha256()
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="archive-digest")
        self._hashing: Future[None] | None = None

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beside.shutdown(cancel_futures=True)

    def skip(self, blocks: Iterable[bytes]) -> None:
        """Hash what an earlier writer wrote."""
        for block in blocks:
            self._digest(block)

    def add(self, entry: Entry) -> Written:
        """Write one entry. Raises ``DamagedEntry`` when its digest differs, ``ValueError`` when its path would leave the bag."""
        if not _is_plain(entry.path):
            raise ValueError("a path of the package leaves the bag")
        source = entry.read()
        if isinstance(source, bytes):
            checking = self._beside.submit(zlib.crc32, source)  # while this thread hashes: neither holds the other up
            size, digest = len(source), hashlib.sha256(source).hexdigest()
            crc = checking.result()
        else:
            size, crc, digest = _measured(source)
        if entry.sha256 and digest != entry.sha256:
            raise DamagedEntry(entry.path)
        self._put(local_header(f"{self.name}/{entry.path}", size, crc))
        written = Written(entry.path, size, digest, crc, self.at)
        for block in [source] if isinstance(source, bytes) else _blocks(source):
            self._put(block)
        if self.at != written.end:
            raise DamagedEntry(entry.path)
        return written

    def close(self, files: Iterable[Written]) -> str:
        """Write the archive's directory of all its files, in their order. Returns the digest."""
        for record in directory(self.name, files, self.at):
            self._put(record)
        self._wait()
        return self._hash.hexdigest()

    def _put(self, data: bytes) -> None:
        self._digest(data)
        self._target.write(data)
        self.at += len(data)

    def _digest(self, data: bytes) -> None:
        if len(data) < 4096:  # not worth the way
            self._wait()
            self._hash.update(data)
            return
        self._wait()  # one block at a time: hashing never falls far behind
        self._hashing = self._beside.submit(self._hash.update, data)

    def _wait(self) -> None:
        if self._hashing is not None:
            self._hashing.result()
            self._hashing = None


def tag_entries(info: Mapping[str, str], payload: Callable[[], Iterable[Written]], folder: Path) -> Iterator[Entry]:
    """The bag's own files, for a payload of ``data/...`` in its order. ``folder`` takes the manifest while it is made.

    ``info`` goes to ``bag-info.txt``, each value on one line; Payload-Oxum is added.
    """
    manifest = folder / "manifest-sha256.txt"
    total = count = 0
    with manifest.open("w", encoding="utf-8", newline="\n") as lines:
        for file in payload():
            lines.write(f"{file.sha256}  {file.path}\n")
            total, count = total + file.size, count + 1
    texts = {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": "".join(f"{key}: {' '.join(value.split())}\n" for key, value in info.items())
        + f"Payload-Oxum: {total}.{count}\n",
    }
    digests = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}
    digests[manifest.name] = _measured(manifest)[2]
    texts["tagmanifest-sha256.txt"] = "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items()))
    for path in ("bagit.txt", "bag-info.txt"):
        yield Entry(path, texts[path].encode)
    yield Entry(manifest.name, lambda: manifest)
    yield Entry("tagmanifest-sha256.txt", texts["tagmanifest-sha256.txt"].encode)


def write_bag(
    target: BinaryIO, *, name: str, entries: Iterable[Entry], info: Mapping[str, str], folder: Path
) -> list[Written]:
    """A whole bag at once; ``entries`` are below ``data/``. Returns what was written, in its order."""
    files: list[Written] = []
    with BagWriter(target, name) as bag:
        for entry in entries:
            files.append(bag.add(Entry(f"data/{entry.path}", entry.read, entry.sha256)))
        payload = list(files)
        files += [bag.add(entry) for entry in tag_entries(info, lambda: payload, folder)]
        bag.close(files)
    return files


def _measured(path: Path) -> tuple[int, int, str]:
    """Size, CRC-32 and SHA-256 of a file."""
    size, crc, digest = 0, 0, hashlib.sha256()
    for block in _blocks(path):
        size, crc = size + len(block), zlib.crc32(block, crc)
        digest.update(block)
    return size, crc, digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            yield block


def _is_plain(path: str) -> bool:
    parts = path.split("/")
    return path.isprintable() and "\\" not in path and all(part not in ("", ".", "..") for part in parts)
