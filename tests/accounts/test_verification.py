"""What staff decide about an organization, and what they may not."""

from __future__ import annotations

from typing import Any

import pytest

from getdata.accounts import services
from getdata.accounts.models import Membership, Organization, VerificationItem
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from getdata.notifications.models import Notification
from tests.accounts.people import accept_all, draft, owner_of, pending, rejected, suspended, verified
from tests.factories import AdministratorFactory, ReviewerFactory, UserFactory

pytestmark = pytest.mark.django_db
State = VerificationItem.State
REASONS = "The register does not know this name."


def _code(call: Any, **arguments: Any) -> str:
    with pytest.raises(CannotDo) as caught:
        call(**arguments)
    return caught.value.code


def test_items_are_accepted_one_by_one_and_then_the_organization_is_verified() -> None:
    organization, reviewer = pending(), ReviewerFactory.create()
    assert _code(services.verify_organization, organization=organization, actor=reviewer) == "items_not_accepted"
    accept_all(organization, reviewer)
    moved = services.verify_organization(organization=organization, actor=reviewer)
    assert moved.status == "verified"
    assert moved.decided_at is not None
    assert Notification.objects.filter(user=owner_of(organization), event="organization.decided").count() == 1
    event = AuditEvent.objects.get(verb="organization.verified")
    assert event.actor_id == str(reviewer.pk)


def test_a_refusal_to_verify_names_the_items_that_wait() -> None:
    organization, reviewer = pending(), ReviewerFactory.create()
    accept_all(organization, reviewer)
    item = organization.verification_items.get(key="signing_authority")
    services.decide_item(item=item, accepted=False, note="Which register?", actor=reviewer)
    with pytest.raises(CannotDo, match=r"Not accepted yet: Signing authority\."):
        services.verify_organization(organization=organization, actor=reviewer)


def test_returning_needs_a_note_and_reaches_the_owner() -> None:
    organization, reviewer = pending(), ReviewerFactory.create()
    item = organization.verification_items.get(key="ethics_basis")
    assert _code(services.decide_item, item=item, accepted=False, note="  ", actor=reviewer) == "note_needed"
    returned = services.decide_item(item=item, accepted=False, note="Which vote?", actor=reviewer)
    assert (returned.state, returned.note, returned.decided_by) == (State.RETURNED, "Which vote?", reviewer)
    line = Notification.objects.get(user=owner_of(organization), event="organization.item_returned")
    assert "Which vote?" not in line.text, "the note stays on the page"


def test_a_decision_falls_only_on_the_evidence_that_was_seen() -> None:
    organization, reviewer = pending(), ReviewerFactory.create()
    item = organization.verification_items.get(key="ethics_basis")
    seen = item.evidence_fingerprint
    services.save_evidence(
        organization=organization, key=item.key, evidence="Another vote, 2026-200", actor=owner_of(organization)
    )
    assert _code(services.decide_item, item=item, accepted=True, seen=seen, actor=reviewer) == "evidence_changed"
    item.refresh_from_db()
    assert item.state == State.PROVIDED


def test_an_accepted_item_no_longer_changes_while_the_review_runs() -> None:
    organization, reviewer = pending(), ReviewerFactory.create()
    item = organization.verification_items.get(key="email_domain")
    services.decide_item(item=item, accepted=True, actor=reviewer)
    arguments = {"organization": organization, "key": item.key, "actor": owner_of(organization)}
    assert _code(services.save_evidence, evidence="clinic.example", **arguments) == "item_accepted"


def test_there_is_nothing_to_decide_before_submission_or_without_evidence() -> None:
    reviewer = ReviewerFactory.create()
    early = draft().verification_items.get(key="email_domain")
    assert _code(services.decide_item, item=early, accepted=True, actor=reviewer) == "not_under_review"
    organization = pending()
    empty = organization.verification_items.get(key="email_domain")
    VerificationItem.objects.filter(pk=empty.pk).update(state=State.MISSING, evidence="")
    empty.refresh_from_db()
    assert _code(services.decide_item, item=empty, accepted=True, actor=reviewer) == "no_evidence"


DECISIONS = [
    pytest.param("item", id="item"),
    pytest.param("verify", id="verify"),
    pytest.param("reject", id="reject"),
    pytest.param("suspend", id="suspend"),
    pytest.param("reinstate", id="reinstate"),
]


