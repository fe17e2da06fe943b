"""The certificate that originals were destroyed: how many, when, how, under which keys they had been sealed. No name is in it.

It has the five parts of a certificate of de-identification (`deid.proof.certificate`) and is verified by the same command. A row of
its manifest is [what, keyed digest, bytes]: the digest is keyed with a secret of the hospital's scope, so that it matches nothing
outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deid.proof.canonical import canonical, merkle_root
from deid.proof.certificate import make_seal
from deid.proof.signature import SigningKey, seal_signature

FORMAT = "getdata-destruction-certificate/1"
METHOD = (
    "Each original lay as one object, sealed with AES-256-GCM under a data key of its own. The only copy of that data key stood in "
    "the object, wrapped by a key of the hospital. The object was deleted from the storage, key and content together, and the "
    "storage was asked afterwards: it no longer had it. Copies that an upload may have left on disk were deleted too."
)
METHOD_OF_OLD_OBJECTS = (
    "Objects from before envelopes were sealed whole under a key derived for the hospital; they went likewise."
)
NOT_CLAIMED = (
    "That backups or versions of the storage, if whoever runs the portal keeps any, held no copy: a copy would still be sealed.",
    "That the hospital's own copies, from which the originals were sent, are gone: they never were the portal's.",
    "That de-identified images or cleaned reports were deleted: they are what was delivered.",
    "That the keyed digests can be compared with a file by anybody but the portal: the key never leaves it.",
    "Legal advice.",
)


@dataclass(frozen=True)
class DestructionFacts:
    """What a certificate is made of. Times are ISO 8601 in UTC, given by the caller.

    destroyed: rows of (what, keyed digest, bytes), `what` such as "file 12". kinds: kind -> how many. occasion: why the originals
    were not needed any more, in words; since: when that began; days: how long they were kept after it.
    """

    issued_at: str
    issuer: str
    subject: Mapping[str, str]
    occasion: str
    since: str
    days: int
    key_ids: Sequence[str]
    kinds: Mapping[str, int]
    destroyed: Sequence[tuple[str, str, int]]


def build_destruction(facts: DestructionFacts, key: SigningKey) -> dict[str, Any]:
    """The certificate as a document. The same facts and key give the same document."""
    manifest = [[what, digest, str(size)] for what, digest, size in sorted(facts.destroyed)]
    statement = {
        "issue": {"issued_at": facts.issued_at, "issuer": facts.issuer, "subject": dict(sorted(facts.subject.items()))},
        "occasion": {"why": facts.occasion, "since": facts.since, "kept_days": facts.days},
        "counts": {
            "originals": len(manifest),
            "bytes": sum(size for _, _, size in facts.destroyed),
            "by_kind": dict(sorted(facts.kinds.items())),
        },
        "method": {
            "sealing": "AES-256-GCM, a data key for each object, wrapped by a key of the hospital",
            "key_ids": sorted(facts.key_ids),
            "how": METHOD,
            "old_objects": METHOD_OF_OLD_OBJECTS,
        },
        "manifest": {"files": len(manifest), "merkle_root": merkle_root(manifest)},
        "not_claimed": list(NOT_CLAIMED),
    }
    seal = make_seal(statement, FORMAT)
    signature = seal_signature(canonical(seal), key)
    return {"format": FORMAT, "statement": statement, "manifest": manifest, "seal": seal, "signature": signature}
