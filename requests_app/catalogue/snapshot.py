"""The narrow columns of every listed request, in memory: what facets are counted over and results are ordered by.

A hundred thousand requests are about 10 MB of arrays, over which a facet with all its values is counted in a few milliseconds;
``benchmarks/results/market.md`` has the figures. The database stays the truth: every change of a listing writes a ``CatalogueChange``
in its own transaction, each page asks for the last one (one row), and a snapshot that is behind reads the rows changed since. So
no count is older than the page, in any process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection

from requests_app.models import CatalogueChange, RequestListing

#: Sizes by which requests are grouped: value, words, and the smallest number of images of the next one.
SIZES: tuple[tuple[str, str, float], ...] = (
    ("under-1000", "Under 1,000", 1_000),
    ("1000-4999", "1,000 to 4,999", 5_000),
    ("5000-19999", "5,000 to 19,999", 20_000),
    ("20000-up", "20,000 or more", float("inf")),
)
NO_DEADLINE = date.max.toordinal()
_COLUMNS = (
    *("number", "request", "is_open", "category", "report_linkage", "images", "still_needed"),
    *("deadline", "opened_at", "announced"),
)
#: More changes than this, and reading everything is quicker.
_MANY_CHANGES = 2_000


@dataclass(frozen=True)
class Facet:
    """One facet's values, and for each the positions of the requests that carry it: ``places[starts[i]:starts[i + 1]]``."""

    values: list[str]
    starts: np.ndarray
    places: np.ndarray

    def counts(self, among: np.ndarray) -> dict[str, int]:
        """How many of the requests marked in ``among`` carry each value; values of none are left out."""
        if not self.values:
            return {}
        sums = np.add.reduceat(among[self.places], self.starts[:-1], dtype=np.int64)
        return {self.values[i]: int(sums[i]) for i in np.flatnonzero(sums)}

    def mark(self, chosen: Iterable[str], size: int) -> np.ndarray:
        """The requests that carry one of the values."""
        marked = np.zeros(size, dtype=bool)
        for value in chosen:
            if value in self._index:
                at = self._index[value]
                marked[self.places[self.starts[at] : self.starts[at + 1]]] = True
        return marked

    @cached_property
    def _index(self) -> dict[str, int]:
        return {value: i for i, value in enumerate(self.values)}


@dataclass(frozen=True)
class Pairs:
    """One kind's values, and for each pair of a request and a value: the value's index and the listing's number."""

    values: list[str]
    which: np.ndarray
    owner: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[tuple[str, int]]) -> Pairs:
        """From ``(value, number)``."""
        index: dict[str, int] = {}
        taken = [(index.setdefault(value, len(index)), number) for value, number in rows]
        table = np.array(taken, dtype=np.int64).reshape(-1, 2)
        return cls(list(index), table[:, 0], table[:, 1])

    def replaced(self, gone: np.ndarray, new: Pairs) -> Pairs:
        """Without the pairs of some listings, with those of ``new``."""
        index = {value: i for i, value in enumerate(self.values)}
        theirs = np.array([index.setdefault(value, len(index)) for value in new.values], dtype=np.int64)
        stays = ~np.isin(self.owner, gone)
        return Pairs(
            list(index),
            np.concatenate([self.which[stays], theirs[new.which]]),
            np.concatenate([self.owner[stays], new.owner]),
        )

    def used(self) -> Pairs:
        """Without values that nothing carries any more."""
        counts = np.bincount(self.which, minlength=len(self.values))
        kept = counts > 0
        renumbered = np.cumsum(kept) - 1
        return Pairs([v for v, k in zip(self.values, kept, strict=True) if k], renumbered[self.which], self.owner)

    def among(self, numbers: np.ndarray) -> Pairs:
        """Only those of some listings."""
        ours = np.isin(self.owner, numbers)
        return Pairs(self.values, self.which[ours], self.owner[ours])

    def facet(self, place: np.ndarray) -> Facet:
        """By position instead of by number, in the order of the values; ``place[number]`` is the position."""
        # NumPy sorts 16-bit integers by counting, several times quicker than wider ones.
        narrow = self.which.astype(np.uint16) if len(self.values) < 65_536 else self.which
        order = np.argsort(narrow, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.which, minlength=len(self.values)))])
        return Facet(self.values, starts, place[self.owner[order]])


