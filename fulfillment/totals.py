"""What was offered and delivered to many requests at once, for lists: three statements, however many requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from django.db.models import Count

from fulfillment.models import Batch, BatchStatus, Image
from requests_app.models import Offer
from requests_app.progress import Totals


def request_totals(requests: Collection[UUID]) -> dict[UUID, Totals]:
    """Images offered, received and accepted, counted as the first row of ``fulfillment.meter.request_meter`` counts them."""
    batches = Batch.objects.filter(fulfillment__request__in=requests).exclude(status=BatchStatus.REJECTED).order_by()
    known = {
        pk: (request, status) for pk, request, status in batches.values_list("pk", "fulfillment__request", "status")
    }
    received: Counter[UUID] = Counter()
    accepted: Counter[UUID] = Counter()
    # By batch, not by request: a list of keys is what every planner answers with an index.
    counted = Image.objects.live().filter(source__batch__in=known).values_list("source__batch").annotate(n=Count("pk"))
    for batch, count in counted.order_by() if known else ():
        request, status = known[batch]
        received[request] += count
        accepted[request] += count if status == BatchStatus.ACCEPTED else 0
    offered: Counter[UUID] = Counter()
    offers: Counter[UUID] = Counter()
    live = Offer.objects.live().filter(request__in=requests)
    for offer in live.only("request", "images", "agreed").order_by():
        offered[offer.request_id] += offer.counted_images
        offers[offer.request_id] += 1
    return {
        request: Totals(offered[request], received[request], accepted[request], offers[request])
        for request in {*received, *offers}
    }
