"""Ed25519 signatures of certificates (RFC 8032), their key files and fingerprints."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "Ed25519"
_LARGEST_KEY_FILE = 10_000


class SigningKeyProblem(ValueError):
    """A key file cannot be used; the message names file, cause and remedy, never the key."""


@dataclass(frozen=True)
class SigningKey:
    """A private key, held by whoever vouches for the batch. `public` is the raw 32-byte public key."""

    _private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> SigningKey:
        """A new random key."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """64 bytes; the same message gives the same signature (RFC 8032 draws no random number)."""
        return self._private.sign(message)

    def private_pem(self) -> bytes:
        """PKCS #8, as openssl reads it."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def public_pem(self) -> bytes:
        """SubjectPublicKeyInfo, as openssl reads it."""
        return self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def fingerprint(public: bytes) -> str:
    """SHA-256 of the raw public key, hexadecimal: what two people compare over the telephone."""
    return hashlib.sha256(public).hexdigest()


def seal_signature(message: bytes, key: SigningKey) -> dict[str, Any]:
    """The signature block of a certificate."""
    return {
        "algorithm": ALGORITHM,
        "fingerprint": fingerprint(key.public),
        "public_key": key.public.hex(),
        "value": key.sign(message).hex(),
    }


def is_signed_by(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message is that key's."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def parse_signing_key(pem: bytes, name: str) -> SigningKey:
    """A private key from PEM. Raises SigningKeyProblem."""
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningKeyProblem(
            f"{name}: not an Ed25519 private key in PEM without a passphrase. "
            "Make one with: python -m deid make-signing-key FILE"
        )
    return SigningKey(private)


def read_signing_key(path: Path) -> SigningKey:
    """The private key of a file. Raises SigningKeyProblem with file, cause and remedy."""
    return parse_signing_key(_read(path), path.name)


def read_public_key(path: Path) -> bytes:
    """The raw public key of a PEM file, or of a file with 64 hexadecimal digits. Raises SigningKeyProblem."""
    data = _read(path)
    try:
        text = data.decode("ascii").strip()
        if len(text) == 64:
            return bytes.fromhex(text)
        public = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        public = None  # type: ignore[assignment]
    if not isinstance(public, Ed25519PublicKey):
        raise SigningKeyProblem(
            f"{path.name}: not an Ed25519 public key. Give the .pub file that make-signing-key wrote beside the key."
        )
    return public.public_bytes_raw()


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_KEY_FILE:
            raise SigningKeyProblem(f"{path.name}: too large for a key. Give the key file.")
        return path.read_bytes()
    except OSError as problem:
        raise SigningKeyProblem(
            f"{path.name}: cannot be read ({problem.strerror}). Give a readable key file."
        ) from problem


def write_key_files(path: Path) -> tuple[Path, str]:
    """A new private key at `path` (mode 0600, never overwriting) and its public key at `path`.pub.

    Returns the public key's path and fingerprint. Raises SigningKeyProblem.
    """
    public_path = path.with_name(path.name + ".pub")
    key = SigningKey.generate()
    made: list[Path] = []
    try:
        for target, mode, data in ((path, 0o600, key.private_pem()), (public_path, 0o644, key.public_pem())):
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made.append(target)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
    except OSError as problem:
        for target in made:  # half a pair is of no use, and both files are ours
            target.unlink(missing_ok=True)
        remedy = (
            "Choose another name."
            if isinstance(problem, FileExistsError)
            else "Choose a folder that can be written to."
        )
        named = public_path.name if made else path.name
        raise SigningKeyProblem(f"{named}: cannot be written ({problem.strerror}). {remedy}") from problem
    return public_path, fingerprint(key.public)
