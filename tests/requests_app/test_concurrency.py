"""Several people at once: an offer is accepted once, whoever presses the button, on every database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from fulfillment.models import Fulfillment
from getdata.accounts.models import Role
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from requests_app.models import Agreement, Offer, Signature
from requests_app.services import agreements, offers
from tests.factories import PASSWORD, HospitalFactory, member
from tests.requests_app.people import Market, document

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 10


def at_once(calls: list[Callable[[], Any]]) -> tuple[list[Any], list[str]]:
    """Run every call in a thread and connection of its own, all released together: results and refusals' codes."""
    gate, results, refusals, faults = threading.Barrier(len(calls)), [], [], []

    def run(call: Callable[[], Any]) -> None:
        try:
            gate.wait(60)
            results.append(call())
        except CannotDo as refusal:
            refusals.append(refusal.code)
        except StaleState:
            refusals.append("stale_state")
        except Exception as fault:
            faults.append(repr(fault))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert faults == []
    assert len(results) + len(refusals) == len(calls), "every call came back"
    return results, refusals


def test_ten_acceptances_at_once_accept_the_offer_once() -> None:
    """Ten signatories of the hospital press "sign" together on an agreement that the other party has signed."""
    market = Market()
    made = market.agreement()
    agreements.sign_agreement(
        agreement=made, organization=market.group, printed_name="Rosa", password=PASSWORD, actor=market.researcher
    )
    people = [member(market.hospital, Role.SIGNATORY) for _ in range(AT_ONCE)]

    def accept(person: Any) -> Callable[[], Any]:
        return lambda: agreements.sign_agreement(
            agreement=Agreement.objects.get(pk=made.pk),
            organization=market.hospital,
            printed_name=person.name,
            password=PASSWORD,
            actor=person,
        )

    won, refused = at_once([accept(person) for person in people])
    assert len(won) == 1
    assert len(refused) == AT_ONCE - 1
    assert set(refused) <= {"already_signed", "offer_over"}
    assert Signature.objects.filter(agreement=made).count() == 2
    assert Offer.objects.get(pk=made.offer_id).status == "accepted"
    assert Fulfillment.objects.filter(offer=made.offer_id).count() == 1
    assert AuditEvent.objects.filter(verb="offer.accepted").count() == 1


def test_both_last_signatures_at_once_accept_once() -> None:
    market = Market()
    made = market.agreement()

    def sign(organization: Any, person: Any) -> Callable[[], Any]:
        return lambda: agreements.sign_agreement(
            agreement=Agreement.objects.get(pk=made.pk),
            organization=organization,
            printed_name=person.name,
            password=PASSWORD,
            actor=person,
        )

    won, refused = at_once([sign(market.group, market.researcher), sign(market.hospital, market.signatory)])
    assert (len(won), refused) == (2, [])
    assert Fulfillment.objects.filter(offer=made.offer_id).count() == 1


def test_ten_drawings_at_once_make_one_agreement() -> None:
    market = Market()
    offer = market.offer()
    people = [member(market.group, Role.OWNER) for _ in range(AT_ONCE)]
    won, refused = at_once(
        [lambda person=person: agreements.draw_agreement(offer=offer, actor=person) for person in people]
    )
    assert len(won) == 1
    assert set(refused) == {"agreement_exists"}
    assert Agreement.objects.filter(offer=offer).count() == 1


def test_parts_of_several_offers_accepted_at_once_stay_within_the_maximum() -> None:
    market = Market()
    cohort = document()["cohort"]
    cohort["images"]["max"] = 3000
    request = market.open(cohort=cohort)
    made = []
    for _ in range(5):
        hospital = HospitalFactory.create()
        made.append(
            offers.submit_offer(request=request, hospital=hospital, images=1000, actor=member(hospital), cells={})
        )
    won, refused = at_once(
        [lambda offer=offer: agreements.draw_agreement(offer=offer, actor=market.researcher) for offer in made]
    )
    assert len(won) == 3
    assert refused == ["more_than_needed"] * 2


def test_withdrawing_while_the_other_side_accepts_leaves_one_of_the_two() -> None:
    market = Market()
    made = market.agreement()
    agreements.sign_agreement(
        agreement=made, organization=market.hospital, printed_name="G", password=PASSWORD, actor=market.signatory
    )
    offer = made.offer
    won, refused = at_once(
        [
            lambda: agreements.sign_agreement(
                agreement=Agreement.objects.get(pk=made.pk),
                organization=market.group,
                printed_name="R",
                password=PASSWORD,
                actor=market.researcher,
            ),
            lambda: offers.withdraw_offer(offer=Offer.objects.get(pk=offer.pk), actor=market.manager),
        ]
    )
    assert (len(won), len(refused)) == (1, 1)
    ended = Offer.objects.get(pk=offer.pk).status
    assert (ended, Fulfillment.objects.count()) in {("accepted", 1), ("withdrawn", 0)}
