"""What kind of file this is, told by its content, as the ledger calls it."""

from __future__ import annotations

from fulfillment.models import SourceKind
from fulfillment.verdict.kinds import kind_of


def sniff_kind(head: bytes, name: str, *, pictures: bool = False) -> SourceKind:
    """The kind of a file from its first bytes and its relative path; ``pictures``: the request takes them."""
    return SourceKind(kind_of(head, name, pictures=pictures))
