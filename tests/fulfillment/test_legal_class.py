"""The legal class of what was delivered against agreement, recipient and country: said early, and no release without it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from fulfillment.models import Batch, Image, Release
from fulfillment.services import legal, releases
from getdata.accounts.models import Organization, Role
from getdata.common.problems import CannotDo
from requests_app.agreements import law
from requests_app.models import Agreement
from tests.factories import ReviewerFactory, member
from tests.support.images import accepted_batch

pytestmark = pytest.mark.django_db


def agree(batch: Batch, basis: str, **spec: Any) -> None:
    """The batch's agreement as one of that class; fields of the specification's terms and purpose changed."""
    Agreement.objects.filter(offer=batch.fulfillment.offer).update(basis=basis)
    if spec:
        version = batch.fulfillment.offer.spec_version
        for part, values in spec.items():
            version.document[part] = version.document[part] | values
        type(version).objects.filter(pk=version.pk).update(document=version.document)


def codes(batch: Batch) -> list[str]:
    standing = legal.batch_standing(Batch.objects.get(pk=batch.pk))
    assert standing is not None
    return [barrier.code for barrier in standing.barriers]


def refused(call: Any) -> CannotDo:
    with pytest.raises(CannotDo) as refusal:
        call()
    return refusal.value


def test_a_date_that_is_kept_blocks_a_safe_harbor_release_and_says_so_early(client: Client) -> None:
    batch = accepted_batch(images=12)
    agree(batch, "safe_harbor")
    Image.objects.update(kept=["date:StudyDate"])
    reviewer = ReviewerFactory.create()
    refusal = refused(lambda: releases.prepare_release(request=batch.fulfillment.request, actor=reviewer))
    assert refusal.message == "Agreement is Safe Harbor but StudyDate is kept in 12 files: release blocked."
    assert refusal.remedy == "Ask for the limited-data-set annex or strip dates."
    assert refusal.code == "legal_class_mismatch" and refusal.errors[0]["remedy"] == refusal.remedy
    assert not Release.objects.exists()
    manager = member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    for person, page in ((manager, f"/batches/{batch.pk}/"), (reviewer, f"/review/batches/{batch.pk}/")):
        client.force_login(person)
        assert refusal.message in client.get(page).content.decode()
    agree(batch, "limited_data_set")
    assert codes(batch) == []
    releases.prepare_release(request=batch.fulfillment.request, actor=reviewer)


def test_files_from_before_are_read_by_the_builder_and_a_mismatch_stops_the_draft(client: Client) -> None:
    batch = accepted_batch()  # its files hold times of day
    Image.objects.update(kept=None)
    agree(batch, "safe_harbor")
    reviewer = ReviewerFactory.create()
    release = releases.prepare_release(request=batch.fulfillment.request, actor=reviewer)
    second = ReviewerFactory.create()
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert not release.is_built and release.problem.startswith("Agreement is Safe Harbor but ")
    assert "Time is kept in 2 files" in release.problem and "limited-data-set annex" in release.problem
    client.force_login(second)
    page = client.get(f"/releases/{release.pk}/").content.decode()
    assert "Times of day (C)" in page and "release blocked" in page
    agree(batch, "expert_determination")
    releases.build_again(release=release, actor=reviewer)
    releases.build_release(release.pk)
    Image.objects.filter(pk=Image.objects.first().pk).update(kept=["device:DeviceSerialNumber", "date:StudyDate"])
    refusal = refused(lambda: releases.publish_release(release=Release.objects.get(pk=release.pk), actor=second))
    assert refusal.code == "legal_class_mismatch" and "in 1 file: release blocked." in refusal.message
    Image.objects.update(kept=None)
    unread = refused(lambda: releases.publish_release(release=Release.objects.get(pk=release.pk), actor=second))
    assert unread.code == "legal_class_unknown" and unread.remedy


def test_recipient_and_country_are_part_of_the_class() -> None:
    batch = accepted_batch()
    Image.objects.update(kept=[])
    recipient = batch.fulfillment.request.organization
    agree(batch, "limited_data_set", purpose={"intended_use": "commercial_development"})
    assert codes(batch) == []
    Organization.objects.filter(pk=recipient.pk).update(kind=Organization.Kind.COMPANY)
    assert codes(batch) == ["purpose_mismatch"]
    agree(batch, "safe_harbor")
    Organization.objects.filter(pk=batch.fulfillment.hospital_id).update(country="US")
    for country in ("CN", "HK", "RU", "VE"):
        Organization.objects.filter(pk=recipient.pk).update(country=country)
        assert codes(batch) == ["country_of_concern"], country
    Organization.objects.filter(pk=recipient.pk).update(country="US")
    assert codes(batch) == []
    Organization.objects.filter(pk=batch.fulfillment.hospital_id).update(country="DE")
    assert codes(batch) == ["transfer_clause_missing"]
    assert legal.persons_of_the_us(Image.objects.all()) == 0


def test_the_lists_of_countries_name_their_source_and_day() -> None:
    lists = law.regions()
    for name, source in lists["sources"].items():
        assert lists[name] and source["source"] and source["checked_on"]
    assert set(lists["countries_of_concern"]) == {"CN", "HK", "MO", "CU", "IR", "KP", "RU", "VE"}
