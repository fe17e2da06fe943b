"""What kind of file this is, told by its content, as the ledger calls it."""

from __future__ import annotations

from fulfillment.models import SourceKind
from fulfillment.verdict.kinds import kind_of


def sniff_kind(head: bytes, name: str) -> SourceKind:
    """The kind of a file from its first bytes (a few kilobytes suffice) and its relative path."""
    return SourceKind(kind_of(head, name))
