"""The reviewers' queue: everything that waits, by risk times age, as the filters of the address leave it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from fulfillment.desk.registry import Entry, kinds
from fulfillment.desk.risk import Weight, weigh
from fulfillment.models import DeskClaim
from getdata.accounts.models import Membership, User

OWNERS = {"": "Anybody’s", "me": "Mine", "nobody": "Nobody’s yet", "others": "A colleague’s"}
CLOCKS = {"": "Any time left", "late": "Overdue", "half": "Half of the time is over"}


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as this person sees it. ``conflict``: they belong to a party and may not decide it."""

    entry: Entry
    weight: Weight
    owner: tuple[Any, str] | None
    mine: bool
    conflict: bool

    @property
    def clock(self) -> str:
        return "late" if self.weight.age >= 1 else "half" if self.weight.age >= 0.5 else ""

    @property
    def share(self) -> int:
        """Per cent of the time that is used, for a bar: 100 at most."""
        return min(100, self.weight.percent)


@dataclass(frozen=True)
class Wanted:
    """The filters. An address that asks for what is not there asks for everything."""

    kind: str = ""
    owner: str = ""
    clock: str = ""
    text: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        names = {kind.name for kind in kinds()}
        kind, owner, clock = (query.get(name, "") for name in ("kind", "owner", "clock"))
        return cls(
            kind if kind in names else "",
            owner if owner in OWNERS else "",
            clock if clock in CLOCKS else "",
            query.get("q", "").strip()[:100],
        )

    def address(self, **changes: str) -> str:
        """The query of the address with some filters changed; "" for none."""
        pairs = {"kind": self.kind, "owner": self.owner, "clock": self.clock, "q": self.text} | changes
        said = urlencode({name: value for name, value in pairs.items() if value})
        return f"?{said}" if said else "?"

    @property
    def narrows(self) -> bool:
        return bool(self.kind or self.owner or self.clock or self.text)

    def takes(self, row: Row) -> bool:
        """Whether the row stays, its kind aside."""
        owned = {
            "": True,
            "me": row.mine,
            "nobody": row.owner is None,
            "others": row.owner is not None and not row.mine,
        }
        timely = {"": True, "late": row.clock == "late", "half": row.clock != ""}
        said = f"{row.entry.title} {row.entry.about}".casefold()
        return owned[self.owner] and timely[self.clock] and all(word in said for word in self.text.casefold().split())


@dataclass(frozen=True)
class Queue:
    """``rows`` that stay, heaviest first; ``counts`` by kind before the kind is chosen; how many are ``late`` in all."""

    rows: list[Row]
    counts: Counter[str]
    total: int
    late: int


def queue_for(user: User, wanted: Wanted, now: datetime | None = None) -> Queue:
    """Everything that waits, weighed now. The number of queries does not depend on how much waits."""
    now = now or timezone.now()
    entries = [entry for kind in kinds() for entry in kind.entries()]
    claims = {(one.kind, one.key, one.since): (one.person_id, str(one.person)) for one in _claims(entries)}
    mine = set(Membership.objects.filter(user=user).values_list("organization_id", flat=True))
    rows = []
    for entry in entries:
        owner = entry.owner or claims.get((entry.kind, entry.key, entry.since))
        rows.append(
            Row(
                entry=entry,
                weight=weigh(entry.points, entry.since, entry.due, now),
                owner=owner,
                mine=owner is not None and owner[0] == user.pk,
                conflict=not mine.isdisjoint(entry.parties),
            )
        )
    left = [row for row in rows if wanted.takes(row)]
    return Queue(
        rows=sorted(
            (row for row in left if not wanted.kind or row.entry.kind == wanted.kind),
            key=lambda row: (-row.weight.score, row.entry.due, row.entry.key),
        ),
        counts=Counter(row.entry.kind for row in left),
        total=len(rows),
        late=sum(row.clock == "late" for row in rows),
    )


def _claims(entries: Iterable[Entry]) -> Iterable[DeskClaim]:
    kinds_here = {entry.kind for entry in entries}
    return DeskClaim.objects.filter(kind__in=kinds_here).select_related("person")
