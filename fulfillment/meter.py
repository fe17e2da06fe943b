"""Counting what was delivered to a request: one count for every page, kept until something counted changes.

Finding out whether anything changed is three aggregates; counting again reads every image's facts. Pages that update
themselves are *patient*: they share an answer that is a few seconds old, wait longer the longer a count takes, and never
count while somebody else does.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Max, Q, QuerySet

from fulfillment.conformance import CellProgress, ImageFacts, fill_quotas
from fulfillment.conformance.match import LabelReader
from fulfillment.label_facts import Said, said_of, statements, studies_with_report
from fulfillment.models import BatchStatus, Image, Label, Series, Study
from fulfillment.models.reports import Report
from getdata.accounts.models import Organization
from requests_app.models import DatasetRequest, Offer, SpecVersion
from requests_app.progress import Counted, MeterRow, Share
from requests_app.spec import CountUnit, DatasetSpec, QuotaCounting, ReportLinkage, demands

_KEPT_SECONDS = 3600
_PATIENCE_SECONDS = (5, 60)
#: Counting may take this share of the time.
_EFFORT = 0.05


def request_meter(request: DatasetRequest, *, patient: bool = False) -> Counted | None:
    """Needed, offered, received and accepted for every counted line of the request's open specification.

    Received counts images that passed and were not withdrawn, in any batch but a rejected one, pooled over hospitals.
    """
    version = request.current_version
    if version is None:
        return None
    last = f"meter-last:{request.pk}:{version.number}"
    if patient and (known := cache.get(last)) is not None and known[1] > time.time():
        kept: Counted = known[0]
        return kept
    images = Image.objects.live().filter(source__batch__fulfillment__request=request)
    images = images.exclude(source__batch__status=BatchStatus.REJECTED)
    live = Offer.objects.live().filter(request=request)
    offers = list(live.order_by("pk"))
    state = _state(request, version, images, offers)
    found: Counted | None = cache.get(f"meter:{state}")
    seconds = 0.0
    if found is None:
        counting = f"meter-counting:{request.pk}"
        if patient and known is not None and not cache.add(counting, 1, 120):
            return known[0]  # type: ignore[no-any-return]
        started = time.monotonic()
        try:
            found = _count(request, version, images, offers, state)
        finally:
            cache.delete(counting)
        seconds = time.monotonic() - started
        cache.set(f"meter:{state}", found, _KEPT_SECONDS)
    shortest, longest = _PATIENCE_SECONDS
    wait = min(longest, max(shortest, seconds / _EFFORT))
    cache.set(last, (found, time.time() + wait), _KEPT_SECONDS)
    return found


def _state(request: DatasetRequest, version: SpecVersion, images: QuerySet[Image], offers: list[Offer]) -> str:
    """A tag of everything that is counted."""
    accepted = Q(source__batch__status=BatchStatus.ACCEPTED)
    counts = images.aggregate(n=Count("pk"), last=Max("source__settled_at"), accepted=Count("pk", filter=accepted))
    labels = (
        standing_labels().filter(batch__fulfillment__request=request).aggregate(n=Count("pk"), last=Max("created_at"))
    )
    reports = Report.objects.linked().filter(batch__fulfillment__request=request).count()
    promised = [(offer.pk, offer.status, sorted(_promised(offer).items())) for offer in offers]
    parts = (request.pk, version.number, counts, labels, reports, promised)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def standing_labels() -> QuerySet[Label]:
    """Labels that count: not superseded, and of tables that passed and were neither withdrawn nor returned."""
    return Label.objects.standing()


def facts_of(images: Iterable[Image]) -> list[ImageFacts]:
    """Each image's facts with what the portal knows beside it: its hospital, what is said of it, whether it has a report."""
    images = list(images)
    said: Said = {}
    for some in said_of(image.pk for image in images):
        said |= some
    sites = _short_names({image.source.batch.fulfillment.hospital_id for image in images})
    studies: dict[Any, Any] = {}
    reported: set[Any] = set()
    for start in range(0, len(images), 5_000):  # a database takes only so many parameters
        series = Series.objects.filter(images__in=[image.pk for image in images[start : start + 5_000]])
        studies |= dict(series.values_list("pk", "study_id"))
        reported |= studies_with_report(series.values("study_id"))
    return [
        ImageFacts.from_dict(image.facts).with_context(
            site=sites[image.source.batch.fulfillment.hospital_id],
            statements=said.get(str(image.pk)),
            report_linked=studies[image.series_id] in reported,
        )
        for image in images
    ]


def _short_names(hospitals: set[Any]) -> dict[Any, str]:
    """The hospitals' public short names, by which a request names them."""
    return dict(Organization.objects.filter(pk__in=hospitals).values_list("pk", "slug"))


# --- counting ---------------------------------------------------------------------------------------------------------


