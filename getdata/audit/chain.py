"""Appending to the audit log, and proving that nobody changed it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, models, transaction

from getdata.audit.models import AuditEvent
from getdata.audit.signals import recorded

GENESIS = "0" * 64
_ADVISORY_LOCK = 0x6765_7464  # any constant of our own; held until the transaction ends
_SAFE_SCALARS = (str, int, float, bool, type(None))
_MAX_TEXT = 500


class UnsafeAuditData(TypeError):
    """Raised when a caller hands over something other than short plain values, e.g. a DICOM element."""


@dataclass(frozen=True)
class Broken:
    """Where the chain first fails, and how. ``event_id`` is the row's number."""

    event_id: int
    problem: str


def record(
    *,
    verb: str,
    target: models.Model,
    actor: Any = None,
    organization_id: object = "",
    data: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Append one event inside the caller's transaction (one is opened when there is none).

    ``actor`` is a user, or None for the system. ``data`` holds our own identifiers, codes and counts only.
    Raises ``UnsafeAuditData`` for anything that is not a short plain value.
    """
    safe = _checked(data or {})
    kind, actor_id = _actor(actor)
    with transaction.atomic():
        serialise_writers()
        previous = AuditEvent.objects.order_by("-id").values_list("hash", flat=True).first() or GENESIS
        event = AuditEvent(
            at=datetime.now(UTC),
            actor_kind=kind,
            actor_id=actor_id,
            verb=verb,
            target_type=target._meta.label,
            target_id=str(target.pk),
            organization_id=str(organization_id or ""),
            data=safe,
            previous_hash=previous,
        )
        event.hash = digest(event)
        event.save(force_insert=True)
        recorded.send(sender=AuditEvent, event=event, target=target)
    return event


def digest(event: AuditEvent) -> str:
    """SHA-256 (hex) of the event's columns and its predecessor's hash."""
    body = {
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor_kind": event.actor_kind,
        "actor_id": event.actor_id,
        "verb": event.verb,
        "target_type": event.target_type,
        "target_id": event.target_id,
        "organization_id": event.organization_id,
        "data": event.data,
    }
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{event.previous_hash}\n{canonical}".encode()).hexdigest()


def verify() -> Iterator[Broken]:
    """Walk the whole chain in order and yield every break, with what was probably done there. Constant memory."""
    previous, before = GENESIS, 0
    for event in AuditEvent.objects.order_by("id").iterator(chunk_size=2000):
        if event.previous_hash != previous:
            yield Broken(event.id, _why(event, before))
        if event.hash != digest(event):
            yield Broken(event.id, "its content does not match its hash: the row was altered")
        previous, before = event.hash, event.id


def _why(event: AuditEvent, before: int) -> str:
    """What a row that does not follow the row before it (number ``before``, 0 for none) tells."""
    named = AuditEvent.objects.filter(hash=event.previous_hash).values_list("id", flat=True).first()
    between = f"between events {before} and {event.id}" if before else f"before event {event.id}"
    if event.previous_hash == GENESIS:
        return "it says that it is the first event, and it is not: it was inserted, or moved to another place"
    if named is None:
        gap = before and event.id - before > 1
        missing = f" (numbers {before + 1} to {event.id - 1} are not there)" if gap else ""
        rewritten = f"event {before} was rewritten with a fresh hash"
        return f"its predecessor is not there: a row {between} was removed{missing}, or {rewritten}"
    if named > event.id:
        return f"it follows event {named}, which stands after it: rows were reordered"
    return (
        f"it follows event {named}, not event {before}: a row was inserted {between}, or this one was inserted or moved"
    )


def _actor(actor: Any) -> tuple[str, str]:
    if actor is None:
        return "system", ""
    if getattr(actor, "is_anonymous", False):
        return "visitor", ""
    return ("token" if getattr(actor, "acting_token_id", None) else "user"), str(actor.pk)


def _checked(data: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in data.items():
        values = value if isinstance(value, list | tuple) else [value]
        for item in values:
            if type(item) not in _SAFE_SCALARS or (isinstance(item, str) and len(item) > _MAX_TEXT):
                raise UnsafeAuditData(f"audit data {key!r} must be short plain values, got {type(item).__name__}")
    return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}


def serialise_writers() -> None:
    """One writer at a time, or two events would claim the same predecessor. SQLite's IMMEDIATE mode already does it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
