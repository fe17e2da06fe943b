"""What an endpoint can be told of. Each topic is a verb of the audit log, so nothing is announced that was not recorded.

The apps above register their topics when they are ready; what a payload may carry is decided here: ids, states, counts, links.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class About:
    """What a payload says of the thing itself. ``page`` and ``api`` are paths; ``parties`` are ids of organizations."""

    kind: str
    parties: tuple[Any, ...]
    page: str
    api: str = ""
    related: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Topic:
    """``name`` is what endpoints choose, ``verb`` the audit event behind it, ``about`` describes the row it happened to."""

    name: str
    verb: str
    says: str
    about: Callable[[Any], About]


_by_verb: dict[str, Topic] = {}
#: Sent by the button "Send a test" and by nothing else.
TEST = "test"


def register(topics: Iterable[Topic]) -> None:
    """Called by an app when it is ready."""
    for topic in topics:
        _by_verb[topic.verb] = topic


def topic_of(verb: str) -> Topic | None:
    """The topic behind a verb of the audit log, if there is one."""
    return _by_verb.get(verb)


def topics() -> list[Topic]:
    """All topics by name."""
    return sorted(_by_verb.values(), key=lambda topic: topic.name)


def names() -> frozenset[str]:
    """The names that an endpoint may choose."""
    return frozenset(topic.name for topic in _by_verb.values())
