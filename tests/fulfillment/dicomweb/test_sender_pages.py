"""The page of a hospital's DICOM senders: its data manager and administrators manage it, everything is audited."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from fulfillment.models import DicomSender
from getdata.audit.models import AuditEvent
from tests.factories import AdministratorFactory
from tests.fulfillment.uploads.conftest import Scene
from tests.support.pages import problems

pytestmark = pytest.mark.django_db
FORM = {"ae_title": "PACS1", "address": "192.0.2.7", "delivery": ""}


def page(scene: Scene) -> str:
    return f"/organizations/{scene.hospital.slug}/dicom/"


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_data_manager_adds_corrects_switches_and_removes_a_sender(scene: Scene) -> None:
    client = signed_in(scene.manager)
    empty = client.get(page(scene)).content.decode()
    assert "No sender" in empty and f"/dicomweb/hospitals/{scene.hospital.slug}" in empty
    assert str(scene.batch) in empty and problems(empty) == []
    assert client.post(page(scene), FORM).status_code == 302
    sender = DicomSender.objects.get()
    listed = client.get(page(scene)).content.decode()
    assert "PACS1" in listed and "192.0.2.7/32" in listed and problems(listed) == []
    place = f"{page(scene)}{sender.pk}/"
    assert problems(client.get(place).content.decode()) == []
    client.post(place, {**FORM, "address": "192.0.2.0/24", "delivery": str(scene.fulfillment.pk)})
    client.post(f"{place}switch/")
    sender.refresh_from_db()
    assert (sender.address, sender.delivery, sender.is_enabled) == ("192.0.2.0/24", scene.fulfillment, False)
    client.post(f"{place}remove/")
    assert not DicomSender.objects.exists()
    acts = AuditEvent.objects.filter(verb__startswith="dicomsender.").order_by("id")
    assert [act.verb.split(".")[1] for act in acts] == ["added", "changed", "disabled", "removed"]
    assert all("PACS1" not in str(act.data) and "192" not in str(act.data) for act in acts)


def test_a_mistake_is_said_beside_its_field(scene: Scene) -> None:
    client = signed_in(scene.manager)
    answer = client.post(page(scene), {**FORM, "address": "everywhere"}).content.decode()
    assert "This is no IP address" in answer and problems(answer) == []
    client.post(page(scene), FORM)
    assert "on the list already" in client.post(page(scene), FORM).content.decode()
    assert DicomSender.objects.count() == 1


def test_others_neither_see_nor_change_the_list(scene: Scene) -> None:
    signed_in(scene.manager).post(page(scene), FORM)
    sender = DicomSender.objects.get()
    addresses = [page(scene), *(f"{page(scene)}{sender.pk}/{act}" for act in ("", "switch/", "remove/"))]
    for who, status in {
        "viewer": 302,
        "privacy_officer": 302,
        "reviewer": 302,
        "researcher": 404,
        "stranger": 404,
    }.items():
        client = signed_in(getattr(scene, who))
        for address in addresses:
            assert client.post(address, FORM).status_code == status, (who, address)
        assert client.get(page(scene)).status_code == status
    assert DicomSender.objects.get().is_enabled
    administrator = signed_in(AdministratorFactory.create())
    assert administrator.get(page(scene)).status_code == 200
    assert administrator.post(addresses[2]).status_code == 302
    assert not DicomSender.objects.get().is_enabled


def test_the_page_says_when_it_is_not_clear_where_things_land(scene: Scene) -> None:
    type(scene.batch).objects.update(status="sealed")
    text = signed_in(scene.manager).get(page(scene)).content.decode()
    assert "No batch is open" in text and problems(text) == []
