"""A patient, a study or a release taken back: gone from what comes next, refused in what was, attested by every holder."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fulfillment.desk.queue import Wanted, queue_for
from fulfillment.evidence import ATTESTATION, check_document
from fulfillment.models import (
    DownloadEvent,
    Fulfillment,
    Image,
    Release,
    SourceFileStatus,
    Withdrawal,
    WithdrawalStatus,
)
from fulfillment.selectors import releasable_requests
from fulfillment.services import custody, grants, releases, withdrawals
from fulfillment.services.certificates import signing_key
from fulfillment.where_now import where_now
from getdata.accounts.models import Role, User
from getdata.common import storage
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification
from getdata.notifications.reminders import send_reminders
from tests.factories import PASSWORD, HospitalFactory, ReviewerFactory, member
from tests.fulfillment.test_releases import published, text
from tests.support.access import downloader
from tests.support.images import accepted_batch, signed_fulfillment

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return published(accepted_batch(images=3).fulfillment.request, ReviewerFactory.create(), ReviewerFactory.create())


@pytest.fixture
def holder(release: Release) -> User:
    """A data manager of the researchers, who has downloaded the archive."""
    person = downloader(release, Role.DATA_MANAGER)
    grant = release.grants.get()
    custody.note_download(grant=grant, user=person, path=release.archive, first_byte=0)
    return person


def delivery(release: Release) -> Fulfillment:
    return release.request.fulfillments.order_by("created_at")[0]


def take_back(release: Release, **changes: Any) -> Withdrawal:
    of = delivery(release)
    officer = member(of.hospital, Role.PRIVACY_OFFICER)
    first = Image.objects.order_by("source__number").first()
    assert first is not None
    asked = {
        "hospital": of.hospital, "request": of.request, "actor": officer, "reason": "consent",
        "pseudonym": first.series.study.patient.pseudonym, "password": PASSWORD,
    }  # fmt: skip
    return withdrawals.withdraw(**(asked | changes))


def refused(call: Any) -> str:
    with pytest.raises(CannotDo) as refusal:
        call()
    assert refusal.value.remedy
    return refusal.value.code


def test_a_patient_leaves_the_next_version_and_what_was_released_stops_at_once(release: Release, holder: User) -> None:
    items = list(release.items.order_by("number"))
    withdrawal = take_back(release)
    gone = Image.objects.get(taken_back__withdrawal=withdrawal)
    assert gone.source.status == SourceFileStatus.WITHDRAWN and Image.objects.live().count() == 2
    assert (
        withdrawal.status == WithdrawalStatus.OPEN
        and withdrawal.duties.get().organization == holder.memberships.get().organization
    )

    page = Client()
    page.force_login(holder)
    assert page.get(f"/releases/{release.pk}/download/").status_code == 302
    shown = page.get(f"/releases/{release.pk}/").content.decode()
    assert "Images of this release were withdrawn" in shown and "Download the package" not in shown
    assert f"Patient {gone.series.study.patient.pseudonym}" in shown
    for item in items:
        for path in (f"data/{item.path}", "data/metadata/images.csv"):
            file = release.files.get(path=path)
            if path.startswith("data/dicom") and item.image_id != gone.pk:
                custody.require_given_out(release, file)
            else:
                assert refused(lambda file=file: custody.require_given_out(release, file)) == "images_withdrawn"

    assert [row["request"] for row in releasable_requests()] == [release.request]
    second = published(release.request, ReviewerFactory.create(), ReviewerFactory.create())
    assert {item.image_id for item in second.items.all()} == {item.image_id for item in items} - {gone.pk}
    rows = list(csv.DictReader(io.StringIO(text(second, "metadata/changes.csv"))))
    assert [(row["image_id"], row["change"], row["reason"]) for row in rows] == [
        (gone.sop_instance_uid, "removed", "withdrawn")
    ]
    assert releasable_requests() == [] and custody.taken_back(second) == 0
    assert "Release 2" in page.get(withdrawal.get_absolute_url()).content.decode()
    assert "metadata/changes.csv" in "".join(release.files.values_list("path", flat=True))


def test_a_transfer_that_is_under_way_is_cut_when_something_is_taken_back(release: Release, holder: User) -> None:
    grant = grants.live_grant(release=release, user=holder)
    assert grant is not None
    may_go_on = grants.still_live(grant, holder)
    assert may_go_on()
    take_back(release)
    assert not may_go_on()


def test_every_holder_attests_with_a_proof_that_anybody_can_verify(release: Release, holder: User) -> None:
    withdrawal = take_back(release)
    duty = withdrawal.duties.get()
    told = Notification.objects.filter(event="withdrawal.made")
    assert set(told.values_list("user", flat=True)) >= {holder.pk}
    stranger = member(HospitalFactory.create(), Role.DATA_MANAGER)
    for actor, name, password, code in (
        (stranger, "X", PASSWORD, "role_lacks_capability"),
        (holder, "X", "no", "wrong_password"),
        (holder, " ", PASSWORD, "words_missing"),
    ):
        asked = {"duty": duty, "actor": actor, "printed_name": name, "password": password}
        assert refused(lambda asked=asked: withdrawals.attest_destruction(**asked)) == code
    waiting = queue_for(ReviewerFactory.create(), Wanted(kind="withdrawal"))
    (row,) = waiting.rows
    assert "1 holder has not attested" in {point.why for point in row.weight.points}
    assert duty.organization_id in row.entry.parties
    made = withdrawals.attest_destruction(duty=duty, actor=holder, printed_name="A. Holder", password=PASSWORD)
    assert not queue_for(ReviewerFactory.create(), Wanted(kind="withdrawal")).rows
    withdrawal.refresh_from_db()
    assert withdrawal.status == WithdrawalStatus.COMPLETE and withdrawal.completed_at
    verdict = check_document(made.text.encode(), signing_key().public)
    assert verdict.genuine and verdict.trusted and json.loads(made.text)["format"] == ATTESTATION
    item = release.items.get(image__taken_back__withdrawal=withdrawal)
    assert json.loads(made.text)["manifest"] == [[f"release 1: {item.path}", item.sha256, item.image.sop_instance_uid]]
    forged = check_document(made.text.replace("A. Holder", "B. Holder").encode(), signing_key().public)
    assert forged.problems == ["statement, section attestation: it is not what was sealed."]
    officer = withdrawal.asked_by
    assert Notification.objects.filter(event="withdrawal.completed", user=officer).exists()
    seen = {}
    for name, person in (("holder", holder), ("officer", officer), ("stranger", stranger)):
        client = Client()
        client.force_login(person)
        seen[name] = [
            client.get(address).status_code
            for address in (
                withdrawal.get_absolute_url(),
                f"{withdrawal.get_absolute_url()}files.csv",
                f"/withdrawals/attestations/{made.pk}.json",
            )
        ]
    assert seen == {"holder": [200] * 3, "officer": [200] * 3, "stranger": [404] * 3}


def test_reminders_go_out_at_half_and_at_the_end_and_overdue_is_seen(release: Release, holder: User) -> None:
    withdrawal = take_back(release)
    Withdrawal.objects.update(due_at=timezone.now() - timedelta(days=1))
    for part, word in ((timedelta(days=16), "Half of the time is over"), (timedelta(days=31), "Overdue")):
        send_reminders(now=timezone.now() + part)
        lines = Notification.objects.filter(event="reminder.destruction", user=holder, text__startswith=word)
        assert lines.count() == 1
    client = Client()
    client.force_login(withdrawal.asked_by)
    assert "Overdue" in client.get("/withdrawals/").content.decode()


def test_what_nobody_took_is_complete_at_once_and_our_own_copies_are_erased() -> None:
    batch = accepted_batch(signed_fulfillment(), images=2)
    first = Image.objects.order_by("source__number").first()
    assert first is not None
    officer = member(batch.fulfillment.hospital, Role.PRIVACY_OFFICER)
    asked = {"hospital": batch.fulfillment.hospital, "request": batch.fulfillment.request, "reason": "mistake"}
    study = first.series.study.study_instance_uid
    viewer = member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    right = {"actor": officer, "study_uid": study, "password": PASSWORD}
    for wrong, code in (
        ({"actor": viewer}, "role_lacks_capability"),
        ({"study_uid": "2.25.1"}, "nothing_of_that_name"),
        ({"study_uid": ""}, "one_thing"),
        ({"password": "no"}, "wrong_password"),
        ({"reason": "recall"}, "unknown_reason"),
    ):
        assert refused(lambda wrong=wrong: withdrawals.withdraw(**(asked | right | wrong))) == code
    made = withdrawals.withdraw(**asked, **right)
    made.refresh_from_db()
    assert made.status == WithdrawalStatus.COMPLETE and not made.duties.exists()
    assert (
        refused(lambda: withdrawals.withdraw(**asked, actor=officer, study_uid=study, password=PASSWORD))
        == "already_withdrawn"
    )
    kept = Image.objects.exclude(pk=first.pk).get()
    withdrawals.erase_withdrawn()
    made.refresh_from_db()
    assert (
        made.erased_at and not storage.released().exists(first.stored) and not storage.previews().exists(first.preview)
    )
    assert storage.released().exists(kept.stored)
    assert withdrawals.erase_withdrawn() == 0
    other = signed_fulfillment(request=batch.fulfillment.request)
    assert withdrawals.is_withdrawn(fulfillment=batch.fulfillment, pseudonym="", study_uid=study)
    assert not withdrawals.is_withdrawn(fulfillment=other, pseudonym="", study_uid=study), "another hospital's"


def test_a_recalled_release_is_attested_by_its_holders(release: Release, holder: User) -> None:
    assert DownloadEvent.objects.count() == 1
    withdrawn = releases.withdraw_release(release=release, actor=ReviewerFactory.create(), reason="A name was found.")
    recalled = withdrawn.recalls.get()
    assert recalled.status == WithdrawalStatus.OPEN and recalled.note == "A name was found."
    assert withdrawals.items_of(recalled).count() == 3
    withdrawals.attest_destruction(
        duty=recalled.duties.get(), actor=holder, printed_name="A. Holder", password=PASSWORD
    )
    recalled.refresh_from_db()
    assert recalled.status == WithdrawalStatus.COMPLETE
    client = Client()
    client.force_login(holder)
    assert "The whole release was recalled" in client.get(f"/releases/{release.pk}/").content.decode()


def test_the_hospital_sees_where_its_data_are_now(release: Release, holder: User) -> None:
    """Originals, images by release, each holder with downloads and the day of destruction; of other hospitals nothing."""
    of = delivery(release)
    other = accepted_batch(signed_fulfillment(request=release.request), images=1).fulfillment.hospital
    officer = member(of.hospital, Role.PRIVACY_OFFICER)
    client = Client()
    client.force_login(officer)
    now = where_now(of.hospital)
    assert (now.images, now.unreleased, now.withdrawals) == (3, 0, 0)
    assert [(one.own, one.taken_back) for one in now.releases] == [(3, 0)]
    ((_, held),) = now.holders
    assert held.copies == "held" and held.downloads == 1 and held.last is not None
    page = client.get(f"/custody/?hospital={other.slug}").content.decode()
    assert of.hospital.name in page and other.name not in page and "May have copies" in page
    take_back(release)
    assert [(one.own, one.taken_back) for one in where_now(of.hospital).releases] == [(3, 1)]
    releases.withdraw_release(release=release, actor=ReviewerFactory.create(), reason="A name was found.")
    assert [holder.copies for _, holder in where_now(of.hospital).holders] == ["due"]
    duty = release.recalls.get().duties.get()
    withdrawals.attest_destruction(duty=duty, actor=holder, printed_name="A. Holder", password=PASSWORD)
    assert [holder.copies for _, holder in where_now(of.hospital).holders] == ["destroyed"]
    assert "Destroyed" in client.get("/custody/").content.decode()
    empty = where_now(other)
    assert (empty.releases, empty.images, empty.unreleased) == ([], 1, 1)
    nobody = Client()
    nobody.force_login(member(release.request.organization))
    assert "No hospital of yours has delivered" in nobody.get("/custody/").content.decode()
