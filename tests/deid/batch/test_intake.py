"""What lies in an input folder: anything. Each thing is a file to clean or a reason, and none blocks the run."""

from __future__ import annotations

import io
import os
import socket
import struct
import sys
import zipfile
from pathlib import Path

import pytest

from deid.batch.intake import Source, list_files, list_members, look_into, read_source
from deid.outcome import Refusal
from tests.deid.objects import make_file, plain_chest

SMALL = make_file(plain_chest(32, 24))


def reason(source: Source) -> str:
    with pytest.raises(Refusal) as caught:
        read_source(source)
    with pytest.raises(Refusal) as looked, look_into(source):
        pass
    assert looked.value.code == caught.value.code
    return caught.value.code


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return path


def test_a_folder_is_listed_whole_with_hidden_files_and_links_but_links_to_folders_are_not_walked(
    tmp_path: Path,
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/b/1", ".hidden", "a/ü 漢.dcm"):
        (tmp_path / name).write_bytes(SMALL)
    (tmp_path / "link").symlink_to(tmp_path / ".hidden")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    found = {os.path.relpath(path, tmp_path) for path in list_files(tmp_path)}
    assert found == {"a/b/1", ".hidden", "a/ü 漢.dcm", "link", "dangling", "a/loop"}
    assert read_source(Source(str(tmp_path / "link"))) == SMALL
    assert reason(Source(str(tmp_path / "dangling"))) == "unreadable"
    assert reason(Source(str(tmp_path / "a" / "loop"))) == "unreadable"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_pipes_sockets_and_devices_are_answered_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket"))
        (tmp_path / "endless").symlink_to("/dev/zero")
        assert len(list_files(tmp_path)) == 3
        for path in list_files(tmp_path):
            assert [source.path for source in list_members(path)] == [path]
            assert reason(Source(path)) == "unreadable"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_answered_and_not_skipped(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "file").write_bytes(SMALL)
    (tmp_path / "locked").chmod(0)
    (tmp_path / "file").chmod(0)
    try:
        assert {os.path.basename(path) for path in list_files(tmp_path)} == {"locked", "file"}
        assert {reason(Source(path)) for path in list_files(tmp_path)} == {"unreadable"}
    finally:
        (tmp_path / "locked").chmod(0o700)


def test_members_of_a_zip_are_sources_whatever_their_names_say(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"../../x": SMALL, "/abs": SMALL, "C:\\x": SMALL, "n" * 5000: SMALL})
    sources = list_members(str(path))
    assert len(sources) == 4 and all(read_source(source) == SMALL for source in sources)
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.zip"}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_refused_whatever_its_compression(tmp_path: Path, method: int) -> None:
    path = zipped(tmp_path / "a.zip", {"a": SMALL, "b": SMALL}, method)
    data = bytearray(path.read_bytes())
    for at in range(60, 400, 7):
        data[at] ^= 0x5A
    path.write_bytes(data)
    first, second = (Source(str(path), name) for name in "ab")
    assert reason(first) == "archive-unsafe"
    assert read_source(second) == SMALL


def test_bombs_nested_and_encrypted_members_are_refused(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x", SMALL)
    path = zipped(tmp_path / "a.zip", {"bomb": bytes(60_000_000), "inner.zip": inner.getvalue()})
    assert {reason(source) for source in list_members(str(path))} == {"archive-unsafe"}
    locked = bytearray(zipped(tmp_path / "b.zip", {"x": SMALL}).read_bytes())
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    locked[6] |= 1
    (tmp_path / "b.zip").write_bytes(locked)
    assert reason(list_members(str(tmp_path / "b.zip"))[0]) == "archive-unsafe"


def test_an_archive_whose_members_overlap_or_share_a_name_is_refused_as_one(tmp_path: Path) -> None:
    data = zipped(tmp_path / "a.zip", {"a": os.urandom(3000)}).read_bytes()
    directory = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[directory:end]
    many = b"".join(entry[:46] + bytes([98 + n]) + entry[47:] for n in range(20))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 20, 20, len(many), directory, 0)
    (tmp_path / "overlap.zip").write_bytes(data[:directory] + many + tail)
    (tmp_path / "empty.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    (tmp_path / "noise.zip").write_bytes(b"PK\x03\x04 and nothing more")
    for name in ("overlap.zip", "empty.zip", "noise.zip"):
        sources = list_members(str(tmp_path / name))
        assert sources == [Source(str(tmp_path / name))]
        assert reason(sources[0]) == "archive-unsafe"


def test_an_input_that_is_one_strange_file_is_still_listed(tmp_path: Path) -> None:
    assert list_files(tmp_path / "gone") == [str(tmp_path / "gone")]
    assert reason(Source(str(tmp_path / "gone"))) == "unreadable"
