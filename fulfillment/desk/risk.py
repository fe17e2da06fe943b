"""What goes first: risk times age. Pure arithmetic; the queue's page tells it with each entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

#: An entry whose time has just begun still counts this much of its time as used, so that risk orders fresh ones too.
LEAST_AGE = 0.05


@dataclass(frozen=True, slots=True)
class Point:
    """So many points of risk, and what for."""

    points: int
    why: str


@dataclass(frozen=True, slots=True)
class Weight:
    """``risk`` is the sum of the points; ``age`` the share of its time that is used, above 1 when overdue."""

    points: tuple[Point, ...]
    age: float

    @property
    def risk(self) -> int:
        return sum(point.points for point in self.points)

    @property
    def score(self) -> float:
        return self.risk * self.age

    @property
    def percent(self) -> int:
        """The share of its time that is used, in per cent."""
        return round(100 * self.age)


def age_of(since: datetime, due: datetime, now: datetime) -> float:
    """The share of its time that an entry has waited: 0.5 at half, 1 when due, 2 after twice its time."""
    whole = (due - since).total_seconds()
    waited = (now - since).total_seconds()
    return max(LEAST_AGE, waited / whole) if whole > 0 else 1.0


def weigh(points: Iterable[Point], since: datetime, due: datetime, now: datetime) -> Weight:
    """The weight of an entry; points of nothing are left out."""
    return Weight(tuple(point for point in points if point.points), age_of(since, due, now))
