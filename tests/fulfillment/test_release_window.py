"""Half an hour between a release's second person and its first byte: shut to everybody, undone by one word, live by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from fulfillment.models import AccessGrant, Release, ReleaseStatus, SourceFile
from fulfillment.services import incidents, release_window, releases
from fulfillment.tasks import make_releases_live_task
from getdata.accounts.models import Membership, Organization, Role, User
from getdata.audit.models import AuditEvent
from getdata.checks import production_is_safe
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from getdata.notifications.models import Notification
from tests.factories import AdministratorFactory, ReviewerFactory, UserFactory, member
from tests.fulfillment.dicomweb.releases import client_of
from tests.requests_app.test_concurrency import at_once
from tests.support.access import downloader
from tests.support.images import accepted_batch
from tests.support.pages import problems

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def window(settings: Any) -> None:
    settings.RELEASE_UNDO_MINUTES = 30


@pytest.fixture
def draft() -> Release:
    made = releases.prepare_release(
        request=accepted_batch(images=1).fulfillment.request, actor=ReviewerFactory.create()
    )
    releases.build_release(made.pk)
    made.refresh_from_db()
    assert made.is_built
    return made


@pytest.fixture
def approved(draft: Release) -> Release:
    return releases.publish_release(release=draft, actor=ReviewerFactory.create())


def let_time_pass(release: Release) -> None:
    Release.objects.filter(pk=release.pk).update(live_at=timezone.now() - timedelta(seconds=1))


def status_of(release: Release) -> str:
    return Release.objects.get(pk=release.pk).status


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(CannotDo) as refusal:
        call()
    assert refusal.value.remedy
    return refusal.value.code


def test_nothing_of_it_comes_by_any_door_until_it_is_live(approved: Release) -> None:
    assert approved.status == ReleaseStatus.APPROVED and approved.approved_at is not None
    assert approved.live_at == approved.approved_at + HALF_AN_HOUR
    assert not AccessGrant.objects.exists() and not Notification.objects.filter(event="release.published").exists()
    asker = member(approved.request.organization, Role.OWNER)
    hospital = member(approved.request.fulfillments.get().hospital, Role.OWNER)
    item = approved.items.get()
    approved.files.create(path=f"data/dicom/{item.path}", offset=0, size=1, crc32=0, sha256="0" * 64)
    page, api = f"/releases/{approved.pk}/", f"/api/v1/releases/{approved.pk}/"
    doors = [page, *(f"{page}{end}" for end in ("download/", "state/", "attest/", "custody/", "audit/", "audit.json"))]
    doors += [api, *(f"{api}{end}" for end in ("download/", "files/", f"files/data/dicom/{item.path}"))]
    doors += [f"/dicomweb/releases/{approved.pk}/{end}" for end in ("studies", "instances")]
    for person in (asker, hospital, UserFactory.create()):
        client, program = signed_in(person), client_of(person)
        for door in doors:
            answer = (program if "/api/" in door or "/dicomweb/" in door else client).get(door)
            expected = 302 if door.endswith("state/") else 404
            assert answer.status_code in (404, expected), (door, answer.status_code)
        assert str(approved.pk) not in client.get("/releases/").content.decode()
        assert program.get("/api/v1/releases/").json()["results"] == []
    make_releases_live_task()
    assert status_of(approved) == ReleaseStatus.APPROVED, "the time is not over"


def test_it_goes_live_by_itself_once_and_is_granted_then(approved: Release) -> None:
    let_time_pass(approved)
    before = AuditEvent.objects.filter(verb="release.published").count()
    make_releases_live_task()
    make_releases_live_task()  # the bell rings twice
    live = Release.objects.get(pk=approved.pk)
    assert live.status == ReleaseStatus.PUBLISHED and live.published_at is not None
    assert AuditEvent.objects.filter(verb="release.published").count() == before + 1
    grant = AccessGrant.objects.get()
    assert grant.granted_by == approved.published_by and grant.organization == approved.request.organization
    assert releases.live_grant(release=live, user=downloader(live)) == grant


def test_the_page_shows_the_clock_and_either_reviewer_undoes_it_there(approved: Release) -> None:
    assert approved.published_by is not None and approved.live_at is not None
    for person in (approved.prepared_by, approved.published_by):
        text = signed_in(person).get(f"/releases/{approved.pk}/").content.decode()
        assert "can be undone until then" in text and approved.live_at.isoformat()[:16] in text and not problems(text)
    undo, client = f"/releases/{approved.pk}/undo/", signed_in(approved.prepared_by)
    assert "Error:" in client.post(undo, {"reason": " ", "round": 0}).content.decode()
    assert client.post(undo, {"reason": "The wrong batch is in it.", "round": 0}).status_code == 302
    back = Release.objects.get(pk=approved.pk)
    assert (back.status, back.published_by, back.live_at, back.round) == (ReleaseStatus.DRAFT, None, None, 1)
    event = AuditEvent.objects.filter(verb="release.draft", target_id=str(back.pk)).get()
    assert event.actor_id == str(approved.prepared_by_id) and event.data["from"] == "approved"
    assert "The wrong batch is in it." in client.get(f"/releases/{approved.pk}/").content.decode()
    told = Notification.objects.filter(event="release.undone").values_list("user", flat=True)
    assert approved.published_by_id in told and approved.prepared_by_id not in told
    let_time_pass(back)
    make_releases_live_task()
    assert status_of(back) == ReleaseStatus.DRAFT, "what was taken back does not go live"


def test_a_double_click_a_replay_and_a_second_tab_release_nothing_twice(draft: Release) -> None:
    second = ReviewerFactory.create()
    client, publish = signed_in(second), f"/releases/{draft.pk}/publish/"
    for _ in range(2):
        client.post(publish, {"round": 0})
    assert AuditEvent.objects.filter(verb="release.approved").count() == 1
    signed_in(draft.prepared_by).post(f"/releases/{draft.pk}/undo/", {"reason": "Not yet.", "round": 0})
    client.post(publish, {"round": 0})  # the old page, sent again: it was made before the undo
    assert status_of(draft) == ReleaseStatus.DRAFT
    client.post(publish, {"round": 1})
    assert status_of(draft) == ReleaseStatus.APPROVED
    client.post(f"/releases/{draft.pk}/undo/", {"reason": "Not yet.", "round": 0})
    assert status_of(draft) == ReleaseStatus.APPROVED, "an old undo takes nothing back"
    api, desk = APIClient(), f"/api/v1/review/releases/{draft.pk}"
    api.force_authenticate(second)
    assert api.post(f"{desk}/undo/", {"reason": "No.", "round": 0}).json()["code"] == "old_page"
    assert api.post(f"{desk}/publish/").json()["code"] == "not_draft"
    assert api.post(f"{desk}/undo/", {"reason": "No.", "round": 1}).json()["status"] == "draft"
    assert AuditEvent.objects.filter(verb="release.published").count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_who_publish_and_undo_at_once_do_it_once(draft: Release) -> None:
    """On SQLite and on PostgreSQL: of those who press together one wins."""
    people = [ReviewerFactory.create() for _ in range(4)]
    won, lost = at_once(
        [
            lambda one=one: releases.publish_release(release=Release.objects.get(pk=draft.pk), actor=one)
            for one in people
        ]
    )
    assert len(won) == 1 and set(lost) == {"not_draft"}
    assert AuditEvent.objects.filter(verb="release.approved").count() == 1
    let_time_pass(draft)
    undo: list[Callable[[], Any]] = [
        lambda: release_window.undo_release(release=draft, actor=people[0], reason="Not yet.", seen=0)
    ]
    lives: list[Callable[[], Any]] = [lambda: release_window.make_live(draft.pk) for _ in range(3)]
    done, _ = at_once([*undo, *lives])
    now = status_of(draft)
    made_live = [one for one in done if one is True]
    assert (now == ReleaseStatus.PUBLISHED, len(made_live)) in {(True, 1), (False, 0)}
    assert AccessGrant.objects.count() == len(made_live)


# --- who may ------------------------------------------------------------------------------------------------------------


def _turned(person: User) -> User:
    """Make a reviewer of somebody who is a member of a party."""
    User.objects.filter(pk=person.pk).update(staff_role=User.StaffRole.REVIEWER)
    return User.objects.get(pk=person.pk)


def _uploader(release: Release) -> User:
    sealed_by = release.request.fulfillments.get().batches.get().sealed_by
    assert sealed_by is not None
    Membership.objects.filter(user=sealed_by).delete()
    return _turned(sealed_by)


#: Who -> (the person, what publishing answers on a draft, whether the person may undo)
WHO: dict[str, tuple[Callable[[Release], User], str, bool]] = {
    "the one who prepared it": (lambda r: r.prepared_by, "second_person_needed", True),
    "a second reviewer": (lambda r: ReviewerFactory.create(), "", True),
    "an administrator": (lambda r: AdministratorFactory.create(), "", True),
    "a reviewer of the hospital": (
        lambda r: _turned(member(r.request.fulfillments.get().hospital, Role.VIEWER)),
        "conflict_of_interest",
        True,
    ),
    "a reviewer of the organization that asked": (
        lambda r: _turned(member(r.request.organization, Role.VIEWER)),
        "conflict_of_interest",
        True,
    ),
    "a reviewer who sent files": (_uploader, "uploader_never_releases", True),
    "an owner who asked": (lambda r: member(r.request.organization, Role.OWNER), "staff_only", False),
    "an owner of the hospital": (
        lambda r: member(r.request.fulfillments.get().hospital, Role.OWNER),
        "staff_only",
        False,
    ),
    "somebody": (lambda r: UserFactory.create(), "staff_only", False),
}


@pytest.mark.parametrize("who", WHO)
def test_each_person_tries_each_action_in_each_state(draft: Release, who: str) -> None:
    make, code, may_undo = WHO[who]
    person = make(draft)

    def publish() -> str:
        try:
            releases.publish_release(release=Release.objects.get(pk=draft.pk), actor=person)
        except CannotDo as refusal:
            return refusal.code if refusal.remedy else "no remedy"
        return ""

    def undo() -> str:
        try:
            release_window.undo_release(release=Release.objects.get(pk=draft.pk), actor=person, reason="Not yet.")
        except CannotDo as refusal:
            return refusal.code
        except StaleState:
            return "stale"
        return ""

    states: dict[str, tuple[str, str]] = {}
    for state in ReleaseStatus.values:
        other = None if state == ReleaseStatus.DRAFT else ReviewerFactory.create()
        Release.objects.filter(pk=draft.pk).update(
            status=state, published_by=other, live_at=timezone.now() + HALF_AN_HOUR if other else None
        )
        states[state] = (publish(), undo())
        if state == ReleaseStatus.DRAFT and not code:
            assert states[state] == ("", ""), "published, and then taken back"
    if not may_undo:
        assert set(states.values()) == {("staff_only", "staff_only")}
        return
    assert states[ReleaseStatus.DRAFT][0] == code
    # Of what is no draft nobody publishes, and undone is only what waits.
    independent = code in ("", "second_person_needed")
    assert {states[state][0] for state in ReleaseStatus.values[1:]} == {"not_draft" if independent else code}
    assert states[ReleaseStatus.APPROVED][1] == ""
    assert states[ReleaseStatus.PUBLISHED][1] == states[ReleaseStatus.WITHDRAWN][1] == "stale"


# --- what changes meanwhile -----------------------------------------------------------------------------------------------


def _joins(release: Release) -> None:
    assert release.published_by is not None
    Membership.objects.create(user=release.published_by, organization=release.request.organization, role=Role.VIEWER)


def _preparer_joins(release: Release) -> None:
    hospital = release.request.fulfillments.get().hospital
    Membership.objects.create(user=release.prepared_by, organization=hospital, role=Role.VIEWER)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda r: SourceFile.objects.update(status="withdrawn"), "withdrawn or returned"),
        (
            lambda r: Organization.objects.filter(pk=r.request.organization_id).update(status="suspended"),
            "not verified",
        ),
        (_joins, "a party to this"),
        (_preparer_joins, "may not release it any more"),
        (lambda r: User.objects.filter(pk=r.published_by_id).update(staff_role=""), "staff"),
    ],
    ids=["images gone", "asker suspended", "publisher joins a party", "preparer joins a party", "publisher left staff"],
)
def test_what_may_not_leave_any_more_goes_back_to_the_drafts_with_the_cause(
    approved: Release, change: Callable[[Release], object], cause: str
) -> None:
    change(approved)
    let_time_pass(approved)
    assert release_window.make_due_live() == 0
    assert status_of(approved) == ReleaseStatus.DRAFT and not AccessGrant.objects.exists()
    undo = approved.undos.get()
    assert undo.by is None and cause in undo.reason
    assert Notification.objects.filter(event="release.undone").exists()


def test_what_an_incident_stops_waits_and_goes_live_when_the_stop_is_lifted(approved: Release) -> None:
    staff = ReviewerFactory.create()
    made = incidents.open_incident(
        actor=staff, kind="identity", title="A name", text="Seen in one image.", things=[approved]
    )
    let_time_pass(approved)
    assert release_window.make_due_live() == 0 and status_of(approved) == ReleaseStatus.APPROVED
    incidents.lift_stop(scope=made.scopes.get(), actor=staff, reason="It was the name of a device.")
    assert release_window.make_due_live() == 1 and status_of(approved) == ReleaseStatus.PUBLISHED


def test_a_window_of_no_minutes_makes_it_live_at_once(draft: Release, settings: Any) -> None:
    settings.RELEASE_UNDO_MINUTES = 0
    made = releases.publish_release(release=draft, actor=ReviewerFactory.create())
    assert made.status == ReleaseStatus.PUBLISHED and AccessGrant.objects.count() == 1
    assert list(
        AuditEvent.objects.filter(verb__startswith="release.", target_id=str(made.pk)).values_list("verb", flat=True)
    )[-2:] == ["release.approved", "release.published"]


def test_what_was_published_cannot_be_undone_and_says_so(draft: Release, settings: Any) -> None:
    settings.RELEASE_UNDO_MINUTES = 0
    made = releases.publish_release(release=draft, actor=ReviewerFactory.create())
    with pytest.raises(StaleState):
        release_window.undo_release(release=made, actor=made.prepared_by, reason="Too late.")
    assert refused(lambda: release_window.undo_release(release=made, actor=made.prepared_by, reason=" ")) == "no_reason"


def test_production_refuses_a_window_that_nobody_can_use(settings: Any) -> None:
    settings.PRODUCTION = True
    found = {}
    for minutes in (0, 30):
        settings.RELEASE_UNDO_MINUTES = minutes
        found[minutes] = {problem.id for problem in production_is_safe(None)}
    assert found[0] - found[30] == {"getdata.E014"}
