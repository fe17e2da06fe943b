"""Who may decide: staff who neither uploaded the material nor belong to a party."""

from __future__ import annotations

from fulfillment.models import Batch, Upload
from getdata.accounts.models import Membership, Organization, User
from getdata.accounts.permissions import require_staff
from getdata.common.problems import CannotDo


def require_independent(actor: User, *parties: Organization) -> None:
    """Raise ``CannotDo`` unless the person is staff and a member of none of the parties."""
    require_staff(actor)
    conflict = Membership.objects.filter(user=actor, organization__in=parties).select_related("organization").first()
    if conflict is not None:
        raise CannotDo(
            f"You are a member of {conflict.organization.name}, a party to this.",
            remedy="Another reviewer must decide.",
            code="conflict_of_interest",
        )


def require_not_uploader(actor: User, batch: Batch) -> None:
    """Raise ``CannotDo`` when the person created, sealed or uploaded to the batch."""
    if actor.pk in {batch.created_by_id, batch.sealed_by_id} or Upload.objects.filter(batch=batch, created_by=actor).exists():
        raise CannotDo(
            "You delivered material of this batch.", remedy="Another reviewer must decide.", code="uploader_never_releases"
        )


def parties_of(batch: Batch) -> tuple[Organization, Organization]:
    """The hospital and the organization that asked."""
    return batch.fulfillment.hospital, batch.fulfillment.request.organization


