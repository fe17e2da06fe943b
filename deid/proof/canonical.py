"""One spelling of a JSON document (RFC 8785, restricted), digests of it, and the Merkle tree of a manifest (RFC 6962)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

_LARGEST = 2**53 - 1


class NotCanonical(ValueError):
    """The value has no canonical form here: a float, a number beyond 2^53, or a name that is not ASCII."""


def canonical(value: Any) -> bytes:
    """The canonical UTF-8 bytes of a value: names sorted, no blanks, no floats.

    RFC 8785 sorts names by UTF-16 code units and fixes the spelling of floats. Names here are ASCII and numbers
    are whole, so both rules come down to what the standard library does. Raises NotCanonical.
    """
    _refuse_what_varies(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _refuse_what_varies(root: Any) -> None:
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            for name in value:
                if not isinstance(name, str) or not name.isascii():
                    raise NotCanonical("a name is not ASCII")
            stack.extend(value.values())
        elif isinstance(value, list | tuple):
            stack.extend(value)
        elif isinstance(value, float):
            raise NotCanonical("a float has more than one spelling")
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
            raise NotCanonical("a number is beyond 2^53")
        elif value is not None and not isinstance(value, str | int):
            raise NotCanonical(f"a value of type {type(value).__name__}")


def merkle_root(leaves: Sequence[Any]) -> str:
    """Root of the Merkle tree over the canonical forms of `leaves`, in their order (RFC 6962, section 2.1).

    A leaf and an inner node are hashed with different first bytes, so neither can pass for the other.
    """
    level = [hashlib.sha256(b"\0" + canonical(leaf)).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    # Pairing neighbours and carrying an odd one up gives the same tree as RFC 6962's split at a power of two.
    while len(level) > 1:
        paired = [hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0].hex()
