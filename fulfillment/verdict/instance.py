"""One original through every stage between reading and storing: de-identified, verified, examined, set right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from deid import REASONS, Context, Keyring, Quarantined, Released, Zone, deidentify, load_policy
from deid.outcome import AuditRecord
from fulfillment.conformance.finding import Finding
from fulfillment.examine import Examined, examine
from fulfillment.righting import set_right
from requests_app.spec import DatasetSpec

Status = Literal["passed", "rejected", "quarantined"]
_MOST_BOXES = 40
#: Where the device of an image is known to write, when something faint was left there; else nothing.
ZonesFor = Callable[[Released], tuple[Zone, ...]]


@dataclass(frozen=True)
class Verdict:
    """What becomes of one original. ``reason`` is the code of what keeps it out, "" where nothing does.

    ``outcome`` and ``seen`` are there for a file that was de-identified, whether it fits the request or not.
    """

    status: Status
    reason: str
    findings: list[dict[str, Any]]
    outcome: Released | None = field(default=None, repr=False)
    seen: Examined | None = field(default=None, repr=False)


def no_zones(outcome: Released) -> tuple[Zone, ...]:
    """For a caller that knows no other image of the batch."""
    return ()


def judge(
    data: bytes,
    spec: DatasetSpec,
    keyring: Keyring,
    *,
    zones_for: ZonesFor = no_zones,
    as_it_came: bool = False,
    cleared: bool = False,
) -> Verdict:
    """The verdict on one original's bytes. A refusal is a value; an exception is a bug or a limit.

    ``as_it_came``: whoever sent it says that the picture stands right; nothing is set right then, and how it stands refuses nothing.
    ``cleared``: two people of the hospital say that what looks like text in it names nobody.
    """
    policy = load_policy(spec.deidentification.policy.value)
    outcome = deidentify(data, policy, keyring, Context(cleared=cleared))
    if isinstance(outcome, Released) and (zones := zones_for(outcome)):
        outcome = deidentify(data, policy, keyring, Context(zones=zones, cleared=cleared))
    if isinstance(outcome, Quarantined):
        reason = REASONS[outcome.reason]
        status: Status = "rejected" if reason.kind == "rejected" else "quarantined"
        finding = refusal(outcome.reason, reason.cause, reason.remedy)
        return Verdict(status, outcome.reason, [finding | text_places(outcome.record)])
    seen = examine(outcome.data, spec, as_it_came=as_it_came)
    outcome, corrections = (outcome, ()) if as_it_came else set_right(outcome, seen.truth, seen.facts, spec)
    if corrections:
        seen = examine(outcome.data, spec, corrections)
    if seen.refusal is not None:
        return Verdict("rejected", seen.refusal["code"], seen.findings, outcome, seen)
    return Verdict("passed", "", seen.findings, outcome, seen)


def text_places(record: AuditRecord) -> dict[str, Any]:
    """Where text was found in an image that was withheld: ``place`` in words, ``boxes`` as [x, y, width, height] in pixels."""
    if not record.masks or not record.rows or not record.columns:
        return {}
    boxes = [[box.x, box.y, box.width, box.height] for box in record.masks[:_MOST_BOXES]]
    places = {_place(box, record.rows, record.columns) for box in boxes}
    place = places.pop() if len(places) == 1 else "several places"
    return {"place": place, "boxes": boxes, "rows": record.rows, "columns": record.columns}


def _place(box: list[int], rows: int, columns: int) -> str:
    x, y = (box[0] + box[2] / 2) / columns, (box[1] + box[3] / 2) / rows
    across = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    down = "upper" if y < 1 / 3 else "lower" if y > 2 / 3 else ""
    return " ".join(filter(None, (down, across))) or "the middle"


def refusal(code: str, message: str, remedy: str, *, severity: str = "must") -> dict[str, Any]:
    """A finding that is about the file and no line of the request."""
    return Finding(code, severity, "", "", message, remedy).as_dict()  # type: ignore[arg-type]
