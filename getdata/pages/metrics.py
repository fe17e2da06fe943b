"""``/metrics`` for Prometheus: figures counted from the database when asked, so that any process of any machine says the same.

Labels are states, our own reasons and kinds of work: no organization, no person, no file. The process that answers adds its own
memory, time and open files (``process_*``).
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count, F, Min, Q, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from fulfillment.models import Batch, Pulse, SourceFile, SourceFileStatus, Upload, UploadStatus
from getdata.audit.models import AuditEvent
from getdata.common import queue
from getdata.common.clock import database_now

#: Upper bounds of the histogram of processing times, in seconds.
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_OUTCOMES = ("passed", "rejected", "quarantined", "failed", "withdrawn", "received", "processing")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for whoever holds the token; without one configured, for this machine alone. Everybody else gets 404."""
    if not _may_read(request):
        raise Http404
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Ledger())  # type: ignore[arg-type]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        said = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(said.encode(), settings.METRICS_TOKEN.encode())
    if settings.PRODUCTION or "X-Forwarded-For" in request.headers:
        return False  # behind a proxy everybody comes from a private address
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class _Ledger:
    """Collects on each scrape; nothing is kept between scrapes."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _files()
        yield from _work()
        yield _seconds()
        yield from _coming_in()
        yield from _behind()


def _files() -> Iterator[Metric]:
    now = GaugeMetricFamily("getdata_files", "Files in the ledger by state.", labels=["status"])
    counted = dict(SourceFile.objects.order_by().values_list("status").annotate(n=Count("pk")))
    for status in SourceFileStatus.values:
        now.add_metric([status], counted.get(status, 0))
    yield now
    reasons = GaugeMetricFamily("getdata_files_withheld", "Files withheld by reason.", labels=["status", "reason"])
    rows = SourceFile.objects.filter(status__in=["rejected", "quarantined", "failed"]).order_by()
    for status, reason, n in rows.values_list("status", "reason").annotate(n=Count("pk")):
        reasons.add_metric([status, reason], n)
    yield reasons


def _work() -> Iterator[Metric]:
    # The audit log only grows: what it counts may be read as a rate, where a state's count may fall again.
    moves = CounterMetricFamily("getdata_file_moves", "Moves of files into a state, ever.", labels=["status"])
    verbs = [f"sourcefile.{status}" for status in _OUTCOMES]
    counted = dict(AuditEvent.objects.filter(verb__in=verbs).order_by().values_list("verb").annotate(n=Count("id")))
    for status in _OUTCOMES:
        moves.add_metric([status], counted.get(f"sourcefile.{status}", 0))
    yield moves
    totals = SourceFile.objects.aggregate(
        outages=Sum("outages"), again=Sum(F("attempts") - 1, filter=Q(attempts__gt=1))
    )
    yield GaugeMetricFamily("getdata_file_outages", "Times a file waits or waited for a store.", totals["outages"] or 0)
    yield GaugeMetricFamily("getdata_file_further_attempts", "Attempts beyond each file's first.", totals["again"] or 0)


def _seconds() -> Metric:
    """Of files that are settled; a file that is processed again counts with its last passage."""
    done = SourceFile.objects.filter(seconds__gt=0)
    told = done.aggregate(
        all=Count("pk"),
        sum=Sum("seconds"),
        **{f"b{i}": Count("pk", filter=Q(seconds__lte=b)) for i, b in enumerate(BOUNDS)},
    )
    buckets = [(str(bound), told[f"b{index}"]) for index, bound in enumerate(BOUNDS)]
    family = HistogramMetricFamily("getdata_file_seconds", "Processing time of a file.")
    family.add_metric([], buckets=[*buckets, ("+Inf", told["all"])], sum_value=told["sum"] or 0.0)
    return family


def _coming_in() -> Iterator[Metric]:
    active = Upload.objects.filter(status=UploadStatus.ACTIVE).aggregate(n=Count("pk"), sent=Sum("offset"))
    yield GaugeMetricFamily("getdata_uploads_active", "Transfers that are not finished.", active["n"])
    yield GaugeMetricFamily("getdata_uploads_active_bytes", "Bytes of them that have come.", active["sent"] or 0)
    batches = GaugeMetricFamily("getdata_batches", "Batches by state.", labels=["status"])
    for status, n in Batch.objects.order_by().values_list("status").annotate(n=Count("pk")):
        batches.add_metric([status], n)
    yield batches


def _behind() -> Iterator[Metric]:
    """What tells that workers are too few or gone."""
    now = database_now()
    waiting = SourceFile.objects.filter(status=SourceFileStatus.RECEIVED, batch__paused_at=None)
    oldest = waiting.aggregate(at=Min("created_at"))["at"]
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    yield GaugeMetricFamily("getdata_oldest_waiting_seconds", "Age of the oldest file that waits for a worker.", age)
    lost = SourceFile.objects.filter(status=SourceFileStatus.PROCESSING, lease_until__lt=now).count()
    yield GaugeMetricFamily(
        "getdata_leases_run_out", "Files whose worker is lost and which are not handed out again yet.", lost
    )
    pulses = GaugeMetricFamily("getdata_pulse_age_seconds", "Time since a task of the clock last ran.", labels=["name"])
    for name, at in Pulse.objects.values_list("name", "at"):
        pulses.add_metric([name], max(0.0, (now - at).total_seconds()))
    yield pulses
    depths = GaugeMetricFamily("getdata_queue_messages", "Messages that wait in the broker.", labels=["queue"])
    for name in (queue.HOUSEKEEPING, queue.FILES, queue.COMPARISONS):
        depth = queue.depth(name)
        if depth is not None:
            depths.add_metric([name], depth)
    yield depths
