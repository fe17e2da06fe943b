"""Which batch a hospital's PACS delivers into: the one that is open, never a guess."""

from __future__ import annotations

from fulfillment.models import Batch, BatchStatus, Fulfillment, FulfillmentStatus
from getdata.accounts.models import Organization
from getdata.common.problems import CannotDo


def open_batch(hospital: Organization, delivery: Fulfillment | None = None) -> Batch:
    """The hospital's one open batch, or that of one of its deliveries.

    A returned batch is not meant by this: what repairs it is sent to its own address. Raises ``CannotDo`` when no batch or several
    are open, or the hospital is not verified.
    """
    if not hospital.is_verified:
        raise CannotDo(
            "The hospital is not verified, so that it cannot deliver.",
            remedy="Complete the checklist on the organization's page.",
            code="organization_not_verified",
        )
    found = Batch.objects.filter(
        fulfillment__hospital=hospital, fulfillment__status=FulfillmentStatus.ACTIVE, status=BatchStatus.OPEN
    ).select_related("fulfillment__hospital", "fulfillment__request")
    if delivery is not None:
        found = found.filter(fulfillment=delivery)
    batches = list(found[:2])
    if len(batches) == 1:
        return batches[0]
    if not batches:
        raise CannotDo(
            "No batch is open.", remedy="Open a batch on the delivery's page, then send again.", code="no_open_batch"
        )
    raise CannotDo(
        "Several batches are open, so that it is not clear which one is meant.",
        remedy="Send to the address of one batch, name one delivery for the sender, or seal the other batches.",
        code="several_open_batches",
    )
