"""One original looked at, in a process of its own: the verdict as plain values that may be written down."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deid import Keyring, Zone
from fulfillment.kit.places import where
from fulfillment.pictures import PictureRefused, PictureRow, is_picture
from fulfillment.verdict.instance import Verdict, judge, refusal
from fulfillment.verdict.pictures import object_of
from fulfillment.verdict.report import accession_in
from fulfillment.verdict.zones import zones_where_hinted
from requests_app.spec import DatasetSpec


@dataclass(frozen=True)
class Task:
    """``row``: what a table of pictures says of the file. ``zones``: where the device writes, when that is known by now."""

    path: str = field(repr=False)
    spec: DatasetSpec = field(repr=False)
    keyring: Keyring = field(repr=False)
    row: PictureRow | None = field(default=None, repr=False)
    zones: tuple[Zone, ...] = ()


DIED = refusal(
    "WORKER_LOST",
    "Looking at this file ended the process, so it is damaged or needs more memory than there is.",
    "Copy it again from its source, or run with fewer --workers; the server would fail it too.",
)


def look(task: Task) -> dict[str, Any]:
    """The verdict on one file; a bug is an answer too, so that one file never stops the others."""
    try:
        data = Path(task.path).read_bytes()
    except OSError as error:
        return _unusable("CANNOT_READ", f"The file cannot be opened ({error.strerror}).", "Look at its permissions.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zones = task.zones
            digest, picture = hashlib.sha256(data).hexdigest(), is_picture(data)
            data = object_of(data, task.spec, lambda: task.row)
            verdict = judge(
                data, task.spec, task.keyring, zones_for=lambda outcome: zones_where_hinted(outcome, lambda *_: zones)
            )
            return _plain(data, digest, verdict, task.keyring) | ({"picture": True} if picture else {})
    except PictureRefused as refused:
        cause = refused.cause
        told = [refusal(cause.code, cause.message, cause.remedy)]
        return {"status": "rejected", "reason": cause.code, "findings": told, "picture": True}
    except MemoryError:
        return _unusable(
            "MEMORY_LIMIT", "Looking at this file took more memory than there is.", "Run with fewer --workers."
        )
    except Exception as error:
        kind = type(error).__name__  # never the message: it may hold a value of the header
        return _unusable(
            "INTERNAL_ERROR",
            f"The kit itself failed on this file ({kind}).",
            "Tell us the file's number and this word; leave the file out meanwhile.",
        )


def _unusable(code: str, message: str, remedy: str) -> dict[str, Any]:
    return {"status": "failed", "reason": code, "findings": [refusal(code, message, remedy)]}


def _plain(data: bytes, digest: str, verdict: Verdict, keyring: Keyring) -> dict[str, Any]:
    found: dict[str, Any] = {
        "status": verdict.status,
        "reason": verdict.reason,
        "findings": verdict.findings,
        "content": keyring.digest("kit.content", digest).hex()[:32],
    }
    outcome, seen = verdict.outcome, verdict.seen
    if outcome is None or seen is None:
        return found
    record, quality = outcome.record, seen.quality
    masks = [box.as_dict() for box in record.masks]
    found["deid"] = {
        "actions": dict(record.actions),
        "touched": dict(record.touched),
        "masks": [[box["x"], box["y"], box["width"], box["height"]] for box in masks],
        "places": where(masks, record.rows, record.columns),
        "hints": len(record.hints),
        "review": list(outcome.review),
        "rows": record.rows,
        "columns": record.columns,
    }
    found["facts"] = seen.facts.as_dict()
    found["pixels"] = keyring.digest("kit.pixels", seen.pixel_sha256).hex()[:32]
    before = str(record.pixel_sha256_in or "")
    found["before"] = keyring.digest("kit.before", before).hex()[:32] if before else ""
    accession = accession_in(data)
    found["accession"] = keyring.accession(accession) if accession else ""
    found["corrections"] = len(seen.corrections)
    found["assessed"] = seen.truth.assessed
    found["quality"] = {
        "version": quality.version,
        "gate": quality.gate,
        "gate_reason": quality.gate_reason,
        "total": quality.total,
        "components": quality.components,
        "weakest": quality.weakest,
        "remedy": quality.remedy,
        "gain": quality.gain,
    }
    found["header"] = {
        "score": seen.completeness.score,
        "lacking": [[item.name, item.points] for item in seen.completeness.lacking],
    }
    return found


def masked(verdict: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], int, int]:
    """A verdict's masks as ``zones_from`` takes them."""
    deid = verdict["deid"]
    boxes = [dict(zip(("x", "y", "width", "height"), box, strict=True)) for box in deid["masks"]]
    return boxes, deid["rows"], deid["columns"]
