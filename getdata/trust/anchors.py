"""Anchors of the audit log: its head, signed, written where the database's own administrator does not reach.

The chain shows a change inside the log. Whoever rewrites all of it from some row on, or cuts off its end, leaves a chain that is
whole: the anchors, kept elsewhere, show that. Each names the anchor before it, so none of them can go unnoticed either.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deid.proof.log_export import ANCHOR, Tree
from getdata.audit.chain import GENESIS, Broken, record, serialise_writers, verify
from getdata.audit.models import AuditEvent
from getdata.common import storage
from getdata.common.queue import enqueue
from getdata.notifications.services import mail
from getdata.trust.models import AuditAnchor
from getdata.trust.signing import signed, verified

FORMAT = ANCHOR
FOLDER = "audit-anchors"


@dataclass(frozen=True)
class Disagreement:
    """What an anchor shows. ``anchor`` says which one, in words."""

    anchor: str
    problem: str


@dataclass(frozen=True)
class Verdict:
    """``breaks`` of the chain, ``disagreements`` of anchors with it, and how much was looked at."""

    events: int
    head: str
    breaks: list[Broken]
    disagreements: list[Disagreement]
    anchors: int

    @property
    def whole(self) -> bool:
        return not self.breaks and not self.disagreements


def key_of(number: int) -> str:
    """Where an anchor's file lies in the storage of releases."""
    return f"{FOLDER}/{number:06d}.json"


def anchor(*, actor: Any = None) -> AuditAnchor:
    """Sign the log's head now, keep it as a row and record it. The file is written by :func:`export_missing`."""
    with transaction.atomic():
        serialise_writers()  # no event comes between the head that is read and the anchor
        before = AuditAnchor.objects.order_by("-number").first()
        number = (before.number if before else 0) + 1
        last = AuditEvent.objects.order_by("-id").first()
        since = before.event_id if before else 0
        covered = AuditEvent.objects.filter(id__gt=since)
        document: dict[str, Any] = {
            "format": FORMAT,
            "number": number,
            "issuer": settings.PUBLIC_URL,
            "at": timezone.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "event_id": last.id if last else 0,
            "events": AuditEvent.objects.count(),
            "head": last.hash if last else GENESIS,
            "since": since,
            "tree": Tree(list(covered.order_by("id").values_list("hash", flat=True))).root,
            "previous_anchor": hashlib.sha256(before.text.encode()).hexdigest() if before else "",
        }
        row = AuditAnchor.objects.create(
            number=number,
            event_id=document["event_id"],
            events=document["events"],
            head=document["head"],
            text=signed(document),
        )
        record(verb="audit.anchored", target=row, actor=actor, data={"number": number, "head": row.head})
        for address in settings.ANCHOR_MAIL:
            mail(
                to=address,
                subject=f"Anchor {number} of the audit log",
                body="Keep this message. It shows whether the audit log was changed later: save the text below as a file and run\n"
                f"manage.py verify_audit --anchor FILE\n\n{row.text}",
            )
        enqueue("trust.export_anchors_task")
    return row


def anchor_due() -> AuditAnchor | None:
    """The day's anchor, unless there is one already; files that are missing are written all the same."""
    latest = AuditAnchor.objects.order_by("-number").first()
    due = latest is None or latest.created_at <= timezone.now() - timedelta(hours=settings.ANCHOR_HOURS)
    made = anchor() if due else None
    export_missing()
    return made


def export_missing() -> int:
    """Write the anchors' files that the storage does not have. An existing file is never overwritten: it is the evidence."""
    store, written = storage.released(), 0
    for row in AuditAnchor.objects.order_by("-number"):
        if storage.persist(lambda key=key_of(row.number): store.exists(key)):  # type: ignore[misc]
            break  # they are written in order, so the older ones are there
        storage.put(store, key_of(row.number), row.text.encode())
        written += 1
    return written


def check(outside: Iterable[tuple[str, str]] = (), *, keys: list[bytes] | None = None) -> Verdict:
    """The chain, and every anchor against it: those of the database, their files in the storage, and those from ``outside``.

    ``outside`` are (name, text) of exported anchors; ``keys`` are public keys to believe instead of the portal's own list.
    """
    breaks = list(verify())
    events = AuditEvent.objects.count()
    head = AuditEvent.objects.order_by("-id").values_list("hash", flat=True).first() or GENESIS
    found: list[Disagreement] = []
    rows = list(AuditAnchor.objects.order_by("number"))
    found += _gaps(rows)
    kept = list(_files(rows, found))
    looked = 0
    seen: set[str] = set()
    for name, text in [*((f"anchor {row.number}", row.text) for row in rows), *kept, *outside]:
        looked += 1
        if text in seen:
            continue
        seen.add(text)
        found += [Disagreement(name, problem) for problem in _against_the_log(text, keys)]
    return Verdict(events, head, breaks, found, looked)


def _gaps(rows: list[AuditAnchor]) -> Iterator[Disagreement]:
    """Anchors that are missing between others, or whose file is not the one that the next names."""
    for before, after in zip([None, *rows], rows, strict=False):
        expected = before.number + 1 if before else 1
        if after.number != expected:
            yield Disagreement(f"anchor {expected}", "it is missing in the database: an anchor was removed")
        elif before and f'"{hashlib.sha256(before.text.encode()).hexdigest()}"' not in after.text:
            yield Disagreement(f"anchor {before.number}", f"it is not the one that anchor {after.number} names")


def _files(rows: list[AuditAnchor], found: list[Disagreement]) -> Iterator[tuple[str, str]]:
    """The storage's copies. One that the database does not have, or has otherwise, was kept from before a change."""
    store, texts = storage.released(), {row.number: row.text for row in rows}
    numbers = set(texts)
    try:
        _, listed = store.listdir(FOLDER)
    except FileNotFoundError:
        listed = []
    numbers |= {int(match[1]) for name in listed if (match := re.fullmatch(r"([0-9]+)\.json", name))}
    for number in sorted(numbers):
        try:
            text = storage.get(store, key_of(number)).decode(errors="replace")
        except FileNotFoundError:
            found.append(Disagreement(f"file {key_of(number)}", "it is not in the storage"))
            continue
        if texts.get(number) != text:
            found.append(
                Disagreement(
                    f"file {key_of(number)}",
                    "the database has another text for this anchor"
                    if number in texts
                    else "the database has no such anchor",
                )
            )
            yield f"file {key_of(number)}", text


def _against_the_log(text: str, keys: list[bytes] | None) -> Iterator[str]:
    try:
        document = verified(text, keys=keys)
        if document.get("format") != FORMAT:
            raise ValueError("it is no anchor of an audit log")
        number, count, head = int(document["event_id"]), int(document["events"]), str(document["head"])
    except (ValueError, KeyError, TypeError) as problem:
        yield str(problem)
        return
    when = f"on {str(document['at'])[:10]}"
    if not number:
        return
    last = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    event = AuditEvent.objects.filter(pk=number).first()
    if last < number:
        yield f"{when} the log ended at event {number}; now it ends at event {last}: its end was cut off after event {last}"
        return
    if event is not None and event.hash == head:
        return  # what comes before it is held by the chain
    here = AuditEvent.objects.filter(pk__lte=number).count()
    counted = f"{when} there were {count} events up to event {number}, now there are {here}"
    if event is None:
        yield f"event {number}, the last one {when}, is missing; {counted}"
    else:
        yield f"event {number} had another hash {when}: rows up to it were rewritten with fresh hashes; {counted}"
