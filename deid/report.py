"""The map (the hospital's secret) and the report (which holds no value of any header)."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deid.batch.run import Settled
from deid.engine import ENGINE_VERSION
from deid.headers.marks import option_codes
from deid.policy import Policy
from deid.profile.table import EDITION
from deid.reasons import REASONS

MAP_COLUMNS = ("original_sop_instance_uid", "output", "status", "reason")
_SAMPLE_SHARE = 0.01
_SAMPLE_LEAST = 30


def write_map(path: Path, settled: Sequence[Settled]) -> None:
    """MAP.csv, mode 0600 from its first byte, renamed into place."""
    with _replacing(path, 0o600) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(MAP_COLUMNS)
        for item in settled:
            writer.writerow((_cell(item.original_uid), item.output, item.status, item.reason))


def _cell(text: str) -> str:
    """A UID as a cell; anything else that stood in its place is left out, so that no formula or name gets into
    the map."""
    return text if text and set(text) <= set("0123456789.") else ""


def build_report(settled: Sequence[Settled], policy: Policy, key_id: str) -> dict[str, Any]:
    """REPORT.json as a dictionary: counts, reasons with remedies, the review sample, one hash-chained record
    an input."""
    counts = Counter(item.status for item in settled)
    reasons = Counter(item.reason for item in settled if item.reason)
    review = Counter(code for item in settled for code in _codes(item))
    records: list[dict[str, Any]] = [
        {"n": item.index + 1, "output": item.output, "status": item.status, **item.record} for item in settled
    ]
    for record, value in zip(records, chain_values(records), strict=True):
        record["chain"] = value
    return {
        "engine": ENGINE_VERSION,
        "table": EDITION,
        "policy": policy.label,
        "policy_sha256": policy.sha256,
        "options_applied": list(option_codes(policy)),
        "key_id": key_id,
        "inputs": len(settled),
        "counts": {status: counts.get(status, 0) for status in ("released", "quarantined", "rejected")},
        "masked": sum(1 for item in settled if item.status == "released" and item.record.get("masks")),
        "reasons": [
            {
                "code": code,
                "count": count,
                "kind": REASONS[code].kind,
                "cause": REASONS[code].cause,
                "remedy": REASONS[code].remedy,
            }
            for code, count in sorted(reasons.items())
        ],
        "review": [
            {"code": code, "count": count, "cause": REASONS[code].cause} for code, count in sorted(review.items())
        ],
        "review_sample": review_sample(settled),
        "records": records,
    }


def chain_values(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The hash chain of audit records: each value covers its record and the value that the record before it carries.

    Where a record carries a `chain` of its own, the next one builds on that, so that a change shows at its own place.
    """
    values: list[str] = []
    previous = ""
    for record in records:
        entry = {name: value for name, value in record.items() if name != "chain"}
        value = hashlib.sha256((previous + json.dumps(entry, sort_keys=True)).encode()).hexdigest()
        values.append(value)
        previous = str(record.get("chain", value))
    return values


def review_sample(settled: Sequence[Settled]) -> list[str]:
    """Outputs a person should look at: all masked or flagged ones, and 1 % of the rest, together at least 30
    (DEID.md, section 9)."""
    released = {item.output: item for item in settled if item.status == "released"}
    chosen = {name for name, item in released.items() if item.record.get("masks") or _codes(item)}
    rest = sorted(set(released) - chosen, key=lambda name: hashlib.sha256(name.encode()).digest())
    wanted = max(-(-len(rest) // round(1 / _SAMPLE_SHARE)), _SAMPLE_LEAST - len(chosen), 0)
    return sorted(chosen | set(rest[:wanted]))


def _codes(item: Settled) -> list[str]:
    codes = item.record.get("review", [])
    return [str(code) for code in codes] if isinstance(codes, list) else []


def write_report(path: Path, report: dict[str, Any]) -> None:
    """REPORT.json, renamed into place."""
    with _replacing(path, 0o644) as stream:
        json.dump(report, stream, indent=1, sort_keys=False)
        stream.write("\n")


class _replacing:
    """A text file written beside its target with the given mode and renamed over it when all went well."""

    def __init__(self, path: Path, mode: int) -> None:
        self._path, self._mode = path, mode

    def __enter__(self):  # type: ignore[no-untyped-def]
        descriptor, self._temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".deid-")
        os.chmod(self._temporary, self._mode)
        self._stream = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        return self._stream

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        self._stream.close()
        if kind is None:
            os.replace(self._temporary, self._path)
        else:
            os.unlink(self._temporary)
