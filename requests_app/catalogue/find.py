"""Finding requests: what fits, how many carry each value of each facet, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import numpy as np
from django.utils import timezone

from requests_app.catalogue import words
from requests_app.catalogue.snapshot import NO_DEADLINE, Snapshot, snapshot
from requests_app.catalogue.wanted import CHOICES, DEADLINES, Wanted

Row = tuple[int, UUID]


@dataclass(frozen=True)
class Found:
    """The requests that fit, and what a page asks of them."""

    wanted: Wanted
    catalogue: Snapshot
    today: date
    #: For each facet, the requests that fit the facet alone; what fits all is found by all of them.
    masks: dict[str, np.ndarray]
    ranks: np.ndarray | None = None

    def but(self, name: str = "") -> np.ndarray:
        """The requests that fit everything, or everything but one facet."""
        fits = np.ones(len(self.catalogue), dtype=bool)
        for other, mask in self.masks.items():
            if other != name:
                fits &= mask
        return fits

    @property
    def total(self) -> int:
        """How many fit."""
        return int(np.count_nonzero(self.but()))

    def counts(self, name: str) -> dict[str, int]:
        """How many requests each value of one facet would show beside the other facets' choices."""
        among = self.but(name)
        if name == "deadline":
            days = {value: _due(value, self.catalogue, self.today) for value in DEADLINES}
            return {value: int(np.count_nonzero(among & due)) for value, due in days.items()}
        if name == "status":
            opened = self.catalogue.is_open
            return {"open": int(np.count_nonzero(among & opened)), "closed": int(np.count_nonzero(among & ~opened))}
        facet = self.catalogue.facets.get(name)
        return facet.counts(among) if facet else {}

    def rows(self, start: int = 0, stop: int | None = None) -> list[Row]:
        """Those that fit, in the order asked for: number of the listing, key of the request."""
        fits = self.but()
        if self.wanted.order == "best" and self.ranks is not None:
            places = np.flatnonzero(fits)
            # lexsort's last key counts first: rank, then newest.
            places = places[np.lexsort((-self.catalogue.opened_at[places], -np.round(self.ranks[places], 4)))]
        else:
            by = "newest" if self.wanted.order == "best" else self.wanted.order
            order = self.catalogue.order(by, self.today)
            places = order[fits[order]]
        return self.catalogue.keys(places[start:stop])

    def newest(self, limit: int) -> list[Row]:
        """The newest that fit, whatever order was asked for: for feeds."""
        order = self.catalogue.order("newest", self.today)
        return self.catalogue.keys(order[self.but()[order]][:limit])

    def images(self) -> int:
        """How many images those that fit ask for in all."""
        return int(self.catalogue.images[self.but()].sum())


def find(wanted: Wanted) -> Found:
    """Two statements at most: is the catalogue current, and which listings hold the words."""
    catalogue, today = snapshot(), timezone.localdate()
    masks = dict(_masks(wanted, catalogue, today))
    ranks = None
    if wanted.q:
        hits = words.search(wanted.q)
        fits, ranks = np.zeros(len(catalogue), dtype=bool), np.zeros(len(catalogue))
        if hits is not None:
            places = catalogue.positions(hits.numbers)
            known = places >= 0
            fits[places[known]] = True
            ranks[places[known]] = hits.ranks[known]
        masks["q"] = fits
    return Found(wanted, catalogue, today, masks, ranks)


def _masks(wanted: Wanted, catalogue: Snapshot, today: date) -> Iterator[tuple[str, np.ndarray]]:
    size = len(catalogue)
    for name in CHOICES:
        chosen = wanted.values(name)
        if name == "status":
            states = chosen or ("open",)
            if "closed" not in states:
                yield name, catalogue.is_open
            elif "open" not in states:
                yield name, ~catalogue.is_open
        elif chosen:
            facet = catalogue.facets.get(name)
            yield name, facet.mark(chosen, size) if facet else np.zeros(size, dtype=bool)
    if wanted.deadline:
        yield "deadline", _due(wanted.deadline, catalogue, today)


def _due(value: str, catalogue: Snapshot, today: date) -> np.ndarray:
    day = today.toordinal()
    if value == "later":
        later = (today + timedelta(days=180)).toordinal()
        return (catalogue.deadline > later) & (catalogue.deadline < NO_DEADLINE)
    return (catalogue.deadline >= day) & (catalogue.deadline <= day + int(value))
