"""Measure text de-identification on the report labeler's development set, or on the examiner's:
`python -m tests.deid.text.measure_dev [--examiner] [--show]`.

Another author wrote that set. An identifier counts as the header's when a word or number of it stands in the header's values. Label
states are those of the report labeler, before and after.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from deid.text.report import clean_report
from deid.text.spelling import fold
from fulfillment.labels.reports import label_report, report_states
from tests.deid.text.headers import identifiers_of
from tests.deid.text.measure import Tally, judge, words_of

DEV = Path(__file__).parents[2] / "fulfillment" / "labels" / "reports" / "dev.jsonl"
EXAMINER = Path(__file__).parent / "hard_set" / "examiner.jsonl"


def entries(path: Path = DEV) -> list[dict[str, Any]]:
    """The set in the form of the hard set."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        header = " ".join(str(value) for value in (entry.get("header") or {}).values())
        known = {fold(word) for word in words_of(header)} | {"".join(words_of(part)) for part in header.split()}
        spans = [
            {**span, "header": _in_header(entry["text"][span["start"] : span["end"]], known, span["kind"])}
            for span in sorted(entry["identifiers"], key=lambda span: span["start"])
        ]
        found.append({**entry, "spans": spans})
    return found


def _in_header(value: str, known: set[str], kind: str) -> bool:
    words = [fold(word) for word in words_of(value)]
    compact = "".join(words).lstrip("0")
    return any(len(word) > 2 and word in known for word in words) or (
        kind in ("mrn", "accession") and any(compact and compact == number.lstrip("0") for number in known)
    )


def measure(path: Path = DEV) -> Tally:
    """The whole set, dates removed."""
    tally = Tally()
    for entry in entries(path):
        output = clean_report(entry["text"], identifiers_of(entry.get("header"))).text
        judge(tally, entry, output)
        before, after = report_states(label_report(entry["text"])), report_states(label_report(output))
        tally.states += len(before)
        changed = [finding for finding in before.keys() | after.keys() if before.get(finding) != after.get(finding)]
        tally.changed += len(changed)
        tally.notes.extend(
            f"STATE {f}: {before.get(f)} -> {after.get(f)} in {entry['id']}: {output[:200]!r}" for f in changed
        )
    return tally


if __name__ == "__main__":
    result = measure(EXAMINER if "--examiner" in sys.argv else DEV)
    for row in result.lines():
        print(row)
    if "--show" in sys.argv:
        print(*result.notes, sep="\n")
