"""One request, one file or a form of many: the same entry, the same limits."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from fulfillment.models import SourceFile, SourceKind
from fulfillment.uploads import one_shot, staging
from fulfillment.uploads.body import Body, body_of
from fulfillment.uploads.names import unseal_name
from getdata.common.problems import CannotDo
from tests.fulfillment.uploads.conftest import Scene, checksum

pytestmark = pytest.mark.django_db
DATA = b"\0" * 128 + b"DICM" + b"content" * 1000


@pytest.fixture
def client_(api: Callable[..., APIClient], scene: Scene) -> APIClient:
    return api(scene.manager)


def url(scene: Scene) -> str:
    return f"/api/v1/batches/{scene.batch.pk}/files/"


def raw(client: APIClient, scene: Scene, body: bytes, **headers: str) -> Any:
    extra: dict[str, Any] = {"HTTP_CONTENT_DISPOSITION": 'attachment; filename="dir/a.dcm"', **headers}
    return client.generic("POST", url(scene), body, content_type="application/octet-stream", **extra)


def test_a_raw_body_is_one_file(client_: APIClient, scene: Scene) -> None:
    answer = raw(client_, scene, DATA)
    assert answer.status_code == 201
    (line,) = answer.json()["files"]
    assert line["outcome"] == "taken"
    assert line["file"]["original_name"] == "dir/a.dcm"
    assert staging.path(SourceFile.objects.get().staged).read_bytes() == DATA


def test_the_same_file_again_is_already_here(client_: APIClient, scene: Scene) -> None:
    raw(client_, scene, DATA)
    answer = raw(client_, scene, DATA)
    assert answer.status_code == 200
    assert answer.json()["files"][0]["outcome"] == "already_here"
    assert len(list(staging.folder().iterdir())) == 1


def test_a_raw_body_with_a_wrong_checksum_is_refused(client_: APIClient, scene: Scene) -> None:
    assert raw(client_, scene, DATA, HTTP_UPLOAD_CHECKSUM=checksum(b"no")).status_code == 460
    assert raw(client_, scene, DATA, HTTP_UPLOAD_CHECKSUM=checksum(DATA)).status_code == 201


def test_a_raw_body_needs_a_name(client_: APIClient, scene: Scene) -> None:
    answer = raw(client_, scene, DATA, HTTP_CONTENT_DISPOSITION="attachment")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_file_name")


def test_too_large_a_body_is_refused_by_its_length(client_: APIClient, scene: Scene, settings: Any) -> None:
    settings.MAX_INSTANCE_BYTES = 100
    assert raw(client_, scene, DATA).status_code == 413
    assert not staging.folder().exists() or list(staging.folder().iterdir()) == []


def test_a_body_of_unknown_length_needs_a_checksum(scene: Scene) -> None:
    body = Body(io.BytesIO(DATA), None)
    with pytest.raises(CannotDo) as refusal:
        one_shot.receive_file(batch=scene.batch, actor=scene.manager, name="a.dcm", body=body)
    assert refusal.value.code == "length_required"
    from fulfillment.uploads.tus import parse_checksum

    body, sum_ = Body(io.BytesIO(DATA), None), parse_checksum(checksum(DATA))
    taken = one_shot.receive_file(batch=scene.batch, actor=scene.manager, name="a.dcm", body=body, checksum=sum_)
    assert taken.new


def test_a_body_that_ends_early_is_not_taken(scene: Scene) -> None:
    with pytest.raises(CannotDo) as refusal:
        one_shot.receive_file(
            batch=scene.batch, actor=scene.manager, name="a.dcm", body=Body(io.BytesIO(DATA[:500]), len(DATA))
        )
    assert refusal.value.code == "interrupted"
    assert list(staging.folder().iterdir()) == []


def form(*parts: tuple[str, bytes]) -> tuple[bytes, str]:
    """A multipart body with whole paths as file names, as browsers send folders."""
    lines = b""
    for name, content in parts:
        lines += f'--B\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        lines += content + b"\r\n"
    return lines + b"--B--\r\n", "multipart/form-data; boundary=B"


def test_a_form_of_several_files_keeps_their_folders(client_: APIClient, scene: Scene) -> None:
    body, kind = form(("p1/a.dcm", DATA), ("p2/a.dcm", DATA + b"2"), ("p1/.DS_Store", b"noise"))
    answer = client_.generic("POST", url(scene), body, content_type=kind)
    assert answer.status_code == 201
    assert sorted(unseal_name(file) for file in SourceFile.objects.all()) == ["p1/a.dcm", "p2/a.dcm"]
    assert {staging.path(file.staged).read_bytes() for file in SourceFile.objects.all()} == {DATA, DATA + b"2"}
    assert len(list(staging.folder().iterdir())) == 2


def test_one_refused_file_of_a_form_does_not_stop_the_others(client_: APIClient, scene: Scene, settings: Any) -> None:
    settings.MAX_INSTANCE_BYTES = 8000
    body, kind = form(("a.dcm", DATA), ("big.dcm", DATA * 9), ("empty.dcm", b""))
    lines = client_.generic("POST", url(scene), body, content_type=kind).json()["files"]
    assert [line["outcome"] for line in lines] == ["taken", "refused", "refused"]
    assert lines[1]["code"] == "too_large"
    assert lines[1]["remedy"]
    assert len(list(staging.folder().iterdir())) == 1


def test_a_form_cut_short_is_refused_whole(client_: APIClient, scene: Scene) -> None:
    body, kind = form(("a.dcm", DATA))
    for cut in (body[:-8], body[: len(body) // 2]):
        answer = client_.generic("POST", url(scene), cut, content_type=kind)
        assert (answer.status_code, answer.json()["code"]) == (400, "interrupted")
    assert not SourceFile.objects.exists()
    assert list(staging.folder().iterdir()) == []


def test_a_chunked_form_is_read_from_the_server_directly(rf: RequestFactory, scene: Scene) -> None:
    body, kind = form(("a.dcm", DATA))
    request = rf.generic("POST", "/", b"placeholder", content_type=kind)
    request.META["CONTENT_LENGTH"] = ""
    request.environ["wsgi.input"] = io.BytesIO(body)
    request.META["HTTP_TRANSFER_ENCODING"] = "chunked"
    _, files = one_shot.parse_form(request, body_of(request))
    (taken,) = one_shot.receive_form(batch=scene.batch, actor=scene.manager, files=files)
    assert taken.new


def test_an_outsider_is_refused_before_the_body_is_read(api: Callable[..., APIClient], scene: Scene) -> None:
    body, kind = form(("a.dcm", DATA))
    assert api(scene.stranger).generic("POST", url(scene), body, content_type=kind).status_code == 404
    assert api(scene.viewer).generic("POST", url(scene), body, content_type=kind).status_code == 403
    assert not staging.folder().exists() or list(staging.folder().iterdir()) == []


def test_a_session_needs_its_csrf_token_in_the_header(scene: Scene) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(scene.manager)
    page = client.get(f"/batches/{scene.batch.pk}/")
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page.content)
    assert token
    body, kind = form(("a.dcm", DATA))
    assert client.generic("POST", url(scene), body, content_type=kind).status_code == 403
    answer = client.generic("POST", url(scene), body, content_type=kind, HTTP_X_CSRFTOKEN=token.group(1).decode())
    assert answer.status_code == 201


def test_the_plain_form_works_without_javascript(client: Client, scene: Scene) -> None:
    client.force_login(scene.manager)
    files = [SimpleUploadedFile("a.dcm", DATA), SimpleUploadedFile("labels.csv", b"file,finding,state\n")]
    answer = client.post(f"/batches/{scene.batch.pk}/upload/", {"files": files}, follow=True)
    assert answer.status_code == 200
    assert "2 files were taken in" in answer.content.decode()
    assert set(SourceFile.objects.values_list("kind", flat=True)) == {SourceKind.INSTANCE, SourceKind.LABELS}


def test_the_plain_form_needs_its_csrf_token_and_leaves_nothing_without(scene: Scene) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(scene.manager)
    answer = client.post(f"/batches/{scene.batch.pk}/upload/", {"files": SimpleUploadedFile("a.dcm", DATA)})
    assert answer.status_code == 403
    assert not SourceFile.objects.exists()
    assert list(staging.folder().iterdir()) == []


def test_an_empty_plain_form_says_what_to_do(client: Client, scene: Scene) -> None:
    client.force_login(scene.manager)
    answer = client.post(f"/batches/{scene.batch.pk}/upload/", {"nothing": "here"}, follow=True)
    assert "Choose one or more files" in answer.content.decode()
