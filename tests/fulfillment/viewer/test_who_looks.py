"""Who may look at an image in full, for how long an address is good, and what is written down of a look."""

from __future__ import annotations

import gzip
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pydicom import dcmread

from fulfillment.intake import sealing
from fulfillment.models import AccessGrant, DownloadEvent, Image, Release, SourceFile
from fulfillment.services import before_pictures
from fulfillment.services.grants import revoke_grant
from fulfillment.withheld_pictures import picture_key
from getdata.accounts.models import Organization, Role, User
from getdata.audit.models import AuditEvent
from getdata.common import storage
from tests.factories import HospitalFactory, ReviewerFactory, member
from tests.fulfillment.dicomweb.releases import published
from tests.fulfillment.viewer.kinds import kinds
from tests.support.access import downloader, named
from tests.support.images import sealed_batch

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


def of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def statuses(client: Client, image: Image, query: str = "") -> list[int]:
    """Of the page, the description, and the values by the address that the description gives (or by none)."""
    page = client.get(f"/images/{image.pk}/view/{query}")
    description = client.get(f"/images/{image.pk}/view.json{query}")
    address = description.json()["values"]["url"] if description.status_code == 200 else f"/images/{image.pk}/values/"
    return [page.status_code, description.status_code, client.get(address).status_code]


def looks_of_staff() -> int:
    return AuditEvent.objects.filter(verb="image.viewed").count()


@pytest.fixture
def batch(db: None) -> Any:
    return sealed_batch()


@pytest.fixture
def image(batch: Any) -> Image:
    return Image.objects.filter(source__batch=batch).first()


def test_the_hospital_and_staff_look_at_any_time_and_a_look_of_staff_is_written_down(batch: Any, image: Image) -> None:
    hospital = member(batch.fulfillment.hospital, Role.VIEWER)
    assert statuses(of(hospital), image) == [200, 200, 200]
    assert looks_of_staff() == 0
    reviewer = ReviewerFactory.create()
    assert statuses(of(reviewer), image) == [200, 200, 200]
    event = AuditEvent.objects.get(verb="image.viewed")
    assert (event.actor_id, event.target_id) == (str(reviewer.pk), str(image.pk))
    assert event.organization_id == str(batch.fulfillment.hospital_id)
    for other in (HospitalFactory.create(), batch.fulfillment.request.organization):
        assert statuses(of(member(other, Role.OWNER)), image) == [404, 404, 404]
    assert Client().get(f"/images/{image.pk}/view.json").status_code == 302


def test_what_is_sent_is_what_is_stored_in_either_form_and_nobody_may_keep_it(batch: Any, image: Image) -> None:
    storage.put(storage.released(), image.stored, kinds()["signed"])
    stored = dcmread(io.BytesIO(kinds()["signed"])).pixel_array
    client = of(member(batch.fulfillment.hospital, Role.VIEWER))
    description = client.get(f"/images/{image.pk}/view.json")
    shown = description.json()
    assert (shown["display"]["rows"], shown["display"]["columns"], shown["display"]["signed"]) == (*stored.shape, True)
    plain = client.get(shown["values"]["url"])
    assert (np.frombuffer(plain.content, "<i2").reshape(stored.shape) == stored).all()
    for answer in (description, plain):
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"
    packed = client.get(shown["values"]["url"] + "&form=packed")
    assert packed["Content-Encoding"] == "gzip"
    low, high = np.frombuffer(gzip.decompress(packed.content), np.uint8).reshape(2, *stored.shape).astype(np.uint16)
    steps = low | (high << 8)
    steps = (steps >> 1) ^ (np.uint16(0) - (steps & 1))
    assert (np.cumsum(steps, axis=1, dtype=np.uint16).view(np.int16) == stored).all()


def test_an_address_is_good_for_one_image_one_person_one_session_and_two_minutes(batch: Any, image: Image) -> None:
    first = of(member(batch.fulfillment.hospital, Role.VIEWER))
    address = first.get(f"/images/{image.pk}/view.json").json()["values"]["url"]
    other = Image.objects.filter(source__batch=batch).exclude(pk=image.pk).get()
    again, colleague = of(User.objects.get(pk=first.session["_auth_user_id"])), of(ReviewerFactory.create())
    assert first.get(address).status_code == 200
    wrong = {
        "another image": first.get(address.replace(str(image.pk), str(other.pk))),
        "another frame": first.get(address.replace("frame=1", "frame=2")),
        "another session": again.get(address),
        "another person": colleague.get(address),
        "no key": first.get(f"/images/{image.pk}/values/"),
        "a made-up key": first.get(f"/images/{image.pk}/values/?key=eyJh.b.c"),
    }
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        wrong["too late"] = first.get(address)
    assert {why: answer.status_code for why, answer in wrong.items()} == dict.fromkeys(wrong, 403)
    refusal = wrong["too late"].json()
    assert refusal["code"] == "address_expired" and refusal["remedy"]
    assert looks_of_staff() == 0


