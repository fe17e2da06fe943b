"""What was offered and delivered to many requests at once, for lists: a few statements, however many requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet

from fulfillment.models import Batch, BatchStatus, Image, Report
from requests_app.models import Offer, SpecVersion
from requests_app.progress import Totals
from requests_app.spec import Level, ReportLinkage


def request_totals(requests: Collection[UUID]) -> dict[UUID, Totals]:
    """Images offered, received and accepted, counted as the first row of ``fulfillment.meter.request_meter`` counts them."""
    batches = Batch.objects.filter(fulfillment__request__in=requests).exclude(status=BatchStatus.REJECTED).order_by()
    known = {
        pk: (request, status) for pk, request, status in batches.values_list("pk", "fulfillment__request", "status")
    }
    received: Counter[UUID] = Counter()
    accepted: Counter[UUID] = Counter()
    # By batch, not by request: a list of keys is what every planner answers with an index.
    strict = _requiring_reports(requests) if known else set()
    free = [batch for batch, (request, _) in known.items() if request not in strict]
    bound = [batch for batch, (request, _) in known.items() if request in strict]
    counts = _counted(Image.objects.live().filter(source__batch__in=free)) if free else {}
    if bound:
        reported = Report.objects.linked().filter(study__series__images__source__batch__in=bound).values("study")
        counts |= _counted(Image.objects.live().filter(source__batch__in=bound, series__study__in=reported))
    for batch, count in counts.items():
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


def _counted(images: QuerySet[Image]) -> dict[UUID, int]:
    return dict(images.order_by().values_list("source__batch").annotate(n=Count("pk")))


def _requiring_reports(requests: Collection[UUID]) -> set[UUID]:
    """Requests whose present specification counts no image without its report (``conformance.match.reports_bind``)."""
    later = SpecVersion.objects.filter(request=OuterRef("request"), number__gt=OuterRef("number"))
    present = SpecVersion.objects.filter(request__in=requests).exclude(Exists(later))
    binding = present.filter(
        document__reports__linkage=ReportLinkage.REQUIRED.value, document__reports__level=Level.MUST.value
    )
    return set(binding.values_list("request_id", flat=True))
