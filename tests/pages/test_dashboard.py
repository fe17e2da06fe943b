"""The dashboard: what waits for whom, and where it leads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from fulfillment.models import AccessGrant, Batch, Release, SourceFileStatus
from fulfillment.services import releases, reviews
from getdata.accounts.models import Membership, Organization, Role, User
from getdata.pages import steps
from requests_app.models import Agreement, RequestStatus, Signature
from tests.factories import (
    HospitalFactory,
    OrganizationFactory,
    RequestFactory,
    ReviewerFactory,
    UserFactory,
    batch,
    fulfillment,
    member,
    offer,
    open_request,
)
from tests.support.access import downloader
from tests.support.images import accepted_batch, sealed_batch, signed_fulfillment, source_file
from tests.support.pages import problems

pytestmark = pytest.mark.django_db


def titles(person: User) -> list[str]:
    return [step.title for step in steps.for_user(person)]


def dashboard(person: User) -> str:
    client = Client()
    client.force_login(person)
    response = client.get("/dashboard/")
    assert response.status_code == 200
    page = response.content.decode()
    assert problems(page) == []
    for step in steps.for_user(person):
        assert client.get(step.url).status_code == 200, f"{step.title} leads to {step.url}"
    return page


def test_a_visitor_is_asked_to_sign_in() -> None:
    assert "/accounts/login/" in Client().get("/dashboard/")["Location"]


def test_a_newcomer_is_led_to_an_organization() -> None:
    person = UserFactory.create()
    assert titles(person) == ["Tell us which organization you work for"]
    assert "1 thing waits for you." in dashboard(person)


def test_nothing_to_do_is_said_and_leads_on() -> None:
    page = dashboard(member(OrganizationFactory.create(), Role.VIEWER))
    assert "Nothing waits for you." in page and "All done" in page and "Browse open requests" in page


def test_an_owner_completes_the_checklist_of_an_unverified_organization() -> None:
    for status, waits in (("draft", 1), ("rejected", 1), ("pending", 0), ("verified", 0)):
        owner = member(OrganizationFactory.create(status=status))
        assert len(titles(owner)) == waits, status
    manager = member(OrganizationFactory.create(status=Organization.Status.DRAFT), Role.DATA_MANAGER)
    assert titles(manager) == []


def test_a_researcher_finishes_drafts_answers_offers_signs_and_downloads() -> None:
    group = OrganizationFactory.create()
    owner = member(group)
    RequestFactory.create(organization=group, title="My draft", status_note="Say which view.")
    made = offer(open_request(organization=group, title="Open one"))
    assert set(titles(owner)) == {"Finish the draft “My draft”", f"Answer the offer of {made.hospital.name}"}
    assert "Say which view." in dashboard(owner)
    assert titles(member(group, Role.READER)) == []


def test_each_party_is_asked_to_sign_once() -> None:
    made = offer()
    asker, hospital = member(made.request.organization), member(made.hospital)
    agreement = Agreement.objects.create(offer=made, text="x", text_sha256="0" * 64, legal_class="x", drawn_by=asker)
    wanted = f"Sign the agreement on “{made.request.title}”"
    assert titles(asker) == titles(hospital) == [wanted]
    Signature.objects.create(
        agreement=agreement, organization=made.hospital, signed_by=hospital, printed_name="H", meaning="agrees"
    )
    assert titles(asker) == [wanted] and titles(hospital) == []
    assert titles(member(made.request.organization, Role.READER)) == []
    dashboard(asker)


def _published() -> Release:
    request = accepted_batch().fulfillment.request
    release = releases.prepare_release(request=request, actor=ReviewerFactory.create())
    releases.build_release(release.pk)
    release.refresh_from_db()
    return releases.publish_release(release=release, actor=ReviewerFactory.create())


def test_a_release_waits_until_somebody_downloads_it_or_the_grant_ends() -> None:
    release = _published()
    assert titles(member(release.request.organization, Role.READER)) == [], "who is not named has nothing to do"
    owner = member(release.request.organization, Role.OWNER)
    assert [step.action for step in steps.for_user(owner) if step.title.startswith("Download")] == [
        "Attest and download"
    ]
    reader = downloader(release)
    wanted = [f"Download release 1 of “{release.request.title}”"]
    assert titles(reader) == wanted and release.request.title in dashboard(reader)
    assert titles(member(release.request.organization, Role.VIEWER)) == []
    grant = AccessGrant.objects.get()
    AccessGrant.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert titles(reader) == []
    AccessGrant.objects.update(expires_at=timezone.now() + timedelta(days=1))
    releases.note_download(grant=grant, user=reader, path="x", first_byte=0)
    assert titles(reader) == []


def test_a_hospital_begins_completes_and_mends_batches() -> None:
    delivery = fulfillment()
    manager = member(delivery.hospital, Role.DATA_MANAGER)
    assert titles(manager) == [f"Begin the first batch for “{delivery.request.title}”"]
    batch(delivery, name="Spring")
    assert titles(manager) == ["Complete batch 1: Spring"]
    assert "Spring" in dashboard(manager)
    assert titles(member(delivery.hospital, Role.VIEWER)) == []


def test_a_returned_batch_waits_for_its_hospital_and_a_sealed_one_does_not() -> None:
    sealed = sealed_batch(name="Spring")
    manager, reviewer = sealed.sealed_by, ReviewerFactory.create()
    assert manager is not None and titles(manager) == []
    reviews.claim_batch(batch=sealed, actor=reviewer)
    reviews.return_batch(batch=sealed, actor=reviewer, summary="x", notes={sealed.files.get(number=1): "Wrong side."})
    assert titles(manager) == ["Mend batch 1: Spring"]
    dashboard(manager)


def test_a_reviewer_sees_everything_that_waits_for_staff() -> None:
    company = OrganizationFactory.create(name="Lumen", status="pending", submitted_at=timezone.now())
    RequestFactory.create(title="Check me", status=RequestStatus.SUBMITTED, submitted_at=timezone.now())
    sealed_batch(name="Sealed one")
    accepted_batch()
    page = dashboard(ReviewerFactory.create())
    for words in (
        f"Verify {company.name}",
        "Check the request “Check me”",
        "Review batch 1: Sealed one",
        "Prepare a release",
    ):
        assert words in page


def test_a_colleagues_batch_and_ones_own_conflicts_do_not_wait_for_a_reviewer() -> None:
    held = sealed_batch()
    colleague, reviewer = ReviewerFactory.create(), ReviewerFactory.create()
    reviews.claim_batch(batch=held, actor=colleague)
    assert titles(reviewer) == [] and len(titles(colleague)) == 1
    conflicted = sealed_batch()
    Membership.objects.create(user=reviewer, organization=conflicted.fulfillment.hospital, role=Role.VIEWER)
    assert titles(reviewer) == []


def test_a_draft_release_waits_for_the_second_person_and_a_failed_one_for_the_first() -> None:
    request = accepted_batch().fulfillment.request
    first, second = ReviewerFactory.create(), ReviewerFactory.create()
    release = releases.prepare_release(request=request, actor=first)
    assert titles(first) == titles(second) == []
    releases.build_release(release.pk)
    assert titles(first) == [] and titles(second) == [f"Publish release 1 of “{request.title}”"]
    dashboard(second)
    Release.objects.filter(pk=release.pk).update(archive="", problem="Broken.")
    assert titles(first) == [f"Build again: release 1 of “{request.title}”"] and titles(second) == []


def test_steps_come_oldest_first() -> None:
    hospital = HospitalFactory.create()
    manager = member(hospital, Role.DATA_MANAGER)
    late, early = signed_fulfillment(hospital=hospital), signed_fulfillment(hospital=hospital)
    now = timezone.now()
    for delivery, days in ((late, 1), (early, 3)):
        one = batch(delivery, name=f"{days} days")
        Batch.objects.filter(pk=one.pk).update(created_at=now - timedelta(days=days))
    assert titles(manager) == ["Complete batch 1: 3 days", "Complete batch 1: 1 days"]


def test_progress_of_a_batch_is_shown() -> None:
    one = batch(name="Spring")
    source_file(one)
    source_file(one, status=SourceFileStatus.RECEIVED)
    page = dashboard(member(one.fulfillment.hospital, Role.DATA_MANAGER))
    assert "1 of 2" in page


def test_what_is_with_others_names_who_has_it_and_by_when() -> None:
    """Nobody has to ask whether something arrived."""
    owner = member(OrganizationFactory.create(status=Organization.Status.PENDING, submitted_at=timezone.now()))
    page = dashboard(owner)
    assert "With others" in page and "Verification of" in page and "GetDATA’s reviewers" in page and "due <time" in page

    asked = offer()
    hospital = member(asked.hospital)
    page = dashboard(hospital)
    assert f"Answer to your offer for “{asked.request.title}”" in page and asked.request.organization.name in page

    handed_over = sealed_batch()
    page = dashboard(member(handed_over.fulfillment.hospital))
    assert f"Review of batch {handed_over.number}" in page
    other = dashboard(member(HospitalFactory.create()))
    assert "With others" not in other, "what others wait for is theirs"


def test_a_submitted_request_is_with_the_reviewers_until_it_is_open() -> None:
    request = RequestFactory.create(status=RequestStatus.SUBMITTED, submitted_at=timezone.now())
    person = member(request.organization)
    assert f"Check of the request “{request.title}”" in dashboard(person)
    type(request).objects.filter(pk=request.pk).update(status=RequestStatus.OPEN)
    assert "With others" not in dashboard(person)