@dataclass
class Snapshot:
    """All listings after one change. Positions run in the order of ``number``. Never changed once made."""

    version: int
    token: str
    number: np.ndarray
    #: The requests' primary keys, 16 bytes each.
    key: np.ndarray
    is_open: np.ndarray
    images: np.ndarray
    still_needed: np.ndarray
    deadline: np.ndarray
    opened_at: np.ndarray
    announced: np.ndarray
    pairs: dict[str, Pairs]
    facets: dict[str, Facet]
    _orders: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.number)

    def positions(self, numbers: np.ndarray) -> np.ndarray:
        """Where these listings stand; numbers that are not here get -1."""
        if not len(self.number):
            return np.full(len(numbers), -1)
        at = np.minimum(np.searchsorted(self.number, numbers), len(self.number) - 1)
        return np.where(self.number[at] == numbers, at, -1)

    def keys(self, places: np.ndarray) -> list[tuple[int, UUID]]:
        """Number and primary key of the requests at some positions."""
        keys = (UUID(bytes=bytes(key)) for key in self.key[places])
        return list(zip(self.number[places].tolist(), keys, strict=True))

    def order(self, by: str, today: date) -> np.ndarray:
        """Every position in the order ``newest``, ``deadline``, ``largest``, ``smallest`` or ``still``; ties newest first."""
        key = f"{by}:{today}" if by == "deadline" else by
        made = self._orders.get(key)
        if made is None:
            newest = -self.opened_at
            if by == "deadline":  # what is past comes after what can still be met, what has none comes last
                past = today.toordinal() - self.deadline
                first = np.where(past > 0, NO_DEADLINE - past, self.deadline)
            elif by == "newest":
                first = newest
            else:
                first = {"largest": -self.images, "smallest": self.images, "still": -self.still_needed}[by]
            # lexsort's last key counts first. Two threads may both do this; either result is right.
            made = self._orders[key] = np.lexsort((-self.number, newest, first))
        return made


_current: Snapshot | None = None
_loading = threading.Lock()


def snapshot() -> Snapshot:
    """The catalogue as it is now: one statement when nothing changed, two after a change."""
    global _current
    held = _current
    changes = _changes_since(held) if held is not None else None
    if held is not None and changes == []:
        return held
    with _loading:
        if _current is not held:  # another thread was faster
            held = _current
            changes = _changes_since(held) if held is not None else None
        if held is None or changes is None:
            _current = held = _read(*last_change())
        elif changes:
            _current = held = _later(held, changes)
        return held


def last_change() -> tuple[int, str]:
    """Number and token of the last change of the catalogue; ``(0, "")`` before the first."""
    last = CatalogueChange.objects.order_by("-version").values_list("version", "token").first()
    return last or (0, "")


Change = tuple[int, str, int]


def _changes_since(held: Snapshot) -> list[Change] | None:
    """What happened since; None when it cannot be told, because ``held`` saw what was rolled back, or is too far behind."""
    log = CatalogueChange.objects.filter(version__gte=held.version).order_by("version")
    rows = list(log.values_list("version", "token", "listing")[: _MANY_CHANGES + 2])
    own = rows[:1]
    if held.version == 0:
        return None if rows else []
    if not own or own[0][:2] != (held.version, held.token) or len(rows) > _MANY_CHANGES:
        return None
    return rows[1:]


def _later(held: Snapshot, changes: list[Change]) -> Snapshot:
    """``held`` with the changed listings read anew, in one statement."""
    numbers = {listing for _, _, listing in changes}
    rows = RequestListing.objects.filter(pk__in=numbers).order_by()
    found = list(rows.values_list(*_COLUMNS, "request__facets__kind", "request__facets__value"))
    width = len(_COLUMNS)
    columns, pairs = _arrays(list(dict.fromkeys(row[:width] for row in found)))
    kinds: dict[str, list[tuple[str, int]]] = {}
    for row in found:
        if row[width] is not None:
            kinds.setdefault(row[width], []).append((row[width + 1], row[0]))
    pairs |= {kind: Pairs.of(values) for kind, values in kinds.items()}
    gone = np.fromiter(numbers, np.int64, len(numbers))
    keep = ~np.isin(held.number, gone)
    nothing = Pairs.of([])
    version, token, _ = changes[-1]
    return _build(
        version,
        token,
        {name: np.concatenate([getattr(held, name)[keep], column]) for name, column in columns.items()},
        {
            kind: held.pairs.get(kind, nothing).replaced(gone, pairs.get(kind, nothing))
            for kind in {*held.pairs, *pairs}
        },
    )


