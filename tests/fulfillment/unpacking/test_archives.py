"""Archives of every kind that is read, and what becomes of the bad ones. No database."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from fulfillment.unpacking import ArchiveLimits, ArchiveRefused, Member, Problem, members
from tests.support.archives import nested_zip, odd_archives, tarred, zip64, zipped

pytestmark = pytest.mark.pure
GOOD, OTHER = b"good radiograph " * 800, bytes(range(256)) * 40
LIMITS = ArchiveLimits(total_bytes=1 << 30, member_bytes=1 << 26, members=20_000)
ODD = odd_archives(GOOD, OTHER)


class Opened(NamedTuple):
    """Names and contents that came out, the codes of problems in order, the code of a refusal."""

    files: dict[str, bytes]
    codes: list[str]
    refused: str


def opened(data: bytes, place: Path, name: str = "", limits: ArchiveLimits = LIMITS) -> Opened:
    (place / "archive").write_bytes(data)
    files: dict[str, bytes] = {}
    codes: list[str] = []
    refused = ""
    try:
        for item in members(place / "archive", place / "staging", limits, name=name):
            if isinstance(item, Problem):
                assert item.message and (item.remedy or item.harmless)
                codes.append(item.code)
            else:
                assert isinstance(item, Member)
                content = (place / "staging" / item.staged).read_bytes()
                assert (len(content), hashlib.sha256(content).hexdigest()) == (item.size, item.sha256)
                files[item.path] = content
    except ArchiveRefused as refusal:
        refused = refusal.code if refusal.message and refusal.remedy else "no words"
    left = {path.read_bytes() for path in (place / "staging").iterdir()} if (place / "staging").exists() else set()
    assert left == set(files.values()), "nothing half written stays behind"
    return Opened(files, codes, refused)


BOTH = {"a/1.dcm": GOOD, "b/2.dcm": OTHER}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_archives_of_each_packing_are_opened(tmp_path: Path, method: int) -> None:
    assert opened(zipped(BOTH, method), tmp_path) == Opened(BOTH, [], "")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_archives_of_each_form_and_packing_are_opened(tmp_path: Path, mode: str, format: int) -> None:
    long = BOTH if format == tarfile.USTAR_FORMAT else {**BOTH, "long/" * 60 + "Größe.dcm": GOOD + b"3"}
    assert opened(tarred(long, mode, format), tmp_path) == Opened(long, [], "")


def test_one_packed_file_is_named_after_its_archive(tmp_path: Path) -> None:
    for pack, ending in ((gzip.compress, "gz"), (bz2.compress, "bz2"), (lzma.compress, "xz")):
        place = tmp_path / ending
        place.mkdir()
        assert opened(pack(GOOD), place, f"x/a.dcm.{ending}").files == {"x/a.dcm": GOOD}


def test_streams_behind_one_another_are_one_file(tmp_path: Path) -> None:
    assert opened(gzip.compress(GOOD) + gzip.compress(OTHER) + b"\0" * 512, tmp_path, "a.gz").files == {
        "a": GOOD + OTHER
    }


def test_a_zip_with_64_bit_numbers_is_opened(tmp_path: Path) -> None:
    assert opened(zip64(b"a.dcm", GOOD), tmp_path).files == {"a.dcm": GOOD}


def test_a_zip_that_a_tool_streamed_with_its_numbers_behind_the_bytes_is_opened(tmp_path: Path) -> None:
    class Pipe:
        def __init__(self) -> None:
            self.data = b""

        def write(self, block: bytes) -> int:
            self.data += bytes(block)
            return len(block)

        def flush(self) -> None: ...

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as bundle:  # type: ignore[arg-type]
        bundle.writestr("a.dcm", GOOD)
    assert opened(pipe.data, tmp_path).files == {"a.dcm": GOOD}


#: What comes out of each odd archive: names, codes of entries, code of the whole.
FIRST, SECOND = {"a.dcm"}, {"b.dcm"}
EXPECTED: dict[str, tuple[set[str], set[str], str]] = {
    "zip-bomb.zip": (set(), set(), "ARCHIVE_EXPANDS_TOO_FAR"),
    "zip-bomb-one-member.zip": (set(), set(), "ARCHIVE_EXPANDS_TOO_FAR"),
    "zip-bomb-quoted.zip": (set(), {"ARCHIVE_OVERLAPS"}, ""),
    "zip-bomb-bzip2.zip": (set(), set(), "ARCHIVE_EXPANDS_TOO_FAR"),
    "zip-bomb-lzma.zip": (set(), set(), "ARCHIVE_EXPANDS_TOO_FAR"),
    "zip-bomb-nested.zip": ({"level1.zip"}, set(), ""),
    "gzip-bomb.gz": (set(), set(), "ARCHIVE_EXPANDS_TOO_FAR"),
    "bzip2-bomb.bz2": (set(), set(), "ARCHIVE_EXPANDS_TOO_FAR"),
    "xz-bomb.xz": (set(), set(), "ARCHIVE_EXPANDS_TOO_FAR"),
    "tar-gz-bomb.tgz": ({"IM1"} | {f"Z{n}" for n in range(63)}, set(), "ARCHIVE_EXPANDS_TOO_FAR"),
    "zip-lies-smaller.zip": (set(), {"ARCHIVE_MEMBER_DAMAGED"}, ""),
    "zip-lies-larger.zip": (set(), set(), "ARCHIVE_EXPANDS_TOO_FAR"),
    "zip-packed-beyond-the-end.zip": (set(), {"ARCHIVE_OVERLAPS"}, ""),
    "zip-wrong-crc.zip": (SECOND, {"ARCHIVE_CONTRADICTS_ITSELF"}, ""),
    "zip-bits-turned.zip": (set(), {"ARCHIVE_MEMBER_DAMAGED"}, ""),
    "zip-local-name-differs.zip": (set(), {"ARCHIVE_CONTRADICTS_ITSELF"}, ""),
    "zip-local-method-differs.zip": (set(), {"ARCHIVE_CONTRADICTS_ITSELF"}, ""),
    "zip-count-lies.zip": (set(), set(), "ARCHIVE_TOO_MANY_FILES"),
    "zip-offsets-beyond.zip": (set(), {"ARCHIVE_OVERLAPS"}, ""),
    "zip-encrypted.zip": (set(), {"ARCHIVE_ENCRYPTED"}, ""),
    "zip-one-encrypted.zip": (SECOND, {"ARCHIVE_ENCRYPTED"}, ""),
    "zip-deflate64.zip": (set(), {"ARCHIVE_COMPRESSION"}, ""),
    "zip-link.zip": (set(), {"ARCHIVE_HAS_LINKS"}, ""),
    "zip-device.zip": (set(), {"ARCHIVE_HAS_DEVICES"}, ""),
    "zip-slip.zip": ({"share/1.dcm"}, {"ARCHIVE_NAME_UNSAFE"}, ""),
    "zip-absolute.zip": ({"etc/1.dcm"}, set(), ""),
    "zip-name-nul.zip": (set(), {"ARCHIVE_NAME_UNSAFE"}, ""),
    "zip-name-control.zip": (SECOND, {"ARCHIVE_NAME_UNSAFE"}, ""),
    "zip-name-turned.zip": (SECOND, {"ARCHIVE_NAME_UNSAFE"}, ""),
    "zip-name-long.zip": (SECOND, {"ARCHIVE_NAME_UNSAFE"}, ""),
    "zip-name-no-utf8.zip": (set(), {"ARCHIVE_NAME_UNSAFE"}, ""),
    "zip-name-twice.zip": (FIRST, {"ARCHIVE_NAME_TWICE"}, ""),
    "zip-case-clash.zip": ({"A.dcm", "a.dcm"}, set(), ""),
    "zip-prepended.zip": ({"a/1.dcm", "a/2.dcm"}, set(), ""),
    "zip-appended.zip": ({"a/1.dcm", "a/2.dcm"}, set(), ""),
    "zip-cut.zip": (FIRST, {"ARCHIVE_CUT_SHORT"}, ""),
    "zip-directory-cut.zip": ({"a/1.dcm", "a/2.dcm"}, {"ARCHIVE_CUT_SHORT"}, ""),
    "zip-empty.zip": (set(), set(), ""),
    "zip-only-system-files.zip": (set(), {"ARCHIVE_SYSTEM_FILES"}, ""),
    "zip-many-files.zip": (set(), set(), "ARCHIVE_TOO_MANY_FILES"),
    "zip-64.zip": (FIRST, set(), ""),
    "tar-link.tar": (SECOND, {"ARCHIVE_HAS_LINKS"}, ""),
    "tar-hard-link.tar": (SECOND, {"ARCHIVE_HAS_LINKS"}, ""),
    "tar-device.tar": (SECOND, {"ARCHIVE_HAS_DEVICES"}, ""),
    "tar-pipe.tar": (SECOND, {"ARCHIVE_HAS_DEVICES"}, ""),
    "tar-sparse.tar": (SECOND, {"ARCHIVE_SPARSE"}, ""),
    "tar-sparse-pax-20-gb.tar": (SECOND, {"ARCHIVE_SPARSE"}, ""),
    "tar-size-negative.tar": (set(), {"ARCHIVE_CUT_SHORT"}, ""),
    "tar-size-endless.tar": (set(), {"ARCHIVE_CUT_SHORT"}, ""),
    "tar-size-beyond.tar": (set(), {"ARCHIVE_MEMBER_TOO_LARGE", "ARCHIVE_CUT_SHORT"}, ""),
    "tar-long-name-8-gb.tar": (set(), {"ARCHIVE_CUT_SHORT"}, ""),
    "tar-pax-lies.tar": (SECOND, set(), ""),
    "tar-pax-path-upwards.tar": (set(), {"ARCHIVE_NAME_UNSAFE"}, ""),
    "tar-checksum.tar": (FIRST, {"ARCHIVE_CUT_SHORT"}, ""),
    "tar-cut.tar": ({"a/1.dcm"}, {"ARCHIVE_MEMBER_DAMAGED", "ARCHIVE_CUT_SHORT"}, ""),
    "gzip-crc.gz": (set(), set(), "ARCHIVE_UNREADABLE"),
    "gzip-of-gzip.gz": ({"gzip-of-gzip"}, set(), ""),
    "7z.7z": (set(), set(), "ARCHIVE_FORMAT"),
    "rar.rar": (set(), set(), "ARCHIVE_FORMAT"),
}


@pytest.mark.parametrize("name", sorted(ODD))
def test_an_odd_archive_gives_what_is_good_in_it_and_the_reason_for_the_rest(tmp_path: Path, name: str) -> None:
    found = opened(ODD[name](), tmp_path, name)
    if name in EXPECTED:
        assert (set(found.files), set(found.codes), found.refused) == EXPECTED[name]
    else:
        assert found.files or found.codes or found.refused


def test_a_member_as_large_as_no_image_leaves_the_others(tmp_path: Path) -> None:
    small = ArchiveLimits(member_bytes=11_000)
    assert opened(zipped(BOTH), tmp_path, limits=small) == Opened({"b/2.dcm": OTHER}, ["ARCHIVE_MEMBER_TOO_LARGE"], "")


def test_an_archive_inside_is_handed_out_as_a_file_of_its_own(tmp_path: Path) -> None:
    assert set(opened(nested_zip(GOOD, 2), tmp_path).files) == {"level0.zip"}


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(gzip.compress(tarred({f"{n}.dcm": OTHER * 400 for n in range(30)}), 1))
    tracemalloc.start()
    for item in members(tmp_path / "archive", tmp_path / "staging", LIMITS):
        assert isinstance(item, Member)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 1024**2
