"""What every page of a batch's review has: who may open it, the batch, its tabs, who holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from fulfillment.duplicate_pairs import pairs_of
from fulfillment.models import Batch, BatchStatus, SourceFile
from fulfillment.services import inspections, reviews
from fulfillment.services.certificates import current_certificate
from fulfillment.services.independence import what_bars_reviewing
from getdata.accounts.models import User


@dataclass(frozen=True)
class Tab:
    """One tab: its address is the page's own. ``count`` says what still waits there."""

    name: str
    label: str
    url: str
    count: int | None = None


#: (name, label, name of the address), in the order of the page: the digits of the keyboard.
TABS = (
    ("verdict", "Verdict", "batch_review"),
    ("deidentification", "De-identification", "batch_sheet"),
    ("quality", "Quality and bias", "batch_bias"),
    ("labels", "Labels", "batch_review_labels"),
    ("duplicates", "Duplicates", "batch_duplicates"),
    ("evidence", "Evidence", "batch_evidence"),
    ("decision", "Decision", "batch_decision"),
)


def reviewer(request: HttpRequest) -> User:
    """The signed-in reviewer; for everyone else these pages do not exist."""
    if not isinstance(request.user, User) or not request.user.is_reviewer:
        raise Http404
    return request.user


def batch_of(user: User, pk: UUID) -> Batch:
    rows = Batch.objects.visible_to(user).select_related(
        "fulfillment__hospital",
        "fulfillment__request__organization",
        "fulfillment__offer__agreement",
        "spec_version",
        "reviewer",
        "sealed_by",
        "rereading__begun_by",
    )
    return get_object_or_404(rows, pk=pk)


def page_context(user: User, batch: Batch, tab: str) -> dict[str, Any]:
    """The context that ``fulfillment/review/base.html`` needs, and ``mine``: whether this person decides the batch."""
    mine = batch.reviewer_id == user.pk and batch.status == BatchStatus.IN_REVIEW
    waits = batch.status in (BatchStatus.SEALED, BatchStatus.IN_REVIEW)
    inspection = inspections.current_inspection(batch)
    sample = inspections.progress_of(batch, user) if inspection is not None else None
    counts = {
        "deidentification": sample.left if sample is not None and mine else None,
        "duplicates": pairs_of(batch).filter(decided=None).count(),
        "decision": reviews.pending_notes(batch).count() if waits else None,
    }
    return {
        "batch": batch,
        "tab": tab,
        "tabs": [
            Tab(name, label, reverse(url, args=[batch.pk]), counts.get(name) or None) for name, label, url in TABS
        ],
        "mine": mine,
        "bar": what_bars_reviewing(user, batch) if waits and not mine else None,
        "certificate": current_certificate(batch),
        "inspection": inspection,
        "sample": sample,
    }


def typed_notes(request: HttpRequest, batch: Batch) -> dict[SourceFile, str]:
    """The ``note-<file id>`` fields of the form, empty ones too: an emptied field takes its note away."""
    texts: dict[UUID, str] = {}
    for name, text in request.POST.items():
        if name.startswith("note-") and isinstance(text, str):
            try:
                texts[UUID(name.removeprefix("note-"))] = text
            except ValueError:
                continue
    return {file: texts[file.pk] for file in batch.files.filter(pk__in=texts)}