def _decide(what: str, actor: Any, organization: Organization) -> None:
    if what == "item":
        services.decide_item(item=organization.verification_items.all()[0], accepted=True, actor=actor)
    elif what == "verify":
        services.verify_organization(organization=organization, actor=actor)
    elif what == "reject":
        services.reject_organization(organization=organization, reasons=REASONS, actor=actor)
    elif what == "suspend":
        services.suspend_organization(organization=organization, reasons=REASONS, actor=actor)
    else:
        services.reinstate_organization(organization=organization, actor=actor)


@pytest.mark.parametrize("what", DECISIONS)
def test_only_staff_decide(what: str) -> None:
    make = {"item": pending, "verify": pending, "reject": pending, "suspend": verified, "reinstate": suspended}[what]
    organization = make()
    status = organization.status
    for actor in (owner_of(organization), UserFactory.create()):
        assert _code(_decide, what=what, actor=actor, organization=organization) == "staff_only"
    organization.refresh_from_db()
    assert organization.status == status


@pytest.mark.parametrize("what", DECISIONS)
def test_nobody_decides_about_an_organization_they_belong_to(what: str) -> None:
    make = {"item": pending, "verify": pending, "reject": pending, "suspend": verified, "reinstate": suspended}[what]
    organization = make()
    insider = AdministratorFactory.create()
    Membership.objects.create(user=insider, organization=organization, role="viewer")
    assert _code(_decide, what=what, actor=insider, organization=organization) == "own_organization"


@pytest.mark.parametrize("what", ["suspend", "reinstate"])
def test_suspending_and_reinstating_take_an_administrator(what: str) -> None:
    organization = verified() if what == "suspend" else suspended()
    assert _code(_decide, what=what, actor=ReviewerFactory.create(), organization=organization) == "staff_only"
    _decide(what, AdministratorFactory.create(), organization)
    organization.refresh_from_db()
    assert organization.status == ("suspended" if what == "suspend" else "verified")


def test_a_rejection_gives_reasons_and_leaves_the_way_back_open() -> None:
    organization, reviewer = pending(), ReviewerFactory.create()
    arguments = {"organization": organization, "actor": reviewer}
    assert _code(services.reject_organization, reasons="no", **arguments) == "reasons_needed"
    moved = services.reject_organization(reasons=REASONS, **arguments)
    assert (moved.status, moved.status_note) == ("rejected", REASONS)
    again = services.submit_organization(organization=moved, actor=owner_of(moved))
    assert (again.status, again.decided_at) == ("pending", None)


def test_a_second_decision_finds_the_state_passed() -> None:
    organization, first, second = pending(), ReviewerFactory.create(), ReviewerFactory.create()
    accept_all(organization, first)
    services.verify_organization(organization=organization, actor=first)
    with pytest.raises(StaleState):
        services.reject_organization(organization=organization, reasons=REASONS, actor=second)
    with pytest.raises(StaleState):
        services.verify_organization(organization=organization, actor=second)
    assert AuditEvent.objects.filter(verb="organization.verified").count() == 1


def test_reinstating_waits_for_every_item() -> None:
    organization, administrator = suspended(), AdministratorFactory.create()
    item = organization.verification_items.get(key="signing_authority")
    services.decide_item(item=item, accepted=False, note="Who signs now?", actor=administrator)
    arguments = {"organization": organization, "actor": administrator}
    assert _code(services.reinstate_organization, **arguments) == "items_not_accepted"
    item = services.save_evidence(
        organization=organization,
        key=item.key,
        evidence="Dr Robin Example, HRB 12345 section 5",
        actor=owner_of(organization),
    )
    services.decide_item(item=item, accepted=True, actor=administrator)
    assert services.reinstate_organization(**arguments).status_note == ""


def test_a_rejected_organization_keeps_what_was_accepted() -> None:
    reviewer = ReviewerFactory.create()
    organization = pending()
    services.decide_item(item=organization.verification_items.get(key="email_domain"), accepted=True, actor=reviewer)
    services.reject_organization(organization=organization, reasons=REASONS, actor=reviewer)
    assert organization.verification_items.get(key="email_domain").state == State.ACCEPTED
    assert rejected().verification_items.filter(state=State.PROVIDED).count() == 5
