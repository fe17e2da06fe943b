"""Keyed pseudonyms: one secret per hospital and request, so that two buyers cannot join their copies (DEID.md,
section 2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass, field

MINIMUM_SECRET_BYTES = 32
_UID_BITS = 122


class KeyProblem(ValueError):
    """The key cannot be used; the message names cause and remedy, never the key."""


def normalise_identifier(value: str) -> str:
    """Identifier in one spelling: compatibility forms folded, trimmed, case-folded, inner blanks single,
    leading zeros off."""
    folded = unicodedata.normalize("NFKC", value).strip(" \0\t\r\n").casefold()
    folded = re.sub(r"\s+", " ", folded)
    return folded.lstrip("0") or folded[:1]


_UNNAMED = "\x1estudy\x1e"
_BETWEEN = "\x1f"


def is_unnamed(patient_key: str) -> bool:
    """Whether a patient key stands for a blank PatientID."""
    return patient_key.startswith(_UNNAMED)


def issuer_of(patient_key: str) -> str:
    """The issuer in a patient key, "" when there is none."""
    return "" if is_unnamed(patient_key) else patient_key.partition(_BETWEEN)[0]


def same_number(one: str, other: str) -> bool:
    """Whether two patient keys differ in nothing but the issuer."""
    return not is_unnamed(one) and one.partition(_BETWEEN)[2] == other.partition(_BETWEEN)[2]


@dataclass(frozen=True)
class Keyring:
    """HMAC-SHA256 pseudonyms with a domain for each kind of identifier, so that equal values of two kinds never match.

    secret: at least 32 random bytes, kept in a key store, destroyable. key_id: its public name, for the audit record.
    """

    secret: bytes = field(repr=False)
    key_id: str = "unnamed"

    def __post_init__(self) -> None:
        if len(self.secret) < MINIMUM_SECRET_BYTES:
            raise KeyProblem(
                f"The key is shorter than {MINIMUM_SECRET_BYTES} bytes. Make one with a cryptographic random generator."
            )

    def digest(self, domain: str, value: str) -> bytes:
        """32 bytes for a value of one domain; the separator keeps ("ab","c") apart from ("a","bc")."""
        message = domain.encode("ascii") + b"\x1f" + value.encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, message, hashlib.sha256).digest()

    def _base32(self, domain: str, value: str, length: int) -> str:
        return base64.b32encode(self.digest(domain, value)).decode("ascii")[:length]

    def patient_key(self, patient_id: str, issuer: str = "", fallback: str = "") -> str:
        """The key of one patient: issuer and PatientID in one spelling.

        fallback (the StudyInstanceUID) is used when PatientID is blank, so that patients without an identifier never
        collapse into one person.
        """
        normalised = normalise_identifier(patient_id)
        if not normalised:
            return _UNNAMED + fallback.strip(" \0")
        return normalise_identifier(issuer) + _BETWEEN + normalised

    def pseudonym(self, patient_key: str) -> str:
        """PatientID of the output: 16 base32 characters (80 bits)."""
        return self._base32("patient", patient_key, 16)

    def accession(self, value: str) -> str:
        """AccessionNumber of the output: 16 characters, the most that VR SH holds."""
        return self._base32("accession", normalise_identifier(value), 16)

    def study_id(self, value: str) -> str:
        """StudyID of the output: 16 characters; hashed rather than blanked, because blank StudyIDs merge
        studies in PACS."""
        return self._base32("study", normalise_identifier(value), 16)

    def dummy(self, domain: str, value: str, length: int = 16) -> str:
        """A consistent replacement of another identifier (action D)."""
        return self._base32("dummy." + domain, normalise_identifier(value), length)

    def uid(self, original_uid: str) -> str:
        """A UID under 2.25 (a UUID-derived root, PS3.5 B.2) with 122 keyed bits; equal originals give equal results."""
        number = int.from_bytes(self.digest("uid", original_uid.strip(" \0")), "big") >> (256 - _UID_BITS)
        return f"2.25.{number}"

    def shift_days(self, patient_key: str, *, maximum_days: int = 730, multiple_of: int = 7) -> int:
        """Days to move this patient's dates back: a multiple of `multiple_of` in 1..maximum_days, the same for
        every date."""
        steps = max(1, maximum_days // multiple_of)
        number = int.from_bytes(self.digest("date", patient_key)[:8], "big")
        return multiple_of * (1 + number % steps)


def read_key_file(path: str) -> Keyring:
    """Keyring from a key file: 64 or more hexadecimal digits, or at least 32 raw bytes.

    The key's public name is the first 12 hexadecimal digits of a domain-separated digest of the secret.
    Raises KeyProblem with cause and remedy; OSError when the file cannot be read.
    """
    with open(path, "rb") as stream:
        raw = stream.read(65536)
    text = raw.strip()
    secret = bytes.fromhex(text.decode("ascii")) if re.fullmatch(rb"(?:[0-9a-fA-F]{2}){32,}", text) else raw
    if len(secret) < MINIMUM_SECRET_BYTES:
        raise KeyProblem(
            "The key file holds fewer than 32 bytes. Make one, for example: "
            'python -c "import secrets; print(secrets.token_hex(32))" > key'
        )
    return Keyring(secret=secret, key_id=hashlib.sha256(b"deid key id\x1f" + secret).hexdigest()[:12])