def test_a_researcher_looks_under_a_live_grant_alone_and_each_look_is_in_the_custody_ledger() -> None:
    release = published(images=3)
    image = release.items.order_by("path").first().image
    Image.objects.filter(pk=image.pk).update(
        deid_record={"hints": [{"frame": 0, "x": 1, "y": 1, "width": 5, "height": 4, "detector": 0.4}]},
        masks=[{"frame": 0, "x": 2, "y": 2, "width": 6, "height": 3, "detector": 0.9, "read": 0.8}],
    )
    organization = release.request.organization
    unnamed = member(organization, Role.OWNER)
    assert statuses(of(unnamed), image) == [404, 404, 404]
    not_attested = member(organization, Role.READER)
    named(release.grants.get(), not_attested, attested=False)
    assert statuses(of(not_attested), image) == [404, 404, 404]
    assert statuses(of(member(HospitalFactory.create(), Role.OWNER)), image) == [404, 404, 404]

    researcher = downloader(release)
    client = of(researcher)
    assert statuses(client, image) == statuses(client, image, f"?release={release.pk}") == [200, 200, 200]
    lines = DownloadEvent.objects.filter(user=researcher)
    path = release.items.get(image=image).path
    assert [line.path for line in lines] == [f"{path}#viewer"] * 2
    assert looks_of_staff() == 0

    shown = client.get(f"/images/{image.pk}/view.json").json()
    assert [layer["key"] for layer in shown["layers"]] == ["masks"]
    assert (shown["places"]["number"], shown["places"]["of"]) == (1, 3)
    assert f"release={release.pk}" in shown["places"]["next"]
    staff = of(ReviewerFactory.create()).get(f"/images/{image.pk}/view.json").json()
    assert [layer["key"] for layer in staff["layers"]] == ["masks", "tiles"]

    address = shown["values"]["url"]
    ends: list[tuple[str, Any]] = [
        (
            "the organization is suspended",
            lambda: Organization.objects.filter(pk=organization.pk).update(status="suspended"),
        ),
        ("the grant is over", lambda: AccessGrant.objects.update(expires_at=timezone.now() - timedelta(seconds=1))),
        ("the release is withdrawn", lambda: Release.objects.filter(pk=release.pk).update(status="withdrawn")),
    ]
    for why, end in ends:
        before = (
            Organization.objects.get(pk=organization.pk).status,
            AccessGrant.objects.get().expires_at,
            Release.objects.get().status,
        )
        end()
        assert client.get(address).status_code == 404, why
        assert statuses(client, image) == [404, 404, 404], why
        Organization.objects.filter(pk=organization.pk).update(status=before[0])
        AccessGrant.objects.update(expires_at=before[1])
        Release.objects.filter(pk=release.pk).update(status=before[2])
    assert client.get(address).status_code == 200
    revoke_grant(grant=release.grants.get(), actor=ReviewerFactory.create(), reason="The study ended.")
    assert client.get(address).status_code == 404
    assert statuses(client, image) == [404, 404, 404]
    assert lines.all().count() == 3


def test_the_way_through_a_batch_leads_from_file_to_file_and_from_study_to_study(batch: Any) -> None:
    rows = list(Image.objects.filter(source__batch=batch).order_by("source__number"))
    client = of(member(batch.fulfillment.hospital, Role.VIEWER))
    first, last = (client.get(f"/images/{row.pk}/view.json").json()["places"] for row in (rows[0], rows[-1]))
    assert first["previous"] is None and last["next"] is None
    assert first["next"] == first["next_study"] == f"/images/{rows[1].pk}/view/"
    assert (last["number"], last["of"]) == (2, 2)
    assert [one["id"] for one in first["study"]] == [str(rows[0].pk)]
    Image.objects.filter(pk=rows[1].pk).update(series=rows[0].series)
    together = client.get(f"/images/{rows[0].pk}/view.json").json()["places"]
    assert together["next"] and together["next_study"] is None
    assert len(together["study"]) == 2


