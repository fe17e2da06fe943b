"""Every pair of states of every model of this app: legal moves work, illegal ones raise, stale ones raise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from getdata.accounts.models import Invitation, Organization
from getdata.audit.models import AuditEvent
from getdata.common.states import IllegalTransition, StaleState
from getdata.common.states import transition as move
from tests.factories import OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db


def _row(model: type[models.Model], status: str) -> Any:
    if model is Organization:
        return OrganizationFactory.create(status=status)
    return Invitation.objects.create(
        organization=OrganizationFactory.create(),
        email="colleague@example.org",
        role="viewer",
        token_hash="0" * 64,
        invited_by=UserFactory.create(),
        expires_at=timezone.now() + timedelta(days=1),
        status=status,
    )


PAIRS = [
    pytest.param(model, source, target, id=f"{model.__name__}-{source}-{target}")
    for model in (Organization, Invitation)
    for source in model.Status.values
    for target in model.Status.values
]


@pytest.mark.parametrize(("model", "source", "target"), PAIRS)
def test_only_listed_moves_are_possible_and_each_leaves_one_event(model: Any, source: str, target: str) -> None:
    row = _row(model, source)
    if target in model.TRANSITIONS[source]:
        moved = move(model, row.pk, source, target, actor=None)
        assert moved.status == target
        event = AuditEvent.objects.latest("id")
        assert (event.verb, event.target_id, event.data["from"]) == (
            f"{model._meta.model_name}.{target}",
            str(row.pk),
            source,
        )
        assert event.organization_id == row.audit_organization_id
    else:
        with pytest.raises(IllegalTransition):
            move(model, row.pk, source, target, actor=None)
        row.refresh_from_db()
        assert row.status == source
        assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("model", "source", "target"),
    [p for p in PAIRS if p.values[2] in p.values[0].TRANSITIONS[p.values[1]]],  # type: ignore[union-attr,attr-defined]
)
def test_a_legal_move_from_a_state_that_has_passed_is_stale(model: Any, source: str, target: str) -> None:
    row = _row(model, target)
    with pytest.raises(StaleState):
        move(model, row.pk, source, target, actor=None)
    row.refresh_from_db()
    assert row.status == target
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("model", [Organization, Invitation])
def test_the_database_itself_refuses_an_unknown_status(model: Any) -> None:
    row = _row(model, model.Status.values[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.filter(pk=row.pk).update(status="blessed")


@pytest.mark.parametrize("model", [Organization, Invitation])
def test_the_transition_table_knows_every_state_and_no_other(model: Any) -> None:
    assert set(model.TRANSITIONS) == set(model.Status.values)
    assert set().union(*model.TRANSITIONS.values()) <= set(model.Status.values)
