"""What strangers send: bombs, endless bodies, forged addresses, odd headers."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.files import uploadedfile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client, RequestFactory
from django.urls import resolve
from rest_framework.settings import api_settings
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.throttling import AnonRateThrottle

from fulfillment.intake import archives
from fulfillment.unpacking import Member
from getdata.accounts.models import Membership
from getdata.common import refusals
from getdata.common.storage import PrivateFileStorage, put, send_file
from requests_app.models import DatasetRequest
from tests.factories import RequestFactory as DraftFactory
from tests.factories import UserFactory, open_request, spec_document

MEGABYTE = 1024 * 1024


# --- archives ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\x", "a/../../b", "C:\\x", "a\0b"])
def test_a_name_in_an_archive_never_leads_out_of_the_staging_folder(tmp_path: Path, settings: Any, name: str) -> None:
    settings.STAGING = tmp_path / "deep" / "staging"
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr(name, b"x")
    found = list(archives.members(path))
    kept = {settings.STAGING / item.staged for item in found if isinstance(item, Member)}
    assert {p for p in tmp_path.rglob("*") if p.is_file()} == {path} | kept


# --- bodies ------------------------------------------------------------------------------------------------------------


class Endless(io.BytesIO):
    """Says how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        block = super().read(size)
        self.taken += len(block)
        return block


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=B", "text/csv"])
def test_an_api_body_is_bounded_before_it_is_read(settings: Any, kind: str) -> None:
    """Anybody may call the check of a specification without signing in."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100_000
    body = Endless(b'{"document": {"title": "' + b"x" * 300_000 + b'"}}')
    request = APIRequestFactory().generic("POST", "/api/v1/lint/", b"", content_type=kind)
    request.META |= {"CONTENT_LENGTH": str(len(body.getvalue())), "wsgi.input": body}
    try:
        assert resolve("/api/v1/lint/").func(WSGIRequest(request.META)).status_code in (400, 415)
    except RequestDataTooBig:  # Django answers it with 400
        pass
    assert body.taken == 0


@pytest.mark.django_db
def test_a_body_of_the_usual_size_is_read(db: None) -> None:
    assert APIClient().post("/api/v1/lint/", {"document": {}}, format="json").status_code == 200


@pytest.mark.django_db
def test_a_form_of_a_stranger_fills_no_disk(settings: Any, tmp_path: Path) -> None:
    """Django reads the form of any POST for its CSRF token, before it is known who asks; large files go to /tmp."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    part = b'--B\r\nContent-Disposition: form-data; name="f"; filename="MUELLER_HANS.dcm"\r\n\r\n'
    body = part + b"x" * (6 * MEGABYTE) + b"\r\n--B--\r\n"
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.get("/accounts/login/")
    assert client.cookies, "without the cookie the form is refused unread"
    seen: list[str] = []
    original = uploadedfile.TemporaryUploadedFile.__init__

    def noted(self: Any, *args: Any, **kwargs: Any) -> None:
        seen.append("written to disk")
        original(self, *args, **kwargs)

    patch = pytest.MonkeyPatch()
    patch.setattr(uploadedfile.TemporaryUploadedFile, "__init__", noted)
    try:
        answer = client.generic("POST", "/accounts/login/", body, content_type="multipart/form-data; boundary=B")
    finally:
        patch.undo()
    assert answer.status_code in (400, 403, 413)
    assert seen == []


@pytest.mark.django_db
def test_a_document_chosen_as_a_file_is_still_read_in(client: Client) -> None:
    draft = DraftFactory.create()
    person = UserFactory.create()
    Membership.objects.create(user=person, organization=draft.organization, role="owner")
    client.force_login(person)
    text = json.dumps(spec_document(title="Read from a file")).encode()
    client.post(f"/requests/{draft.slug}/import/", {"file": SimpleUploadedFile("spec.json", text)})
    assert DatasetRequest.objects.get().title == "Read from a file"


# --- headers -----------------------------------------------------------------------------------------------------------


def test_a_forged_address_does_not_escape_the_rate_limit() -> None:
    """Without a proxy of ours, X-Forwarded-For is what the caller says."""
    assert api_settings.NUM_PROXIES == 0
    throttle = AnonRateThrottle()
    requests = [
        APIRequestFactory().get("/", HTTP_X_FORWARDED_FOR=forged, REMOTE_ADDR="192.0.2.7")
        for forged in ("198.51.100.1", "198.51.100.2", "x, y, z")
    ]
    assert {throttle.get_ident(request) for request in requests} == {"192.0.2.7"}


@pytest.mark.parametrize("asked", [f"bytes={'9' * 5000}-", f"bytes=-{'9' * 5000}", f"bytes=0-{'9' * 5000}"])
def test_an_endless_number_in_a_range_is_not_an_error_of_ours(tmp_path: Path, settings: Any, asked: str) -> None:
    settings.STORAGE_KIND, settings.X_ACCEL_PREFIX = "local", ""
    store = PrivateFileStorage(location=str(tmp_path))
    put(store, "a.zip", b"abc")
    request = RequestFactory().get("/", headers={"Range": asked})
    answer = send_file(request, store, "a.zip", filename="a.zip", size=3, etag="v1")
    assert answer.status_code in (200, 206, 416)


def test_previews_are_not_looked_for_in_the_folder_of_releases(tmp_path: Path, settings: Any) -> None:
    """The proxy's folder is the one of released files: another storage's key must not be tried there."""
    settings.STORAGE_KIND, settings.X_ACCEL_PREFIX = "local", "/protected"
    store = PrivateFileStorage(location=str(tmp_path))
    put(store, "a/b.png", b"abc")
    request = RequestFactory().get("/")
    answer = send_file(request, store, "a/b.png", filename="b.png", size=3, etag="v1", inline=True)
    assert "X-Accel-Redirect" not in answer.headers
    assert b"".join(answer) == b"abc"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "referer", ["http://testserver//evil.example/x", "http://testserver/\\evil.example", "http://evil.example/x", ""]
)
def test_a_refusal_never_sends_anybody_elsewhere(referer: str) -> None:
    request = RequestFactory().post("/files/x/retry/", headers={"Referer": referer})
    assert refusals._came_from(request) == "/"


def test_a_refusal_sends_back_to_our_own_page() -> None:
    request = RequestFactory().post("/x/", headers={"Referer": "http://testserver/batches/1/?state=failed"})
    assert refusals._came_from(request) == "/batches/1/?state=failed"


@pytest.mark.django_db
@pytest.mark.parametrize("version", ["²", "9" * 5000, "9" * 25])
def test_an_odd_version_of_a_specification_is_no_error_of_ours(client: Client, version: str) -> None:
    item = open_request()
    answer = client.get(f"/requests/{item.slug}/spec.json", {"version": version})
    assert answer.status_code in (200, 404)
