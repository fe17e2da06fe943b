"""Every pair of states of every model: legal moves work and are recorded, others are refused, by the code and by the database."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from secrets import token_hex
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from fulfillment.models import (
    Batch,
    DestructionDuty,
    Fulfillment,
    Incident,
    LabelImport,
    PublishedSet,
    Release,
    SourceFile,
    Upload,
    Withdrawal,
)
from getdata.accounts.models import Invitation, Organization, Role
from getdata.audit.models import AuditEvent
from getdata.common.states import IllegalTransition, StaleState, transition
from requests_app.models import Amendment, DatasetRequest, Offer
from tests import factories
from tests.test_conventions import models_with_states

pytestmark = pytest.mark.django_db


def invitation() -> Invitation:
    return Invitation.objects.create(
        organization=factories.OrganizationFactory.create(),
        email="new@example.org",
        role=Role.VIEWER,
        token_hash=uuid.uuid4().hex,
        invited_by=factories.UserFactory.create(),
        expires_at=timezone.now() + timedelta(days=1),
    )


def upload() -> Upload:
    return Upload.objects.create(
        batch=factories.batch(),
        created_by=factories.UserFactory.create(),
        sealed_name=b"GD1",
        length=1,
        expires_at=timezone.now() + timedelta(days=1),
    )


def source_file() -> SourceFile:
    return SourceFile.objects.create(
        batch=factories.batch(), number=1, sealed_name=b"GD1", name_digest="n", content_digest="c", size=1
    )


def label_import() -> LabelImport:
    return LabelImport.objects.create(
        batch=factories.batch(),
        created_by=factories.UserFactory.create(),
        sealed_name=b"GD1",
        size=1,
        content_digest="c",
    )


def published_set() -> PublishedSet:
    return PublishedSet.objects.create(
        title="A set", address="https://set.example", loaded_by=factories.ReviewerFactory.create(), sha256=token_hex(32)
    )


def release() -> Release:
    return Release.objects.create(
        request=factories.open_request(), number=1, prepared_by=factories.ReviewerFactory.create()
    )


def incident() -> Incident:
    return Incident.objects.create(
        number=Incident.objects.count() + 1, kind="other", title="x", opened_by=factories.ReviewerFactory.create()
    )


def amendment() -> Amendment:
    request = factories.open_request()
    return Amendment.objects.create(
        request=request, created_by=request.created_by, base_number=1, document=request.draft
    )


def withdrawal() -> Withdrawal:
    return Withdrawal.objects.create(
        kind="patient",
        request=factories.open_request(),
        reason="consent",
        asked_by=factories.UserFactory.create(),
        due_at=timezone.now(),
    )


def duty() -> DestructionDuty:
    made = withdrawal()
    return DestructionDuty.objects.create(
        withdrawal=made, organization=made.request.organization, due_at=timezone.now()
    )


MAKERS: dict[type[models.Model], Callable[[], Any]] = {
    Organization: factories.OrganizationFactory.create,
    Invitation: invitation,
    DatasetRequest: factories.RequestFactory.create,
    Amendment: amendment,
    Offer: factories.offer,
    Fulfillment: factories.fulfillment,
    Batch: factories.batch,
    Upload: upload,
    SourceFile: source_file,
    LabelImport: label_import,
    PublishedSet: published_set,
    Release: release,
    Withdrawal: withdrawal,
    DestructionDuty: duty,
    Incident: incident,
}
PAIRS = [
    pytest.param(model, source, target, id=f"{model.__name__}: {source} to {target}")
    for model in MAKERS
    for source, target in product(model.Status.values, repeat=2)  # type: ignore[attr-defined]
]


def in_state(model: Any, status: str) -> Any:
    row = MAKERS[model]()
    model.objects.filter(pk=row.pk).update(status=status)
    return row


def test_every_model_with_states_is_tried_here() -> None:
    assert set(models_with_states()) == set(MAKERS)


@pytest.mark.parametrize(("model", "source", "target"), PAIRS)
def test_a_move_is_made_once_if_it_is_legal_and_never_if_it_is_not(model: Any, source: str, target: str) -> None:
    row = in_state(model, source)
    before = AuditEvent.objects.count()
    if target not in model.TRANSITIONS[source]:
        with pytest.raises(IllegalTransition):
            transition(model, row.pk, source, target, actor=None)
        assert model.objects.get(pk=row.pk).status == source
        assert AuditEvent.objects.count() == before
        return
    assert transition(model, row.pk, source, target, actor=None).status == target
    event = AuditEvent.objects.order_by("-id").first()
    assert event is not None
    assert (event.verb, event.target_id, event.data["from"]) == (
        f"{model._meta.model_name}.{target}",
        str(row.pk),
        source,
    )
    with pytest.raises(StaleState):
        transition(model, row.pk, source, target, actor=None)
    assert AuditEvent.objects.count() == before + 1


@pytest.mark.parametrize("model", MAKERS, ids=lambda model: model.__name__)
def test_the_database_refuses_a_state_the_model_does_not_know(model: Any) -> None:
    row = MAKERS[model]()
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.filter(pk=row.pk).update(status="limbo")
