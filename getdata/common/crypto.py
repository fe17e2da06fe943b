"""Sealing what may identify a person: originals, file names, pseudonym keys.

AES-256-GCM with a key derived (HKDF-SHA256) from ``GETDATA_MASTER_KEY`` for one scope, e.g. one hospital. The scope is bound
into the ciphertext as associated data, so a sealed value moved to another organization does not open.
Layout: ``b"GD1"`` + 12-byte nonce + ciphertext with its 16-byte tag.

The master key can be changed while everything runs: ``GETDATA_OLD_MASTER_KEYS`` still open what they sealed, the present one seals
(``manage.py rotate_keys``). Keyed fingerprints come from a root that a change of the master key leaves as it was.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from django.conf import settings

_MAGIC = b"GD1"


class CannotOpen(Exception):
    """The sealed value is damaged, belongs to another scope, or the master key is not the one that sealed it."""


_digest_root: list[Callable[[], bytes]] = []


def master_keys() -> list[bytes]:
    """The present master key, then those before it, newest first."""
    return [settings.GETDATA_MASTER_KEY, *settings.GETDATA_OLD_MASTER_KEYS]


def scope_key(scope: str, master: bytes | None = None) -> bytes:
    """32 bytes for one scope (``"originals:<organization id>"``), derived from the present or the given master key."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"getdata:{scope}".encode()).derive(
        settings.GETDATA_MASTER_KEY if master is None else master
    )


def use_digest_root(root: Callable[[], bytes]) -> None:
    """Called by the app that keeps the root of fingerprints, when it is ready."""
    _digest_root[:] = [root]


def first_root() -> bytes:
    """The root before any rotation: what HKDF extracts (RFC 5869, step 1) from the oldest master key, with no salt."""
    return hmac.new(b"\0" * 32, master_keys()[-1], "sha256").digest()


def seal(data: bytes, *, scope: str) -> bytes:
    """Encrypt and authenticate ``data`` for ``scope`` under the present master key."""
    nonce = secrets.token_bytes(12)
    return _MAGIC + nonce + AESGCM(scope_key(scope)).encrypt(nonce, data, scope.encode())


def unseal(sealed: bytes, *, scope: str) -> bytes:
    """Reverse of :func:`seal`, under whichever master key sealed it. Raises ``CannotOpen``."""
    return _opened(bytes(sealed), scope)[0]


def resealed(sealed: bytes, *, scope: str) -> bytes | None:
    """The same content sealed under the present master key; None where it is already. Raises ``CannotOpen``."""
    content, age = _opened(bytes(sealed), scope)
    return seal(content, scope=scope) if age else None


def _opened(sealed: bytes, scope: str) -> tuple[bytes, int]:
    """The content, and how many master keys ago it was sealed."""
    if sealed[:3] != _MAGIC or len(sealed) < len(_MAGIC) + 12 + 16:
        raise CannotOpen("not a sealed value")
    for age, master in enumerate(master_keys()):
        try:
            return AESGCM(scope_key(scope, master)).decrypt(sealed[3:15], sealed[15:], scope.encode()), age
        except InvalidTag:
            continue
    raise CannotOpen("damaged, of another scope, or sealed with another master key")


def digest(value: str, *, scope: str) -> str:
    """A keyed fingerprint (hex) for looking up an identity-bearing string, such as a file name, without storing it."""
    root = _digest_root[0]() if _digest_root else first_root()
    # RFC 5869, step 2: the same key as HKDF gave from the master key itself, before there was a root apart from it.
    key = HKDFExpand(algorithm=hashes.SHA256(), length=32, info=f"getdata:digest:{scope}".encode()).derive(root)
    return hmac.new(key, value.encode(), "sha256").hexdigest()
