"""The quota meter as one person may see it, the same on every page and over the API.

Counts are pooled over hospitals. The organization that asked and staff see every number. Everybody else sees offers of
fewer than three hospitals rounded, and none below eleven, so that a cell never tells what one hospital has; a hospital
sees its own share beside the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.contrib.auth.models import AnonymousUser

from getdata.accounts.models import Organization, User
from requests_app import progress
from requests_app.models import DatasetRequest, RequestStatus
from requests_app.progress import Counted, MeterRow
from requests_app.spec import DatasetSpec, QuotaCounting, demands, describe_counting
from requests_app.spec.wording import plural

#: Below this, and from fewer hospitals than that, an offer's count is not told exactly to everybody.
SMALLEST_TOLD, FEW_HOSPITALS, ROUNDED_TO = 11, 3, 10
#: So many lines are named as still useful.
NAMED = 6


@dataclass(frozen=True)
class Wanted:
    """One line of which more is still useful: "38 images: female, aged 66 and over, AP supine"."""

    check_id: str
    count: int
    unit: str
    text: str

    @property
    def counted(self) -> str:
        return plural(self.count, self.unit)


@dataclass(frozen=True)
class MeterView:
    """The meter for one person. ``total`` is the row of the whole request; ``more`` how many useful lines are not named.

    ``exact`` tells that offers are told in full; ``tag`` changes when anything shown changes.
    """

    rows: list[MeterRow]
    useful: list[Wanted]
    more: int
    exact: bool
    version: int
    tag: str
    live: bool

    @property
    def total(self) -> MeterRow | None:
        return self.rows[0] if self.rows else None

    @property
    def cells(self) -> list[MeterRow]:
        return self.rows[1:]

    @property
    def filled(self) -> bool:
        """Every line that asks for something has it."""
        asking = [row for row in self.rows if row.needed]
        return bool(asking) and not any(row.still_useful for row in asking)

    @property
    def said(self) -> str:
        """The whole in one sentence, for those who listen."""
        row = self.total
        return f"{row.accepted:,} of {row.needed:,} {row.unit} accepted, {row.received:,} received." if row else ""


def meter_view(
    request: DatasetRequest, user: User | AnonymousUser | None = None, *, patient: bool = False
) -> MeterView:
    """The meter of a request for one person (nobody: the public). Empty while it is a draft."""
    counted = progress.counted(request, patient=patient) or Counted([], "")
    exact = _sees_offers(request, user)
    rows = list(counted.rows) if exact else [_veiled(row, counted.offering) for row in counted.rows]
    rows = _with_own(rows, counted, user)
    useful = still_useful(rows)
    tag = hashlib.sha256(repr((counted.state, request.status, rows)).encode()).hexdigest()[:24]
    return MeterView(
        rows=rows,
        useful=useful[:NAMED],
        more=max(0, len(useful) - NAMED),
        exact=exact,
        version=counted.version,
        tag=tag,
        live=request.status == RequestStatus.OPEN and bool(rows),
    )


def meter_preview(spec: DatasetSpec) -> MeterView:
    """The meter of a request that nobody has answered yet, as its page will show it."""
    rows = [
        MeterRow(
            check_id=line.check_id,
            label=f"All {line.unit.value}" if line.kind == "total" else line.text[:1].upper() + line.text[1:],
            needed=line.min,
            offered=0,
            received=0,
            accepted=0,
            unit=line.unit.value,
            kind=line.kind,
            level=line.level.value,
            maximum=line.max,
        )
        for line in demands(spec)
    ]
    useful = still_useful(rows)
    more = max(0, len(useful) - NAMED)
    return MeterView(rows, useful[:NAMED], more, exact=False, version=0, tag="", live=False)


def counting_in_words(spec: DatasetSpec) -> str:
    """How images are counted, where it is not in every quota that they match."""
    if spec.quota_counting is not QuotaCounting.ONCE or not spec.quotas:
        return ""
    return describe_counting({cell.unit.value for cell in spec.quotas})


def meter_rows(request: DatasetRequest, user: User | AnonymousUser | None = None) -> list[MeterRow]:
    """The rows of `meter_view`: the whole request first."""
    return meter_view(request, user).rows


def listed_row(needed: int, done: progress.Totals) -> MeterRow:
    """The row of the whole request as a public list shows it, offers told as far as everybody may know them."""
    row = MeterRow("cohort.images", "All images", needed, done.offered, done.received, done.accepted, kind="total")
    return _veiled(row, {row.check_id: done.offers})


def still_useful(rows: Iterable[MeterRow]) -> list[Wanted]:
    """The lines that are short of what they need: binding ones first, those of which most is missing first.

    The whole request is named only when nothing more particular is missing.
    """
    short = [row for row in rows if row.still_useful]
    parts = [row for row in short if row.kind != "total"] or short
    parts.sort(key=lambda row: (row.level != "must", -row.still_useful))
    return [Wanted(row.check_id, row.still_useful, row.unit, row.label) for row in parts]


def _sees_offers(request: DatasetRequest, user: User | AnonymousUser | None) -> bool:
    if not isinstance(user, User):
        return False
    return user.is_reviewer or request.organization.memberships.filter(user=user).exists()


def _veiled(row: MeterRow, offering: Mapping[str, int]) -> MeterRow:
    """The row with its offers told as far as everybody may know them."""
    if not row.offered:
        return row
    if row.offered < SMALLEST_TOLD:
        return replace(row, offered=0, offered_word=f"under {SMALLEST_TOLD}")
    if offering.get(row.check_id, 0) < FEW_HOSPITALS:
        down = row.offered - row.offered % ROUNDED_TO
        return replace(row, offered=down, offered_word=f"about {down:,}")
    return row


def _with_own(rows: list[MeterRow], counted: Counted, user: User | AnonymousUser | None) -> list[MeterRow]:
    """The rows with the share of the hospital that looks, if it has a part in the request."""
    if not isinstance(user, User) or not counted.shares:
        return rows
    mine = Organization.objects.filter(memberships__user=user, pk__in=list(counted.shares)).order_by("pk").first()
    if mine is None:
        return rows
    return [replace(row, own=own) for row, own in zip(rows, counted.shares[str(mine.pk)], strict=True)]
