"""Sealing what may identify a person: originals, file names, pseudonym keys.

AES-256-GCM with a key derived (HKDF-SHA256) from ``GETDATA_MASTER_KEY`` for one scope, e.g. one hospital. The scope is bound
into the ciphertext as associated data, so a sealed value moved to another organization does not open.
Layout: ``b"GD1"`` + 12-byte nonce + ciphertext with its 16-byte tag.
"""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_MAGIC = b"GD1"


class CannotOpen(Exception):
    """The sealed value is damaged, belongs to another scope, or the master key is not the one that sealed it."""


def scope_key(scope: str) -> bytes:
    """32 bytes for one scope (``"originals:<organization id>"``), derived from the master key."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"getdata:{scope}".encode()).derive(
        settings.GETDATA_MASTER_KEY
    )


def seal(data: bytes, *, scope: str) -> bytes:
    """Encrypt and authenticate ``data`` for ``scope``."""
    nonce = secrets.token_bytes(12)
    return _MAGIC + nonce + AESGCM(scope_key(scope)).encrypt(nonce, data, scope.encode())


def unseal(sealed: bytes, *, scope: str) -> bytes:
    """Reverse of :func:`seal`. Raises ``CannotOpen``."""
    sealed = bytes(sealed)
    if sealed[:3] != _MAGIC or len(sealed) < len(_MAGIC) + 12 + 16:
        raise CannotOpen("not a sealed value")
    try:
        return AESGCM(scope_key(scope)).decrypt(sealed[3:15], sealed[15:], scope.encode())
    except InvalidTag as error:
        raise CannotOpen("damaged, of another scope, or sealed with another master key") from error


def digest(value: str, *, scope: str) -> str:
    """A keyed fingerprint (hex) for looking up an identity-bearing string, such as a file name, without storing it."""
    return hmac.new(scope_key(f"digest:{scope}"), value.encode(), "sha256").hexdigest()
