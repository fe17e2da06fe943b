"""Access that a person should look at: rules with their sentence, who meets them, and the lines behind.

A rule says what it counts, over how long and from how many on; the page shows the sentence. Meeting one proves nothing: it says
where to look. What is not watched is said too: no place of a caller is kept, so "a new country" cannot be asked.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max
from django.utils import timezone

from fulfillment.models import DownloadedFile, DownloadEvent
from getdata.accounts.models import User
from getdata.audit.models import AuditEvent

#: A line of the ledger that DICOMweb wrote names the instance and what of it was read.
_BY_INSTANCE = "#"


@dataclass(frozen=True)
class Line:
    """One act behind a rule."""

    at: datetime
    what: str
    about: str


@dataclass(frozen=True)
class Seen:
    """A person who meets a rule: how often, and when last."""

    person: User
    count: int
    last: datetime


@dataclass(frozen=True)
class Rule:
    """``least`` acts of one person within ``hours``. ``verbs`` are those of the audit log; ``about`` counts whom they are about."""

    key: str
    title: str
    counts: str
    hours: int
    least: int
    verbs: tuple[str, ...] = ()
    about: bool = False

    @property
    def sentence(self) -> str:
        """What meets the rule, in words."""
        hours = "an hour" if self.hours == 1 else f"{self.hours} hours"
        return f"{self.least:,} or more {self.counts} within {hours}"

    def since(self) -> datetime:
        return timezone.now() - timedelta(hours=self.hours)

    def seen(self) -> list[Seen]:
        """Who meets the rule now, most acts first."""
        counted, last = self._counted()
        met = {key: n for key, n in counted.items() if n >= self.least}
        people = User.objects.in_bulk(list(met))
        found = [Seen(people[key], n, last[key]) for key, n in met.items() if key in people]
        return sorted(found, key=lambda one: (-one.count, str(one.person)))

    def lines(self, person: User) -> list[Line]:
        """The acts of one person within the time, newest first; at most 500."""
        if self.verbs:
            side = "target_id" if self.about else "actor_id"
            events = self._events().filter(**{side: str(person.pk)}).order_by("-id")[:500]
            return [
                Line(event.at, event.verb, f"{event.target_type.split('.')[-1]} {event.target_id}") for event in events
            ]
        taken = (
            self._taken().filter(user=person).select_related("grant__release__request").order_by("-created_at")[:500]
        )
        return [
            Line(one.created_at, one.path.rpartition("#")[2] or "archive or files", str(one.grant.release))
            for one in taken
        ]

    def _counted(self) -> tuple[Counter[uuid.UUID], dict[uuid.UUID, datetime]]:
        counted: Counter[uuid.UUID] = Counter()
        last: dict[uuid.UUID, datetime] = {}

        def add(key: uuid.UUID, n: int, at: datetime) -> None:
            counted[key] += n
            last[key] = max(at, last.get(key, at))

        if self.verbs:
            side = "target_id" if self.about else "actor_id"
            rows = self._events().exclude(**{side: ""}).order_by().values_list(side)
            for key, n, at in rows.annotate(n=Count("id"), last=Max("at")):
                add(uuid.UUID(key), n, at)
            return counted, last
        for key, n, at in self._taken().order_by().values_list("user").annotate(n=Count("pk"), last=Max("created_at")):
            add(key, n, at)
        if self.key == "many-files":
            files = DownloadedFile.objects.filter(created_at__gte=self.since()).order_by().values_list("event__user")
            for key, n, at in files.annotate(n=Count("pk"), last=Max("created_at")):
                add(key, n, at)
        return counted, last

    def _events(self) -> Any:
        return AuditEvent.objects.filter(verb__in=self.verbs, at__gte=self.since())

    def _taken(self) -> Any:
        """Lines of the ledger: of instances read by DICOMweb for the rule of files, all others for the rule of downloads."""
        lines = DownloadEvent.objects.filter(created_at__gte=self.since())
        if self.key == "many-files":
            return lines.filter(path__contains=_BY_INSTANCE)
        return lines.exclude(path__contains=_BY_INSTANCE)


RULES = (
    Rule("many-downloads", "Many downloads", "downloads of archives or runs of getdata pull by one person", 24, 20),
    Rule("many-files", "Very many files", "files taken one by one or read over DICOMweb by one person", 24, 5000),
    Rule(
        "failed-sign-ins",
        "Failed sign-ins",
        "wrong passwords or codes for one account",
        1,
        5,
        ("user.sign_in_refused", "secondfactor.refused"),
        about=True,
    ),
    Rule(
        "refused-proofs",
        "Refused proofs of identity",
        "wrong passwords or codes by one person when attesting or signing",
        24,
        3,
        ("grant.attestation_refused", "agreement.signature_refused"),
    ),
    Rule(
        "withheld-pictures",
        "Many looks at withheld pictures",
        "looks at withheld images, which may show identity, by one person",
        24,
        100,
        ("original.viewed",),
    ),
)


def rule_of(key: str) -> Rule | None:
    """The rule of this key, if there is one."""
    return next((rule for rule in RULES if rule.key == key), None)