def _count(
    request: DatasetRequest, version: SpecVersion, images: QuerySet[Image], offers: list[Offer], state: str
) -> Counted:
    spec = DatasetSpec.model_validate(version.document)
    facts: list[ImageFacts] = []
    accepted: defaultdict[tuple[Any, Any], list[int]] = defaultdict(list)  # (decided at, batch) -> places in facts
    by_hospital: defaultdict[str, list[int]] = defaultdict(list)
    said = _said_counted(request, spec)
    reported = _reported(request, spec)
    columns = ("pk", "facts", "series__study_id", "source__batch__fulfillment__hospital_id", "source__batch__status",
               "source__batch__decided_at", "source__batch_id", "source__batch__fulfillment__hospital__slug")  # fmt: skip
    for place, (pk, known, study, hospital, status, decided, batch, site) in enumerate(
        images.order_by().values_list(*columns).iterator(chunk_size=5_000)
    ):
        linked = None if reported is None else study in reported
        stated = said.get(str(pk))
        context = ImageFacts.from_dict(known).with_context
        # Counts follow from the statements; one state for each finding would be worked out for nothing.
        settled: dict[str, str] | None = None if stated is None else {}
        facts.append(context(site=site, statements=stated, labels=settled, report_linked=linked))
        by_hospital[str(hospital)].append(place)
        if status == BatchStatus.ACCEPTED:
            accepted[(decided is not None, decided), batch].append(place)
    rounds = [[facts[place] for place in accepted[key]] for key in sorted(accepted, key=lambda k: (k[0], str(k[1])))]
    done = _accepted(rounds, spec)
    received = fill_quotas(facts, spec, held={line.check_id: line.received for line in done})
    offering = Counter(check_id for offer in offers for check_id in _promised(offer))
    rows = [
        MeterRow(
            check_id=line.check_id,
            label=_label(line),
            needed=line.needed,
            offered=sum(_promised(offer).get(line.check_id, 0) for offer in offers),
            received=line.received,
            accepted=taken.received,
            unit=line.unit,
            kind=line.kind,
            level=line.level,
            maximum=line.maximum,
        )
        for line, taken in zip(received, done, strict=True)
    ]
    taken_places = {place for places in accepted.values() for place in places}
    hospitals = {str(offer.hospital_id) for offer in offers} | set(by_hospital)
    shares = {
        hospital: _share(
            rows,
            [facts[place] for place in by_hospital[hospital]],
            [facts[place] for place in by_hospital[hospital] if place in taken_places],
            [offer for offer in offers if str(offer.hospital_id) == hospital],
            spec,
        )
        for hospital in sorted(hospitals)
    }
    return Counted(rows=rows, state=state, version=version.number, offering=dict(offering), shares=shares)


def _accepted(rounds: list[list[ImageFacts]], spec: DatasetSpec) -> list[CellProgress]:
    """What accepted batches fill. Batch by batch in the order of decision where a patient or study may fill one quota only:
    what one acceptance filled, the next does not take away. Images cannot lose a place, so they need no order."""
    remembered = spec.quota_counting is QuotaCounting.ONCE and any(
        demand.kind == "cell" and demand.unit is not CountUnit.IMAGES for demand in demands(spec)
    )
    if not remembered:
        return fill_quotas([image for images in rounds for image in images], spec)
    so_far: list[ImageFacts] = []
    filled = fill_quotas(so_far, spec)
    for images in rounds:
        so_far += images
        filled = fill_quotas(so_far, spec, held={line.check_id: line.received for line in filled})
    return filled


def _share(
    rows: list[MeterRow], received: list[ImageFacts], accepted: list[ImageFacts], offers: list[Offer], spec: DatasetSpec
) -> list[Share]:
    came, taken = fill_quotas(received, spec), fill_quotas(accepted, spec)
    return [
        Share(sum(_promised(offer).get(row.check_id, 0) for offer in offers), one.received, other.received)
        for row, one, other in zip(rows, came, taken, strict=True)
    ]


def _said_counted(request: DatasetRequest, spec: DatasetSpec) -> Said:
    """What is said by image, read only as far as any line counts by a finding."""
    reader = LabelReader(spec)
    asked = {reader.key(demand.selector.finding) for demand in demands(spec) if demand.selector.finding}
    if not asked:
        return {}
    standing = standing_labels().filter(batch__fulfillment__request=request, image__isnull=False)
    written = standing.order_by().values_list("finding", flat=True).distinct()
    used = [finding for finding in written if reader.key(finding) in asked]
    said = statements(standing.filter(finding__in=used)) if used else {}
    # Labels that say nothing of what is counted still tell that somebody labelled the image.
    labelled = standing.order_by().values_list("image_id", flat=True).distinct()
    return {str(image): said.get(str(image), {}) for image in labelled.iterator(chunk_size=10_000)}


def _reported(request: DatasetRequest, spec: DatasetSpec) -> set[Any] | None:
    """Studies that have their report, where the request asks for reports at all."""
    if spec.reports.linkage is ReportLinkage.NONE:
        return None
    return studies_with_report(Study.objects.filter(patient__fulfillment__request=request).values("pk"))


def _promised(offer: Offer) -> dict[str, int]:
    """An offer's counts by check id, those above zero: the part agreed once there is an agreement."""
    counts = {
        "cohort.images": offer.counted_images,
        "cohort.patients": offer.counted_patients,
        **offer.counted_cells,
    }
    return {check_id: int(count) for check_id, count in counts.items() if int(count) > 0}


def _label(line: CellProgress) -> str:
    if line.kind == "total":
        return f"All {line.unit}"
    return line.text[:1].upper() + line.text[1:]
