"""Who can open a backup: whoever knows a passphrase, or holds the private key to a public one.

The content key of a backup (32 random bytes) is sealed once. With a passphrase: AES-256-GCM under scrypt (RFC 7914, N = 2^17, r = 8,
p = 1). With a public key: AES-256-GCM under HKDF-SHA256 of an X25519 agreement (RFC 7748) with a key made for this backup alone, so
that the machine that makes backups every night can open none of them.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_N, _R, _P = 2**17, 8, 1
SHORTEST = 16
_INFO = b"getdata:backup"


class LockProblem(Exception):
    """A passphrase or key cannot be used; the message says why and what to do, and never repeats it."""


@dataclass(frozen=True)
class Passphrase:
    """For small portals: one secret for making and opening."""

    value: str

    def lock(self, content_key: bytes) -> dict[str, Any]:
        if len(self.value) < SHORTEST:
            raise LockProblem(f"The passphrase is shorter than {SHORTEST} characters. Take four or more random words.")
        salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
        sealed = AESGCM(self._key(salt, _N)).encrypt(nonce, content_key, _INFO)
        return {"kind": "passphrase", "n": _N, "salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}

    def unlock(self, lock: dict[str, Any]) -> bytes:
        if lock.get("kind") != "passphrase":
            raise LockProblem("This backup is sealed for a public key. Give the private key's file with --private-key.")
        rounds = int(lock["n"])
        if not 2**14 <= rounds <= 2**20:
            raise LockProblem("The backup asks for an amount of work that no backup of ours does. It was altered.")
        return _open(self._key(bytes.fromhex(lock["salt"]), rounds), lock)

    def _key(self, salt: bytes, rounds: int) -> bytes:
        return Scrypt(salt=salt, length=32, n=rounds, r=_R, p=_P).derive(self.value.encode())


@dataclass(frozen=True)
class Recipient:
    """A public key: makes backups, opens none."""

    public: X25519PublicKey

    def lock(self, content_key: bytes) -> dict[str, Any]:
        once, nonce = X25519PrivateKey.generate(), secrets.token_bytes(12)
        shown = once.public_key().public_bytes_raw()
        key = _agreed(once.exchange(self.public), shown, self.public.public_bytes_raw())
        sealed = AESGCM(key).encrypt(nonce, content_key, _INFO)
        return {"kind": "x25519", "once": shown.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}


@dataclass(frozen=True)
class Holder:
    """The private key to a public one."""

    private: X25519PrivateKey

    def unlock(self, lock: dict[str, Any]) -> bytes:
        if lock.get("kind") != "x25519":
            raise LockProblem("This backup is sealed under a passphrase. Give it with --passphrase-file.")
        shown = bytes.fromhex(lock["once"])
        shared = self.private.exchange(X25519PublicKey.from_public_bytes(shown))
        return _open(_agreed(shared, shown, self.private.public_key().public_bytes_raw()), lock)


def read_public_key(path: Path) -> Recipient:
    """Raises ``LockProblem``."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None  # type: ignore[assignment]
    if not isinstance(key, X25519PublicKey):
        raise LockProblem(
            f"{path.name} is no X25519 public key in PEM. Make a pair with: manage.py backup --make-key FILE"
        )
    return Recipient(key)


def read_private_key(path: Path) -> Holder:
    """Raises ``LockProblem``."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # type: ignore[assignment]
    if not isinstance(key, X25519PrivateKey):
        raise LockProblem(f"{path.name} is no X25519 private key in PEM. Give the file that --make-key wrote.")
    return Holder(key)


def make_key(path: Path) -> Path:
    """A new private key at ``path`` (mode 0600, never overwriting) and its public half at ``path.pub``. Raises ``LockProblem``."""
    key, public_path = X25519PrivateKey.generate(), path.with_name(path.name + ".pub")
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        for target, mode, data in ((path, 0o600, private), (public_path, 0o644, public)):
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
                stream.write(data)
    except OSError as problem:
        raise LockProblem(
            f"{path.name} cannot be written ({problem.strerror}). Choose another name or folder."
        ) from None
    return public_path


def _agreed(shared: bytes, once: bytes, public: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=once + public, info=_INFO).derive(shared)


def _open(key: bytes, lock: dict[str, Any]) -> bytes:
    try:
        return AESGCM(key).decrypt(bytes.fromhex(lock["nonce"]), bytes.fromhex(lock["sealed"]), _INFO)
    except InvalidTag:
        raise LockProblem("The passphrase or key is not the one that this backup was sealed with.") from None
