"""Writing a BagIt bag (RFC 8493) into a zip as a stream: one entry in memory at a time, the same bytes each time."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

#: A fixed time in every entry, so that building twice gives the same archive.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Entry:
    """One file of the payload: its path below ``data/``, how to read it, the SHA-256 (hex) it must have if known."""

    path: str
    read: Callable[[], bytes]
    sha256: str = ""


@dataclass(frozen=True)
class Written:
    """One file as it lies in the archive: its bytes are ``size`` bytes from ``offset`` on; SHA-256 in hex, CRC-32."""

    path: str
    size: int
    sha256: str
    crc32: int
    offset: int


@dataclass(frozen=True)
class Built:
    """What was written, in its order: the payload and the bag's own files, by their paths in the bag."""

    files: list[Written]
    payload_bytes: int

    @property
    def manifest(self) -> dict[str, str]:
        """Path in the bag -> SHA-256 (hex) of the payload."""
        return {file.path: file.sha256 for file in self.files if file.path.startswith("data/")}


class DamagedEntry(Exception):
    """A stored file no longer has the bytes it had when it was accepted. Names its path: pseudonyms only."""


def write_bag(target: BinaryIO, *, name: str, entries: Iterable[Entry], info: Mapping[str, str]) -> Built:
    """Write ``<name>/`` as a bag with SHA-256 manifests into a stored (uncompressed) zip.

    ``info`` goes to ``bag-info.txt``, each value on one line; Payload-Oxum is added. Raises ``DamagedEntry`` when an
    entry's digest differs, and ``ValueError`` when two entries have one path or a path would leave the bag.
    """
    manifest: dict[str, str] = {}
    files: list[Written] = []
    total = count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as bundle:
        for entry in entries:
            if f"data/{entry.path}" in manifest or not _is_plain(entry.path):
                raise ValueError("a path of the package is repeated or leaves the bag")
            data = entry.read()
            digest = hashlib.sha256(data).hexdigest()
            if entry.sha256 and digest != entry.sha256:
                raise DamagedEntry(entry.path)
            files.append(_write(bundle, name, f"data/{entry.path}", data, digest))
            manifest[f"data/{entry.path}"] = digest
            total, count = total + len(data), count + 1
        tags = {
            "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "bag-info.txt": "".join(f"{key}: {' '.join(value.split())}\n" for key, value in info.items())
            + f"Payload-Oxum: {total}.{count}\n",
            "manifest-sha256.txt": "".join(f"{digest}  {path}\n" for path, digest in sorted(manifest.items())),
        }
        tags["tagmanifest-sha256.txt"] = "".join(
            f"{hashlib.sha256(text.encode()).hexdigest()}  {path}\n" for path, text in sorted(tags.items())
        )
        for path, text in tags.items():
            data = text.encode()
            files.append(_write(bundle, name, path, data, hashlib.sha256(data).hexdigest()))
    return Built(files, total)


def _is_plain(path: str) -> bool:
    parts = path.split("/")
    return path.isprintable() and "\\" not in path and all(part not in ("", ".", "..") for part in parts)


def _write(bundle: zipfile.ZipFile, name: str, path: str, data: bytes, digest: str) -> Written:
    info = zipfile.ZipInfo(f"{name}/{path}", _TIME)
    info.external_attr = 0o644 << 16
    bundle.writestr(info, data)
    assert bundle.fp is not None
    return Written(path, len(data), digest, info.CRC, bundle.fp.tell() - len(data))
