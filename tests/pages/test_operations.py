"""The operations board: each number is the length of the list it opens, and the rules of suspicious access hold what they say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from fulfillment.models import (
    AccessGrant,
    DownloadedFile,
    DownloadEvent,
    Pulse,
    Release,
    ReleaseStatus,
    SourceFile,
    SourceFileStatus,
    Upload,
)
from fulfillment.services import incidents
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.audit.models import AuditEvent
from getdata.pages.operations import access, board
from requests_app.models import DatasetRequest, RequestStatus
from tests.factories import (
    PASSWORD,
    AdministratorFactory,
    OrganizationFactory,
    RequestFactory,
    ReviewerFactory,
    UserFactory,
    member,
)
from tests.support.images import accepted_batch, sealed_batch, source_file
from tests.support.pages import problems

pytestmark = pytest.mark.django_db


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def client() -> Client:
    return signed_in(ReviewerFactory.create())


def release(status: str, **columns: Any) -> Release:
    batch = accepted_batch(images=1)
    second = None if status == ReleaseStatus.DRAFT else ReviewerFactory.create()
    return Release.objects.create(
        request=batch.fulfillment.request,
        number=1,
        prepared_by=ReviewerFactory.create(),
        published_by=second,
        status=status,
        **columns,
    )


@pytest.fixture
def busy() -> None:
    """A portal in which something of everything waits, fails and lies about."""
    now = timezone.now()
    batch = sealed_batch(images=2)
    for status, reason, count in (
        (SourceFileStatus.QUARANTINED, "text-left", 3),
        (SourceFileStatus.REJECTED, "VIEW_MISMATCH", 2),
        (SourceFileStatus.FAILED, "MEMORY_LIMIT", 1),
    ):
        for _ in range(count):
            source_file(batch, status=status, reason=reason)
    for _ in range(2):
        source_file(batch, status=SourceFileStatus.RECEIVED)
    held = source_file(batch, status=SourceFileStatus.PROCESSING)
    SourceFile.objects.filter(pk=held.pk).update(lease_until=now - timedelta(minutes=5))
    SourceFile.objects.filter(status__in=["received", "processing"]).update(settled_at=None)
    SourceFile.objects.filter(reason="VIEW_MISMATCH").update(settled_at=now - timedelta(hours=5))
    Upload.objects.create(
        batch=batch, created_by=UserFactory.create(), sealed_name=b"x", length=100, offset=40, expires_at=now
    )
    release(ReleaseStatus.DRAFT, archive="a.zip", archive_size=10)
    release(ReleaseStatus.DRAFT)
    release(ReleaseStatus.DRAFT, problem="A file is damaged.")
    release(ReleaseStatus.APPROVED, archive="b.zip", approved_at=now, live_at=now + timedelta(minutes=20))
    OrganizationFactory.create(status="pending", submitted_at=now - timedelta(days=9))
    waiting = RequestFactory.create()
    DatasetRequest.objects.filter(pk=waiting.pk).update(status=RequestStatus.SUBMITTED, submitted_at=now)
    incidents.open_incident(
        actor=ReviewerFactory.create(), kind="other", title="Something", text="It happened.", things=[batch]
    )
    Pulse.objects.update_or_create(name="sweep-leases", defaults={"at": now - timedelta(days=1)})


def test_each_number_is_the_length_of_the_list_it_opens(client: Client, busy: None) -> None:
    page = client.get("/operations/")
    text = page.content.decode()
    assert page.status_code == 200 and not problems(text)
    counted = {row.name: (row.count, row.page) for row in board.queues()}
    counted |= {
        row.label: (row.value, row.page)
        for row in [*board.work(), *board.causes(), *board.workers(), *board.throughput()]
    }
    assert {name for name, (n, _) in counted.items() if not n} <= {"Withdrawn"}, "the portal is busy with everything"
    for name, (number, address) in counted.items():
        assert address.replace("&", "&amp;") in text, name
        opened = client.get(address)
        assert opened.status_code == 200 and not problems(opened.content.decode()), name
        assert opened.context["page"].paginator.count == number, name
    assert {row.label: row.value for row in board.causes()} == {"text-left": 3, "VIEW_MISMATCH": 2, "MEMORY_LIMIT": 1}
    for row in board.storage():
        assert client.get(row.page).status_code == 200, row.label
    assert board.storage()[-1].value == 40
    late = {row.name: row.late for row in board.queues()}
    assert late["Organizations to verify"] == 1 and late["Requests to check"] == 0
    assert [beat.late for beat in board.beats()] == [True] and "Late" in text


def test_an_empty_portal_says_so_and_nobody_but_staff_sees_the_board(client: Client) -> None:
    Pulse.objects.all().delete()
    text = client.get("/operations/").content.decode()
    assert "No file is withheld." in text and "No task of the clock has ever run here" in text and not problems(text)
    assert signed_in(AdministratorFactory.create()).get("/operations/").status_code == 200
    addresses = ["/operations/", *(f"/operations/{name}/" for name in ("files", "requests", "uploads"))]
    addresses += ["/operations/releases/drafts/", "/operations/access/many-downloads/"]
    for address in addresses:
        assert client.get(address).status_code == 200, address
        assert Client().get(address).status_code == 302
        for person in (UserFactory.create(), member(OrganizationFactory.create())):
            assert signed_in(person).get(address).status_code == 404, address
    for unknown in (
        "/operations/releases/none/",
        "/operations/access/none/",
        "/operations/access/many-files/?person=x",
    ):
        assert client.get(unknown).status_code == 404, unknown
    assert client.get("/operations/files/?status=none&time=never").context["page"].paginator.count == 0


def _downloads(person: User, count: int) -> None:
    grant = AccessGrant.objects.first()
    assert grant is not None
    DownloadEvent.objects.bulk_create(DownloadEvent(grant=grant, user=person, path="a.zip") for _ in range(count))


def _files(person: User, count: int) -> None:
    """Half by DICOMweb, half one by one."""
    grant = AccessGrant.objects.first()
    assert grant is not None
    lines = [DownloadEvent(grant=grant, user=person, path="dicom/x.dcm#instance") for _ in range(count // 2)]
    DownloadEvent.objects.bulk_create(lines, batch_size=500)
    file = grant.release.files.create(
        path=f"data/{grant.release.files.count()}", size=1, sha256="0" * 64, crc32=0, offset=grant.release.files.count()
    )
    event = DownloadEvent.objects.create(grant=grant, user=person, path="#", session=str(person.pk))
    DownloadedFile.objects.bulk_create(
        [DownloadedFile(event=event, file=file, size=1) for _ in range(count - count // 2 - 1)], batch_size=500
    )


def _said(verb: str) -> Any:
    def say(person: User, count: int) -> None:
        for _ in range(count):
            record(verb=verb, target=person, actor=person)

    return say


MAKERS = {
    "many-downloads": _downloads,
    "many-files": _files,
    "failed-sign-ins": _said("secondfactor.refused"),
    "refused-proofs": _said("agreement.signature_refused"),
    "withheld-pictures": _said("original.viewed"),
}


@pytest.mark.parametrize("rule", access.RULES, ids=lambda rule: rule.key)
def test_a_rule_is_met_from_its_number_on_within_its_time(
    client: Client, rule: access.Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    if rule.least > 100:  # as many rows as a test needs
        monkeypatch.setattr(access, "RULES", (rule := access.Rule(**{**rule.__dict__, "least": 20}),))
    AccessGrant.objects.create(
        release=release(ReleaseStatus.PUBLISHED, archive="a.zip"),
        organization=OrganizationFactory.create(),
        granted_by=ReviewerFactory.create(),
        expires_at=timezone.now() + timedelta(days=9),
    )
    often, seldom = UserFactory.create(), UserFactory.create()
    MAKERS[rule.key](often, rule.least)
    MAKERS[rule.key](seldom, rule.least - 1)
    assert [(seen.person, seen.count) for seen in rule.seen()] == [(often, rule.least)]
    address = f"/operations/access/{rule.key}/"
    shown = client.get(address).content.decode()
    assert rule.sentence in shown and often.email in shown and seldom.email not in shown and not problems(shown)
    acts = client.get(f"{address}?person={often.pk}")
    assert acts.context["page"].paginator.count and not problems(acts.content.decode())
    with time_machine.travel(timezone.now() + timedelta(hours=rule.hours, minutes=1)):
        assert rule.seen() == []


def test_a_wrong_password_of_a_known_account_is_recorded_without_what_was_typed() -> None:
    person = member(OrganizationFactory.create())
    for email, password in ((person.email, "not it"), (person.email.upper(), "nor this"), ("nobody@example.org", "x")):
        Client().post("/accounts/login/", {"login": email, "password": password})
    events = AuditEvent.objects.filter(verb="user.sign_in_refused")
    assert [event.target_id for event in events] == [str(person.pk)] * 2
    assert all(event.data == {} and event.actor_id == "" for event in events)
    Client().post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    assert events.count() == 2
