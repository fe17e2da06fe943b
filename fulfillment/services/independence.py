"""Who may decide: staff who neither delivered the material nor belong to a party."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from fulfillment.models import Batch, Upload
from getdata.accounts.models import Membership, Organization, User
from getdata.accounts.permissions import require_staff
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo

ANOTHER_REVIEWER = "Another reviewer must decide."


def require_independent(actor: User, *parties: Organization) -> None:
    """Raise ``CannotDo`` unless the person is staff and a member of none of the parties."""
    require_staff(actor)
    conflict = Membership.objects.filter(user=actor, organization__in=parties).select_related("organization").first()
    if conflict is not None:
        raise CannotDo(
            f"You are a member of {conflict.organization.name}, a party to this.",
            remedy=ANOTHER_REVIEWER,
            code="conflict_of_interest",
        )


def require_not_deliverer(actor: User, batches: Collection[Batch]) -> None:
    """Raise ``CannotDo`` when the person created, sealed or sent anything to one of the batches, at any time.

    Membership is not enough: somebody who left the hospital yesterday still does not judge what they sent.
    """
    keys = [batch.pk for batch in batches]
    touched = Batch.objects.filter(Q(created_by=actor) | Q(sealed_by=actor), pk__in=keys).exists()
    if touched or Upload.objects.filter(batch__in=keys, created_by=actor).exists() or _sent_by_form(actor, batches):
        raise CannotDo("You delivered material of this.", remedy=ANOTHER_REVIEWER, code="uploader_never_releases")


def _sent_by_form(actor: User, batches: Collection[Batch]) -> bool:
    """Files of one request leave no Upload row: the audit log knows who sent them."""
    return AuditEvent.objects.filter(
        verb="sourcefile.received",
        actor_id=str(actor.pk),
        organization_id__in={str(batch.fulfillment.hospital_id) for batch in batches},
        data__batch__in=[str(batch.pk) for batch in batches],
    ).exists()


def parties_of(batch: Batch) -> tuple[Organization, Organization]:
    """The hospital and the organization that asked."""
    return batch.fulfillment.hospital, batch.fulfillment.request.organization


def require_may_review(actor: User, batch: Batch) -> None:
    """Raise ``CannotDo`` unless the person may decide this batch."""
    require_independent(actor, *parties_of(batch))
    require_not_deliverer(actor, [batch])


def what_bars_reviewing(actor: User, batch: Batch) -> CannotDo | None:
    """Why this person may not decide the batch, or None: for a page to say it before anybody presses a button."""
    try:
        require_may_review(actor, batch)
    except CannotDo as refusal:
        return refusal
    return None
