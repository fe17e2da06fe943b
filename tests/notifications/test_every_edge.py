"""Every state change tells the next actor: each edge of each model has a rule, and each rule is carried out."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from getdata.accounts import services as accounts
from getdata.accounts.checklist import checks_for
from getdata.accounts.models import Invitation, Organization, Role, VerificationItem
from getdata.notifications.edges import EDGES
from getdata.notifications.matrix import EVENTS
from getdata.notifications.models import Notification
from requests_app.services import agreements, amendments, drafts, offers, requests
from tests.factories import PASSWORD, AdministratorFactory, OrganizationFactory, ReviewerFactory, UserFactory, member
from tests.requests_app.people import Market
from tests.test_conventions import models_with_states, trees


def edges() -> list[tuple[str, str, str]]:
    return [
        (model._meta.label, source, target)
        for model in models_with_states()
        for source, targets in model.TRANSITIONS.items()  # type: ignore[attr-defined]
        for target in sorted(targets)
    ]


def test_every_edge_has_a_rule_and_no_rule_is_left_over() -> None:
    ruled = {(label, *edge) for label, rules in EDGES.items() for edge in rules}
    assert ruled == set(edges())


@pytest.mark.parametrize(("label", "source", "target"), edges())
def test_an_edge_tells_somebody_or_says_why_nobody_waits(label: str, source: str, target: str) -> None:
    rule = EDGES[label][source, target]
    assert bool(rule.tells) != bool(rule.nobody)
    assert len(rule.nobody) > 20 or rule.tells
    assert set(rule.tells) <= set(EVENTS)


def sent_in_code() -> set[str]:
    """Every event that some call names: ``notify(event="...")`` or a helper that is given it."""
    found = set()
    for path, tree in trees():
        if path.startswith("getdata/notifications/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                values = [*node.args, *(keyword.value for keyword in node.keywords)]
                found |= {v.value for v in values if isinstance(v, ast.Constant) and v.value in EVENTS}
    return found


def test_every_event_of_the_matrix_is_sent_by_some_code() -> None:
    assert set(EVENTS) - sent_in_code() == set()


# --- the market's edges, walked ----------------------------------------------------------------------------------------


def accepted_items(organization: Organization) -> None:
    for check in checks_for(organization.kind):
        VerificationItem.objects.create(
            organization=organization, key=check.key, evidence="x", state=VerificationItem.State.ACCEPTED
        )


def organization(status: str) -> Organization:
    made = OrganizationFactory.create(status=status, submitted_at=timezone.now())
    member(made)
    accepted_items(made)
    return made


def owner(of: Organization) -> Any:
    return of.memberships.get().user


def sign_both(market: Market) -> None:
    agreement = market.agreement()
    for person, party in ((market.researcher, market.group), (market.signatory, market.hospital)):
        agreements.sign_agreement(
            agreement=agreement, organization=party, printed_name=person.name, password=PASSWORD, actor=person
        )


def invitation(market: Market) -> Invitation:
    known = UserFactory.create()
    return accounts.invite(
        organization=market.group, email=known.email, role=Role.VIEWER.value, actor=market.researcher
    )


def accept(market: Market) -> None:
    made = invitation(market)
    from getdata.accounts.models import User

    accounts.accept_own_invitation(invitation=made, actor=User.objects.get(email=made.email))


def expire(market: Market) -> None:
    made = invitation(market)
    Invitation.objects.filter(pk=made.pk).update(expires_at=timezone.now())
    accounts.expire_invitations()


def expire_offer(market: Market) -> None:
    made = market.offer()
    type(made).objects.filter(pk=made.pk).update(expires_at=timezone.now())
    offers.expire_offers()


def amended(request: Any, market: Market, part: str, change: dict[str, Any]) -> Any:
    """An amendment of one part, posted by its writer."""
    begun = amendments.start_amendment(request=request, actor=market.researcher)
    body = {**begun.document, part: {**begun.document[part], **change}}
    drafts.save_amendment(amendment=begun, document=body, actor=market.researcher)
    return amendments.post_amendment(amendment=begun, actor=market.researcher)


def to_be_checked(market: Market) -> Any:
    return amended(market.open(), market, "terms", {"retention_months": 24})


def close_with_both_kinds(market: Market) -> None:
    sign_both(market)
    market.hospital = OrganizationFactory.create(kind="hospital")
    signed = market.group.requests.get()
    market.manager = member(market.hospital, Role.DATA_MANAGER)
    market.offer(signed)
    requests.close_request(request=signed, actor=market.researcher)


ORG, REQUEST, OFFER = "accounts.Organization", "requests_app.DatasetRequest", "requests_app.Offer"
AMENDMENT = "requests_app.Amendment"
WALKS: dict[tuple[str, str, str], Callable[[Market], object]] = {
    (ORG, "draft", "pending"): lambda m: submit(organization("draft")),
    (ORG, "rejected", "pending"): lambda m: submit(organization("rejected")),
    (ORG, "pending", "verified"): lambda m: accounts.verify_organization(
        organization=organization("pending"), actor=m.reviewer
    ),
    (ORG, "pending", "rejected"): lambda m: accounts.reject_organization(
        organization=organization("pending"), reasons="The register does not list it.", actor=m.reviewer
    ),
    (ORG, "verified", "suspended"): lambda m: accounts.suspend_organization(
        organization=organization("verified"), reasons="The register lists it no more.", actor=administrator()
    ),
    (ORG, "suspended", "verified"): lambda m: accounts.reinstate_organization(
        organization=organization("suspended"), actor=administrator()
    ),
    ("accounts.Invitation", "pending", "accepted"): accept,
    ("accounts.Invitation", "pending", "revoked"): lambda m: accounts.revoke_invitation(
        invitation=invitation(m), actor=m.researcher
    ),
    ("accounts.Invitation", "pending", "expired"): expire,
    (REQUEST, "draft", "submitted"): lambda m: m.submitted(),
    (REQUEST, "submitted", "open"): lambda m: m.open(),
    (REQUEST, "submitted", "draft"): lambda m: requests.return_request(
        request=m.submitted(), note="Say which views.", actor=m.reviewer
    ),
    (REQUEST, "open", "closed"): close_with_both_kinds,
    (REQUEST, "open", "cancelled"): lambda m: requests.cancel_request(request=m.offer().request, actor=m.researcher),
    (AMENDMENT, "draft", "submitted"): to_be_checked,
    (AMENDMENT, "draft", "open"): lambda m: amended(m.offer().request, m, "cohort", {"images": {"min": 3500}}),
    (AMENDMENT, "submitted", "open"): lambda m: amendments.open_amendment(amendment=to_be_checked(m), actor=m.reviewer),
    (AMENDMENT, "submitted", "draft"): lambda m: amendments.return_amendment(
        amendment=to_be_checked(m), note="Say why.", actor=m.reviewer
    ),
    (OFFER, "submitted", "accepted"): sign_both,
    (OFFER, "submitted", "declined"): lambda m: offers.decline_offer(
        offer=m.offer(), note="Too few.", actor=m.researcher
    ),
    (OFFER, "submitted", "withdrawn"): lambda m: offers.withdraw_offer(offer=m.offer(), actor=m.manager),
    (OFFER, "submitted", "expired"): expire_offer,
}


def administrator() -> Any:
    return AdministratorFactory.create()


def submit(made: Organization) -> None:
    ReviewerFactory.create()
    accounts.submit_organization(organization=made, actor=owner(made))


def test_every_edge_of_the_market_that_tells_is_walked_here() -> None:
    telling = {
        (label, *edge)
        for label, rules in EDGES.items()
        for edge, rule in rules.items()
        if rule.tells and not label.startswith("fulfillment.")
    }
    assert set(WALKS) == telling


@pytest.mark.django_db
@pytest.mark.parametrize("edge", WALKS, ids=" ".join)
def test_walking_an_edge_leaves_a_line_for_the_next_actor(edge: tuple[str, str, str], market: Market) -> None:
    WALKS[edge](market)
    sent = set(Notification.objects.values_list("event", flat=True))
    assert set(EDGES[edge[0]][edge[1], edge[2]].tells) <= sent
