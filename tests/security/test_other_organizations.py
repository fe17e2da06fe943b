"""What belongs to one hospital, asked for by another organization: every address that takes a key, by every method and role.

An answer to a stranger must be the same for a key that exists and for one that does not: what differs can be guessed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from fulfillment.models import Batch, SourceFile, Upload
from getdata.accounts.models import Role
from tests.factories import HospitalFactory, member
from tests.factories import batch as other_batch
from tests.fulfillment.uploads.conftest import TUS, Scene, Tus, metadata
from tests.fulfillment.uploads.imaging import add_image
from tests.pages.test_every_address import VALUES, addresses

pytestmark = pytest.mark.django_db
NOWHERE = VALUES["uuid"]
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
#: Addresses of other subjects that take a key; who sees those is tested beside them.
NOT_DELIVERIES = ("/admin/", "/accounts/", "/organizations/", "/staff/organizations/")


@pytest.fixture
def keys(scene: Scene, tus: Tus, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The keys of one thing of each kind, by the word that its addresses hold."""
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)
    tus.send("a.dcm", b"\0" * 128 + b"DICM")
    file = SourceFile.objects.get()
    image = add_image(file, preview=b"\x89PNG")
    tus.create("half.dcm", 10, b"12345")
    upload = Upload.objects.get(status="active")
    found = {"batches": scene.batch.pk, "files": file.pk, "images": image.pk, "uploads": upload.pk}
    return found | {
        "fulfillments": scene.fulfillment.pk,
        "deliveries": scene.fulfillment.pk,
        "quarantine": scene.batch.pk,
    }


def routes(keys: dict[str, Any]) -> list[tuple[str, str]]:
    """(address with the key of a thing that exists, the same with a key of nothing)."""
    found = []
    for address in addresses():
        if NOWHERE not in address or address.startswith(NOT_DELIVERIES):
            continue
        word = next((part for part in address.split("/") if part in keys), None)
        if word is not None:
            found.append((address.replace(NOWHERE, str(keys[word]), 1), address))
    return found


def asked(client: Client, method: str, address: str) -> int:
    answer = client.generic(method, address, b"{}", content_type="application/json", **TUS)
    return answer.status_code


def test_the_addresses_of_deliveries_are_found(keys: dict[str, Any]) -> None:
    words = " ".join(real for real, _ in routes(keys))
    for part in (
        "/preview/",
        "/uploads/",
        "/retry/",
        "/withdraw/",
        "/seal/",
        "/progress/",
        "/api/v1/files/",
        "/api/v1/images/",
    ):
        assert part in words, part
    assert len(routes(keys)) > 30


@pytest.mark.parametrize("method", METHODS)
def test_no_address_tells_another_hospital_whether_a_key_exists(
    scene: Scene, keys: dict[str, Any], method: str
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(scene.stranger)
    before = list(SourceFile.objects.values()), list(Batch.objects.values()), list(Upload.objects.values())
    for real, nowhere in routes(keys):
        status = asked(client, method, real)
        assert status == asked(client, method, nowhere), (method, real)
        assert status >= 400 or (method == "OPTIONS" and status in (200, 204)) or status in (301, 302), (method, real)
    assert before == (list(SourceFile.objects.values()), list(Batch.objects.values()), list(Upload.objects.values()))


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OWNER}))
@pytest.mark.parametrize("place", ["another hospital", "the researchers"])
def test_no_role_of_another_organization_reads_or_writes_an_open_batch(
    scene: Scene, keys: dict[str, Any], api: Callable[..., APIClient], role: str, place: str
) -> None:
    """The researchers who asked for the data see nothing of a batch that is still open either."""
    person = member(HospitalFactory.create() if place == "another hospital" else scene.researchers, Role(role))
    page, spoken = Client(raise_request_exception=False), api(person)
    page.force_login(person)
    for address in (
        f"/batches/{keys['batches']}/",
        f"/images/{keys['images']}/preview/",
        f"/api/v1/batches/{keys['batches']}/",
        f"/api/v1/batches/{keys['batches']}/files/",
        f"/api/v1/files/{keys['files']}/",
        f"/api/v1/images/{keys['images']}/",
    ):
        client: Any = spoken if "/api/" in address else page
        assert client.get(address).status_code == 404, address
    for address in (
        f"/files/{keys['files']}/retry/",
        f"/files/{keys['files']}/withdraw/",
        f"/batches/{keys['batches']}/seal/",
    ):
        assert page.post(address).status_code in (403, 404), address
    theirs = Tus(spoken, scene.batch)
    assert theirs.create("x.dcm", 3, b"abc").status_code in (403, 404)
    url = f"{theirs.endpoint}{keys['uploads']}/"
    assert theirs.head(url).status_code in (403, 404)
    assert theirs.patch(url, 5, b"67890").status_code in (403, 404)
    assert theirs.delete(url).status_code in (403, 404)
    assert (SourceFile.objects.count(), Upload.objects.get(pk=keys["uploads"]).offset) == (1, 5)


def test_an_upload_is_not_reached_through_a_batch_of_ones_own(
    scene: Scene, keys: dict[str, Any], api: Callable[..., APIClient]
) -> None:
    """The key in the path names one's own batch, the one behind it somebody else's upload."""
    mine = other_batch()
    person = member(mine.fulfillment.hospital, Role.OWNER)
    theirs = Tus(api(person), mine)
    url = f"{theirs.endpoint}{keys['uploads']}/"
    assert theirs.head(url).status_code == theirs.head(f"{theirs.endpoint}{NOWHERE}/").status_code == 404
    assert theirs.patch(url, 5, b"67890").status_code == 404
    assert theirs.delete(url).status_code == 404
    assert Upload.objects.get(pk=keys["uploads"]).status == "active"


@pytest.mark.parametrize("header", ["HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD"])
def test_a_method_in_a_header_opens_nothing(
    scene: Scene, keys: dict[str, Any], api: Callable[..., APIClient], header: str
) -> None:
    """tus clients may send PATCH as POST with a header: the rights are asked all the same."""
    spoken, url = api(scene.stranger), f"/api/v1/batches/{keys['batches']}/uploads/{keys['uploads']}/"
    for method in ("PATCH", "DELETE", "HEAD"):
        extra: dict[str, Any] = {**TUS, header: method, "HTTP_UPLOAD_OFFSET": "5"}
        answer = spoken.generic("POST", url, b"67890", content_type="application/offset+octet-stream", **extra)
        assert answer.status_code >= 400, method
    upload = Upload.objects.get(pk=keys["uploads"])
    assert (upload.offset, upload.status) == (5, "active")


@pytest.mark.parametrize("guess", [str(uuid.UUID(int=0)), "1", "..", "%2e%2e", "0" * 36, "'; --", "a" * 500])
def test_a_guessed_key_is_answered_like_any_other(scene: Scene, api: Callable[..., APIClient], guess: str) -> None:
    spoken = api(scene.stranger)
    for address in (f"/api/v1/files/{guess}/", f"/api/v1/batches/{guess}/", f"/api/v1/batches/{guess}/uploads/"):
        assert spoken.get(address, **TUS).status_code in (404, 405), address
    extra: dict[str, Any] = {**TUS, "HTTP_UPLOAD_LENGTH": "3", "HTTP_UPLOAD_METADATA": metadata("x")}
    assert spoken.generic("POST", f"/api/v1/batches/{guess}/uploads/", b"", **extra).status_code in (403, 404, 405)
