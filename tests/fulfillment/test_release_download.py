"""Downloading a release: who may, which bytes, and that the ledger knew before a byte left."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from fulfillment.models import AccessGrant, DownloadEvent, Release
from fulfillment.services import releases
from fulfillment.views import releases as views
from getdata.accounts.models import Organization, Role, User
from getdata.accounts.tokens import make_token
from getdata.audit.models import AuditEvent
from getdata.common import storage
from tests.factories import AdministratorFactory, OrganizationFactory, ReviewerFactory, member
from tests.support.access import downloader
from tests.support.images import accepted_batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    request = accepted_batch(images=1).fulfillment.request
    made = releases.prepare_release(request=request, actor=ReviewerFactory.create())
    releases.build_release(made.pk)
    made.refresh_from_db()
    return releases.publish_release(release=made, actor=ReviewerFactory.create())


@pytest.fixture
def reader(release: Release) -> User:
    return downloader(release)


def ask(person: User | None, release: Release, method: str = "get", **headers: str) -> HttpResponseBase:
    client = Client()
    if person is not None:
        client.force_login(person)
    response: HttpResponseBase = getattr(client, method)(f"/releases/{release.pk}/download/", headers=headers)
    return arrived(response, headers)


def arrived(response: HttpResponseBase, headers: dict[str, str]) -> HttpResponseBase:
    """What reaches the reader: from an S3 store, what the signed address gives for the same headers."""
    if settings.STORAGE_KIND != "s3" or response.status_code != 302 or "X-Amz-Signature" not in response["Location"]:
        return response
    sent = httpx.get(response["Location"], headers=headers)
    shown = {
        name: sent.headers[name]
        for name in ("Content-Type", "Content-Disposition", "Content-Range")
        if name in sent.headers
    }
    return HttpResponse(
        sent.content, status=sent.status_code, headers={**shown, "Cache-Control": response["Cache-Control"]}
    )


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("role", [Role.OWNER, Role.DATA_MANAGER, Role.READER])
def test_people_whose_role_allows_it_get_the_whole_package(release: Release, role: str) -> None:
    response = ask(downloader(release, role), release)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/zip" and release.archive_name in response["Content-Disposition"]
    assert response["Cache-Control"] == "private, no-store"
    assert hashlib.sha256(body(response)).hexdigest() == release.archive_sha256


def test_a_range_gives_exactly_these_bytes(release: Release, reader: User) -> None:
    whole = storage.get(storage.released(), release.archive)
    size = len(whole)
    cases = {"bytes=100-199": (100, 200), f"bytes={size - 10}-": (size - 10, size), "bytes=-7": (size - 7, size)}
    for asked, (start, stop) in cases.items():
        response = ask(reader, release, Range=asked)
        assert response.status_code == 206
        assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert body(response) == whole[start:stop]
    assert list(DownloadEvent.objects.order_by("created_at").values_list("first_byte", flat=True)) == [
        100,
        size - 10,
        size - 7,
    ]


def test_a_range_of_another_version_of_the_file_gives_the_whole_one(release: Release, reader: User) -> None:
    response = ask(reader, release, Range="bytes=100-", **{"If-Range": '"another"'})
    assert response.status_code == 200 and len(body(response)) == release.archive_size
    assert DownloadEvent.objects.get().first_byte == 0


def test_a_range_beyond_the_end_is_refused_and_not_counted_as_a_download(release: Release, reader: User) -> None:
    response = ask(reader, release, Range=f"bytes={release.archive_size}-")
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{release.archive_size}"
    assert not DownloadEvent.objects.exists()


def test_head_says_how_large_it_is_and_is_no_download(release: Release, reader: User) -> None:
    response = ask(reader, release, "head")
    assert response.status_code == 200 and response["Content-Length"] == str(release.archive_size)
    assert response["Accept-Ranges"] == "bytes" and response["ETag"] == f'"{release.archive_sha256}"'
    assert body(response) == b"" and not DownloadEvent.objects.exists()


def test_the_download_is_in_the_ledger_and_the_audit_log_before_a_byte_leaves(release: Release, reader: User) -> None:
    response = ask(reader, release)
    event = DownloadEvent.objects.get()  # nothing was read from the response yet
    assert (event.user, event.grant.release, event.path) == (reader, release, release.archive)
    audit = AuditEvent.objects.get(verb="release.downloaded")
    assert (audit.actor_id, audit.target_id, audit.data) == (str(reader.pk), str(release.pk), {"first_byte": 0})
    response.close()


def test_nothing_is_sent_when_the_ledger_cannot_be_written(
    release: Release, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise OSError("no ledger")

    monkeypatch.setattr(views.releases, "note_download", broken)
    with pytest.raises(OSError, match="no ledger"):
        ask(reader, release)


@pytest.mark.parametrize(
    "who",
    [
        lambda release: member(release.request.organization, Role.VIEWER),
        lambda release: member(release.request.organization, Role.SIGNATORY),
        lambda release: member(release.request.organization, Role.PRIVACY_OFFICER),
        lambda release: member(release.request.fulfillments.get().hospital, Role.OWNER),
        lambda release: member(OrganizationFactory.create(), Role.OWNER),
        lambda release: ReviewerFactory.create(),
        lambda release: AdministratorFactory.create(),
    ],
    ids=["viewer", "signatory", "privacy officer", "hospital", "other organization", "reviewer", "administrator"],
)
def test_for_everyone_else_the_package_does_not_exist(release: Release, who: Callable[[Release], User]) -> None:
    for method in ("get", "head"):
        assert ask(who(release), release, method).status_code == 404
    assert not DownloadEvent.objects.exists()


def test_a_visitor_is_asked_to_sign_in(release: Release) -> None:
    response = ask(None, release)
    assert response.status_code == 302 and "/accounts/login/" in response["Location"]


def test_a_draft_cannot_be_downloaded_by_anybody(release: Release, reader: User) -> None:
    Release.objects.filter(pk=release.pk).update(status="draft")
    for person in (reader, ReviewerFactory.create()):
        assert ask(person, release).status_code == 404


def test_after_a_withdrawal_the_package_is_gone(release: Release, reader: User) -> None:
    assert ask(reader, release).status_code == 200
    releases.withdraw_release(release=release, actor=ReviewerFactory.create(), reason="A name was seen.")
    assert ask(reader, release).status_code == 404
    assert ask(reader, release, Range="bytes=10-").status_code == 404, "not even the rest of a download under way"


@pytest.mark.parametrize("end", ["expired", "revoked", "suspended"])
def test_a_grant_that_ended_gives_nothing(release: Release, reader: User, end: str) -> None:
    match end:
        case "expired":
            AccessGrant.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        case "revoked":
            AccessGrant.objects.update(revoked_at=timezone.now())
        case _:
            Organization.objects.filter(pk=release.request.organization_id).update(status=Organization.Status.SUSPENDED)
    assert ask(reader, release).status_code == 404


def test_post_is_not_a_way_to_download(release: Release, reader: User) -> None:
    assert ask(reader, release, "post").status_code == 405


def test_the_api_sends_the_same_bytes_by_token(release: Release, reader: User) -> None:
    _, secret = make_token(user=reader, name="pull", scopes=["releases:read"])
    _, narrow = make_token(user=reader, name="other", scopes=["deliveries:read"])
    address = f"/api/v1/releases/{release.pk}/download/"
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    part = arrived(client.get(address, HTTP_RANGE="bytes=5-14"), {"Range": "bytes=5-14"})
    assert part.status_code == 206
    assert body(part) == storage.get(storage.released(), release.archive)[5:15]
    event = DownloadEvent.objects.get()
    assert (event.user, event.first_byte) == (reader, 5)
    assert AuditEvent.objects.get(verb="release.downloaded").actor_kind == "token"
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {narrow}")
    assert client.get(address).status_code == 403
    client.credentials()
    assert client.get(address).status_code in (401, 403)
