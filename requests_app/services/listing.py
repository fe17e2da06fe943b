"""Keeping the catalogue: a row for each public request, written in the transaction that opens, amends or ends it."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q
from django.utils import timezone

from getdata.common.queue import enqueue
from requests_app import progress
from requests_app.catalogue.snapshot import last_change
from requests_app.catalogue.words import without_accents
from requests_app.models import (
    CatalogueChange,
    CatalogueState,
    DatasetRequest,
    Offer,
    OfferStatus,
    RequestListing,
    RequestStatus,
    SpecVersion,
)
from requests_app.models.request import PUBLIC_STATUSES
from requests_app.services.frozen import finding_name
from requests_app.spec import DatasetSpec, describe_line
from requests_app.taxonomy import Relation, concepts

#: Snapshots that are further behind read everything anew.
_KEPT_CHANGES = 20_000
_AT_ONCE = 500


def list_request(*, request: DatasetRequest, spec: DatasetSpec, version: int) -> RequestListing:
    """Put an open request into the catalogue, or its amended version. Call it inside the transaction that freezes it."""
    images = spec.cohort.images.min
    received = progress.totals([request.pk]).get(request.pk)
    listing, _ = RequestListing.objects.update_or_create(
        request=request,
        defaults={
            "is_open": request.status == RequestStatus.OPEN,
            "category": spec.category.value,
            "report_linkage": spec.reports.linkage.value,
            "images": images,
            "still_needed": max(0, images - (received.received if received else 0)),
            "deadline": spec.delivery.deadline,
            "opened_at": request.opened_at or timezone.now(),
            "version": version,
            **searched_text(request, spec),
        },
    )
    RequestListing.objects.filter(pk=listing.pk).update(announced=record_change([listing.pk]))
    enqueue("requests_app.tell_searchers_task")
    return listing


def end_listing(*, request: DatasetRequest) -> None:
    """Show that the request is closed; a cancelled one leaves the catalogue."""
    listed = RequestListing.objects.filter(request=request)
    numbers = list(listed.values_list("pk", flat=True))
    if not numbers:
        return
    if request.status in PUBLIC_STATUSES:
        listed.update(is_open=request.status == RequestStatus.OPEN)
    else:
        listed.delete()
    record_change(numbers)


def record_change(numbers: Collection[int]) -> int:
    """Say that these listings are not what they were. Returns the number of the last change. The lock on the one row orders them."""
    with transaction.atomic():
        CatalogueState.objects.get_or_create(pk=1)
        state = CatalogueState.objects.select_for_update().get(pk=1)
        CatalogueChange.objects.bulk_create(
            CatalogueChange(version=state.version + n, token=secrets.token_hex(16), listing=number)
            for n, number in enumerate(numbers, 1)
        )
        state.version += len(numbers)
        state.save()
    return state.version


def searched_text(request: DatasetRequest, spec: DatasetSpec) -> dict[str, str]:
    """What a request is found by: its title; its findings, each with its aliases; its purpose, technique and who asks."""
    taxonomy = spec.taxonomy()
    names = [line.finding for line in spec.labels.findings] + [c.finding for c in spec.quotas if c.finding]
    findings = []
    for name in dict.fromkeys(names):
        found = taxonomy.find(name)
        shown = finding_name(spec, name)
        exact = found is not None and found.concept_relation is Relation.EXACT
        shared = concepts().get(found.concept) if found and exact else None
        others = [name, *(found.aliases if found else ()), *((shared.name, *shared.aliases) if shared else ())]
        said = dict.fromkeys(other for other in others if other.casefold() != shown.casefold())
        findings.append(f"{shown}: {', '.join(said)}" if said else shown)
    annotations = dict.fromkeys(line.annotation.plain for line in spec.labels.findings)
    body = [
        spec.purpose.description,
        spec.category.plain,
        "; ".join(dict.fromkeys(describe_line(line) for line in spec.projections)),
        ", ".join(annotations),
        request.organization.name,
    ]
    texts = {
        "title": spec.title,
        "findings": "\n".join(dict.fromkeys(findings)),
        "body": "\n".join(part for part in body if part),
    }
    return {name: _with_plain_letters(text) for name, text in texts.items()}


def _with_plain_letters(text: str) -> str:
    plain = [bare for word in text.split() if (bare := without_accents(word)) != word]
    return f"{text} {' '.join(plain)}" if plain else text


# --- by the clock ----------------------------------------------------------------------------------------------------


def sweep_listings() -> int:
    """List what should be listed, bring "still needed" up to date, forget old changes. Returns how many rows it touched."""
    touched = _relist() + _recount()
    with transaction.atomic():
        CatalogueChange.objects.filter(version__lte=last_change()[0] - _KEPT_CHANGES).delete()
    return touched


def _relist() -> int:
    """Requests opened before there was a catalogue, or changed by hand: each gets the row it should have."""
    newest = SpecVersion.objects.filter(request=OuterRef("pk")).values("request").annotate(n=Max("number")).values("n")
    public = DatasetRequest.objects.filter(status__in=PUBLIC_STATUSES).annotate(newest=newest)
    listed_open = Q(listing__is_open=True)
    wrong = public.filter(
        Q(listing=None)
        | Q(listing__version__lt=F("newest"))
        | (Q(status=RequestStatus.OPEN) & ~listed_open)
        | (Q(status=RequestStatus.CLOSED) & listed_open)
    )
    count = 0
    for request in wrong.select_related("organization")[:_AT_ONCE]:
        version = request.current_version
        if version is None:
            continue
        with transaction.atomic():
            spec = DatasetSpec.model_validate(version.document)
            list_request(request=request, spec=spec, version=version.number)
        count += 1
    for listing in RequestListing.objects.exclude(request__status__in=PUBLIC_STATUSES).select_related("request"):
        with transaction.atomic():
            end_listing(request=listing.request)
        count += 1
    return count


def _recount() -> int:
    """What is still needed of requests that hospitals deliver to."""
    delivering = Offer.objects.filter(request=OuterRef("request"), status=OfferStatus.ACCEPTED)
    listings = list(RequestListing.objects.filter(Exists(delivering), is_open=True).only("images", "still_needed"))
    changed = []
    for start in range(0, len(listings), _AT_ONCE):
        some = listings[start : start + _AT_ONCE]
        numbers = progress.totals([listing.request_id for listing in some])
        for listing in some:
            done = numbers.get(listing.request_id)
            left = max(0, listing.images - (done.received if done else 0))
            if left != listing.still_needed:
                listing.still_needed = left
                changed.append(listing)
    if changed:
        with transaction.atomic():
            RequestListing.objects.bulk_update(changed, ["still_needed"], batch_size=_AT_ONCE)
            record_change([listing.pk for listing in changed])
    return len(changed)
