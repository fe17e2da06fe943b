"""Building and checking signed documents: sections, rows, a seal over each section, one signature over the seal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deid.proof import SigningKey, Verdict, check_certificate
from deid.proof.canonical import canonical, merkle_root
from deid.proof.certificate import make_seal
from deid.proof.check import ATTESTATION_FORMAT, CERTIFICATE_FORMATS, PACK_FORMAT
from deid.proof.signature import seal_signature

#: A holder's attestation that its copies of what was withdrawn are destroyed.
ATTESTATION = ATTESTATION_FORMAT
#: The evidence of a batch or a release.
PACK = PACK_FORMAT
FORMATS = (*CERTIFICATE_FORMATS, ATTESTATION, PACK)


def build_document(
    form: str, sections: Mapping[str, Any], rows: Iterable[Sequence[str]], key: SigningKey
) -> dict[str, Any]:
    """The document. Rows are three strings each, sorted; sections hold no floats. The same input gives the same document."""
    manifest = sorted([str(cell) for cell in row] for row in rows)
    statement = {**sections, "manifest": {"files": len(manifest), "merkle_root": merkle_root(manifest)}}
    seal = make_seal(statement, form)
    signature = seal_signature(canonical(seal), key)
    return {"format": form, "statement": statement, "manifest": manifest, "seal": seal, "signature": signature}


def check_document(raw: bytes, public_key: bytes | None = None) -> Verdict:
    """Check the bytes of any signed document of the portal. Never raises for any content."""
    return check_certificate(raw, public_key, FORMATS)
