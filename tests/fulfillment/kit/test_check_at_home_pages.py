"""The pages that hand out the check kit: the commands of this request and this batch, ready to copy."""

from __future__ import annotations

import hashlib

import pytest
from django.test import Client
from django.urls import reverse

from fulfillment.services.batches import create_batch
from getdata.accounts.models import Role
from tests.factories import HospitalFactory, fulfillment, member
from tests.support.pages import problems

pytestmark = pytest.mark.django_db


def test_the_batchs_page_has_its_commands_and_its_pinned_request(client: Client) -> None:
    delivery = fulfillment()
    manager = member(delivery.hospital, Role.DATA_MANAGER)
    batch = create_batch(fulfillment=delivery, name="Spring", actor=manager)
    address = reverse("batch_check_at_home", args=[batch.pk])
    assert client.get(address).status_code == 302, "one signs in first"
    client.force_login(manager)
    page = client.get(address).content.decode()
    assert problems(page) == []
    assert f"getdata push {batch.pk} FOLDER" in page and "--only-failed" in page
    assert f"--site {delivery.hospital.slug}" in page
    spec = f"{reverse('request_spec_json', args=[delivery.request.slug])}?version=1"
    assert spec in page
    assert hashlib.sha256(client.get(spec).content).hexdigest() == batch.spec_version.sha256
    assert address in client.get(reverse("batch_detail", args=[batch.pk])).content.decode()
    client.force_login(member(HospitalFactory.create(), Role.OWNER))
    assert client.get(address).status_code == 404, "another hospital's batch does not exist"


def test_the_requests_page_leads_to_the_kit_for_everybody_who_sees_it(client: Client) -> None:
    request = fulfillment().request
    address = reverse("request_check_at_home", args=[request.slug])
    page = client.get(address).content.decode()
    assert problems(page) == [] and "getdata check FOLDER" in page and "getdata push" not in page
    assert address in client.get(request.get_absolute_url()).content.decode()
    type(request).objects.filter(pk=request.pk).update(status="draft", opened_at=None)
    assert client.get(address).status_code == 404