@pytest.mark.parametrize(
    ("data", "code"), [(b"\0" * 128 + b"DICM", "no_picture"), (b"no DICOM at all", "no_picture"), (None, "")]
)
def test_an_image_that_cannot_be_drawn_is_refused_in_words(batch: Any, image: Image, data: Any, code: str) -> None:
    client = of(member(batch.fulfillment.hospital, Role.VIEWER))
    if data is None:
        storage.released().delete(image.stored)
        assert client.get(f"/images/{image.pk}/view.json").status_code == 404
        return
    storage.put(storage.released(), image.stored, data)
    answer = client.get(f"/images/{image.pk}/view.json")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_no_original_identity_is_in_what_the_viewer_is_told(batch: Any, image: Image) -> None:
    """A header is not passed on: only numbers, and words of a list."""
    dataset = dcmread(io.BytesIO(kinds()["12 bits"]))
    dataset.WindowCenterWidthExplanation = "DOE^JOHN"
    dataset.PatientName = dataset.StudyDescription = "DOE^JOHN"
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    storage.put(storage.released(), image.stored, out.getvalue())
    shown = of(member(batch.fulfillment.hospital, Role.VIEWER)).get(f"/images/{image.pk}/view.json").json()
    assert "DOE" not in json.dumps(shown)
    assert shown["display"]["windows"][0]["name"] == "Window 1 of the image"


def test_the_original_is_shown_to_its_hospital_alone_while_it_is_there_and_each_look_is_recorded(
    django_capture_on_commit_callbacks: Any,
) -> None:
    release = published(images=2)
    image = release.items.order_by("path").first().image
    hospital = image.source.batch.fulfillment.hospital
    key, address = f"originals/{image.source.pk}", f"/images/{image.pk}/before/"
    officer = of(member(hospital, Role.PRIVACY_OFFICER))
    assert officer.get(address).status_code == 404  # there is no original any more
    assert officer.get(f"/images/{image.pk}/view.json").json()["before"] == ""

    sealing.put(hospital.pk, key, kinds()["MONOCHROME1"])
    SourceFile.objects.filter(pk=image.source.pk).update(stored=key)
    others = [
        member(hospital, Role.VIEWER),
        ReviewerFactory.create(),
        downloader(release),
        member(HospitalFactory.create()),
    ]
    for person in others:
        client = of(person)
        assert (client.get(address).status_code, client.post(address).status_code) == (404, 404)
        shown = client.get(f"/images/{image.pk}/view.json")
        assert shown.status_code == 404 or shown.json()["before"] == ""

    assert officer.get(f"/images/{image.pk}/view.json").json()["before"] == address
    assert officer.get(address).status_code == 202
    assert not AuditEvent.objects.filter(verb="original.viewed").exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert officer.post(address).status_code == 202
    seen = officer.get(address)
    assert (seen["Content-Type"], seen["Cache-Control"]) == ("image/png", "private, no-store")
    assert seen.content.startswith(b"\x89PNG")
    assert AuditEvent.objects.get(verb="original.viewed").target_id == str(image.source.pk)
    assert b"PNG" not in storage.get(storage.quarantine(), picture_key(key))[:64]  # it lies sealed

    sealing.put(hospital.pk, key, b"no DICOM at all")
    with django_capture_on_commit_callbacks(execute=True):
        officer.post(address)
    refusal = officer.get(address)
    assert (refusal.status_code, refusal.json()["code"]) == (422, "no_picture")
    assert AuditEvent.objects.filter(verb="original.viewed").count() == 1


def test_a_picture_does_not_outlive_the_original_that_it_shows(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """The original is destroyed while a worker draws it."""
    hospital, key = image.source.batch.fulfillment.hospital_id, f"originals/{image.source.pk}"
    sealing.put(hospital, key, kinds()["12 bits"])
    SourceFile.objects.filter(pk=image.source.pk).update(stored=key)
    really = before_pictures.draw

    def slow(data: bytes, side: int) -> bytes:
        SourceFile.objects.filter(pk=image.source.pk).update(stored="")
        return really(data, side)

    monkeypatch.setattr(before_pictures, "draw", slow)
    before_pictures.draw_original(str(image.source.pk))
    assert not storage.quarantine().exists(picture_key(key))


def test_every_module_of_the_viewer_is_asked_for_at_once() -> None:
    """One that is missing from the list is found only when another one that needs it has come."""
    modules = {path.name for path in (ROOT / "static/js/viewer").glob("*.js")}
    listed = (ROOT / "templates/fulfillment/viewer/_preload.html").read_text()
    assert {name for name in modules if f"js/viewer/{name}" in listed} == modules
