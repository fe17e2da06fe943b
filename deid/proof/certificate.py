"""The certificate of a batch: what was done, by what, what was measured, what is kept, and what is not claimed.

A certificate is a JSON document of five parts:
- `statement`: sections that a person reads;
- `manifest`: one row [name, SHA-256, pixel SHA-256] an output file, bound by its Merkle root in the statement;
- `seal`: the SHA-256 of each section's canonical form;
- `signature`: Ed25519 over the seal's canonical form, or null;
- `format`.
Because the seal names each section, a change can be told by its section, and a section may be shown without the others.
Nothing in it comes from a header, and no name of an input file does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deid.engine import ENGINE_VERSION
from deid.headers.marks import option_codes
from deid.policy import Policy
from deid.profile.table import EDITION, table_rows
from deid.proof.canaries import Measured, NotMeasured
from deid.proof.canonical import canonical, digest, merkle_root
from deid.proof.safe_harbor import CITATION, identifiers_section, legal_class
from deid.proof.signature import SigningKey, seal_signature
from deid.reasons import REASONS

FORMAT = "getdata-deid-certificate/1"
SECOND_LOOK_REASONS = ("identifier-left", "verify-structure", "verify-required", "verify-pixels")
OPTION_MEANINGS = {
    "113100": "Basic Application Confidentiality Profile",
    "113101": "Clean Pixel Data Option",
    "113103": "Clean Graphics Option",
    "113105": "Clean Descriptors Option",
    "113106": "Retain Longitudinal Temporal Information Full Dates Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
    "113109": "Retain Device Identity Option",
    "113111": "Retain Safe Private Option",
}
NOT_CLAIMED = (
    "That no text burned into a radiograph was missed: the recall above was measured on synthetic text, with its interval.",
    "That handwriting, photographed film and scripts other than Latin are found in pixels: canaries in pixels are Latin "
    "letters and digits of stroke fonts.",
    "That visible features identify nobody (option 113102): jewellery, implants and their serial numbers can be seen.",
    "That pseudonyms satisfy 45 CFR 164.514(c): they are keyed digests (HMAC-SHA256) of the original identifiers; they "
    "are safe while the key is secret, and final once it is destroyed. Counsel decides.",
    "That the people named by the signing key are who they say: compare the fingerprint by another way.",
    "Anything about files that are not in the manifest.",
    "Legal advice. The class is computed from what the policy keeps; counsel confirms it.",
)


@dataclass(frozen=True)
class ReportFacts:
    """The audit records behind a certificate: their number, the chain values one by one, and the report file's SHA-256."""

    chain: tuple[str, ...]
    sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The certificate's section: the head in full, and 16 digits of every link so that a break can be located."""
        return {
            "records": len(self.chain),
            "chain_head": self.chain[-1] if self.chain else "",
            "links": [value[:16] for value in self.chain],
            "file_sha256": self.sha256,
        }


@dataclass(frozen=True)
class BatchFacts:
    """What a certificate is made of.

    issued_at: ISO 8601 in UTC, given by the caller, because the engine has no clock. released: audit records of
    released objects, each with its `output` name. withheld: reason -> objects. causes: reason -> (kind, cause), for
    reasons that are not the engine's own. subject: public names of the batch, such as a batch number.
    """

    policy: Policy
    key_id: str
    issued_at: str
    released: Sequence[Mapping[str, Any]]
    withheld: Mapping[str, int]
    canaries: Measured | NotMeasured
    report: ReportFacts
    issuer: str = "python -m deid"
    subject: Mapping[str, str] = field(default_factory=dict)
    causes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def build_certificate(facts: BatchFacts, key: SigningKey | None) -> dict[str, Any]:
    """The certificate as a document; unsigned without a key. The same facts and key give the same document."""
    manifest = _manifest(facts.released)
    policy = facts.policy
    statement = {
        "issue": {"issued_at": facts.issued_at, "issuer": facts.issuer, "subject": dict(sorted(facts.subject.items()))},
        "engine": {
            "name": "GetDATA deid",
            "version": ENGINE_VERSION,
            "table_edition": EDITION,
            "table_attributes": len(table_rows()),
        },
        "policy": _policy(policy),
        "key": {"id": facts.key_id},
        "counts": _counts(facts),
        "class": legal_class(policy, missed=facts.canaries.missed).as_dict(),
        "identifiers": {"citation": CITATION, "entries": identifiers_section(facts.released)},
        "pixels": _pixels(facts.released),
        "second_look": _second_look(facts),
        "canaries": facts.canaries.as_dict(),
        "manifest": {"files": len(manifest), "merkle_root": merkle_root(manifest)},
        "report": facts.report.as_dict(),
        "not_claimed": list(NOT_CLAIMED),
    }
    seal = make_seal(statement)
    signature = seal_signature(canonical(seal), key) if key is not None else None
    return {"format": FORMAT, "statement": statement, "manifest": manifest, "seal": seal, "signature": signature}


