"""Archives made to harm or by clumsy tools, by name, as bytes: what the library's writers would never write."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping

Maker = Callable[[], bytes]


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as bundle:
        for name, data in members.items():
            bundle.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def tarred(members: Mapping[str, bytes], mode: str = "w", format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=format) as bundle:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            bundle.addfile(info, io.BytesIO(data))
    return out.getvalue()


def local_header(name: bytes, data: bytes, *, size: int | None = None, method: int = 0, flags: int = 0) -> bytes:
    """A local header and its bytes; ``size`` says something else than the truth."""
    packed, crc = len(data), zlib.crc32(data)
    said = packed if size is None else size
    return struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, method, 0, 33, crc, packed, said, len(name), 0) + name + data


def central_header(
    name: bytes,
    data: bytes,
    offset: int,
    *,
    size: int | None = None,
    packed: int | None = None,
    method: int = 0,
    flags: int = 0,
    crc: int | None = None,
    mode: int = 0o100644,
) -> bytes:
    """One entry of the directory, which may lie about anything."""
    return struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 3 << 8 | 20, 20, flags, method, 0, 33,
        zlib.crc32(data) if crc is None else crc,
        len(data) if packed is None else packed,
        len(data) if size is None else size,
        len(name), 0, 0, 0, 0, mode << 16, offset,
    ) + name  # fmt: skip


def end_record(count: int, length: int, offset: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, length, offset, len(comment)) + comment


def by_hand(locals_: Iterable[bytes], centrals: Iterable[bytes], *, count: int | None = None) -> bytes:
    """Local headers, then a directory of any content."""
    body, entries = b"".join(locals_), list(centrals)
    directory = b"".join(entries)
    return body + directory + end_record(len(entries) if count is None else count, len(directory), len(body))


def quoted_bomb(copies: int = 200) -> bytes:
    """Entries that share one kernel of bytes: small to send, ``copies`` times as large to unpack (the idea of D. Fifield, 2019)."""
    kernel = local_header(b"a", b"\0" * 400_000)
    names = [b"%05d" % n for n in range(copies)]
    return by_hand([kernel], [central_header(name, b"\0" * 400_000, 0) for name in names])


def zip64(name: bytes, data: bytes) -> bytes:
    """All three numbers in the ZIP64 field, and a ZIP64 end record."""
    wide = 0xFFFFFFFF
    extra = struct.pack("<HHQQ", 1, 16, len(data), len(data))
    crc = zlib.crc32(data)
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 33, crc, wide, wide, len(name), len(extra))
    body = head + name + extra + data
    extra = struct.pack("<HHQQQ", 1, 24, len(data), len(data), 0)
    central = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 33, crc, wide, wide, len(name), len(extra), 0, 0, 0, 0, wide
    )  # fmt: skip
    central += name + extra
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(central), len(body))
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(body) + len(central), 1)
    return body + central + end64 + locator + end_record(0xFFFF, wide, wide)


def tar_header(
    name: bytes, size: int, kind: bytes = b"0", *, link: bytes = b"", size_field: bytes | None = None
) -> bytes:
    field = b"%011o\0" % size if size_field is None else size_field
    head = name.ljust(100, b"\0")[:100] + b"0000644\0" + b"0000000\0" * 2 + field + b"00000000000\0"
    rest = kind + link.ljust(100, b"\0") + b"ustar\x0000" + b"\0" * 247
    block = head + b" " * 8 + rest
    return head + b"%06o\0 " % sum(block) + rest


def tar_entry(name: bytes, data: bytes, kind: bytes = b"0") -> bytes:
    return tar_header(name, len(data), kind) + data + b"\0" * (-len(data) % 512)


def pax(records: Mapping[str, bytes]) -> bytes:
    body = b""
    for key, value in records.items():
        plain = b" " + key.encode() + b"=" + value + b"\n"
        length = len(plain) + 1
        while length != len(plain) + len(str(length)):
            length = len(plain) + len(str(length))
        body += str(length).encode() + plain
    return tar_entry(b"PaxHeaders/x", body, b"x")


def nested_zip(data: bytes, depth: int) -> bytes:
    inner = {"IM0001.dcm": data}
    for level in range(depth):
        inner = {f"level{level}.zip": zipped(inner)}
    return next(iter(inner.values()))


def odd_archives(good: bytes, other: bytes) -> Mapping[str, Maker]:
    """Makers by file name. Each archive holds ``good`` where it holds anything good; ``other`` is a second good file."""
    zeros = b"\0" * (1 << 20)
    both = {"a/1.dcm": good, "a/2.dcm": other}
    first = len(local_header(b"a.dcm", good))
    whole = zipped(both)
    deflate = zipped({"a.dcm": good})
    return {
        "zip-bomb.zip": lambda: zipped({f"IM{n:04d}": zeros for n in range(100)}),
        "zip-bomb-one-member.zip": lambda: zipped({"IM1": zeros * 80, "good.dcm": good}),
        "zip-bomb-quoted.zip": quoted_bomb,
        "zip-bomb-bzip2.zip": lambda: zipped({"IM1": zeros * 80, "good.dcm": good}, zipfile.ZIP_BZIP2),
        "zip-bomb-lzma.zip": lambda: zipped({"IM1": zeros * 80, "good.dcm": good}, zipfile.ZIP_LZMA),
        "zip-bomb-nested.zip": lambda: nested_zip(zeros * 60, 3),
        "gzip-bomb.gz": lambda: gzip.compress(zeros * 80, 6),
        "bzip2-bomb.bz2": lambda: bz2.compress(zeros * 80),
        "xz-bomb.xz": lambda: lzma.compress(zeros * 80, preset=1),
        "tar-gz-bomb.tgz": lambda: gzip.compress(tarred({"IM1": good, **{f"Z{n}": zeros for n in range(80)}}), 1),
        "zip-lies-smaller.zip": lambda: by_hand(
            [local_header(b"a.dcm", good, size=100)], [central_header(b"a.dcm", good, 0, size=100)]
        ),
        "zip-lies-larger.zip": lambda: by_hand(
            [local_header(b"a.dcm", good, size=1 << 30)], [central_header(b"a.dcm", good, 0, size=1 << 30)]
        ),
        "zip-packed-beyond-the-end.zip": lambda: by_hand(
            [local_header(b"a.dcm", good)], [central_header(b"a.dcm", good, 0, packed=1 << 30, size=1 << 30)]
        ),
        "zip-wrong-crc.zip": lambda: by_hand(
            [local_header(b"a.dcm", good), local_header(b"b.dcm", other)],
            [central_header(b"a.dcm", good, 0, crc=7), central_header(b"b.dcm", other, first)],
        ),
        "zip-bits-turned.zip": lambda: deflate[:50] + b"\xff" * 20 + deflate[70:],
        "zip-local-name-differs.zip": lambda: by_hand(
            [local_header(b"x.exe", good)], [central_header(b"a.dcm", good, 0)]
        ),
        "zip-local-method-differs.zip": lambda: by_hand(
            [local_header(b"a.dcm", good, method=8)], [central_header(b"a.dcm", good, 0)]
        ),
        "zip-count-lies.zip": lambda: by_hand(
            [local_header(b"a.dcm", good)], [central_header(b"a.dcm", good, 0)], count=60_000
        ),
        "zip-offsets-beyond.zip": lambda: by_hand(
            [local_header(b"a.dcm", good)], [central_header(b"a.dcm", good, 1 << 31)]
        ),
        "zip-encrypted.zip": lambda: by_hand(
            [local_header(b"a.dcm", good, flags=1)], [central_header(b"a.dcm", good, 0, flags=1)]
        ),
        "zip-one-encrypted.zip": lambda: by_hand(
            [local_header(b"a.dcm", good, flags=1), local_header(b"b.dcm", other)],
            [central_header(b"a.dcm", good, 0, flags=1), central_header(b"b.dcm", other, first)],
        ),
        "zip-deflate64.zip": lambda: by_hand(
            [local_header(b"a.dcm", good, method=9)], [central_header(b"a.dcm", good, 0, method=9)]
        ),
        "zip-link.zip": lambda: by_hand(
            [local_header(b"a.dcm", b"/etc/passwd")], [central_header(b"a.dcm", b"/etc/passwd", 0, mode=0o120777)]
        ),
        "zip-device.zip": lambda: by_hand(
            [local_header(b"a.dcm", b"x")], [central_header(b"a.dcm", b"x", 0, mode=0o020666)]
        ),
        "zip-slip.zip": lambda: zipped({"../../outside.dcm": good, "C:\\\\share\\\\1.dcm": other}),
        "zip-absolute.zip": lambda: zipped({"/etc/1.dcm": good}),
        "zip-name-nul.zip": lambda: by_hand(
            [local_header(b"a.dcm\0.exe", good)], [central_header(b"a.dcm\0.exe", good, 0)]
        ),
        "zip-name-control.zip": lambda: zipped({"a\x1b[2J.dcm": good, "b.dcm": other}),
        "zip-name-turned.zip": lambda: zipped({"a\u202emcd.exe": good, "b.dcm": other}),
        "zip-name-long.zip": lambda: zipped({"d/" * 700 + "a.dcm": good, "b.dcm": other}),
        "zip-name-no-utf8.zip": lambda: by_hand(
            [local_header(b"a\xff\xfe.dcm", good, flags=0x800)],
            [central_header(b"a\xff\xfe.dcm", good, 0, flags=0x800)],
        ),
        "zip-name-twice.zip": lambda: by_hand(
            [local_header(b"a.dcm", good), local_header(b"a.dcm", other)],
            [central_header(b"a.dcm", good, 0), central_header(b"a.dcm", other, first)],
        ),
        "zip-case-clash.zip": lambda: zipped({"A.dcm": good, "a.dcm": other}),
        "zip-prepended.zip": lambda: b"PK\3\4" + b"junk" * 100 + whole,
        "zip-appended.zip": lambda: whole + b"<html>junk</html>" * 100,
        "zip-cut.zip": lambda: by_hand([local_header(b"a.dcm", good), local_header(b"b.dcm", other)], [])[
            : first + 900
        ],
        "zip-directory-cut.zip": lambda: whole[:-60],
        "zip-empty.zip": lambda: zipped({}),
        "zip-only-system-files.zip": lambda: zipped({"__MACOSX/._a.dcm": b"x", "Thumbs.db": b"y", ".DS_Store": b"z"}),
        "zip-many-files.zip": lambda: by_hand(
            [local_header(b"a", b"x")], [central_header(b"%06d" % n, b"x", 0) for n in range(30_000)]
        ),
        "zip-comment-with-directory.zip": lambda: whole + end_record(1, 46, 0, b"PK\5\6" * 20),
        "zip-64.zip": lambda: zip64(b"a.dcm", good),
        "zip-64-lies.zip": lambda: zip64(b"a.dcm", good).replace(
            struct.pack("<Q", len(good)), struct.pack("<Q", 1 << 61)
        ),
        "tar-link.tar": lambda: (
            tar_header(b"a.dcm", 0, b"2", link=b"/etc/passwd") + tar_entry(b"b.dcm", good) + b"\0" * 1024
        ),
        "tar-hard-link.tar": lambda: tar_header(b"a", 0, b"1", link=b"../x") + tar_entry(b"b.dcm", good) + b"\0" * 1024,
        "tar-device.tar": lambda: tar_header(b"null", 0, b"3") + tar_entry(b"b.dcm", good) + b"\0" * 1024,
        "tar-pipe.tar": lambda: tar_header(b"pipe", 0, b"6") + tar_entry(b"b.dcm", good) + b"\0" * 1024,
        "tar-sparse.tar": lambda: tar_entry(b"a.dcm", b"x", b"S") + tar_entry(b"b.dcm", good) + b"\0" * 1024,
        "tar-sparse-pax-20-gb.tar": lambda: (
            pax({"GNU.sparse.major": b"1", "GNU.sparse.realsize": b"21474836480"})
            + tar_entry(b"a.dcm", b"x")
            + tar_entry(b"b.dcm", good)
            + b"\0" * 1024
        ),
        "tar-size-negative.tar": lambda: tar_header(b"a", 0, size_field=b"\xff" * 12) + tar_entry(b"b.dcm", good),
        "tar-size-endless.tar": lambda: (
            tar_header(b"a", 0, size_field=b"\x80" + b"\x7f" * 11) + tar_entry(b"b.dcm", good)
        ),
        "tar-size-beyond.tar": lambda: tar_header(b"a.dcm", 1 << 30) + good,
        "tar-long-name-8-gb.tar": lambda: tar_header(b"././@LongLink", 0o77777777777, b"L") + tar_entry(b"b.dcm", good),
        "tar-pax-lies.tar": lambda: tar_entry(b"x", b"99999 path=a\n", b"x") + tar_entry(b"b.dcm", good) + b"\0" * 1024,
        "tar-pax-path-upwards.tar": lambda: pax({"path": b"../../x.dcm"}) + tar_entry(b"a.dcm", good) + b"\0" * 1024,
        "tar-checksum.tar": lambda: tar_entry(b"a.dcm", good) + b"broken" * 100 + tar_entry(b"b.dcm", other),
        "tar-cut.tar": lambda: tarred(both)[: 1536 + len(good)],
        "tar-gz-cut.tgz": lambda: gzip.compress(tarred(both))[:-3000],
        "gzip-crc.gz": lambda: gzip.compress(good)[:-8] + b"\0" * 8,
        "gzip-of-gzip.gz": lambda: gzip.compress(gzip.compress(good)),
        "7z.7z": lambda: b"7z\xbc\xaf\x27\x1c" + b"\0" * 400,
        "rar.rar": lambda: b"Rar!\x1a\x07\x01\x00" + b"\0" * 400,
    }
