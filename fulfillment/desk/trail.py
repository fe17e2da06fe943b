"""The evidence of one batch: what was done about it, by whom, and how its files came here and went on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from fulfillment.models import (
    Batch,
    DownloadEvent,
    ImageLook,
    OriginalsDestruction,
    Release,
    SourceFile,
)
from getdata.accounts.models import User
from getdata.audit.models import AuditEvent

#: Verb -> what it says; ``{name}`` is a value of the event.
WORDS = {
    "batch.created": "began the batch",
    "batch.sealed": "sealed it, or gave it back to the queue",
    "batch.in_review": "took it into review",
    "batch.certified": "certified its de-identification: {missed} of {planted} planted values survived",
    "inspection.drawn": "drew the sample: {certain} that ask for a look and {drawn} by lot, of {images}",
    "batch.looked_at": "looked at {images}",
    "batch.accepted": "accepted it",
    "batch.returned": "returned it with {notes} notes",
    "batch.rejected": "rejected it",
    "batch.files_retried": "had {count} files processed again",
    "batch.files_withdrawn": "withdrew {count} files",
    "rereading.begun": "drew labels to read again: {chosen} of {labels}",
    "rereading.answered": "read {findings} findings of an image again",
}


@dataclass(frozen=True)
class Act:
    """One event in words. ``hash`` is its place in the chain."""

    number: int
    at: datetime
    who: str
    what: str
    hash: str


def events_of(batch: Batch) -> QuerySet[AuditEvent]:
    """The audit events about the batch itself and its re-reading, newest first."""
    targets = [str(batch.pk)]
    rereading = getattr(batch, "rereading", None)
    if rereading is not None:
        targets.append(str(rereading.pk))
    return AuditEvent.objects.filter(target_id__in=targets).order_by("-id")


def in_words(events: list[AuditEvent]) -> list[Act]:
    """Events as sentences for staff."""
    people = {
        str(user.pk): str(user) for user in User.objects.filter(pk__in={e.actor_id for e in events if e.actor_id})
    }
    return [
        Act(
            event.id,
            event.at,
            "The portal" if event.actor_kind == "system" else people.get(event.actor_id, "a former user"),
            _said(event),
            event.hash,
        )
        for event in events
    ]


def _said(event: AuditEvent) -> str:
    values = dict(event.data)
    if event.verb == "batch.looked_at":
        count = len(values.get("files", []))
        values["images"] = "1 image" if count == 1 else f"{count:,} images"
    if event.verb == "batch.sealed":
        return "gave it back to the queue" if values.get("from") == "in_review" else "sealed it"
    try:
        return WORDS[event.verb].format_map(values)
    except KeyError:
        return event.verb.replace(".", ": ").replace("_", " ")


@dataclass(frozen=True)
class Custody:
    """Where the batch's files are and went: originals held and destroyed, looks by reviewer, releases, downloads."""

    originals_held: int
    originals_destroyed: int
    destructions: list[OriginalsDestruction]
    looks: list[dict[str, Any]]
    releases: Sequence[Release]
    downloads: int


def custody_of(batch: Batch) -> Custody:
    files = SourceFile.objects.filter(batch=batch)
    looks = (
        ImageLook.objects.filter(image__source__batch=batch)
        .order_by()
        .values("reviewer__name", "reviewer__email")
        .annotate(images=Count("pk"))
    )
    releases = list(
        Release.objects.filter(items__image__source__batch=batch)
        .annotate(images=Count("items"))
        .select_related("request", "published_by")
        .order_by("number")
    )
    return Custody(
        originals_held=files.exclude(stored="").filter(destroyed_at=None).count(),
        originals_destroyed=files.filter(destroyed_at__isnull=False).count(),
        destructions=list(_destructions(batch)),
        looks=[{"who": row["reviewer__name"] or row["reviewer__email"], "images": row["images"]} for row in looks],
        releases=releases,
        downloads=DownloadEvent.objects.filter(grant__release__in=releases).count(),
    )


def _destructions(batch: Batch) -> QuerySet[OriginalsDestruction]:
    return OriginalsDestruction.objects.filter(batch=batch).order_by("-created_at")