def make_seal(statement: Mapping[str, Any], form: str = FORMAT) -> dict[str, Any]:
    """What is signed: the digest of every section."""
    return {"format": form, "sections": {name: digest(section) for name, section in statement.items()}}


def render(document: Mapping[str, Any]) -> bytes:
    """The file's bytes: one spelling, readable by people. A file spelled otherwise was touched after it was issued."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")


def utc_instant(text: str) -> str:
    """An ISO 8601 date and time as YYYY-MM-DDTHH:MM:SSZ. Raises ValueError; a time without an offset counts as UTC."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _manifest(released: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows by name; two equal inputs give one output, hence one row."""
    rows = {
        (str(record["output"]), str(record["output_sha256"]), str(record["pixel_sha256_out"])) for record in released
    }
    return [list(row) for row in sorted(rows)]


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "label": policy.label,
        "title": policy.title,
        "sha256": policy.sha256,
        "requires": policy.requires,
        "dates": policy.date_mode,
        "age_cap_years": policy.age_cap_years,
        "options": [{"code": code, "meaning": OPTION_MEANINGS.get(code, "")} for code in option_codes(policy)],
    }


def _counts(facts: BatchFacts) -> dict[str, Any]:
    withheld = []
    for code, count in sorted(facts.withheld.items()):
        reason = REASONS.get(code)
        kind, cause = (reason.kind, reason.cause) if reason is not None else facts.causes.get(code, ("", ""))
        withheld.append({"reason": code, "count": count, "kind": kind, "cause": cause})
    return {
        "inputs": len(facts.released) + sum(facts.withheld.values()),
        "released": len(facts.released),
        "withheld": sum(facts.withheld.values()),
        "withheld_by_reason": withheld,
    }


def _pixels(released: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    review = Counter(code for record in released for code in record.get("review", ()))
    masks = [len(record.get("masks", ())) for record in released]
    return {
        "detectors": sorted({str(record.get("detector", "")) for record in released} - {""}),
        "images_examined": len(released),
        "images_masked": sum(1 for count in masks if count),
        "masks": sum(masks),
        "markers_kept": sum(int(record.get("markers_kept", 0)) for record in released),
        "images_passed_through": sum(1 for record in released if record.get("pixel_passthrough")),
        "review": [
            {"code": code, "count": count, "cause": REASONS[code].cause if code in REASONS else ""}
            for code, count in sorted(review.items())
        ],
    }


def _second_look(facts: BatchFacts) -> dict[str, Any]:
    passed: Counter[str] = Counter()
    names: set[str] = set()
    for record in facts.released:
        for check, result in record.get("verified", {}).items():
            names.add(str(check))
            passed[str(check)] += bool(result)
    return {
        "checks": [
            {"check": name, "passed": passed[name], "not_applicable": len(facts.released) - passed[name]}
            for name in sorted(names)
        ],
        "withheld": sum(facts.withheld.get(code, 0) for code in SECOND_LOOK_REASONS),
    }
