"""How far a request is filled. The numbers come from ``fulfillment``, which registers here and is not imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from requests_app.models import DatasetRequest


@dataclass(frozen=True)
class MeterRow:
    """One bar of the quota meter: how much of one line is needed, offered, received and accepted, in ``unit``."""

    check_id: str
    label: str
    needed: int
    offered: int
    received: int
    accepted: int
    unit: str = "images"

    @property
    def still_useful(self) -> int:
        return max(0, self.needed - self.received)


_source: Callable[[DatasetRequest], list[MeterRow]] | None = None


def register(source: Callable[[DatasetRequest], list[MeterRow]]) -> None:
    """Called once by the app that knows what was delivered."""
    global _source
    _source = source


def meter(request: DatasetRequest) -> list[MeterRow]:
    """The quota meter of an open or closed request; the first row is the whole request. Empty while it is a draft."""
    return _source(request) if _source is not None else []
