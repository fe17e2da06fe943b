"""The portal's signing key: the newest version signs, every version's public half stays known, so that old signatures verify.

The first key is the one of the environment (``GETDATA_SIGNING_KEY``). A rotation makes the next one here, sealed under the master
key, in force for every process at once, and lets the key before it sign that this one follows: whoever pinned the old fingerprint can
follow the chain without asking anybody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deid.proof.canonical import canonical
from deid.proof.signature import SigningKey, fingerprint, is_signed_by, seal_signature
from getdata.audit.chain import record
from getdata.common import crypto
from getdata.trust.models import SigningKeyVersion

SCOPE = "signing-key"
HANDOVER = "getdata-key-handover/1"


@dataclass(frozen=True)
class KnownKey:
    """The public half of a key that signs or has signed here. ``retired_at`` is None for the one in force."""

    fingerprint: str
    public: bytes
    retired_at: datetime | None
    handover: dict[str, Any] | None = None


def signing_key() -> SigningKey:
    """The key that signs now. Raises ``CannotOpen`` where the master key is not the one that sealed it."""
    version = SigningKeyVersion.objects.filter(retired_at=None).order_by("-number").first()
    if version is None or not version.sealed_seed:
        return _of_the_environment()
    return _key(crypto.unseal(bytes(version.sealed_seed), scope=SCOPE))


def known_keys() -> list[KnownKey]:
    """Every key that this portal signs or signed with, oldest first. The list is what a signature is believed by."""
    rows = [
        KnownKey(
            row.fingerprint,
            bytes.fromhex(row.public),
            row.retired_at,
            json.loads(row.handover) if row.handover else None,
        )
        for row in SigningKeyVersion.objects.order_by("number")
    ]
    if settings.GETDATA_SIGNING_KEY:
        first = _of_the_environment().public
        if all(row.public != first for row in rows):
            rows.insert(0, KnownKey(fingerprint(first), first, None if not rows else timezone.now()))
    return rows


def public_key_of(ident: str) -> bytes | None:
    """The raw public key with that fingerprint, if it is or was ours."""
    return next((key.public for key in known_keys() if key.fingerprint == ident), None)


def signed(document: dict[str, Any]) -> str:
    """The document with the portal's signature over its canonical form, as text for a file."""
    block = seal_signature(canonical(document), signing_key())
    return json.dumps({**document, "signature": block}, indent=1, sort_keys=True) + "\n"


def verified(text: str, *, keys: list[bytes] | None = None) -> dict[str, Any]:
    """The document of a text that :func:`signed` made, by one of the ``keys`` (raw; the portal's own by default).

    Raises ``ValueError`` saying what is wrong.
    """
    try:
        document = json.loads(text)
        block = document.pop("signature")
        public, value = bytes.fromhex(block["public_key"]), bytes.fromhex(block["value"])
        message = canonical(document)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("it is not a signed document of this portal") from None
    if not is_signed_by(public, message, value):
        raise ValueError("its signature does not fit its content: it was altered")
    if public not in ([key.public for key in known_keys()] if keys is None else keys):
        raise ValueError(f"it is signed by a key that is not known here ({fingerprint(public)[:16]}…)")
    found: dict[str, Any] = document
    return found


def rotate(*, actor: Any = None) -> SigningKeyVersion:
    """Put a new key in force. The one before it signs the hand-over and is retired."""
    with transaction.atomic():
        before = signing_key()
        last = SigningKeyVersion.objects.select_for_update().order_by("-number").first()
        if last is None:
            last = SigningKeyVersion.objects.create(
                number=1, fingerprint=fingerprint(before.public), public=before.public.hex()
            )
        made = SigningKey.generate()
        now = timezone.now()
        statement: dict[str, Any] = {
            "format": HANDOVER,
            "at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "follows": fingerprint(before.public),
            "public_key": made.public.hex(),
        }
        statement = {**statement, "signature": seal_signature(canonical(statement), before)}
        SigningKeyVersion.objects.filter(retired_at=None).update(retired_at=now)
        version = SigningKeyVersion.objects.create(
            number=last.number + 1,
            fingerprint=fingerprint(made.public),
            public=made.public.hex(),
            sealed_seed=crypto.seal(_seed(made), scope=SCOPE),
            handover=json.dumps(statement, sort_keys=True),
        )
        record(
            verb="signingkey.rotated",
            target=version,
            actor=actor,
            data={"fingerprint": version.fingerprint, "follows": fingerprint(before.public)},
        )
    return version


def _of_the_environment() -> SigningKey:
    return _key(settings.GETDATA_SIGNING_KEY)


def _key(seed: bytes) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(seed))


def _seed(key: SigningKey) -> bytes:
    return key._private.private_bytes_raw()
