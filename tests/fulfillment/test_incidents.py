"""Incidents: one step stops access everywhere, each party reads what is its own, and giving back is for independent people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fulfillment.models import (
    Batch,
    Image,
    Incident,
    IncidentScope,
    IncidentStatus,
    Label,
    Release,
)
from fulfillment.services import incidents, releases, reviews
from fulfillment.uploads import rights
from fulfillment.viewer.access import may_look
from getdata.accounts.models import Membership, Organization, Role, User
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from getdata.notifications.models import Notification
from tests.factories import AdministratorFactory, HospitalFactory, ReviewerFactory, UserFactory, member
from tests.fulfillment.dicomweb.releases import client_of
from tests.fulfillment.test_grants import everything_through
from tests.requests_app.test_concurrency import at_once
from tests.support.access import downloader
from tests.support.images import accepted_batch, label, looked_at, sealed_batch, signed_fulfillment
from tests.support.pages import problems

pytestmark = pytest.mark.django_db
Thing = Release | Batch | Organization


def published(*, built: bool) -> Release:
    """Of two hospitals: one image each."""
    first = accepted_batch(images=1)
    accepted_batch(signed_fulfillment(request=first.fulfillment.request), images=1)
    made = releases.prepare_release(request=first.fulfillment.request, actor=ReviewerFactory.create())
    if built:
        releases.build_release(made.pk)
    else:
        Release.objects.filter(pk=made.pk).update(archive="releases/none/none.zip")
    made.refresh_from_db()
    return releases.publish_release(release=made, actor=ReviewerFactory.create())


@pytest.fixture
def release() -> Release:
    """With no package: for what is told, written and decided."""
    return published(built=False)


@pytest.fixture
def package() -> Release:
    """With its package, for the doors."""
    return published(built=True)


@pytest.fixture
def staff() -> User:
    return ReviewerFactory.create()


def opened(*things: Thing, by: User | None = None) -> Incident:
    return incidents.open_incident(
        actor=by or ReviewerFactory.create(),
        kind="identity",
        title="A name in an image",
        text="A name was seen in one image. Keep your copies closed.",
        things=things,
    )


def batches(release: Release) -> list[Batch]:
    return list(Batch.objects.filter(fulfillment__request=release.request).select_related("fulfillment__hospital"))


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(CannotDo) as refusal:
        call()
    assert refusal.value.remedy
    return refusal.value.code


# --- stopping -----------------------------------------------------------------------------------------------------------

STOPS: dict[str, Callable[[Release], Thing]] = {
    "the release": lambda release: release,
    "a batch in it": lambda release: batches(release)[0],
    "a hospital with images in it": lambda release: batches(release)[1].fulfillment.hospital,
    "the organization that holds it": lambda release: release.request.organization,
}


@pytest.mark.parametrize("what", STOPS)
def test_stopping_one_thing_shuts_every_door_at_once_and_lifting_opens_them(
    package: Release, staff: User, what: str
) -> None:
    release, person = package, downloader(package)
    assert set(everything_through(release, person).values()) <= {200, 206, 302}
    searched = f"/dicomweb/releases/{release.pk}/studies"
    assert client_of(person).get(searched).status_code == 200

    def pictures() -> int:
        return Image.objects.visible_to(person).pictured_for(person).count()

    assert pictures() == 2
    incident = opened(STOPS[what](release), by=staff)
    answers = everything_through(release, person)
    assert all(status == (404 if door.startswith("page") else 409) for door, status in answers.items()), answers
    assert client_of(person).get(searched).status_code == 404
    told = client_of(person).get(f"/api/v1/releases/{release.pk}/files/").json()
    assert told["code"] == "frozen" and str(incident.number) in told["detail"]
    assert pictures() == (1 if what.startswith("a ") else 0), "nobody outside looks at what is stopped"
    scope = incident.scopes.get()
    incidents.lift_stop(scope=scope, actor=staff, reason="It was the name of a device.")
    assert set(everything_through(release, person).values()) <= {200, 206, 302}
    assert pictures() == 2
    assert refused(lambda: incidents.lift_stop(scope=scope, actor=staff, reason="Again.")) == "already_lifted"


def test_a_transfer_under_way_is_cut(package: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    release = package
    monkeypatch.setattr("getdata.common.storage._BLOCK", 512)
    monkeypatch.setattr("getdata.common.storage._ASK_AFTER", 512)
    file = release.files.filter(path__startswith="data/dicom/").first()
    assert file is not None and file.size > 1024
    blocks = iter(
        client_of(downloader(release)).get(f"/api/v1/releases/{release.pk}/files/{file.path}").streaming_content
    )
    first = next(blocks)
    opened(batches(release)[0])
    assert len(first) + sum(map(len, blocks)) < file.size


def test_labels_and_a_stopped_hospitals_own_pictures_are_stopped_too(release: Release) -> None:
    batch = batches(release)[0]
    picture = Image.objects.get(source__batch=batch)
    label(picture, "Pneumothorax")
    asker = downloader(release)
    owner = member(batch.fulfillment.hospital, Role.OWNER)
    for person in (asker, owner):
        assert Label.objects.readable_by(person).count() == 1
    assert rights.may_see_names(owner, batch) and may_look(owner, picture)
    incident = opened(batch)
    assert Label.objects.readable_by(asker).count() == 0
    assert Label.objects.readable_by(owner).count() == 1, "the hospital goes on looking at its own"
    incidents.add_to_incident(incident=incident, actor=incident.opened_by, thing=batch.fulfillment.hospital)
    assert Label.objects.readable_by(owner).count() == 0, "unless it is the hospital that is stopped"
    assert not Batch.objects.pictured_for(owner).filter(pk=batch.pk).exists()
    assert signed_in(owner).get(f"/images/{picture.pk}/preview/").status_code == 404
    assert not may_look(owner, picture), "nor by the viewer"
    assert not rights.may_see_names(owner, batch), "names of files are identity"
    assert f"/incidents/{incident.pk}/" in signed_in(owner).get(f"/batches/{batch.pk}/").content.decode()


def test_nothing_stopped_is_accepted_or_put_into_a_release(staff: User) -> None:
    batch = sealed_batch()
    reviews.claim_batch(batch=batch, actor=staff)
    looked_at(batch, staff)
    incident = opened(batch)
    accept = lambda: reviews.accept_batch(batch=batch, actor=staff, summary="Looked at all.")  # noqa: E731
    assert refused(accept) == "frozen"
    ready = accepted_batch()
    incidents.add_to_incident(incident=incident, actor=staff, thing=ready.fulfillment.hospital)
    request = ready.fulfillment.request
    assert refused(lambda: releases.prepare_release(request=request, actor=staff)) == "frozen"
    for scope in incident.scopes.all():
        incidents.lift_stop(scope=scope, actor=staff, reason="Settled.")
    accept()
    assert releases.prepare_release(request=request, actor=staff).number == 1


def test_a_draft_that_an_incident_names_can_still_be_discarded(staff: User) -> None:
    draft = releases.prepare_release(request=accepted_batch(images=1).fulfillment.request, actor=staff)
    incident = opened(draft)
    releases.discard_release(release=draft, actor=staff)
    assert not incident.scopes.exists() and incident.entries.filter(kind="stopped").count() == 1
    page = signed_in(staff).get(f"/incidents/{incident.pk}/").content.decode()
    assert "Access stopped: release 1" in page and not problems(page)


# --- who is told, and what each reads ---------------------------------------------------------------------------------------


def test_every_hospital_and_holder_concerned_is_told_and_nobody_else(release: Release, staff: User) -> None:
    first, second = (batch.fulfillment.hospital for batch in batches(release))
    told = [
        member(first, Role.PRIVACY_OFFICER),
        member(first, Role.DATA_MANAGER),
        member(second, Role.OWNER),
        member(release.request.organization, Role.READER),
        AdministratorFactory.create(),
    ]
    untold = [member(first, Role.VIEWER), member(HospitalFactory.create(), Role.OWNER), UserFactory.create(), staff]
    incident = opened(release, by=staff)
    lines = Notification.objects.filter(event="incident.opened")
    assert {line.user_id for line in lines} >= {person.pk for person in told}
    assert not {line.user_id for line in lines} & {person.pk for person in untold}
    for line in lines:
        assert line.url == f"/incidents/{incident.pk}/"
        for name in (first.name, second.name, release.request.organization.name, "A name in an image"):
            assert name not in line.text
    assert {(party.organization, party.role) for party in incident.parties.all()} == {
        (first, "hospital"),
        (second, "hospital"),
        (release.request.organization, "holder"),
    }


def test_each_party_reads_its_own_and_the_shared_lines_and_of_no_other_party(release: Release, staff: User) -> None:
    one, other = batches(release)
    incident = opened(one, by=staff)
    incidents.write_entry(incident=incident, actor=staff, text="We ask the vendor.", shared=False)
    incidents.write_entry(incident=incident, actor=staff, text="Two images hold the name.", shared=True)
    page = f"/incidents/{incident.pk}/"
    hospital, asker = member(one.fulfillment.hospital, Role.OWNER), downloader(release)
    for person in (hospital, asker):
        text = signed_in(person).get(page).content.decode()
        assert "Two images hold the name." in text and "We ask the vendor." not in text
        assert "Who is concerned" not in text and "Lift" not in text and other.fulfillment.hospital.name not in text
        assert f"/releases/{release.pk}/" in text and not problems(text)
        assert str(incident.pk) in signed_in(person).get("/incidents/").content.decode()
        shown = signed_in(person).get(f"/releases/{release.pk}/").content.decode()
        assert page in shown and "Access is stopped" in shown
    assert one.fulfillment.hospital.name not in signed_in(asker).get(page).content.decode()
    for stranger in (
        member(HospitalFactory.create()),
        UserFactory.create(),
    ):
        assert signed_in(stranger).get(page).status_code == 404
        assert "No incident" in signed_in(stranger).get("/incidents/").content.decode()
    for_staff = signed_in(staff).get(page).content.decode()
    assert (
        "We ask the vendor." in for_staff
        and other.fulfillment.hospital.name not in for_staff.split("Who is concerned")[0]
    )
    assert not problems(for_staff)


def test_staff_open_and_settle_an_incident_on_its_pages(release: Release, staff: User) -> None:
    client = signed_in(staff)
    new = f"/incidents/new/?about=/releases/{release.pk}/"
    assert f"/releases/{release.pk}/" in client.get(new).content.decode()
    said = {"kind": "access", "title": "A stolen laptop", "text": "It held a copy."}
    wrong = client.post("/incidents/new/", {**said, "things": "/requests/"}).content.decode()
    assert "is no page of a release" in wrong and "Error:" in wrong and not Incident.objects.exists()
    things = f"https://portal.example/releases/{release.pk}/custody/\n/batches/{batches(release)[0].pk}/\n"
    where = client.post("/incidents/new/", {**said, "things": things})["Location"]
    incident = Incident.objects.get()
    assert where == f"/incidents/{incident.pk}/" and incident.scopes.count() == 2
    assert "Stop something else" in client.get(where).content.decode()
    queued = client.get("/review/?kind=incident").content.decode()
    assert "A stolen laptop" in queued and where in queued and "somebody has data who should not" in queued
    assert "Error:" in client.post(f"{where}entries/", {"text": ""}).content.decode()
    assert "Error:" in client.post(f"{where}contain/", {"text": ""}).content.decode()
    client.post(f"{where}things/", {"things": f"/organizations/{release.request.organization.slug}/"})
    again = client.post(f"{where}things/", {"things": f"/releases/{release.pk}/"}, follow=True).content.decode()
    assert "stopped by the incident already" in again
    client.post(f"{where}entries/", {"text": "The police are told.", "shared": "on"})
    client.post(f"{where}close/", {"text": "Too early."})
    assert Incident.objects.get().status == IncidentStatus.OPEN, "what is not contained is not closed"
    client.post(f"{where}contain/", {"text": "The disk was encrypted."})
    client.post(f"{where}things/{incident.scopes.all()[0].pk}/lift/", {"text": "No harm was found."})
    assert IncidentScope.objects.filter(lifted_at=None).count() == 2
    client.post(f"{where}close/", {"text": "Nobody read the data."})
    assert "A stolen laptop" not in client.get("/review/?kind=incident").content.decode()
    closed = Incident.objects.get()
    assert closed.status == IncidentStatus.CLOSED and closed.closed_by == staff
    assert not IncidentScope.objects.filter(lifted_at=None).exists()
    text = client.get(where).content.decode()
    assert "Nobody read the data." in text and not problems(text)
    assert list(closed.entries.values_list("kind", flat=True)) == [
        "opened", "stopped", "stopped", "stopped", "note", "contained", "lifted", "lifted", "lifted", "closed",
    ]  # fmt: skip
    verbs = set(AuditEvent.objects.filter(data__incident=str(closed.pk)).values_list("verb", flat=True))
    assert verbs == {"incident.stopped", "incident.lifted"}


# --- who may, in which state -----------------------------------------------------------------------------------------------


def _staff_of(organization: Organization) -> User:
    person = member(organization, Role.VIEWER)
    User.objects.filter(pk=person.pk).update(staff_role=User.StaffRole.REVIEWER)
    return User.objects.get(pk=person.pk)


def _sender(release: Release) -> User:
    person = batches(release)[0].sealed_by
    assert person is not None
    Membership.objects.filter(user=person).delete()
    User.objects.filter(pk=person.pk).update(staff_role=User.StaffRole.REVIEWER)
    return User.objects.get(pk=person.pk)


#: Who -> (the person, why they may not stop, why they may not settle)
WHO: dict[str, tuple[Callable[[Release], User], str, str]] = {
    "a reviewer": (lambda r: ReviewerFactory.create(), "", ""),
    "an administrator": (lambda r: AdministratorFactory.create(), "", ""),
    "a reviewer of a hospital": (lambda r: _staff_of(batches(r)[0].fulfillment.hospital), "", "conflict_of_interest"),
    "a reviewer of the holder": (lambda r: _staff_of(r.request.organization), "", "conflict_of_interest"),
    "a reviewer who sent files": (_sender, "", "uploader_never_releases"),
    "an owner of a hospital": (lambda r: member(batches(r)[0].fulfillment.hospital, Role.OWNER), *2 * ("staff_only",)),
    "an owner of the holder": (lambda r: member(r.request.organization, Role.OWNER), *2 * ("staff_only",)),
    "somebody": (lambda r: UserFactory.create(), *2 * ("staff_only",)),
}


@pytest.mark.parametrize("who", WHO)
def test_each_person_tries_each_action_in_each_state(release: Release, who: str) -> None:
    make, no_stop, no_settle = WHO[who]
    person = make(release)
    incident = opened(release)
    scope = incident.scopes.get()

    def tried(action: Callable[[], object]) -> str:
        try:
            action()
        except CannotDo as refusal:
            return refusal.code if refusal.remedy else "no remedy"
        except StaleState:
            return "stale"
        return ""

    actions: dict[str, Callable[[], object]] = {
        "open": lambda: opened(batches(release)[0], by=person),
        "add": lambda: incidents.add_to_incident(incident=incident, actor=person, thing=release.request.organization),
        "write": lambda: incidents.write_entry(incident=incident, actor=person, text="News.", shared=True),
        "contain": lambda: incidents.contain_incident(incident=incident, actor=person, text="Done."),
        "lift": lambda: incidents.lift_stop(scope=scope, actor=person, reason="No harm."),
        "close": lambda: incidents.close_incident(incident=incident, actor=person, outcome="Settled."),
    }
    ends = {"open": {"contain"}, "contained": {"close"}, "closed": set()}
    for state in IncidentStatus.values:
        for name, action in actions.items():
            Incident.objects.filter(pk=incident.pk).update(status=state, contained_at=None, closed_at=None)
            IncidentScope.objects.filter(incident=incident).exclude(pk=scope.pk).delete()
            IncidentScope.objects.filter(pk=scope.pk).update(lifted_at=None, lifted_by=None)
            answer = tried(action)
            settles = name in ("lift", "close")
            if no_stop and not settles:
                assert answer == no_stop, (state, name)
            elif settles and no_settle and (name == "close" or state != "closed"):
                assert answer == no_settle, (state, name)
            elif name == "open":
                assert answer == "", (state, name)
            elif name in ("contain", "close"):
                assert answer == ("" if name in ends[state] else "stale"), (state, name)
            else:
                assert answer == ("stale" if state == "closed" else ""), (state, name)
            moved = Incident.objects.get(pk=incident.pk).status
            assert (
                moved == {"contain": "contained", "close": "closed"}[name]
                if answer == "" and name in ends[state]
                else moved == state
            ), (state, name)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": " "}, "no_title"),
        ({"title": "x" * 121}, "no_title"),
        ({"kind": "weather"}, "unknown_kind"),
        ({"text": " "}, "no_words"),
        ({"text": "x" * 4001}, "too_long"),
        ({"things": []}, "nothing_affected"),
    ],
)
def test_an_incident_that_says_too_little_or_too_much_is_refused(
    release: Release, staff: User, change: dict[str, Any], code: str
) -> None:
    said: dict[str, Any] = {
        "kind": "other",
        "title": "Something",
        "text": "It happened.",
        "things": [release],
        **change,
    }
    assert refused(lambda: incidents.open_incident(actor=staff, **said)) == code
    assert not Incident.objects.exists() and not Notification.objects.filter(event__startswith="incident.").exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_lift_and_close_at_once_do_it_once(release: Release) -> None:
    people = [ReviewerFactory.create() for _ in range(3)]
    incident = opened(release, by=people[0])
    scope = incident.scopes.get()
    won, lost = at_once(
        [lambda one=one: incidents.lift_stop(scope=scope, actor=one, reason="No harm.") for one in people]
    )
    assert len(won) == 1 and set(lost) == {"already_lifted"}
    incidents.contain_incident(incident=incident, actor=people[0], text="Done.")
    won, lost = at_once(
        [lambda one=one: incidents.close_incident(incident=incident, actor=one, outcome="Settled.") for one in people]
    )
    assert len(won) == 1 and set(lost) == {"stale_state"}
    assert AuditEvent.objects.filter(verb="incident.closed").count() == 1
    made, late = at_once([lambda one=one: opened(release, by=one) for one in people])
    assert len(made) + len(late) == 3 and set(late) <= {"incident_at_once"}
    assert Incident.objects.filter(closed_at=None, created_at__lte=timezone.now()).count() == len(made)
