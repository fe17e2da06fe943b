"""How far a request is filled. The numbers come from ``fulfillment``, which registers here and is not imported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from requests_app.models import DatasetRequest


@dataclass(frozen=True)
class Share:
    """What one hospital has of one line: counted over its own images alone, so shares need not add up to the whole."""

    offered: int
    received: int
    accepted: int


@dataclass(frozen=True)
class MeterRow:
    """One bar of the quota meter: how much of one line is needed, offered, received and accepted, in ``unit``.

    ``kind`` is total, projection, finding or cell. ``offered_word`` is said instead of ``offered`` where the exact count
    is not for everybody; ``own`` is the share of the hospital that looks.
    """

    check_id: str
    label: str
    needed: int
    offered: int
    received: int
    accepted: int
    unit: str = "images"
    kind: str = "cell"
    level: str = "must"
    maximum: int | None = None
    offered_word: str = ""
    own: Share | None = None

    @property
    def still_useful(self) -> int:
        return max(0, self.needed - self.received)

    @property
    def note(self) -> str:
        """The own share in words, for the meter."""
        if self.own is None:
            return ""
        return f"Yours: {self.own.offered:,} offered, {self.own.received:,} received, {self.own.accepted:,} accepted."


@dataclass(frozen=True)
class Totals:
    """How many images of the whole request were offered (by how many offers), received and accepted."""

    offered: int = 0
    received: int = 0
    accepted: int = 0
    offers: int = 0


@dataclass(frozen=True)
class Counted:
    """One count of a request under one version. ``state`` is a tag that changes when anything counted changes.

    ``offering``: by check id, how many hospitals stand behind the offers of a line. ``shares``: by hospital's primary key,
    a share for each row.
    """

    rows: Sequence[MeterRow]
    state: str
    version: int = 0
    offering: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, Sequence[Share]] = field(default_factory=dict)


Source = Callable[..., Counted | None]
_source: Source | None = None


def register(source: Source) -> None:
    """Called once by the app that knows what was delivered."""
    global _source
    _source = source


_totals: Callable[[Collection[UUID]], dict[UUID, Totals]] | None = None


def register_totals(source: Callable[[Collection[UUID]], dict[UUID, Totals]]) -> None:
    """Called once by the app that knows what was delivered."""
    global _totals
    _totals = source


def totals(requests: Collection[UUID]) -> dict[UUID, Totals]:
    """The first row of the meters of many requests, by primary key, in full. Requests without any are left out."""
    return _totals(requests) if _totals is not None and requests else {}


def counted(request: DatasetRequest, *, patient: bool = False) -> Counted | None:
    """The latest count; None while the request is a draft. ``patient`` takes one that is some seconds old."""
    return _source(request, patient=patient) if _source is not None else None


def meter(request: DatasetRequest) -> list[MeterRow]:
    """The quota meter with every number in full, the whole request first, for the parties. Empty while it is a draft.

    Pages that anybody may see use ``requests_app.meter`` instead.
    """
    found = counted(request)
    return list(found.rows) if found is not None else []
