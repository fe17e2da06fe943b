"""STOW-RS: what came whole is in the ledger, each instance is answered for, nothing is half, nobody else gets in."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from rest_framework.test import APIClient

from fulfillment.dicomweb import storing
from fulfillment.models import SourceFile
from fulfillment.services.batches import create_batch
from fulfillment.uploads import staging
from fulfillment.uploads.body import body_of
from getdata.accounts.models import Organization
from getdata.accounts.tokens import make_token
from tests.fulfillment.dicomweb.related_bodies import BOUNDARY, TYPE, body
from tests.fulfillment.uploads.conftest import Scene
from tests.support.images import tiny_dicom

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)


@pytest.fixture
def speaker(scene: Scene, api: Callable[..., APIClient]) -> APIClient:
    return api(scene.manager)


def send(client: APIClient, scene: Scene, data: bytes, *, study: str = "", **headers: str) -> Any:
    place = f"/dicomweb/batches/{scene.batch.pk}/studies" + (f"/{study}" if study else "")
    return client.generic("POST", place, data, content_type=headers.pop("content_type", TYPE), **headers)


def uids(answer: Any, tag: str) -> list[str]:
    return [item["00081155"]["Value"][0] for item in answer.json().get(tag, {}).get("Value", []) if "00081155" in item]


def reasons(answer: Any, tag: str) -> list[int]:
    return [item["00081197"]["Value"][0] for item in answer.json().get(tag, {}).get("Value", [])]


STORED, FAILED, OTHER = "00081199", "00081198", "0008119A"


def staged() -> int:
    return len(list(staging.folder().iterdir()))


def test_instances_land_in_the_batch_and_are_answered_one_by_one(speaker: APIClient, scene: Scene) -> None:
    answer = send(speaker, scene, body([tiny_dicom(1), tiny_dicom(2)]), HTTP_ACCEPT="application/dicom+json")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/dicom+json"
    assert uids(answer, STORED) == ["2.25.7001", "2.25.7002"]
    assert SourceFile.objects.filter(batch=scene.batch, status="received", kind="instance").count() == 2
    assert staged() == 2


def test_a_resend_is_success_and_makes_no_second_file(speaker: APIClient, scene: Scene) -> None:
    for _ in range(2):
        answer = send(speaker, scene, body([tiny_dicom(1)]))
        assert (answer.status_code, uids(answer, STORED)) == (200, ["2.25.7001"])
    assert SourceFile.objects.count() == 1
    assert staged() == 1


def test_a_body_without_content_length_is_read_from_the_server(scene: Scene) -> None:
    data = body([tiny_dicom(1)])
    request: WSGIRequest = RequestFactory().generic("POST", "/")
    request.META["CONTENT_LENGTH"] = ""
    request.META["HTTP_TRANSFER_ENCODING"] = "chunked"
    request.environ["wsgi.input"] = io.BytesIO(data)
    stored = storing.store_instances(batch=scene.batch, actor=scene.manager, body=body_of(request), boundary=BOUNDARY)
    assert [one.failure for one in stored.outcomes] == [None]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"not dicom", 0xC000),
        (b"", 0xC000),
        (tiny_dicom(3).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"), 0xC122),
        (tiny_dicom(3)[:300], 0xC000),
    ],
    ids=["noise", "empty", "unknown syntax", "cut short"],
)
def test_an_instance_that_fails_keeps_the_others(
    speaker: APIClient,
    scene: Scene,
    broken: bytes,
    reason: int,
) -> None:
    answer = send(speaker, scene, body([tiny_dicom(1), broken, tiny_dicom(2)]))
    assert answer.status_code == 202
    assert uids(answer, STORED) == ["2.25.7001", "2.25.7002"]
    assert reasons(answer, OTHER) == [reason]
    assert SourceFile.objects.count() == staged() == 2


def test_nothing_stored_is_a_conflict(speaker: APIClient, scene: Scene) -> None:
    answer = send(speaker, scene, body([b"no", b"no"]))
    assert answer.status_code == 409
    assert reasons(answer, OTHER) == [0xC000, 0xC000]
    assert not SourceFile.objects.exists() and staged() == 0


def test_an_instance_of_another_study_than_the_addresss_is_refused(speaker: APIClient, scene: Scene) -> None:
    answer = send(speaker, scene, body([tiny_dicom(1), tiny_dicom(2)]), study="2.25.8001")
    assert answer.status_code == 202
    assert (uids(answer, STORED), uids(answer, FAILED)) == (["2.25.7001"], ["2.25.7002"])
    assert reasons(answer, FAILED) == [0xA900]


def test_a_file_that_says_two_classes_is_taken_with_a_warning(speaker: APIClient, scene: Scene) -> None:
    odd = tiny_dicom(1).replace(b"1.2.840.10008.5.1.4.1.1.1", b"1.2.840.10008.5.1.4.1.1.7", 1)
    answer = send(speaker, scene, body([odd]))
    assert answer.status_code == 202
    assert answer.json()[STORED]["Value"][0]["00081196"]["Value"] == [0xB007]


@pytest.mark.parametrize("keep", [0.45, 0.99])
def test_of_a_body_cut_off_the_whole_instances_stay(speaker: APIClient, scene: Scene, keep: float) -> None:
    data = body([tiny_dicom(1), tiny_dicom(2), tiny_dicom(3)], end=False)
    answer = send(speaker, scene, data[: int(len(data) * keep)])
    assert answer.status_code == 202
    assert "299" in answer["Warning"]
    assert len(uids(answer, STORED)) == SourceFile.objects.count() == staged() == (1 if keep < 0.5 else 2)


def test_an_instance_too_large_is_read_past(speaker: APIClient, scene: Scene, settings: Any) -> None:
    settings.MAX_INSTANCE_BYTES = len(tiny_dicom(1)) + 50
    answer = send(speaker, scene, body([tiny_dicom(1), tiny_dicom(3) + b"\0" * 500_000, tiny_dicom(2)]))
    assert uids(answer, STORED) == ["2.25.7001", "2.25.7002"]
    assert reasons(answer, OTHER) == [0xA700]
    assert staged() == 2


def test_more_instances_or_bytes_than_a_request_may_hold(speaker: APIClient, scene: Scene, settings: Any) -> None:
    settings.DICOMWEB_MAX_INSTANCES = 2
    answer = send(speaker, scene, body([tiny_dicom(n) for n in range(4)]))
    assert (answer.status_code, len(uids(answer, STORED))) == (202, 2)
    settings.MAX_UPLOAD_BYTES = 100
    assert send(speaker, scene, body([tiny_dicom(9)])).status_code == 413
    assert SourceFile.objects.count() == staged() == 2


def test_a_full_disk_refuses_this_one_and_keeps_what_came(
    speaker: APIClient,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = iter([None, OSError(28, "full"), None])
    real = staging.make_durable

    def durable(handle: Any) -> None:
        trouble = next(turns)
        if trouble is not None:
            raise trouble
        real(handle)

    monkeypatch.setattr("fulfillment.uploads.staging.make_durable", durable)
    answer = send(speaker, scene, body([tiny_dicom(1), tiny_dicom(2), tiny_dicom(3)]))
    assert answer.status_code == 202
    assert uids(answer, STORED) == ["2.25.7001", "2.25.7003"]
    assert reasons(answer, OTHER) == [0xA700]
    assert staged() == 2


def test_a_database_that_fails_is_no_success_and_leaves_nothing_half(
    speaker: APIClient,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.db import OperationalError

    def broken(**_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(storing, "take_in", broken)
    answer = send(speaker, scene, body([tiny_dicom(1)]))
    assert (answer.status_code, reasons(answer, FAILED)) == (409, [0xA700])
    assert not SourceFile.objects.exists()


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/dicom", 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', 415),
        ("multipart/form-data; boundary=x", 415),
        ('multipart/related; type="application/dicom"', 400),
        (f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"', 200),
    ],
)
def test_other_bodies_are_refused(speaker: APIClient, scene: Scene, content_type: str, status: int) -> None:
    assert send(speaker, scene, body([tiny_dicom(1)]), content_type=content_type).status_code == status


def test_an_answer_that_is_not_accepted_is_said_before_anything_is_stored(speaker: APIClient, scene: Scene) -> None:
    assert send(speaker, scene, body([tiny_dicom(1)]), HTTP_ACCEPT="application/dicom+xml").status_code == 406
    assert send(speaker, scene, body([]), HTTP_ACCEPT="*/*").status_code == 400
    assert not SourceFile.objects.exists()


def test_the_token_may_come_as_the_password_of_basic(scene: Scene) -> None:
    _, secret = make_token(user=scene.manager, name="orthanc", scopes=["deliveries:write"])
    for password, status in ((secret, 200), (secret + "x", 401), ("", 401)):
        encoded = base64.b64encode(f"pacs:{password}".encode()).decode()
        answer = send(APIClient(), scene, body([tiny_dicom(1)]), HTTP_AUTHORIZATION=f"Basic {encoded}")
        assert answer.status_code == status
    assert send(APIClient(), scene, body([tiny_dicom(1)]), HTTP_AUTHORIZATION="Basic !!").status_code == 401
    refused = send(APIClient(), scene, body([tiny_dicom(1)]))
    assert refused.status_code == 401 and "Basic" in refused["WWW-Authenticate"]


def test_only_those_who_may_upload_get_in(scene: Scene, api: Callable[..., APIClient]) -> None:
    expected = {"viewer": 403, "privacy_officer": 403, "researcher": 404, "stranger": 404, "reviewer": 403}
    for who, status in expected.items():
        assert send(api(getattr(scene, who)), scene, body([tiny_dicom(1)])).status_code == status, who
        place = f"/dicomweb/hospitals/{scene.hospital.slug}/studies"
        answer = api(getattr(scene, who)).generic("POST", place, body([tiny_dicom(1)]), content_type=TYPE)
        assert answer.status_code == status, who
    narrow = api(scene.manager, scopes=("deliveries:read", "releases:read"))
    assert send(narrow, scene, body([tiny_dicom(1)])).status_code == 403
    assert not SourceFile.objects.exists()


def test_a_sealed_batch_takes_nothing(speaker: APIClient, scene: Scene) -> None:
    type(scene.batch).objects.filter(pk=scene.batch.pk).update(status="sealed")
    answer = send(speaker, scene, body([tiny_dicom(1)]))
    assert (answer.status_code, answer.json()["code"]) == (403, "batch_not_writable")


def test_a_batch_sealed_while_the_body_comes_refuses_the_rest(
    speaker: APIClient,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = storing.take_in

    def seal_after_one(**fields: Any) -> Any:
        taken = real(**fields)
        type(scene.batch).objects.filter(pk=scene.batch.pk).update(status="sealed")
        return taken

    monkeypatch.setattr(storing, "take_in", seal_after_one)
    answer = send(speaker, scene, body([tiny_dicom(1), tiny_dicom(2)]))
    assert (uids(answer, STORED), reasons(answer, FAILED)) == (["2.25.7001"], [0x0124])
    assert SourceFile.objects.count() == staged() == 1


def test_the_hospitals_address_stands_for_its_one_open_batch(speaker: APIClient, scene: Scene) -> None:
    place = f"/dicomweb/hospitals/{scene.hospital.slug}/studies"

    def post() -> Any:
        return speaker.generic("POST", place, body([tiny_dicom(1)]), content_type=TYPE)

    assert post().status_code == 200
    assert SourceFile.objects.get().batch == scene.batch
    create_batch(fulfillment=scene.fulfillment, name="A second one", actor=scene.manager)
    answer = post()
    assert (answer.status_code, answer.json()["code"]) == (409, "several_open_batches")
    type(scene.batch).objects.update(status="sealed")
    answer = post()
    assert (answer.status_code, answer.json()["code"]) == (409, "no_open_batch")
    assert answer.json()["remedy"]
    Organization.objects.filter(pk=scene.hospital.pk).update(status="suspended")
    assert post().json()["code"] == "organization_not_verified"


def test_memory_does_not_grow_with_the_body(scene: Scene) -> None:
    import tracemalloc

    instance = tiny_dicom(1)
    blocks: Iterator[bytes] = iter(
        [body([instance], end=False), *[b"\0" * 65_536] * 400, f"\r\n--{BOUNDARY}--".encode()]
    )
    stream = type("Stream", (), {"read": lambda self, size=0: next(blocks, b"")})()
    tracemalloc.start()
    stored = storing.store_instances(
        batch=scene.batch, actor=scene.manager, body=storing.Body(stream, None), boundary=BOUNDARY
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.failure for one in stored.outcomes] == [None]
    assert SourceFile.objects.get().size > 26_000_000
    assert peak < 6_000_000
