"""Who may look, and who may still act: other parties, earlier states, ended deliveries, suspended organizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from fulfillment.models import Batch, Fulfillment, Image, SourceFile
from fulfillment.services import fulfillments, reviews
from getdata.accounts.models import Organization, Role
from getdata.common.problems import CannotDo
from tests.factories import ReviewerFactory, member
from tests.fulfillment.uploads.conftest import Scene, Tus
from tests.fulfillment.uploads.imaging import add_image
from tests.support.images import looked_at, sealed_batch

pytestmark = pytest.mark.django_db
PEOPLE = ("manager", "viewer", "reviewer", "researcher")


@pytest.fixture
def image(scene: Scene, tus: Tus, monkeypatch: pytest.MonkeyPatch) -> Image:
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)
    tus.send("a.dcm", b"\0" * 128 + b"DICM")
    return add_image(SourceFile.objects.get(), preview=b"\x89PNG")


def move(batch: Batch, status: str) -> None:
    Batch.objects.filter(pk=batch.pk).update(status=status)


def looks(client: Client, scene: Scene, who: str, image: Image) -> int:
    client.force_login(getattr(scene, who))
    return client.get(f"/images/{image.pk}/preview/").status_code


def test_a_returned_batch_that_the_hospital_repairs_is_not_the_researchers_yet(
    scene: Scene, image: Image, client: Client, api: Callable[..., APIClient]
) -> None:
    """It takes files again, and nobody has looked at them."""
    move(scene.batch, "returned")
    spoken = api(scene.researcher)
    assert spoken.get(f"/api/v1/batches/{scene.batch.pk}/").status_code == 404
    assert spoken.get(f"/api/v1/images/{image.pk}/").status_code == 404
    assert looks(client, scene, "researcher", image) == 404
    assert looks(client, scene, "manager", image) == 200


@pytest.mark.parametrize("status", ["open", "sealed", "in_review", "returned", "rejected"])
def test_a_researcher_sees_no_picture_that_a_reviewer_has_not_accepted(
    scene: Scene, image: Image, client: Client, status: str
) -> None:
    """The reviewer may be the one who finds a name burned into it."""
    move(scene.batch, status)
    seen = {who: looks(client, scene, who, image) for who in PEOPLE}
    assert seen == {"manager": 200, "viewer": 200, "reviewer": 200, "researcher": 404}


def test_a_researcher_sees_the_pictures_of_an_accepted_batch(scene: Scene, image: Image, client: Client) -> None:
    move(scene.batch, "accepted")
    assert looks(client, scene, "researcher", image) == 200


def test_a_suspended_organization_sees_no_pictures(scene: Scene, image: Image, client: Client) -> None:
    move(scene.batch, "accepted")
    Organization.objects.filter(pk=scene.researchers.pk).update(status="suspended")
    assert looks(client, scene, "researcher", image) == 404


def test_a_page_offers_no_preview_that_would_not_open(scene: Scene, image: Image, client: Client) -> None:
    move(scene.batch, "in_review")
    for who, offered in (("researcher", False), ("manager", True)):
        client.force_login(getattr(scene, who))
        page = client.get(f"/batches/{scene.batch.pk}/").content.decode()
        assert (f"/images/{image.pk}/preview/" in page) == offered, who


def test_an_inactive_person_is_out_at_once(scene: Scene, image: Image, client: Client, api: Callable[..., Any]) -> None:
    client.force_login(scene.manager)
    spoken = api(scene.manager)
    type(scene.manager).objects.filter(pk=scene.manager.pk).update(is_active=False)
    assert client.get(f"/batches/{scene.batch.pk}/").status_code == 302
    assert spoken.get(f"/api/v1/batches/{scene.batch.pk}/").status_code == 401


@pytest.mark.parametrize("stage", ["sealed", "in_review"])
def test_what_waits_when_a_delivery_is_ended_early_is_never_accepted(stage: str) -> None:
    """The hospital ended it: what was accepted stays accepted, what was not does not become so."""
    batch = sealed_batch()
    reviewer = ReviewerFactory.create()
    if stage == "in_review":
        reviews.claim_batch(batch=batch, actor=reviewer)
    signatory = member(batch.fulfillment.hospital, Role.SIGNATORY)
    fulfillments.terminate_fulfillment(fulfillment=batch.fulfillment, actor=signatory, reason="We stop here.")
    batch = Batch.objects.get(pk=batch.pk)
    if stage == "sealed":
        reviews.claim_batch(batch=batch, actor=reviewer)
    with pytest.raises(CannotDo) as refusal:
        reviews.accept_batch(batch=batch, actor=reviewer, summary="All looks well.")
    assert refusal.value.code == "fulfillment_not_active"
    assert refusal.value.remedy
    assert Batch.objects.get(pk=batch.pk).status == "in_review"
    reviews.reject_batch(batch=batch, actor=reviewer, summary="The delivery was ended.")
    assert Batch.objects.get(pk=batch.pk).status == "rejected"


def test_a_batch_of_an_active_delivery_is_accepted_as_ever() -> None:
    batch, reviewer = sealed_batch(), ReviewerFactory.create()
    reviews.claim_batch(batch=batch, actor=reviewer)
    looked_at(batch, reviewer)
    reviews.accept_batch(batch=batch, actor=reviewer, summary="All looks well.")
    assert Fulfillment.objects.get().status == "active"
    assert Batch.objects.get(pk=batch.pk).status == "accepted"
