"""The upload endpoint against tus 1.0.0: core, creation, creation-with-upload, checksum, termination, expiration."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.utils import timezone

from fulfillment.models import SourceFile, SourceKind, Upload, UploadStatus
from fulfillment.uploads import staging
from fulfillment.uploads.names import unseal_name
from tests.fulfillment.uploads.conftest import TUS, Scene, Tus, checksum, metadata

pytestmark = pytest.mark.django_db
DATA = bytes(range(256)) * 40


def test_the_server_says_what_it_speaks(tus: Tus, settings: Any) -> None:
    answer = tus.client.generic("OPTIONS", tus.endpoint)
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert answer["Tus-Extension"] == "creation,creation-with-upload,checksum,termination,expiration"
    assert answer["Tus-Max-Size"] == str(settings.MAX_UPLOAD_BYTES)
    assert answer["Tus-Checksum-Algorithm"] == "sha256,sha1"


@pytest.mark.parametrize("version", ["", "0.2.2", "2.0.0"])
def test_another_version_is_refused_and_ours_is_named(tus: Tus, version: str) -> None:
    answer = tus.create("a.dcm", 10, HTTP_TUS_RESUMABLE=version)
    assert answer.status_code == 412
    assert answer["Tus-Version"] == "1.0.0"
    assert not Upload.objects.exists()


def test_a_transfer_is_created_empty_with_an_address_and_an_expiry(tus: Tus, settings: Any) -> None:
    answer = tus.create("a.dcm", len(DATA))
    assert answer.status_code == 201
    assert answer["Tus-Resumable"] == "1.0.0"
    upload = Upload.objects.get()
    assert answer["Location"] == f"/api/v1/uploads/{upload.pk}"
    assert answer["Upload-Offset"] == "0"
    expires = parsedate_to_datetime(answer["Upload-Expires"])
    assert abs(expires - timezone.now() - timedelta(hours=settings.UPLOAD_EXPIRY_HOURS)) < timedelta(minutes=1)


def test_creation_with_upload_takes_a_small_file_in_one_request(tus: Tus) -> None:
    answer = tus.send("folder/a.dcm", DATA)
    assert answer.status_code == 201
    assert answer["Upload-Offset"] == str(len(DATA))
    assert answer["GetDATA-Outcome"] == "taken"
    file = SourceFile.objects.get()
    assert answer["GetDATA-File"] == str(file.number)
    assert (file.status, file.kind, file.size) == ("received", SourceKind.INSTANCE, len(DATA))
    assert unseal_name(file) == "folder/a.dcm"
    assert staging.path(file.staged).read_bytes() == DATA


def test_parts_are_appended_and_the_last_one_makes_the_file(tus: Tus) -> None:
    url = tus.create("a.dcm", len(DATA))["Location"]
    first = tus.patch(url, 0, DATA[:3000])
    assert (first.status_code, first["Upload-Offset"]) == (204, "3000")
    assert "Upload-Expires" in first
    assert not SourceFile.objects.exists()
    last = tus.patch(url, 3000, DATA[3000:])
    assert (last.status_code, last["Upload-Offset"]) == (204, str(len(DATA)))
    assert staging.path(SourceFile.objects.get().staged).read_bytes() == DATA
    assert Upload.objects.get().status == UploadStatus.COMPLETE


def test_head_tells_the_offset_the_length_and_the_name(tus: Tus) -> None:
    url = tus.create("a.dcm", len(DATA), DATA[:500])["Location"]
    answer = tus.head(url)
    assert answer.status_code == 200
    assert answer["Upload-Offset"] == "500"
    assert answer["Upload-Length"] == str(len(DATA))
    assert answer["Upload-Metadata"].startswith("filename ")
    assert answer["Cache-Control"] == "no-store"
    assert answer.content == b""


@pytest.mark.parametrize("offset", [0, 499, 501, len(DATA)])
def test_a_wrong_offset_is_a_conflict_and_changes_nothing(tus: Tus, offset: int) -> None:
    url = tus.create("a.dcm", len(DATA), DATA[:500])["Location"]
    answer = tus.patch(url, offset, DATA[500:600])
    assert answer.status_code == 409
    assert answer.json()["code"] == "offset_mismatch"
    assert tus.head(url)["Upload-Offset"] == "500"


@pytest.mark.parametrize("offset", ["", "-1", "1.5", "x", "٣", "1" * 30])
def test_an_unreadable_offset_is_a_bad_request(tus: Tus, offset: str) -> None:
    url = tus.create("a.dcm", len(DATA))["Location"]
    answer = tus.client.generic(
        "PATCH", url, b"x", content_type="application/offset+octet-stream", **TUS, HTTP_UPLOAD_OFFSET=offset
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_header")


def test_a_part_of_another_content_type_is_refused(tus: Tus) -> None:
    url = tus.create("a.dcm", 10)["Location"]
    assert tus.patch(url, 0, b"x" * 10, content_type="application/octet-stream").status_code == 415
    assert tus.head(url)["Upload-Offset"] == "0"


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_part_with_the_right_checksum_counts(tus: Tus, algorithm: str) -> None:
    url = tus.create("a.dcm", len(DATA))["Location"]
    answer = tus.patch(url, 0, DATA[:700], HTTP_UPLOAD_CHECKSUM=checksum(DATA[:700], algorithm))
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "700")


def test_a_part_with_a_wrong_checksum_is_discarded_with_460(tus: Tus) -> None:
    url = tus.create("a.dcm", len(DATA), DATA[:100])["Location"]
    answer = tus.patch(url, 100, DATA[100:], HTTP_UPLOAD_CHECKSUM=checksum(b"something else"))
    assert answer.status_code == 460
    assert answer.reason_phrase == "Checksum Mismatch"
    assert tus.head(url)["Upload-Offset"] == "100"
    assert staging.size(str(Upload.objects.get().pk)) == 100
    assert tus.patch(url, 100, DATA[100:], HTTP_UPLOAD_CHECKSUM=checksum(DATA[100:])).status_code == 204
    assert staging.path(SourceFile.objects.get().staged).read_bytes() == DATA


@pytest.mark.parametrize("header", ["md5 AAAA", "sha256 !!!", "sha256 AAAA", "sha256"])
def test_an_unusable_checksum_is_a_bad_request(tus: Tus, header: str) -> None:
    url = tus.create("a.dcm", len(DATA))["Location"]
    assert tus.patch(url, 0, DATA, HTTP_UPLOAD_CHECKSUM=header).status_code == 400
    assert tus.head(url)["Upload-Offset"] == "0"


def test_a_creation_whose_first_part_is_damaged_leaves_nothing(tus: Tus) -> None:
    answer = tus.create("a.dcm", len(DATA), DATA, HTTP_UPLOAD_CHECKSUM=checksum(b"other"))
    assert answer.status_code == 460
    assert not Upload.objects.filter(status=UploadStatus.ACTIVE).exists()
    assert list(staging.folder().iterdir()) == []


def test_more_bytes_than_announced_are_refused(tus: Tus) -> None:
    url = tus.create("a.dcm", 10)["Location"]
    assert tus.patch(url, 0, b"x" * 11).status_code == 413
    assert tus.head(url)["Upload-Offset"] == "0"


def test_the_last_part_sent_twice_makes_one_file(tus: Tus) -> None:
    url = tus.send("a.dcm", DATA)["Location"]
    again = tus.patch(url, len(DATA), b"")
    assert (again.status_code, again["Upload-Offset"]) == (204, str(len(DATA)))
    assert tus.head(url)["Upload-Offset"] == str(len(DATA))
    assert SourceFile.objects.count() == 1


def test_termination_removes_the_transfer_and_its_bytes(tus: Tus) -> None:
    url = tus.create("a.dcm", len(DATA), DATA[:500])["Location"]
    assert tus.delete(url).status_code == 204
    assert list(staging.folder().iterdir()) == []
    assert tus.head(url).status_code == 410
    assert tus.patch(url, 500, DATA[500:]).status_code == 410
    assert tus.delete(url).status_code == 410


def test_a_complete_transfer_is_not_ended_and_says_where_the_file_is(tus: Tus) -> None:
    url = tus.send("a.dcm", DATA)["Location"]
    answer = tus.delete(url)
    assert (answer.status_code, answer.json()["code"]) == (403, "upload_complete")
    assert tus.head(url).status_code == 200
    assert SourceFile.objects.count() == 1


def test_a_deferred_length_is_refused_in_words_and_not_announced(tus: Tus) -> None:
    headers = {**TUS, "HTTP_UPLOAD_DEFER_LENGTH": "1", "HTTP_UPLOAD_METADATA": metadata("a.dcm")}
    answer = tus.client.generic("POST", tus.endpoint, **headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "length_deferred")
    assert "creation-defer-length" not in tus.client.generic("OPTIONS", tus.endpoint)["Tus-Extension"]


def test_head_tells_the_metadata_as_the_client_wrote_it(tus: Tus) -> None:
    said = "relativePath " + metadata("x/Zoë.dcm").split()[1] + ",filetype YQ==,is_confidential"
    url = tus.create("", len(DATA), HTTP_UPLOAD_METADATA=said)["Location"]
    assert tus.head(url)["Upload-Metadata"] == said
    sealed = bytes(Upload.objects.get().sealed_metadata)
    assert b"relativePath" not in sealed


def test_an_expired_transfer_is_gone(tus: Tus) -> None:
    url = tus.create("a.dcm", len(DATA), DATA[:500])["Location"]
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert tus.head(url).status_code == 410
    assert tus.patch(url, 500, DATA[500:]).status_code == 410


def test_each_part_moves_the_expiry(tus: Tus) -> None:
    url = tus.create("a.dcm", len(DATA))["Location"]
    Upload.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    tus.patch(url, 0, DATA[:10])
    assert Upload.objects.get().expires_at > timezone.now() + timedelta(hours=1)


def test_a_post_that_means_patch_or_delete_is_taken_as_meant(tus: Tus) -> None:
    url = tus.create("a.dcm", len(DATA))["Location"]
    body = {"content_type": "application/offset+octet-stream", **TUS}
    sent = tus.client.generic(
        "POST", url, DATA[:9], **body, HTTP_UPLOAD_OFFSET="0", HTTP_X_HTTP_METHOD_OVERRIDE="PATCH"
    )
    assert (sent.status_code, sent["Upload-Offset"]) == (204, "9")
    assert tus.client.generic("POST", url, **TUS, HTTP_X_HTTP_METHOD_OVERRIDE="DELETE").status_code == 204
    assert tus.client.generic("POST", url, **TUS, HTTP_X_HTTP_METHOD_OVERRIDE="PUT").status_code == 405


@pytest.mark.parametrize("length", ["", "-5", "abc", "0"])
def test_a_transfer_needs_a_length(tus: Tus, length: str) -> None:
    assert tus.create("a.dcm", length).status_code == 400


def test_too_large_a_file_is_refused_before_it_is_sent(tus: Tus, settings: Any) -> None:
    settings.MAX_INSTANCE_BYTES, settings.MAX_UPLOAD_BYTES = 1000, 5000
    assert tus.create("a.dcm", 1000).status_code == 201
    single = tus.create("b.dcm", 1001)
    assert single.status_code == 413
    assert ".zip" in single.json()["remedy"]
    assert tus.create("many.zip", 5000).status_code == 201
    assert tus.create("many.zip", 5001).status_code == 413


def test_a_file_that_only_says_it_is_an_archive_meets_the_limit_of_an_image(tus: Tus, settings: Any) -> None:
    settings.MAX_INSTANCE_BYTES = 1000
    answer = tus.send("disguised.zip", DATA)
    assert answer.status_code == 413
    assert not SourceFile.objects.exists()
    assert list(staging.folder().iterdir()) == []


@pytest.mark.parametrize(
    "metadata", ["filename !!!", "filename YQ==,filename YQ==", "", "filetype YQ==", "filename /w=="]
)
def test_a_transfer_needs_a_readable_name(tus: Tus, metadata: str) -> None:
    assert tus.create("", 10, HTTP_UPLOAD_METADATA=metadata).status_code == 400


def test_a_javascript_clients_missing_path_is_no_path(tus: Tus) -> None:
    tus.create("x", 3, b"abc", HTTP_UPLOAD_METADATA="relativePath bnVsbA==,filename YS5kY20=")
    assert unseal_name(SourceFile.objects.get()) == "a.dcm"


def test_an_empty_file_is_refused_with_a_remedy(tus: Tus) -> None:
    answer = tus.create("empty.dcm", 0)
    assert (answer.status_code, answer.json()["code"]) == (400, "empty_file")
    assert answer.json()["remedy"]


def test_a_sealed_batch_takes_no_part(tus: Tus, scene: Scene) -> None:
    url = tus.create("a.dcm", len(DATA), DATA[:500])["Location"]
    type(scene.batch).objects.filter(pk=scene.batch.pk).update(status="sealed")
    for answer in (tus.patch(url, 500, DATA[500:]), tus.create("b.dcm", 10)):
        assert answer.status_code == 403
        assert answer.json()["code"] == "batch_not_writable"
