"""Taking an entry of the queue, and putting it back, where the thing itself has no owner."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from fulfillment.desk.registry import Entry, kind_named
from fulfillment.models import Batch, DeskClaim
from fulfillment.services import reviews
from getdata.accounts.models import Membership, User
from getdata.accounts.permissions import require_staff
from getdata.audit.chain import record
from getdata.common.problems import CannotDo


def claim_entry(*, kind: str, key: str, actor: User) -> Entry:
    """Make the person the owner of an entry that nobody has. A batch moves into review. Raises ``CannotDo`` or ``StaleState``."""
    require_staff(actor)
    entry = _entry(kind, key)
    if kind == "batch":
        reviews.claim_batch(batch=Batch.objects.select_related("fulfillment__hospital").get(pk=key), actor=actor)
        return entry
    if Membership.objects.filter(user=actor, organization__in=entry.parties).exists():
        raise CannotDo(
            "You are a member of a party to this.", remedy="Another reviewer must take it.", code="conflict_of_interest"
        )
    try:
        with transaction.atomic():
            made = DeskClaim.objects.create(kind=kind, key=key, since=entry.since, person=actor)
            record(verb="desk.claimed", target=made, actor=actor, data={"kind": kind, "key": key})
    except IntegrityError:
        raise CannotDo(
            "A colleague has it already.", remedy="Reload the queue and take another one.", code="claimed_already"
        ) from None
    return entry


def put_back_entry(*, kind: str, key: str, actor: User) -> Entry:
    """Give an entry back to the queue: whoever took it may, and an administrator for anybody. Raises ``CannotDo``."""
    require_staff(actor)
    entry = _entry(kind, key)
    if kind == "batch":
        reviews.give_back_batch(batch=Batch.objects.select_related("fulfillment__hospital").get(pk=key), actor=actor)
        return entry
    held = DeskClaim.objects.filter(kind=kind, key=key, since=entry.since)
    if not actor.is_administrator:
        held = held.filter(person=actor)
    with transaction.atomic():
        claim = held.first()
        if claim is None or not held.filter(pk=claim.pk).delete()[0]:
            raise CannotDo("You do not have it.", remedy="Reload the queue to see who has.", code="not_claimed")
        record(verb="desk.put_back", target=claim, actor=actor, data={"kind": kind, "key": key})
    return entry


def _entry(kind: str, key: str) -> Entry:
    known = kind_named(kind)
    found = next((entry for entry in known.entries() if entry.key == key), None) if known is not None else None
    if found is None:
        raise CannotDo("It does not wait any more.", remedy="Reload the queue to see what does.", code="not_waiting")
    return found
