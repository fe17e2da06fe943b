"""Every endpoint and page of a delivery, asked by everyone: what each sees, and that names stay with the hospital."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from fulfillment.models import Batch, Image, SourceFile
from tests.factories import batch as other_batch
from tests.fulfillment.uploads.conftest import SECRET_NAME, TUS, Scene, Tus, metadata
from tests.fulfillment.uploads.imaging import add_image

pytestmark = pytest.mark.django_db
ROLES = ("manager", "privacy_officer", "viewer", "researcher", "reviewer", "stranger", "nobody")
HOSPITAL = {"manager", "privacy_officer", "viewer"}
SEES_NAMES = {"manager", "privacy_officer"}


@pytest.fixture
def file(scene: Scene, tus: Tus) -> SourceFile:
    tus.send(SECRET_NAME, b"\0" * 128 + b"DICM and more")
    return SourceFile.objects.get()


def seal(scene: Scene) -> None:
    Batch.objects.filter(pk=scene.batch.pk).update(status="sealed")


def who(scene: Scene, role: str) -> Any:
    return getattr(scene, role, None)


def expected(role: str, *, sealed: bool) -> bool:
    return role in HOSPITAL or role == "reviewer" or (role == "researcher" and sealed)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("role", ROLES)
def test_who_reads_a_batch_over_the_api(
    scene: Scene, file: SourceFile, api: Callable[..., APIClient], role: str, sealed: bool
) -> None:
    image = add_image(file)
    seal(scene) if sealed else None
    client = api(who(scene, role))
    paths = (
        f"batches/{scene.batch.pk}/",
        f"batches/{scene.batch.pk}/progress/",
        f"batches/{scene.batch.pk}/files/",
        f"files/{file.pk}/",
        f"images/{image.pk}/",
    )
    for path in paths:
        answer = client.get(f"/api/v1/{path}")
        if role == "nobody":
            assert answer.status_code == 401, path
        else:
            assert answer.status_code == (200 if expected(role, sealed=sealed) else 404), path
    lists = {"batches": scene.batch.pk, "images": image.pk}
    for name, pk in lists.items():
        found = client.get(f"/api/v1/{name}/")
        if role == "nobody":
            assert found.status_code == 401
        else:
            seen = str(pk) in {one["id"] for one in found.json()["results"]}
            assert seen == expected(role, sealed=sealed), name


@pytest.mark.parametrize("role", ROLES)
def test_who_reads_a_fulfillment_over_the_api(scene: Scene, api: Callable[..., APIClient], role: str) -> None:
    answer = api(who(scene, role)).get(f"/api/v1/fulfillments/{scene.fulfillment.pk}/")
    allowed = 200 if role not in ("stranger", "nobody") else 404
    assert answer.status_code == (401 if role == "nobody" else allowed)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("role", ROLES)
def test_who_opens_the_pages_of_a_batch(
    scene: Scene, file: SourceFile, client: Client, role: str, sealed: bool
) -> None:
    add_image(file)
    seal(scene) if sealed else None
    if who(scene, role):
        client.force_login(who(scene, role))
    for path in ("", "progress/", "files/"):
        answer = client.get(f"/batches/{scene.batch.pk}/{path}", headers={"HX-Request": "true"})
        if role == "nobody":
            assert answer.status_code == 302
            assert "/login/" in answer["Location"]
        else:
            assert answer.status_code == (200 if expected(role, sealed=sealed) else 404), path
    answer = client.get(f"/deliveries/{scene.fulfillment.pk}/")
    assert answer.status_code == {"stranger": 404, "nobody": 302}.get(role, 200)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "nobody"])
def test_a_name_is_read_by_the_hospitals_privileged_members_alone(
    scene: Scene, file: SourceFile, client: Client, api: Callable[..., APIClient], role: str
) -> None:
    add_image(file)
    seal(scene)
    user = who(scene, role)
    client.force_login(user)
    pages = [f"/batches/{scene.batch.pk}/", "/batches/", "/deliveries/", f"/deliveries/{scene.fulfillment.pk}/"]
    texts = [client.get(path).content.decode() for path in pages]
    spoken = api(user)
    for path in (f"batches/{scene.batch.pk}/files/", f"files/{file.pk}/", "images/", "batches/", "fulfillments/"):
        texts.append(spoken.get(f"/api/v1/{path}").content.decode())
    told = any("Müller" in text or "M\\u00fcller" in text or "19510203" in text for text in texts)
    assert told == (role in SEES_NAMES)
    answer = spoken.get(f"/api/v1/files/{file.pk}/")
    if role in SEES_NAMES:
        assert answer.json()["original_name"] == SECRET_NAME
        assert answer.json()["size"] == file.size
    elif role != "stranger":
        assert (answer.json()["original_name"], answer.json()["size"]) == (None, None)
        assert answer.json()["number"] == 1


@pytest.mark.parametrize("role", ROLES)
def test_who_may_send_files(scene: Scene, api: Callable[..., APIClient], role: str) -> None:
    client = api(who(scene, role))
    created = Tus(client, scene.batch).create("x.dcm", 3, b"abc")
    one_shot = client.generic(
        "POST",
        f"/api/v1/batches/{scene.batch.pk}/files/",
        b"abcd",
        content_type="application/octet-stream",
        HTTP_UPLOAD_METADATA=metadata("y.dcm"),
    )
    known = client.post(f"/api/v1/batches/{scene.batch.pk}/uploads/known/", {"files": []}, format="json")
    listed = client.get(f"/api/v1/batches/{scene.batch.pk}/uploads/")
    codes = (created.status_code, one_shot.status_code, known.status_code, listed.status_code)
    assert (
        codes
        == {
            "manager": (201, 201, 200, 200),
            "privacy_officer": (403, 403, 409, 403),
            "viewer": (403, 403, 409, 403),
            "researcher": (404, 404, 404, 404),
            "reviewer": (403, 403, 409, 403),
            "stranger": (404, 404, 404, 404),
            "nobody": (401, 401, 401, 401),
        }[role]
    )


@pytest.mark.parametrize("role", [role for role in ROLES if role != "manager"])
def test_nobody_else_touches_a_transfer(scene: Scene, tus: Tus, api: Callable[..., APIClient], role: str) -> None:
    url = tus.create(SECRET_NAME, 100, b"half")["Location"]
    theirs = Tus(api(who(scene, role)), scene.batch)
    answers = [theirs.head(url), theirs.patch(url, 4, b"more"), theirs.delete(url), theirs.client.get(url)]
    wanted = {"researcher": 404, "stranger": 404, "nobody": 401}.get(role, 403)
    assert {answer.status_code for answer in answers} == {wanted}
    assert all("Upload-Metadata" not in answer for answer in answers)
    assert tus.head(url)["Upload-Offset"] == "4"


@pytest.mark.parametrize("role", ["viewer", "privacy_officer", "reviewer", "researcher", "stranger"])
def test_who_may_not_act_on_files_and_batches(
    scene: Scene, file: SourceFile, api: Callable[..., APIClient], client: Client, role: str
) -> None:
    SourceFile.objects.update(status="failed", stored="somewhere")
    spoken = api(who(scene, role))
    hidden = role in ("researcher", "stranger")
    for path in (f"files/{file.pk}/retry/", f"files/{file.pk}/withdraw/", f"batches/{scene.batch.pk}/seal/"):
        answer = spoken.post(f"/api/v1/{path}")
        assert answer.status_code == (404 if hidden else 409), path
        if not hidden:
            assert answer.json()["code"] == "role_lacks_capability"
    client.force_login(who(scene, role))
    for path in (f"/files/{file.pk}/retry/", f"/files/{file.pk}/withdraw/", f"/batches/{scene.batch.pk}/seal/"):
        assert client.post(path).status_code == (404 if hidden else 302), path
    file.refresh_from_db()
    assert file.status == "failed"
    assert Batch.objects.get().status == "open"


@pytest.mark.parametrize("scopes", [("requests:write",), ("deliveries:read",), ("releases:read", "account:read")])
def test_a_token_without_the_scope_sends_nothing(
    scene: Scene, api: Callable[..., APIClient], scopes: tuple[str, ...]
) -> None:
    client = api(scene.manager, scopes=scopes)
    assert Tus(client, scene.batch).create("x.dcm", 3, b"abc").status_code == 403
    read = client.get(f"/api/v1/batches/{scene.batch.pk}/")
    assert read.status_code == (200 if "deliveries:read" in scopes else 403)


def test_a_transfer_of_another_hospital_does_not_exist_for_us(scene: Scene, api: Callable[..., APIClient]) -> None:
    theirs = other_batch()
    assert Tus(api(scene.manager), theirs).create("x.dcm", 3).status_code == 404
    assert api(scene.manager).get(f"/api/v1/batches/{theirs.pk}/").status_code == 404


@pytest.mark.parametrize("role", ROLES)
def test_who_sees_a_preview(scene: Scene, file: SourceFile, client: Client, role: str) -> None:
    image: Image = add_image(file, preview=b"\x89PNG\r\n\x1a\n picture")
    if who(scene, role):
        client.force_login(who(scene, role))
    answer = client.get(f"/images/{image.pk}/preview/")
    assert answer.status_code == {"stranger": 404, "researcher": 404, "nobody": 302}.get(role, 200)
    if answer.status_code == 200:
        assert answer["Content-Type"] == "image/png"
        assert "private" in answer["Cache-Control"]
        assert b"".join(answer).startswith(b"\x89PNG")  # type: ignore[arg-type]


def test_a_withdrawn_image_has_no_preview(scene: Scene, file: SourceFile, client: Client) -> None:
    image = add_image(file, preview=b"\x89PNG")
    SourceFile.objects.update(status="withdrawn")
    client.force_login(scene.manager)
    assert client.get(f"/images/{image.pk}/preview/").status_code == 404


def test_the_tus_header_of_a_refusal_is_kept(scene: Scene, api: Callable[..., APIClient]) -> None:
    answer = api(scene.viewer).generic("POST", f"/api/v1/batches/{scene.batch.pk}/uploads/", **TUS)
    assert answer["Tus-Resumable"] == "1.0.0"
    assert answer.json()["remedy"]