def _read(version: int, token: str) -> Snapshot:
    """Every listing."""
    columns, pairs = _arrays(list(RequestListing.objects.order_by().values_list(*_COLUMNS)))
    # A listing may have come or gone between the two statements; the next page's changes tell of it.
    facets = {kind: found.among(columns["number"]) for kind, found in _all_facets().items()}
    return _build(version, token, columns, pairs | facets)


def _build(version: int, token: str, columns: dict[str, np.ndarray], pairs: dict[str, Pairs]) -> Snapshot:
    order = np.argsort(columns["number"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    pairs = {kind: found.used() for kind, found in pairs.items() if len(found.which)}
    sizes = np.digitize(columns["images"], [bound for _, _, bound in SIZES[:-1]])
    names = [value for value, _, _ in SIZES]
    by_size = Pairs(names, sizes, columns["number"]).used()
    place = np.zeros(int(columns["number"].max(initial=0)) + 1, dtype=np.int32)
    place[columns["number"]] = np.arange(len(columns["number"]), dtype=np.int32)
    facets = {kind: found.facet(place) for kind, found in (*pairs.items(), ("images", by_size))}
    return Snapshot(
        version,
        token,
        number=columns["number"],
        key=columns["key"],
        is_open=columns["is_open"],
        images=columns["images"],
        still_needed=columns["still_needed"],
        deadline=columns["deadline"],
        opened_at=columns["opened_at"],
        announced=columns["announced"],
        pairs=pairs,
        facets=facets,
    )


def _arrays(rows: list[tuple[Any, ...]]) -> tuple[dict[str, np.ndarray], dict[str, Pairs]]:
    """The columns of some listings as arrays, and the two columns of words as pairs."""
    number, key, is_open, category, reports, images, still, deadline, opened, announced = (
        zip(*rows, strict=True) if rows else [()] * len(_COLUMNS)
    )
    columns = {
        "number": np.array(number, dtype=np.int64),
        "key": np.frombuffer(b"".join(uuid.bytes for uuid in key), dtype="V16"),
        "is_open": np.array(is_open, dtype=bool),
        "images": np.array(images, dtype=np.int64),
        "still_needed": np.array(still, dtype=np.int64),
        "deadline": np.array([day.toordinal() if day else NO_DEADLINE for day in deadline], dtype=np.int64),
        "opened_at": np.array([moment.timestamp() for moment in opened], dtype=float),
        "announced": np.array(announced, dtype=np.int64),
    }
    words = {"category": category, "reports": reports}
    return columns, {kind: Pairs.of(zip(values, number, strict=True)) for kind, values in words.items()}


_FACETS = (
    "SELECT facet.kind, facet.value, {numbers} FROM requests_app_requestfacet AS facet "
    "JOIN requests_app_requestlisting AS listing ON listing.request_id = facet.request_id "
    "GROUP BY facet.kind, facet.value"
)


def _all_facets() -> dict[str, Pairs]:
    """Every facet of every listing. The database sends one row a value, not one a request: that is ten times quicker."""
    binary = connection.vendor == "postgresql"
    numbers = "string_agg(int4send(listing.number::int), '')" if binary else "group_concat(listing.number)"
    with connection.cursor() as cursor:
        cursor.execute(_FACETS.format(numbers=numbers))
        rows = cursor.fetchall()
    kinds: dict[str, tuple[list[str], list[np.ndarray]]] = {}
    for kind, value, packed in rows:
        values, owners = kinds.setdefault(kind, ([], []))
        values.append(value)
        owners.append(np.frombuffer(packed, ">i4") if binary else np.fromstring(packed, dtype=np.int64, sep=","))
    return {
        kind: Pairs(
            values,
            np.repeat(np.arange(len(values)), [len(owner) for owner in owners]),
            np.concatenate(owners).astype(np.int64),
        )
        for kind, (values, owners) in kinds.items()
    }
