"""The part of the audit log that is about one organization, for its privacy officer: CSV to read, JSON with proof to keep.

The whole log names other organizations and never leaves. What leaves carries each event's hash and its path to a signed anchor:
``deid.proof.log_export`` checks it without this portal.
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from deid.proof.log_export import FORMAT, Tree, digest_of
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can
from getdata.audit.chain import record
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.trust.models import AuditAnchor
from getdata.trust.signing import signed

COLUMNS = ("id", "at", "actor_kind", "actor_id", "verb", "target_type", "target_id", "data", "hash")

#: Events in one JSON document; CSV has no such limit.
MOST = 100_000


def may_export(user: Any, organization: Organization) -> bool:
    """The organization's owner and privacy officer. Staff have the whole log, and no reason to take a part of it away."""
    return can(user, "approve_privacy", organization)


def events_of(organization: Organization, *, since: datetime | None = None) -> QuerySet[AuditEvent]:
    """The organization's events, oldest first."""
    events = AuditEvent.objects.filter(organization_id=str(organization.pk)).order_by("id")
    return events.filter(at__gte=since) if since else events


def note_export(*, organization: Organization, actor: User, kind: str) -> None:
    """An export is itself an event: the next one shows it."""
    record(verb="audit.exported", target=organization, actor=actor, organization_id=organization.pk, data={"as": kind})


def as_csv(events: QuerySet[AuditEvent]) -> Iterator[str]:
    """Lines of CSV, one an event, safe to open in a spreadsheet."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for event in events.iterator(chunk_size=1000):
        row = document_of(event)
        row["data"] = json.dumps(event.data, sort_keys=True, ensure_ascii=False)
        yield writer.writerow([_safe(str(row[name])) for name in COLUMNS])


def as_json(organization: Organization, events: QuerySet[AuditEvent]) -> str:
    """The signed document: events with their proofs, and the anchors that these need."""
    if events.count() > MOST:
        raise CannotDo(
            f"There are more than {MOST:,} events.",
            remedy="Ask for a shorter time, with ?since=2026-01-31.",
            code="too_many",
        )
    rows = list(events)
    anchors = list(AuditAnchor.objects.order_by("event_id", "number"))
    heads = [anchor.event_id for anchor in anchors]
    trees: dict[int, tuple[list[int], Tree]] = {}
    shown: list[dict[str, Any]] = []
    for event in rows:
        place = bisect_left(heads, event.id)
        shown.append({**document_of(event), "proof": _proof(event, anchors, place, trees)})
    statement = signed(
        {
            "format": FORMAT,
            "issuer": settings.PUBLIC_URL,
            "at": timezone.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "organization": str(organization.pk),
            "events": len(shown),
            "events_sha256": digest_of(shown),
        }
    )
    document = {
        "statement": json.loads(statement),
        "anchors": [json.loads(anchors[place].text) for place in sorted(trees)],
        "events": shown,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def document_of(event: AuditEvent) -> dict[str, Any]:
    """One event with the columns that its hash is over."""
    return {
        "id": event.id,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor_kind": event.actor_kind,
        "actor_id": event.actor_id,
        "verb": event.verb,
        "target_type": event.target_type,
        "target_id": event.target_id,
        "organization_id": event.organization_id,
        "data": event.data,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def _proof(
    event: AuditEvent, anchors: list[AuditAnchor], place: int, trees: dict[int, tuple[list[int], Tree]]
) -> dict[str, Any] | None:
    """The path to the first anchor that speaks of the event; None for one that came after the last anchor."""
    if place == len(anchors):
        return None
    if place not in trees:
        since = anchors[place - 1].event_id if place else 0
        covered = AuditEvent.objects.filter(id__gt=since, id__lte=anchors[place].event_id).order_by("id")
        pairs = list(covered.values_list("id", "hash"))
        trees[place] = [pk for pk, _ in pairs], Tree([item for _, item in pairs])
    numbers, tree = trees[place]
    return {"anchor": anchors[place].number, "path": tree.path(bisect_left(numbers, event.id))}


def _safe(text: str) -> str:
    """Text that no spreadsheet runs as a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r", "'")) else text


class _Echo:
    """What csv writes to, giving the line back."""

    def write(self, value: str) -> str:
        return value
