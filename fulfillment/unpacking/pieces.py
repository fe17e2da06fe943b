"""One entry of an archive, before it is written anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Piece:
    """``name()`` may raise ``Refused``; ``blocks()`` raises ``Broken``, ``ArchiveRefused``, or gives bytes, once.

    ``size``: bytes as announced, or None where it is not known before the end.
    """

    position: int
    name: Callable[[], str] = field(repr=False)
    blocks: Callable[[], Iterator[bytes]] = field(repr=False)
    size: int | None
