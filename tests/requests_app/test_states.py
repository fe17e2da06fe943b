"""Every pair of states of a request and of an offer: the legal moves work, no other does."""

from __future__ import annotations

from itertools import product

import pytest

from getdata.audit.models import AuditEvent
from getdata.common.states import IllegalTransition, StaleState, transition
from requests_app.models import DatasetRequest, Offer, OfferStatus, RequestStatus
from tests.factories import RequestFactory, offer

pytestmark = pytest.mark.django_db

REQUEST_MOVES = {
    ("draft", "submitted"),
    ("draft", "cancelled"),
    ("submitted", "open"),
    ("submitted", "draft"),
    ("submitted", "cancelled"),
    ("open", "closed"),
    ("open", "cancelled"),
}
OFFER_MOVES = {("submitted", target) for target in ("accepted", "declined", "withdrawn", "expired")}


@pytest.mark.parametrize(("source", "target"), product(RequestStatus.values, RequestStatus.values))
def test_a_request_moves_only_as_its_states_allow(source: str, target: str) -> None:
    made = RequestFactory.create(status=source)
    if (source, target) in REQUEST_MOVES:
        moved = transition(DatasetRequest, made.pk, source, target, actor=None)
        assert moved.status == target
        event = AuditEvent.objects.get(target_id=str(made.pk), verb=f"datasetrequest.{target}")
        assert event.data["from"] == source
    else:
        with pytest.raises(IllegalTransition):
            transition(DatasetRequest, made.pk, source, target, actor=None)
        made.refresh_from_db()
        assert made.status == source


@pytest.mark.parametrize(("source", "target"), product(OfferStatus.values, OfferStatus.values))
def test_an_offer_moves_only_as_its_states_allow(source: str, target: str) -> None:
    made = offer(status=source)
    if (source, target) in OFFER_MOVES:
        assert transition(Offer, made.pk, source, target, actor=None).status == target
    else:
        with pytest.raises(IllegalTransition):
            transition(Offer, made.pk, source, target, actor=None)
        made.refresh_from_db()
        assert made.status == source


@pytest.mark.parametrize("real", [status for status in RequestStatus.values if status != "submitted"])
def test_a_move_from_a_state_that_was_left_is_refused(real: str) -> None:
    made = RequestFactory.create(status=real)
    with pytest.raises(StaleState):
        transition(DatasetRequest, made.pk, "submitted", "open", actor=None)
    made.refresh_from_db()
    assert made.status == real
