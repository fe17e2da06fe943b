"""Who may bring files into a batch, and how large they may be: asked before a byte is read."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from fulfillment.models import TABLES, Batch, Fulfillment, FulfillmentStatus, SourceKind
from fulfillment.models.freezing import frozen_now
from fulfillment.unpacking.kinds import ARCHIVE_ENDINGS
from getdata.accounts.models import Membership, User
from getdata.accounts.permissions import can, require, require_verified
from getdata.common.problems import CannotDo
from getdata.trust.openings import opening_for


def require_may_deliver(actor: User | AnonymousUser, fulfillment: Fulfillment) -> None:
    """Raise ``CannotDo`` unless the person may deliver for the hospital and the fulfillment is active."""
    require(actor, "upload", fulfillment.hospital)
    require_verified(fulfillment.hospital)
    if fulfillment.status != FulfillmentStatus.ACTIVE:
        raise CannotDo(
            f"This delivery is {fulfillment.get_status_display().lower()}: nothing more can be delivered.",
            remedy="Make a new offer if there is more to deliver.",
            code="fulfillment_not_active",
        )


def require_may_add_files(actor: User | AnonymousUser, batch: Batch) -> None:
    """Raise ``CannotDo`` unless the person may add files to the batch now."""
    require_may_deliver(actor, batch.fulfillment)
    require_writable(batch)


def require_writable(batch: Batch) -> None:
    """Raise ``CannotDo`` unless the batch takes files in its present state."""
    if not batch.is_writable:
        raise CannotDo(
            f"Batch {batch.number} is {batch.get_status_display().lower()}: it takes no more files.",
            remedy="Start a new batch for further files.",
            code="batch_not_writable",
        )


def may_add_files(user: User | AnonymousUser, batch: Batch) -> bool:
    """The same question for a page, without a refusal."""
    fulfillment = batch.fulfillment
    return (
        batch.is_writable
        and fulfillment.status == FulfillmentStatus.ACTIVE
        and fulfillment.hospital.is_verified
        and can(user, "upload", fulfillment.hospital)
    )


def may_see_names(user: User | AnonymousUser, batch: Batch) -> bool:
    """File names are identity: members of the batch's hospital with "see_quarantine" read them, unless an incident stops the
    hospital; staff only under an opening."""
    hospital = batch.fulfillment.hospital
    of_theirs = can(user, "see_quarantine", hospital) and hospital.pk not in frozen_now().organizations
    return of_theirs or opening_for(user, hospital) is not None


def is_of_the_hospital(user: User, batch: Batch) -> bool:
    """Whether the person is a member of the hospital that delivers the batch, in any role."""
    return Membership.objects.filter(user=user, organization=batch.fulfillment.hospital_id).exists()


def require_length(length: int, name: str) -> None:
    """Refuse by announced size and name, before any byte: an archive may be larger than one image."""
    if length <= 0:
        raise CannotDo(
            "The file is empty.", remedy="Export it again from its source, or leave it out.", code="empty_file"
        )
    _require_at_most(length, settings.MAX_UPLOAD_BYTES, "a file", "Split it into several archives.")
    if not name.lower().endswith(ARCHIVE_ENDINGS):
        _require_instance(length)


def require_kind_length(length: int, kind: SourceKind) -> None:
    """Refuse by the size the content turned out to have: the name may have said .zip."""
    if kind in TABLES:
        _require_at_most(length, settings.MAX_LABEL_IMPORT_BYTES, "a table", "Split it into several tables.")
    elif kind != SourceKind.ARCHIVE:
        _require_instance(length)


def _require_instance(length: int) -> None:
    remedy = "Send many files as one .zip archive; a single larger image cannot be taken in."
    _require_at_most(length, settings.MAX_INSTANCE_BYTES, "one image", remedy)


def _require_at_most(length: int, limit: int, what: str, remedy: str) -> None:
    if length > limit:
        raise CannotDo(
            f"The file has {length / 1e6:,.0f} MB; the limit for {what} is {limit / 1e6:,.0f} MB.",
            remedy=remedy,
            code="too_large",
        )
