"""A release from its preparation to its withdrawal: two people, one package, nothing that should not be in it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from fulfillment.labels.methods import known_method
from fulfillment.models import (
    AccessGrant,
    BatchStatus,
    Image,
    Release,
    ReleaseStatus,
    SourceFile,
    SourceFileStatus,
)
from fulfillment.selectors import releasable_requests
from fulfillment.services import release_building, releases
from getdata.accounts.models import Membership, Organization, Role, User
from getdata.audit.models import AuditEvent
from getdata.common import storage
from getdata.common.models import ImmutableRow
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from getdata.notifications.models import Notification
from requests_app.models import DatasetRequest
from tests.factories import HospitalFactory, ReviewerFactory, fulfillment, member, open_request, spec_document
from tests.support.access import downloader, named
from tests.support.images import accepted_batch, image, label, sealed_batch, signed_fulfillment, source_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_() -> DatasetRequest:
    return accepted_batch().fulfillment.request


@pytest.fixture
def reviewer() -> User:
    return ReviewerFactory.create()


@pytest.fixture
def second() -> User:
    return ReviewerFactory.create()


def built(request: DatasetRequest, reviewer: User) -> Release:
    release = releases.prepare_release(request=request, actor=reviewer)
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert release.is_built, release.problem
    return release


def published(request: DatasetRequest, reviewer: User, second: User) -> Release:
    return releases.publish_release(release=built(request, reviewer), actor=second)


def package(release: Release) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(storage.get(storage.released(), release.archive)))


def text(release: Release, path: str) -> str:
    return package(release).read(f"{release.archive_name}/data/{path}").decode()


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(CannotDo) as refusal:
        call()
    assert refusal.value.remedy, "a refusal says what to do"
    return refusal.value.code


# --- preparing ---------------------------------------------------------------------------------------------------------


def test_a_release_takes_every_accepted_image_and_nothing_else(request_: DatasetRequest, reviewer: User) -> None:
    delivery = request_.fulfillments.get()
    sealed_batch(delivery, images=1)
    sealed_batch(delivery, images=1, status=BatchStatus.REJECTED)
    accepted = accepted_batch(delivery, images=1)
    source_file(accepted, status=SourceFileStatus.QUARANTINED, reason="TEXT_LEFT")
    release = releases.prepare_release(request=request_, actor=reviewer)
    assert release.number == 1 and release.prepared_by == reviewer and release.status == ReleaseStatus.DRAFT
    inside = {item.image for item in release.items.all()}
    assert inside == set(Image.objects.filter(source__batch__status=BatchStatus.ACCEPTED)) and len(inside) == 3


def test_without_an_accepted_image_there_is_nothing_to_release(reviewer: User) -> None:
    waiting = sealed_batch().fulfillment.request
    assert refused(lambda: releases.prepare_release(request=waiting, actor=reviewer)) == "no_images"


def test_only_one_release_of_a_request_is_prepared_at_a_time(request_: DatasetRequest, reviewer: User) -> None:
    releases.prepare_release(request=request_, actor=reviewer)
    assert refused(lambda: releases.prepare_release(request=request_, actor=reviewer)) == "draft_exists"


def test_images_without_a_signed_agreement_are_never_released(reviewer: User) -> None:
    unsigned = accepted_batch(fulfillment()).fulfillment.request
    assert refused(lambda: releases.prepare_release(request=unsigned, actor=reviewer)) == "agreement_missing"


def test_parties_and_people_who_delivered_release_nothing(request_: DatasetRequest, reviewer: User) -> None:
    manager = request_.fulfillments.get().batches.get().sealed_by
    assert manager is not None
    prepare = releases.prepare_release
    assert refused(lambda: prepare(request=request_, actor=manager)) == "staff_only"
    User.objects.filter(pk=manager.pk).update(staff_role=User.StaffRole.REVIEWER)
    manager.refresh_from_db()
    assert refused(lambda: prepare(request=request_, actor=manager)) == "conflict_of_interest"
    Membership.objects.filter(user=manager).delete()
    assert refused(lambda: prepare(request=request_, actor=manager)) == "uploader_never_releases"
    Membership.objects.create(user=reviewer, organization=request_.organization, role=Role.VIEWER)
    assert refused(lambda: prepare(request=request_, actor=reviewer)) == "conflict_of_interest"


# --- building ----------------------------------------------------------------------------------------------------------


def test_the_package_is_built_once_and_its_digest_noted(request_: DatasetRequest, reviewer: User) -> None:
    release = built(request_, reviewer)
    before = (release.archive, release.archive_sha256, release.build_attempts)
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert (release.archive, release.archive_sha256, release.build_attempts) == before
    assert AuditEvent.objects.filter(verb="release.built").count() == 1
    assert len(storage.get(storage.released(), release.archive)) == release.archive_size
    assert release.archive_name == f"getdata-{request_.slug}-v1"


def test_every_file_of_the_release_is_a_byte_range_of_its_archive(request_: DatasetRequest, reviewer: User) -> None:
    release = built(request_, reviewer)
    archive = storage.get(storage.released(), release.archive)
    noted = {row.path: archive[row.offset : row.offset + row.size] for row in release.files.all()}
    assert {f"{release.archive_name}/{path}" for path in noted} == set(package(release).namelist())
    for row in release.files.all():
        assert noted[row.path] == package(release).read(f"{release.archive_name}/{row.path}")
        assert hashlib.sha256(noted[row.path]).hexdigest() == row.sha256
    with pytest.raises(ImmutableRow):
        row.save()


def test_the_second_person_is_told_and_the_first_is_not(request_: DatasetRequest, reviewer: User, second: User) -> None:
    built(request_, reviewer)
    told = set(Notification.objects.filter(event="release.waits").values_list("user", flat=True))
    assert second.pk in told and reviewer.pk not in told
    assert told == set(User.objects.exclude(staff_role="").exclude(pk=reviewer.pk).values_list("pk", flat=True))


def test_two_workers_do_not_build_the_same_package(
    request_: DatasetRequest, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = releases.prepare_release(request=request_, actor=reviewer)
    builds = []

    def build(one: Release, token: object) -> None:
        builds.append(one)
        releases.build_release(one.pk)  # the bell rings again while the first worker is at it

    monkeypatch.setattr(release_building, "_build", build)
    releases.build_release(release.pk)
    assert len(builds) == 1


def test_a_damaged_image_stops_the_package_and_says_so(request_: DatasetRequest, reviewer: User) -> None:
    release = releases.prepare_release(request=request_, actor=reviewer)
    storage.put(storage.released(), release.items.all()[0].image.stored, b"something else")
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert not release.is_built and "no longer has the bytes" in release.problem
    assert refused(lambda: releases.publish_release(release=release, actor=ReviewerFactory.create())) == "not_built"


def test_a_build_that_keeps_breaking_ends_with_a_word_and_can_be_tried_again(
    request_: DatasetRequest, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = releases.prepare_release(request=request_, actor=reviewer)
    with monkeypatch.context() as broken:
        broken.setattr(release_building, "release_facts", lambda release: 1 / 0)
        for attempt in (1, 2, 3):
            releases.build_release(release.pk)
            release.refresh_from_db()
            assert (release.build_attempts, bool(release.problem)) == (attempt, attempt == 3)
        releases.build_release(release.pk)
        release.refresh_from_db()
        assert release.build_attempts == 3, "a draft with a problem waits for a person"
    releases.build_again(release=release, actor=reviewer)
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert release.is_built and not release.problem
    assert refused(lambda: releases.build_again(release=release, actor=reviewer)) == "not_failed"


def test_a_lost_bell_and_a_dead_worker_are_rung_for_again(request_: DatasetRequest, reviewer: User) -> None:
    release = releases.prepare_release(request=request_, actor=reviewer)
    assert releases.ring_for_unbuilt() == 0, "the first bell may still be on its way"
    rows, now = Release.objects.filter(pk=release.pk), timezone.now()
    rows.update(created_at=now - timedelta(hours=2))
    assert releases.ring_for_unbuilt() == 1
    rows.update(build_attempts=1, build_lease_until=now + timedelta(hours=1))
    assert releases.ring_for_unbuilt() == 0, "a worker is at it"
    rows.update(build_lease_until=now - timedelta(seconds=1))
    assert releases.ring_for_unbuilt() == 1
    rows.update(build_attempts=3)
    assert releases.ring_for_unbuilt() == 0
    release.refresh_from_db()
    assert "stopped more than once" in release.problem


def test_a_draft_discarded_while_it_is_built_leaves_no_package_behind(
    request_: DatasetRequest, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = releases.prepare_release(request=request_, actor=reviewer)
    tags = release_building.tag_entries

    def discarded_meanwhile(*given: Any) -> Any:
        releases.discard_release(release=Release.objects.get(pk=release.pk), actor=reviewer)
        return tags(*given)

    monkeypatch.setattr(release_building, "tag_entries", discarded_meanwhile)
    releases.build_release(release.pk)
    assert not Release.objects.exists()
    folder = f"releases/{release.pk}"
    assert not storage.released().exists(folder) or storage.released().listdir(folder) == ([], [])
    assert not list(Path(settings.STAGING).glob("release-*"))


# --- what the package says ---------------------------------------------------------------------------------------------


def test_no_person_and_no_hospital_is_named_outside_the_terms(reviewer: User) -> None:
    hospital = HospitalFactory.create(name="Saint Nowhere Clinic", slug="saint-nowhere")
    delivery = signed_fulfillment(hospital=hospital)
    batch = accepted_batch(delivery, images=1)
    label(image(batch), "Pneumothorax", method=known_method("Saint Nowhere Radiology, Dr Grey"), reader="reader-1f")
    release = built(delivery.request, reviewer)
    people = [word for user in User.objects.all() for word in (user.email, user.name)]
    for name in package(release).namelist():
        content = package(release).read(name)
        secrets = [*people, *([] if name.endswith("LICENSE") else ["Saint Nowhere", "saint-nowhere", "Dr Grey"])]
        for secret in secrets:
            assert secret.encode() not in content, f"{secret} in {name}"
    assert "Saint Nowhere Clinic" in text(release, "LICENSE")
    assert {row["site"] for row in csv.DictReader(io.StringIO(text(release, "metadata/images.csv")))} == {"site-01"}
    labels = list(csv.DictReader(io.StringIO(text(release, "metadata/labels.csv"))))
    assert [(row["finding"], row["source"], row["reader"]) for row in labels] == [
        ("Pneumothorax", "other", "reader-1f")
    ]


def test_the_terms_are_the_agreements_of_every_delivery(request_: DatasetRequest, reviewer: User) -> None:
    other = signed_fulfillment(request=request_)
    accepted_batch(other, images=1)
    terms = text(built(request_, reviewer), "LICENSE")
    for delivery in request_.fulfillments.all():
        assert delivery.offer.agreement.text.strip() in terms


def test_a_site_keeps_its_code_in_the_next_release(request_: DatasetRequest, reviewer: User, second: User) -> None:
    late = signed_fulfillment(request=request_)
    first = published(request_, reviewer, second)
    accepted_batch(late, images=1)
    follow = built(request_, reviewer)

    def sites(release: Release) -> dict[str, str]:
        return {row["path"]: row["site"] for row in csv.DictReader(io.StringIO(text(release, "metadata/images.csv")))}

    before, after = sites(first), sites(follow)
    assert {path: after[path] for path in before} == before
    assert sorted(set(after.values())) == ["site-01", "site-02"]
    assert "1 image added since release 1." in text(follow, "CHANGELOG.md")


def test_only_labels_of_standing_tables_in_accepted_batches_are_released(
    request_: DatasetRequest, reviewer: User
) -> None:
    accepted = Image.objects.first()
    assert accepted is not None
    label(accepted, "Pneumothorax")
    returned = source_file(accepted.source.batch, kind="labels", status=SourceFileStatus.QUARANTINED, reason="X")
    label(accepted, "Pleural Effusion", table=returned)
    unreviewed = source_file(sealed_batch(request_.fulfillments.get(), images=0), kind="labels")
    label(accepted, "Cardiomegaly", table=unreviewed, batch=unreviewed.batch)
    rows = csv.DictReader(io.StringIO(text(built(request_, reviewer), "metadata/labels.csv")))
    assert [row["finding"] for row in rows] == ["Pneumothorax"]


def test_what_was_withheld_is_counted_without_what_the_hospital_took_back(
    request_: DatasetRequest, reviewer: User
) -> None:
    batch = request_.fulfillments.get().batches.get()
    for _ in range(2):
        source_file(batch, status=SourceFileStatus.REJECTED, reason="NOT_DICOM")
    source_file(batch, status=SourceFileStatus.WITHDRAWN, reason="REPLACED")
    told = json.loads(text(built(request_, reviewer), "deidentification.json"))
    assert told["withheld_by_reason"] == {"NOT_DICOM": 2}


# --- publishing --------------------------------------------------------------------------------------------------------


def test_a_second_person_publishes_and_the_organization_that_asked_gets_a_grant(
    request_: DatasetRequest, reviewer: User, second: User
) -> None:
    reader = member(request_.organization, Role.READER)
    release = published(request_, reviewer, second)
    assert (release.status, release.published_by) == (ReleaseStatus.PUBLISHED, second)
    grant = AccessGrant.objects.get()
    assert (grant.organization, grant.granted_by, grant.is_live) == (request_.organization, second, True)
    assert releases.live_grant(release=release, user=reader) is None, "not named, not attested"
    named(grant, reader)
    assert releases.live_grant(release=release, user=reader) == grant
    assert Notification.objects.filter(event="release.published", user=reader).exists()
    assert not Notification.objects.filter(event="release.published").exclude(user=reader).exists()


def test_who_prepared_a_release_cannot_publish_it(request_: DatasetRequest, reviewer: User) -> None:
    release = built(request_, reviewer)
    assert refused(lambda: releases.publish_release(release=release, actor=reviewer)) == "second_person_needed"
    release.refresh_from_db()
    assert release.status == ReleaseStatus.DRAFT and not AccessGrant.objects.exists()


def test_conflicts_of_interest_hold_for_publishing_too(request_: DatasetRequest, reviewer: User, second: User) -> None:
    release = built(request_, reviewer)
    publish = releases.publish_release
    assert refused(lambda: publish(release=release, actor=member(request_.organization))) == "staff_only"
    Membership.objects.create(user=second, organization=request_.fulfillments.get().hospital, role=Role.PRIVACY_OFFICER)
    assert refused(lambda: publish(release=release, actor=second)) == "conflict_of_interest"


def test_an_unbuilt_release_is_not_published(request_: DatasetRequest, reviewer: User, second: User) -> None:
    release = releases.prepare_release(request=request_, actor=reviewer)
    assert refused(lambda: releases.publish_release(release=release, actor=second)) == "not_built"


def test_images_withdrawn_after_the_preparation_stop_the_release(
    request_: DatasetRequest, reviewer: User, second: User
) -> None:
    release = built(request_, reviewer)
    SourceFile.objects.filter(image=release.items.all()[0].image).update(status=SourceFileStatus.WITHDRAWN)
    assert releases.images_gone(release) == 1
    assert refused(lambda: releases.publish_release(release=release, actor=second)) == "images_gone"
    releases.discard_release(release=release, actor=second)
    again = built(request_, reviewer)
    assert again.number == 1 and again.items.count() == 1
    assert releases.publish_release(release=again, actor=second).status == ReleaseStatus.PUBLISHED


def test_images_withdrawn_before_the_build_stop_the_build(request_: DatasetRequest, reviewer: User) -> None:
    release = releases.prepare_release(request=request_, actor=reviewer)
    SourceFile.objects.filter(image=release.items.all()[0].image).update(status=SourceFileStatus.WITHDRAWN)
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert not release.is_built and "withdrawn or returned" in release.problem


def test_a_release_is_published_once(request_: DatasetRequest, reviewer: User, second: User) -> None:
    release = published(request_, reviewer, second)
    assert refused(lambda: releases.publish_release(release=release, actor=second)) == "not_draft"
    assert AccessGrant.objects.count() == 1


def test_a_suspended_organization_gets_nothing(request_: DatasetRequest, reviewer: User, second: User) -> None:
    release = published(request_, reviewer, second)
    reader = downloader(release)
    assert releases.live_grant(release=release, user=reader) is not None
    Organization.objects.filter(pk=request_.organization_id).update(status=Organization.Status.SUSPENDED)
    assert releases.live_grant(release=release, user=reader) is None
    accepted_batch(request_.fulfillments.get(), images=1)
    follow = built(request_, reviewer)
    assert refused(lambda: releases.publish_release(release=follow, actor=second)) == "organization_not_verified"


@pytest.mark.parametrize(("months", "days"), [(24, 720), (None, 365)])
def test_the_grant_lasts_as_long_as_the_agreement_allows(
    months: int | None, days: int, reviewer: User, second: User
) -> None:
    document = spec_document()
    document["terms"] = {**document["terms"], "retention_months": months}
    asked = open_request(draft=document)
    accepted_batch(signed_fulfillment(request=asked), images=1)
    published(asked, reviewer, second)
    left = AccessGrant.objects.get().expires_at - timezone.now()
    assert timedelta(days=days, minutes=-5) < left <= timedelta(days=days)


# --- discarding and withdrawing ----------------------------------------------------------------------------------------


def test_discarding_a_draft_removes_its_package_and_keeps_the_images(request_: DatasetRequest, reviewer: User) -> None:
    release = built(request_, reviewer)
    key = release.archive
    releases.discard_release(release=release, actor=reviewer)
    assert not Release.objects.exists() and not storage.released().exists(key)
    assert Image.objects.live().count() == 2
    assert AuditEvent.objects.filter(verb="release.discarded").count() == 1


def test_a_published_release_is_not_discarded(request_: DatasetRequest, reviewer: User, second: User) -> None:
    release = published(request_, reviewer, second)
    assert refused(lambda: releases.discard_release(release=release, actor=second)) == "not_draft"


def test_withdrawing_ends_the_grants_and_tells_who_holds_it(
    request_: DatasetRequest, reviewer: User, second: User
) -> None:
    release = published(request_, reviewer, second)
    reader = downloader(release)
    assert refused(lambda: releases.withdraw_release(release=release, actor=reviewer, reason=" ")) == "no_reason"
    withdrawn = releases.withdraw_release(release=release, actor=reviewer, reason="A name was seen.")
    grant = AccessGrant.objects.get()
    assert withdrawn.status == ReleaseStatus.WITHDRAWN and withdrawn.status_note == "A name was seen."
    assert not grant.is_live and grant.revoked_reason == "A name was seen."
    assert releases.live_grant(release=withdrawn, user=reader) is None
    assert Notification.objects.filter(event="release.withdrawn", user=reader).exists()
    assert AuditEvent.objects.filter(verb="grant.revoked", target_id=str(grant.pk)).exists()
    with pytest.raises(StaleState):
        releases.withdraw_release(release=release, actor=reviewer, reason="Again.")


def test_images_of_a_withdrawn_release_wait_for_a_new_one(
    request_: DatasetRequest, reviewer: User, second: User
) -> None:
    assert [(row["request"], row["fresh"], row["accepted"]) for row in releasable_requests()] == [(request_, 2, 2)]
    release = built(request_, reviewer)
    assert releasable_requests() == []
    releases.publish_release(release=release, actor=second)
    assert releasable_requests() == []
    accepted_batch(request_.fulfillments.get(), images=1)
    assert [(row["fresh"], row["accepted"]) for row in releasable_requests()] == [(1, 3)]
    releases.withdraw_release(release=release, actor=second, reason="A name was seen.")
    assert [(row["fresh"], row["accepted"]) for row in releasable_requests()] == [(3, 3)]
    assert "Release 1 was withdrawn." in text(built(request_, reviewer), "CHANGELOG.md")
