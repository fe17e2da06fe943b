"""The review queue: everything that waits, by risk times age; filters, owners, claims; as fast for two thousand as for few."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from fulfillment.desk import registry
from fulfillment.desk.queue import Wanted, queue_for
from fulfillment.desk.registry import Entry, Kind
from fulfillment.desk.risk import LEAST_AGE, Point, age_of, weigh
from fulfillment.models import Batch, BatchStatus, DeskClaim
from fulfillment.services import batches, reviews
from fulfillment.services.desk_claims import claim_entry, put_back_entry
from getdata.accounts.models import Membership, Organization, Role, User
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from tests import factories
from tests.factories import AdministratorFactory, ReviewerFactory
from tests.support.images import accepted_batch, image, sealed_batch, source_file
from tests.support.pages import problems

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def reviewer() -> User:
    return ReviewerFactory.create(name="Rune Reviewer")


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def pending(name: str, *, since: datetime | None = None) -> Organization:
    made: Organization = factories.HospitalFactory.create(name=name)
    Organization.objects.filter(pk=made.pk).update(status="pending", submitted_at=since or timezone.now())
    return Organization.objects.get(pk=made.pk)


def test_the_weight_is_the_sum_of_the_points_times_the_share_of_the_time_that_is_used() -> None:
    due = NOON + timedelta(days=4)
    found = weigh([Point(2, "a"), Point(0, "nothing"), Point(3, "b")], NOON, due, NOON + timedelta(days=3))
    assert (found.risk, found.age, found.score, found.percent) == (5, 0.75, 3.75, 75)
    assert [point.why for point in found.points] == ["a", "b"]
    assert age_of(NOON, due, NOON) == LEAST_AGE and age_of(NOON, due, NOON + timedelta(days=8)) == 2
    assert age_of(NOON, NOON, NOON) == 1


def test_what_is_riskier_or_older_comes_first_and_the_page_tells_the_arithmetic(reviewer: User) -> None:
    now = timezone.now()
    calm = sealed_batch(images=1, name="Calm")
    risky = sealed_batch(images=1, name="Risky", status=BatchStatus.OPEN)
    image(risky, review_reasons=["text-possible"], store=False)
    source_file(risky, status="quarantined", reason="identifier-left")
    batches.seal_batch(batch=risky, actor=risky.sealed_by)
    risky.refresh_from_db()
    assert risky.at_sealing == {"images": 2, "withheld": 1, "doubtful": 1, "masked": 0, "second_look": 1}
    late = pending("Late Hospital", since=now - timedelta(days=60))
    rows = queue_for(reviewer, Wanted()).rows
    assert [row.entry.title for row in rows] == ["Late Hospital", "Batch 1: Risky", "Batch 1: Calm"]
    assert rows[0].clock == "late" and rows[1].weight.risk == 2 + 3 + 2 + 1 + 2
    page = signed_in(reviewer).get("/review/").content.decode()
    assert "3 things wait, 1 overdue" in page and "the second look stopped 1 files" in page
    assert "How the order is made" in page and "nothing of this hospital was accepted yet" in page
    assert f"/review/batches/{calm.pk}/" in page and f"/organizations/{late.slug}/" in page
    assert problems(page) == []


def test_filters_stand_in_the_address_and_what_is_not_known_filters_nothing(reviewer: User) -> None:
    mine, other = sealed_batch(images=1, name="Mine"), sealed_batch(images=1, name="Other")
    reviews.claim_batch(batch=mine, actor=reviewer)
    old = pending("Old Clinic", since=timezone.now() - timedelta(days=60))
    request = factories.open_request()
    type(request).objects.filter(pk=request.pk).update(status="submitted", submitted_at=timezone.now())
    client = signed_in(reviewer)

    def titles(query: str) -> set[str]:
        return {row.entry.title for row in client.get(f"/review/?{query}").context["page"]}

    everything = {str(mine), str(other), old.name, request.title}
    assert titles("") == titles("kind=nonsense&owner=nobody-knows&clock=never") == everything
    assert titles("kind=batch") == {str(mine), str(other)}
    assert titles("owner=me") == {str(mine)}
    assert titles("owner=nobody") == everything - {str(mine)}
    assert titles("clock=late") == titles("q=clinic+OLD") == {old.name}
    empty = client.get("/review/?q=nothing+like+this").content.decode()
    assert "Nothing fits these filters" in empty and "4 things wait in all" in empty
    assert titles("owner=others") == set()


def test_whoever_claims_is_the_owner_until_they_give_it_back_or_it_is_handed_in_again(reviewer: User) -> None:
    clinic, batch = pending("A Clinic"), sealed_batch(images=1)
    key, client = str(clinic.pk), signed_in(reviewer)
    answer = client.post("/review/claim/", {"kind": "organization", "key": key})
    assert answer["Location"] == f"/organizations/{clinic.slug}/"
    assert client.post("/review/claim/", {"kind": "batch", "key": str(batch.pk)})["Location"].endswith(f"{batch.pk}/")
    batch.refresh_from_db()
    assert batch.reviewer == reviewer and batch.status == BatchStatus.IN_REVIEW
    with pytest.raises(CannotDo, match="A colleague has it already"):
        claim_entry(kind="organization", key=key, actor=ReviewerFactory.create())
    with pytest.raises(CannotDo, match="You do not have it"):
        put_back_entry(kind="organization", key=key, actor=ReviewerFactory.create())
    assert queue_for(reviewer, Wanted(kind="organization")).rows[0].mine
    back = client.post("/review/put-back/", {"kind": "organization", "key": key, "next": "/review/?kind=organization"})
    assert back["Location"] == "/review/?kind=organization" and not DeskClaim.objects.exists()
    away = client.post("/review/put-back/", {"kind": "batch", "key": str(batch.pk), "next": "//evil.example/"})
    assert away["Location"] == "/review/"
    claim_entry(kind="organization", key=key, actor=reviewer)
    put_back_entry(kind="organization", key=key, actor=AdministratorFactory.create())
    claim_entry(kind="organization", key=key, actor=reviewer)
    Organization.objects.filter(pk=clinic.pk).update(submitted_at=timezone.now() + timedelta(seconds=1))
    assert queue_for(reviewer, Wanted(kind="organization")).rows[0].owner is None, (
        "handed in again, it is another entry"
    )
    verbs = AuditEvent.objects.filter(verb__startswith="desk.").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["desk.claimed", "desk.put_back", "desk.claimed", "desk.put_back", "desk.claimed"]


def test_nobody_claims_what_is_about_their_own_organization_or_does_not_wait(reviewer: User) -> None:
    clinic = pending("Own Clinic")
    Membership.objects.create(user=reviewer, organization=clinic, role=Role.VIEWER)
    page = signed_in(reviewer).get("/review/").content.decode()
    assert "You belong to a party" in page and "data-claim" not in page
    with pytest.raises(CannotDo, match="member of a party"):
        claim_entry(kind="organization", key=str(clinic.pk), actor=reviewer)
    for kind, key in (("organization", "nothing"), ("no kind", str(clinic.pk))):
        answer = signed_in(reviewer).post("/review/claim/", {"kind": kind, "key": key})
        assert "does not wait any more" in " ".join(str(one) for one in get_messages(answer.wsgi_request))
    outsider = signed_in(factories.UserFactory.create())
    assert outsider.post("/review/claim/", {"kind": "organization", "key": str(clinic.pk)}).status_code == 404


def test_a_kind_that_an_app_registers_is_listed_filtered_and_claimed(
    reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_kinds", dict(registry._kinds))
    since = timezone.now() - timedelta(hours=3)
    entry = Entry("incident", "7", "A leak", "One release", "/review/", since, since + timedelta(hours=4),
                  (Point(9, "people may be named"),), "open")  # fmt: skip
    registry.register(Kind("incident", "Incidents", lambda: [entry]))
    client = signed_in(reviewer)
    page = client.get("/review/?kind=incident").content.decode()
    assert "A leak" in page and "Incidents" in page and "people may be named" in page
    client.post("/review/claim/", {"kind": "incident", "key": "7"})
    assert queue_for(reviewer, Wanted(kind="incident")).rows[0].mine


def test_two_thousand_waiting_batches_take_as_many_queries_as_two(
    reviewer: User, django_assert_max_num_queries: Any
) -> None:
    batch = sealed_batch(images=1)
    accepted_batch(images=1)
    fields = {"fulfillment": batch.fulfillment, "spec_version": batch.spec_version, "created_by": batch.created_by,
              "status": "sealed", "sealed_at": batch.sealed_at, "review_due_at": batch.review_due_at}  # fmt: skip
    Batch.objects.bulk_create(Batch(number=number, name=f"Batch {number}", **fields) for number in range(2, 2001))
    client = signed_in(reviewer)
    with django_assert_max_num_queries(22):
        answer = client.get("/review/?page=3")
    assert answer.context["queue"].total == 2000 and len(answer.context["page"]) == 25
