"""transition(): one winner, one event, both or neither."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from getdata.accounts.models import Organization
from getdata.audit.models import AuditEvent
from getdata.common.states import IllegalTransition, StaleState
from getdata.common.states import transition as move
from tests.factories import OrganizationFactory, UserFactory


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_time_one_wins_and_one_finds_the_state_passed() -> None:
    user = UserFactory.create()
    for _ in range(5):
        organization = OrganizationFactory.create(status="pending")
        start, outcomes = threading.Barrier(2), []

        def decide(target: str, pk: Any = organization.pk, start: Any = start, outcomes: Any = outcomes) -> None:
            try:
                start.wait(20)
                outcomes.append(move(Organization, pk, "pending", target, actor=user).status)
            except StaleState:
                outcomes.append("stale")
            finally:
                connection.close()

        threads = [threading.Thread(target=decide, args=[target]) for target in ("verified", "rejected")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        organization.refresh_from_db()
        assert sorted(outcomes) == sorted(["stale", organization.status])
        assert AuditEvent.objects.filter(target_id=str(organization.pk)).count() == 1


@pytest.mark.django_db
def test_further_columns_and_conditions_belong_to_the_same_update() -> None:
    organization = OrganizationFactory.create(status="pending")
    with pytest.raises(StaleState):
        move(Organization, organization.pk, "pending", "rejected", actor=None, where={"country": "FR"})
    moved = move(
        Organization,
        organization.pk,
        "pending",
        "rejected",
        actor=None,
        changes={"status_note": "because"},
        where={"country": "DE"},
        data={"items": 3},
    )
    assert (moved.status, moved.status_note) == ("rejected", "because")
    assert AuditEvent.objects.get().data == {"from": "pending", "items": 3}


@pytest.mark.django_db
def test_a_move_whose_event_is_refused_did_not_happen() -> None:
    organization = OrganizationFactory.create(status="pending")
    with pytest.raises(TypeError):
        move(Organization, organization.pk, "pending", "verified", actor=None, data={"x": object()})
    organization.refresh_from_db()
    assert organization.status == "pending"


@pytest.mark.django_db
def test_a_row_that_does_not_exist_is_stale_and_a_move_that_does_not_exist_is_a_bug() -> None:
    organization = OrganizationFactory.build()
    with pytest.raises(StaleState, match="no longer pending"):
        move(Organization, organization.pk, "pending", "verified", actor=None)
    with pytest.raises(IllegalTransition):
        move(Organization, organization.pk, "draft", "verified", actor=None)
    with pytest.raises(IllegalTransition):
        move(Organization, organization.pk, "nonsense", "verified", actor=None)
