"""Sending stored files: whole, by range, through a proxy; and what local storage promises."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory

from getdata.common.storage import SIGNED_SECONDS, PrivateFileStorage, get, put, read_range, send_file, send_inside

DATA = bytes(range(256)) * 4096  # 1 MiB: more than one block of the stream
KEY = "ab/cd/release.zip"


@pytest.fixture
def storage(tmp_path: Path) -> PrivateFileStorage:
    store = PrivateFileStorage(location=str(tmp_path))
    put(store, KEY, DATA)
    return store


def _send(storage: Any, method: str = "get", inline: bool = False, **headers: str) -> Any:
    request = getattr(RequestFactory(), method)("/", headers={k.replace("_", "-"): v for k, v in headers.items()})
    return send_file(request, storage, KEY, filename="Röntgen 1.zip", size=len(DATA), etag="v1", inline=inline)


def _body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture(autouse=True)
def _local(settings: Any) -> None:
    settings.STORAGE_KIND, settings.X_ACCEL_PREFIX = "local", ""


def test_the_whole_file_with_its_name_and_its_length(storage: Any) -> None:
    response = _send(storage)
    assert response.status_code == 200
    assert _body(response) == DATA
    assert response["Content-Length"] == str(len(DATA))
    assert response["Accept-Ranges"] == "bytes"
    assert response["ETag"] == '"v1"'
    assert response["Content-Disposition"] == "attachment; filename*=UTF-8''R%C3%B6ntgen%201.zip"
    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=300000-700000", 300000, 700001),
        ("bytes=1048570-", 1048570, 1048576),
        ("bytes=-5", 1048571, 1048576),
        ("bytes=0-99999999", 0, 1048576),
        ("bytes=-99999999", 0, 1048576),
    ],
)
def test_one_range_is_answered_with_206_and_exactly_its_bytes(storage: Any, asked: str, start: int, stop: int) -> None:
    response = _send(storage, Range=asked)
    assert response.status_code == 206
    assert _body(response) == DATA[start:stop]
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    assert response["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=1048576-", "bytes=9999999-99999999", "bytes=-0", "bytes=20-10"])
def test_a_range_outside_the_file_is_416_with_the_size(storage: Any, asked: str) -> None:
    response = _send(storage, Range=asked)
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes 0-1"])
def test_a_range_we_do_not_understand_is_ignored(storage: Any, asked: str) -> None:
    response = _send(storage, Range=asked)
    assert response.status_code == 200
    assert _body(response) == DATA


def test_if_range_gives_the_rest_of_the_same_file_and_the_whole_of_another(storage: Any) -> None:
    same = _send(storage, Range="bytes=100-", If_Range='"v1"')
    assert (same.status_code, _body(same)) == (206, DATA[100:])
    other = _send(storage, Range="bytes=100-", If_Range='"v0"')
    assert (other.status_code, _body(other)) == (200, DATA)


def test_head_tells_the_same_and_sends_nothing(storage: Any) -> None:
    whole, part = _send(storage, "head"), _send(storage, "head", Range="bytes=0-9")
    assert (whole.status_code, whole["Content-Length"], whole.content) == (200, str(len(DATA)), b"")
    assert (part.status_code, part["Content-Length"], part.content) == (206, "10", b"")


def test_a_proxy_sends_the_file_where_there_is_one(storage: Any, settings: Any) -> None:
    settings.X_ACCEL_PREFIX = "/protected"
    response = _send(storage)
    assert response["X-Accel-Redirect"] == f"/protected/{KEY}"
    assert response.content == b""


def test_s3_gets_a_redirect_with_the_name_bound_to_the_signed_address(settings: Any) -> None:
    class Signed:
        def url(self, key: str, parameters: dict[str, str], expire: int) -> str:
            assert expire == SIGNED_SECONDS <= 60, "after a revocation it can still begin a download"
            assert parameters["ResponseContentDisposition"].startswith("attachment; filename*=UTF-8''R%C3%B6ntgen")
            return f"https://s3.example/{key}?signed"

    settings.STORAGE_KIND = "s3"
    response = _send(Signed())
    assert (response.status_code, response["Location"]) == (302, f"https://s3.example/{KEY}?signed")


def test_a_second_save_replaces_the_first_and_leaves_nothing_behind(storage: PrivateFileStorage) -> None:
    assert put(storage, KEY, b"again") == KEY
    assert get(storage, KEY) == b"again"
    folder = Path(storage.path(KEY)).parent
    assert os.listdir(folder) == ["release.zip"]
    assert (folder / "release.zip").stat().st_mode & 0o077 == 0


def test_a_save_that_fails_half_way_leaves_the_old_file_whole(storage: PrivateFileStorage) -> None:
    class Broken:
        def chunks(self, size: int) -> Any:
            yield b"half"
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        storage._save(KEY, Broken())  # type: ignore[arg-type]
    assert get(storage, KEY) == DATA
    assert os.listdir(Path(storage.path(KEY)).parent) == ["release.zip"]


def test_private_files_have_no_address_and_no_way_out_of_their_folder(storage: PrivateFileStorage) -> None:
    with pytest.raises(ValueError, match="no public address"):
        storage.url(KEY)
    with pytest.raises(Exception, match=r"outside of the base path|Detected path traversal"):
        put(storage, "../outside.txt", b"x")


def _inside(storage: Any, **more: Any) -> Any:
    request = RequestFactory().get("/", headers=more.pop("headers", {}))
    return send_inside(request, storage, KEY, offset=1000, size=500_000, filename="a.dcm", etag="v2", **more)


def test_a_file_inside_a_stored_object_is_sent_alone_whole_or_in_part(storage: Any, settings: Any) -> None:
    settings.X_ACCEL_PREFIX = "/protected"  # a proxy would send the whole object
    whole = _inside(storage)
    assert (whole.status_code, whole["ETag"], whole["Content-Length"]) == (200, '"v2"', "500000")
    assert _body(whole) == DATA[1000:501_000]
    part = _inside(storage, headers={"Range": "bytes=499990-", "If-Range": '"v2"'})
    assert (part.status_code, part["Content-Range"]) == (206, "bytes 499990-499999/500000")
    assert _body(part) == DATA[500_990:501_000]
    assert _inside(storage, headers={"Range": "bytes=500000-"}).status_code == 416, "not one byte of its neighbour"


def test_an_s3_store_is_asked_for_the_range_alone() -> None:
    class Body(io.BytesIO):
        pass

    class Bucket:
        asked: list[str] = []

        def Object(self, key: str) -> Any:
            return self

        def get(self, Range: str) -> dict[str, Any]:
            self.asked.append(Range)
            return {"Body": Body(DATA[10:20])}

    class Store:
        bucket = Bucket()

    assert b"".join(read_range(Store(), KEY, 10, 20)) == DATA[10:20]  # type: ignore[arg-type]
    assert Bucket.asked == ["bytes=10-19"] and list(read_range(Store(), KEY, 5, 5)) == []  # type: ignore[arg-type]


def test_a_long_transfer_is_cut_when_it_may_not_go_on(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getdata.common.storage._ASK_AFTER", 256 * 1024)
    answers = iter([True, False])
    sent = _body(_inside(storage, may_go_on=lambda: next(answers)))
    assert len(sent) == 500_000, "the question is asked between blocks, and this had but one after the first"
    answers = iter([False])
    assert _body(_inside(storage, may_go_on=lambda: next(answers))) == DATA[1000 : 1000 + 256 * 1024]
