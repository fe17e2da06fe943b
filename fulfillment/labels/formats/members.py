"""From a file, a folder, an archive or bytes to the members that a reader is handed, within limits."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from fulfillment.labels.formats.gather import Gathering, Member

MAX_MEMBERS = 200_000
MAX_MEMBER_BYTES = 512 * 1024 * 1024
MAX_TOTAL_BYTES = 2 * 1024 * 1024 * 1024
#: An archive may open to so much whatever its size; beyond it to so many times its size (masks of zeros compress well).
BOMB_BYTES = 256 * 1024 * 1024
BOMB_RATIO = 200
_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"
# What systems leave in folders.
_JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini", "._")

Source = bytes | str | Path | Mapping[str, bytes]


def collect(source: Source, name: str, into: Gathering) -> list[Member]:
    """The members, in order of name; what cannot be opened is a problem. Archives are opened, but none inside another."""
    if isinstance(source, bytes):
        return list(_opened(Member(name, source), into))
    if isinstance(source, Mapping):
        return [part for key in sorted(source) for part in _opened(Member(key, source[key]), into)]
    path = Path(source)
    try:
        if path.is_dir():
            return [part for found in _files(path, into) for part in _opened(found, into)]
        if path.stat().st_size > MAX_MEMBER_BYTES:
            into.problem(0, "FILE_TOO_LARGE", "The file is larger than 512 MiB.", "Split it into several.")
            return []
        return list(_opened(Member(name or path.name, path.read_bytes()), into))
    except (OSError, ValueError):
        into.problem(0, "NOT_READABLE", "The file cannot be opened.", "Check its name, and that you may read it.")
        return []


def _files(folder: Path, into: Gathering) -> Iterator[Member]:
    total = 0
    for number, path in enumerate(sorted(each for each in folder.rglob("*") if each.is_file())):
        name = path.relative_to(folder).as_posix()
        if _junk(name):
            continue
        size = path.stat().st_size
        total += size
        if number >= MAX_MEMBERS or total > MAX_TOTAL_BYTES:
            _too_much(into)
            return
        if size > MAX_MEMBER_BYTES:
            into.file = name
            into.problem(0, "FILE_TOO_LARGE", "The file is larger than 512 MiB.", "Split it into several.")
            into.file = ""
            continue
        yield Member(name, path.read_bytes())


def _too_much(into: Gathering) -> None:
    into.problem(
        0,
        "TOO_MUCH",
        f"There are more than {MAX_MEMBERS:,} files, or more than 2 GiB; the rest was not read.",
        "Send them in several parts.",
    )


def _junk(name: str) -> bool:
    return any(part in name for part in _JUNK[:1]) or name.rsplit("/", 1)[-1].startswith(_JUNK[1:])


def _opened(member: Member, into: Gathering) -> Iterator[Member]:
    if member.data.startswith(_ZIP):
        yield from _unzipped(member, into)
    elif member.data.startswith(_GZIP) and not member.name.lower().endswith((".nii.gz", ".hdr.gz", ".img.gz")):
        plain = inflate(member.data, MAX_MEMBER_BYTES)
        if plain is None:
            into.file = member.name
            into.problem(
                0,
                "GZIP_BROKEN",
                "The compressed file is cut short or damaged, or larger than 512 MiB when opened.",
                "Send it again, or uncompressed.",
            )
            into.file = ""
        else:
            yield Member(member.name.removesuffix(".gz"), plain)
    else:
        yield member


def inflate(data: bytes, limit: int) -> bytes | None:
    """A gzip file opened, its parts joined; None where it is damaged, or larger than ``limit`` bytes."""
    out: list[bytes] = []
    room = limit
    while data:
        opener = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            part = opener.decompress(data, room + 1)
        except zlib.error:
            # Padding after the last part is common on tapes and harmless.
            return b"".join(out) if out and not data.strip(b"\0") else None
        if len(part) > room or not opener.eof:
            return None
        out.append(part)
        room -= len(part)
        data = opener.unused_data
    return b"".join(out)


def _unzipped(member: Member, into: Gathering) -> Iterator[Member]:
    broken = ("ZIP_BROKEN", "The archive is cut short or damaged.", "Make it again and send it whole.")
    try:
        with zipfile.ZipFile(io.BytesIO(member.data)) as archive:
            names = [info for info in archive.infolist() if not info.is_dir() and not _junk(info.filename)]
            total = 0
            for number, info in enumerate(names):
                if info.flag_bits & 1:
                    into.problem(0, "ZIP_LOCKED", "The archive has a password.", "Send it without one.")
                    return
                # The directory's word for the size is checked again by what is read: never more than it says.
                total += info.file_size
                if number >= MAX_MEMBERS or total > MAX_TOTAL_BYTES or info.file_size > MAX_MEMBER_BYTES:
                    _too_much(into)
                    return
                if total > BOMB_BYTES and total > BOMB_RATIO * len(member.data):
                    into.problem(
                        0,
                        "ZIP_BOMB",
                        f"The archive opens to more than {BOMB_RATIO} times its size; the rest was not read.",
                        "Send the files in a folder, or in smaller archives.",
                    )
                    return
                with archive.open(info) as stream:
                    data = stream.read(info.file_size + 1)
                if len(data) > info.file_size:
                    into.problem(0, *broken)
                    return
                if data.startswith(_ZIP):
                    into.problem(0, "ZIP_IN_ZIP", "The archive holds another one.", "Send that one by itself.")
                    continue
                yield from _opened(Member(info.filename, data), into)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        into.problem(0, *broken)
