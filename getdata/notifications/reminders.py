"""Reminding whoever's turn it is: at half of the time there is, and when it is over. Each mark once.

What waits is known to the apps above; each registers a function that lists it (``register``), and the clock asks them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from getdata.notifications.models import ReminderSent
from getdata.notifications.services import notify

MARKS = (100, 50)


@dataclass(frozen=True)
class Waits:
    """One thing that waits since ``since`` and is due at ``due``. ``text`` says what; it goes into e-mails.

    ``users`` or ``parties`` are those whose turn it is, as in ``notify``.
    """

    key: str
    since: datetime
    due: datetime
    text: str
    url: str
    users: Iterable[Any] = ()
    parties: Mapping[str, Any] = field(default_factory=dict)


_sources: dict[str, Callable[[], Iterable[Waits]]] = {}


def register(event: str, source: Callable[[], Iterable[Waits]]) -> None:
    """Called by an app when it is ready: ``event`` of the matrix, and what of that kind waits now."""
    _sources[event] = source


def registered() -> frozenset[str]:
    """The events that have a source."""
    return frozenset(_sources)


def mark_of(waits: Waits, now: datetime) -> int:
    """The highest mark that has been passed: 0, 50 or 100 per cent of the time."""
    whole = (waits.due - waits.since).total_seconds()
    share = 100.0 if whole <= 0 else 100 * (now - waits.since).total_seconds() / whole
    return next((mark for mark in MARKS if share >= mark), 0)


def send_reminders(now: datetime | None = None) -> int:
    """Tell people of everything that has passed a mark since the last time. Returns how many things."""
    now = now or timezone.now()
    count = 0
    for event, source in _sources.items():
        for waits in source():
            mark = mark_of(waits, now)
            if mark and _once(event, waits, mark):
                count += 1
    return count


def _once(event: str, waits: Waits, mark: int) -> bool:
    key = f"{waits.key}:{int(waits.since.timestamp())}"
    with transaction.atomic():
        # The mark at the end also stands for the one at half that a sleeping clock missed.
        later = ReminderSent.objects.filter(kind=event, key=key, percent__gte=mark)
        if later.exists() or not ReminderSent.objects.get_or_create(kind=event, key=key, percent=mark)[1]:
            return False
        start = "Overdue" if mark == 100 else "Half of the time is over"
        notify(event=event, users=waits.users, parties=waits.parties, text=f"{start}: {waits.text}", url=waits.url)
    return True
