"""How a fulfillment ends: completed when everything is decided, or terminated by a party or an administrator."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import Batch, BatchStatus, Fulfillment, FulfillmentStatus
from getdata.accounts.models import User
from getdata.accounts.permissions import can, require
from getdata.common.problems import CannotDo
from getdata.common.states import transition
from getdata.notifications.services import notify

UNDECIDED = (BatchStatus.SEALED, BatchStatus.IN_REVIEW, BatchStatus.RETURNED)


def may_end(user: User, fulfillment: Fulfillment) -> bool:
    """True for those who may terminate: signatories of either party, and administrators."""
    parties = (fulfillment.hospital, fulfillment.request.organization)
    return user.is_administrator or any(can(user, "sign", party) for party in parties)


def what_hinders_completing(fulfillment: Fulfillment) -> CannotDo | None:
    """Why the fulfillment is not complete as it stands, or None."""
    batches = Batch.objects.filter(fulfillment=fulfillment)
    undecided = batches.filter(status__in=UNDECIDED) | batches.filter(
        status=BatchStatus.OPEN, pk__in=batches.filter(files__isnull=False)
    )
    if undecided.exists():
        numbers = ", ".join(
            str(n) for n in undecided.order_by("number").values_list("number", flat=True).distinct()[:10]
        )
        return CannotDo(
            f"Not every batch is decided (batch {numbers}).",
            remedy="Wait for the review, or have the hospital withdraw what it will not deliver.",
            code="batches_undecided",
        )
    if not batches.filter(status=BatchStatus.ACCEPTED).exists():
        return CannotDo(
            "Nothing was accepted yet.",
            remedy="End the delivery early instead, with a reason.",
            code="nothing_accepted",
        )
    return None


def complete_fulfillment(*, fulfillment: Fulfillment, actor: User) -> Fulfillment:
    """The organization that asked confirms that the delivery is complete. Raises ``CannotDo``."""
    require(actor, "write", fulfillment.request.organization)
    with transaction.atomic():
        Fulfillment.objects.select_for_update().get(pk=fulfillment.pk)
        hindrance = what_hinders_completing(fulfillment)
        if hindrance is not None:
            raise hindrance
        return _end(fulfillment, FulfillmentStatus.COMPLETED, actor, "")


def terminate_fulfillment(*, fulfillment: Fulfillment, actor: User, reason: str) -> Fulfillment:
    """A signatory of either party, or an administrator, ends the delivery early. What was accepted stays accepted."""
    if not may_end(actor, fulfillment):
        raise CannotDo(
            "Only a signatory of one of the parties can end a delivery.",
            remedy="Ask an owner or signatory of your organization.",
            code="role_lacks_capability",
        )
    if not reason.strip():
        raise CannotDo("Ending early needs a reason.", remedy="Say why in a sentence or two.", code="no_reason")
    with transaction.atomic():
        return _end(fulfillment, FulfillmentStatus.TERMINATED, actor, reason.strip()[:2000])


def _end(fulfillment: Fulfillment, status: FulfillmentStatus, actor: User, note: str) -> Fulfillment:
    ended = transition(
        Fulfillment,
        fulfillment.pk,
        FulfillmentStatus.ACTIVE,
        status,
        actor=actor,
        changes={"status_note": note, "ended_at": timezone.now()},
    )
    word = "completed" if status == FulfillmentStatus.COMPLETED else "ended early"
    notify(
        event="fulfillment.ended",
        parties={"hospital": fulfillment.hospital, "asker": fulfillment.request.organization},
        but=actor,
        text=f"The delivery of “{fulfillment.request.title}” by {fulfillment.hospital.name} was {word}.",
        url=reverse("fulfillment_detail", args=[fulfillment.pk]),
    )
    return ended
