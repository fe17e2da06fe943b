"""What the engine takes and gives back: context, outcomes and the audit record. No header value ever enters a
record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deid.pixels.zones import Zone


@dataclass(frozen=True)
class Context:
    """What the caller knows beyond the file itself.

    known_identifiers: strings that must not survive anywhere (names, record numbers, accession numbers of the
        batch's other files); they are only ever removed and searched for, never written.
    zones: where the batch's other images show this device to write; hints there count as text.
    patient: the patient's key (`Keyring.patient_key`) as the study's other files give it, for a file whose own PatientID is
        blank or has no issuer. "" leaves the file's own.
    cleared: people of the hospital looked at the image and say that what still looks like text names nobody. It is masked as far
        as can be, and the image goes to a person with the review code "cleared-by-hospital", instead of being withheld.
    """

    known_identifiers: frozenset[str] = frozenset()
    zones: tuple[Zone, ...] = ()
    patient: str = field(default="", repr=False)
    cleared: bool = False


@dataclass(frozen=True)
class MaskBox:
    """One masked rectangle, in pixels of the stored image: x to the right, y down, `frame` counted from 0.

    detector: the score of the detection (0 to 1). read: the recogniser's confidence (0 to 1), 0 when it read nothing.
    The text itself is never kept.
    """

    frame: int
    x: int
    y: int
    width: int
    height: int
    detector: float
    read: float

    def as_dict(self) -> dict[str, Any]:
        """The box as JSON-able facts."""
        return {
            "frame": self.frame,
            "x": self.x,
            "y": self.y,
            "width": self.width,
            "height": self.height,
            "detector": round(self.detector, 3),
            "read": round(self.read, 3),
        }


@dataclass
class AuditRecord:
    """What was done to one object (DEID.md, section 11). Counts, tag paths, digests and codes; no value of any header.

    device: a keyed digest of maker, model, station and serial number: equal for the images of one device, and no more.
    hints: places that may be text but were neither readable nor masked.
    """

    engine: str
    table: str
    policy: str
    policy_sha256: str
    key_id: str
    input_sha256: str
    input_bytes: int
    output_sha256: str = ""
    output_bytes: int = 0
    pixel_sha256_in: str = ""
    pixel_sha256_out: str = ""
    transfer_syntax_in: str = ""
    transfer_syntax_out: str = ""
    decision: str = "undecided"
    reason: str = ""
    detail: str = ""
    pixel_passthrough: bool = False
    actions: Counter[str] = field(default_factory=Counter)
    touched: dict[str, str] = field(default_factory=dict)
    masks: list[MaskBox] = field(default_factory=list)
    hints: list[MaskBox] = field(default_factory=list)
    markers_kept: int = 0
    detector: str = ""
    device: str = ""
    rows: int = 0
    columns: int = 0
    burned_in_declared: str = "absent"
    review: tuple[str, ...] = ()
    verified: dict[str, bool] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able audit facts, in a fixed order, without any header value."""
        return {
            "engine": self.engine,
            "table": self.table,
            "policy": self.policy,
            "policy_sha256": self.policy_sha256,
            "key_id": self.key_id,
            "input_sha256": self.input_sha256,
            "input_bytes": self.input_bytes,
            "output_sha256": self.output_sha256,
            "output_bytes": self.output_bytes,
            "pixel_sha256_in": self.pixel_sha256_in,
            "pixel_sha256_out": self.pixel_sha256_out,
            "transfer_syntax_in": self.transfer_syntax_in,
            "transfer_syntax_out": self.transfer_syntax_out,
            "decision": self.decision,
            "reason": self.reason,
            "detail": self.detail,
            "pixel_passthrough": self.pixel_passthrough,
            "actions": dict(sorted(self.actions.items())),
            "touched": dict(sorted(self.touched.items())),
            "masks": [box.as_dict() for box in self.masks],
            "hints": [box.as_dict() for box in self.hints],
            "markers_kept": self.markers_kept,
            "detector": self.detector,
            "device": self.device,
            "rows": self.rows,
            "columns": self.columns,
            "burned_in_declared": self.burned_in_declared,
            "review": list(self.review),
            "verified": dict(sorted(self.verified.items())),
        }


@dataclass(frozen=True)
class Released:
    """A cleaned object. `review` lists reason codes that ask for a human look; they are not refusals."""

    data: bytes
    record: AuditRecord
    masks: tuple[MaskBox, ...] = ()
    review: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quarantined:
    """A withheld object. `reason` is a key of REASONS."""

    reason: str
    record: AuditRecord


Outcome = Released | Quarantined


class Refusal(Exception):
    """Raised inside the engine only, to leave with a reason; `deidentify` turns it into a `Quarantined` value.

    detail: a keyword, tag, VR or count that helps to find the cause; never a value.
    """

    def __init__(self, code: str, detail: str = "", facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.facts = dict(facts or {})
