"""The kinds of things that wait on the reviewers' desk. Each registers how its entries are listed; the queue asks them all.

To add a kind: write a function that yields an ``Entry`` for everything of it that waits now, in a fixed number of queries, and
``register(Kind("incident", "Incidents", incidents))`` when the app is ready. docs/review-desk.md has an example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fulfillment.desk.risk import Point


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that waits since ``since`` and is due at ``due``; ``points`` say what is risky about it.

    ``owner``: (key, name) of who has it, where the thing knows that itself; other kinds are claimed on the desk. ``parties``: keys of
    the organizations it is about, whose members may not decide it.
    """

    kind: str
    key: str
    title: str
    about: str
    url: str
    since: datetime
    due: datetime
    points: tuple[Point, ...]
    status: str
    owner: tuple[Any, str] | None = None
    parties: tuple[Any, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Kind:
    """``name`` stands in addresses. ``claims_itself``: claiming is a move of the thing's own states, done on its own page."""

    name: str
    label: str
    entries: Callable[[], Iterable[Entry]]
    claims_itself: bool = False


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Called when the app is ready; the same name again takes the place of the first."""
    _kinds[kind.name] = kind


def kinds() -> list[Kind]:
    """The registered kinds, in the order in which they came."""
    return list(_kinds.values())


def kind_named(name: str) -> Kind | None:
    return _kinds.get(name)
