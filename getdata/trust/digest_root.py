"""The root of keyed fingerprints: it stays when the master key changes, or a file sent again would not be recognised.

Fingerprints of contents cannot be made anew, because the originals are gone by then. Until the first rotation the root is what
the (oldest) master key gives; the rotation keeps it, sealed under the new master key.
"""

from __future__ import annotations

from django.db import transaction

from getdata.common import crypto
from getdata.trust.models import KeyRoot

SCOPE = "root:digests"
#: (master keys) -> root: a process need not ask for each name. A rotation changes the master key, and with it the place here.
_known: dict[bytes, bytes] = {}


def root() -> bytes:
    """32 bytes from which fingerprints are derived."""
    masters = b"".join(crypto.master_keys())
    if masters not in _known:
        kept = KeyRoot.objects.filter(kind=KeyRoot.Kind.DIGESTS).first()
        _known[masters] = crypto.unseal(bytes(kept.sealed_secret), scope=SCOPE) if kept else crypto.first_root()
    return _known[masters]


def keep() -> bool:
    """Write the root down, once, before the key that it came from goes. Returns whether it was written now."""
    with transaction.atomic():
        _, made = KeyRoot.objects.get_or_create(
            kind=KeyRoot.Kind.DIGESTS,
            defaults={"sealed_secret": crypto.seal(root(), scope=SCOPE)},
        )
    return made
