"""The report labeler against the development set: precision, recall and F1 per finding, micro, and the states' confusion.

    python -m tests.fulfillment.labels.measure_reports [--half even|odd|all] [--errors] [--set FILE]

`--half even` is the half that the rules were tuned on (SHA-256 of the id even), `odd` the half that was kept back. Positive
is present or likely. Intervals are 95 %: Wilson's for precision and recall, the bootstrap over reports (2,000 draws, seeded)
for F1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fulfillment.labels.reports import ENGINE_VERSION, in_taxonomy, label_report
from requests_app.taxonomy import get_taxonomy
from tests.support.intervals import wilson

DEV = Path(__file__).parent / "reports" / "dev.jsonl"
NIH = tuple(name for name in get_taxonomy("nih-chestxray14").names if name != "No Finding")
OTHERS = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Lung Opacity",
    "Lung Lesion",
    "Fracture",
    "Support Devices",
    "Pleural Other",
)
POSITIVE = frozenset(("present", "likely"))
_SILENT = "not mentioned"


@dataclass(frozen=True, slots=True)
class Report:
    """A report of a gold set: its text and its states by the names of NIH and CheXpert. ``doubtful``: findings on which two careful
    readers would differ; they are not counted."""

    id: str
    text: str
    labels: dict[str, str]
    doubtful: frozenset[str] = frozenset()


def gold(path: Path = DEV, half: str = "all") -> list[Report]:
    """The reports of a gold set, or the half whose hashed ids are even or odd."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    reports = [Report(row["id"], row["text"], row["labels"], frozenset(row.get("doubtful", ()))) for row in rows]
    if half == "all":
        return reports
    odd = half == "odd"
    return [r for r in reports if hashlib.sha256(r.id.encode()).digest()[-1] % 2 == odd]


def predicted(text: str) -> dict[str, str]:
    """The labeler's states by the same names."""
    statements = label_report(text)
    states: dict[str, str] = {}
    for taxonomy in ("chexpert-14", "nih-chestxray14"):
        names = {finding.key: finding.name for finding in get_taxonomy(taxonomy).findings}
        states |= {names[key]: s.state.value for key, s in in_taxonomy(statements, taxonomy).items()}
    return states


def counts(reports: list[Report], said: list[dict[str, str]], finding: str) -> np.ndarray:
    """Per report true positive, false positive, false negative (n x 3)."""
    table = np.zeros((len(reports), 3), dtype=int)
    for row, (report, states) in enumerate(zip(reports, said, strict=True)):
        if finding in report.doubtful:
            continue
        truth, ours = report.labels.get(finding) in POSITIVE, states.get(finding) in POSITIVE
        table[row] = (truth and ours, ours and not truth, truth and not ours)
    return table


def f1(table: np.ndarray) -> float:
    """F1 of summed counts; 1 where there was nothing to find and nothing was."""
    hits, wrong, missed = table.sum(axis=0)
    return 1.0 if not hits + wrong + missed else float(2 * hits / (2 * hits + wrong + missed))


def interval(table: np.ndarray, draws: int = 2000) -> tuple[float, float]:
    """The bootstrap's 95 % interval of F1 over reports."""
    generator = np.random.default_rng(20260101)
    picks = generator.integers(0, len(table), size=(draws, len(table)))
    sums = table[picks].sum(axis=1)
    below = 2 * sums[:, 0] + sums[:, 1] + sums[:, 2]
    values = np.where(below > 0, 2 * sums[:, 0] / np.maximum(below, 1), 1.0)
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def confusion(reports: list[Report], said: list[dict[str, str]], findings: Iterable[str]) -> Counter[tuple[str, str]]:
    """Gold state against ours, over all findings."""
    return Counter(
        (report.labels.get(f, _SILENT), states.get(f, _SILENT))
        for report, states in zip(reports, said, strict=True)
        for f in findings
        if f not in report.doubtful
    )


def _line(name: str, table: np.ndarray) -> str:
    hits, wrong, missed = (int(n) for n in table.sum(axis=0))
    p, r = wilson(hits, hits + wrong), wilson(hits, hits + missed)
    low, high = interval(table)
    share = [f"{hits / total:.3f}" if total else "  -  " for total in (hits + wrong, hits + missed)]
    return (
        f"{name:<27}{hits + missed:>4}  P {share[0]} [{p[0]:.2f}-{p[1]:.2f}]  R {share[1]} [{r[0]:.2f}-{r[1]:.2f}]"
        f"  F1 {f1(table):.3f} [{low:.3f}-{high:.3f}]"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--half", choices=("even", "odd", "all"), default="all")
    parser.add_argument("--set", type=Path, default=DEV)
    parser.add_argument("--errors", action="store_true")
    asked = parser.parse_args()
    reports = gold(asked.set, asked.half)
    said = [predicted(report.text) for report in reports]
    print(f"{ENGINE_VERSION}: {len(reports)} reports, half {asked.half}; positive = present or likely")
    tables = {name: counts(reports, said, name) for name in (*NIH, *OTHERS)}
    for name in NIH:
        print(_line(name, tables[name]))
    # A report is the unit that is drawn, so its findings stay together.
    print(_line("micro, NIH findings", np.sum([tables[name] for name in NIH], axis=0)))
    for name in OTHERS:
        print(_line(name, tables[name]))
    states = ("present", "likely", "possible", "absent", _SILENT)
    table = confusion(reports, said, NIH)
    print(f"\ngold \\ ours (NIH findings){'':4}" + "".join(f"{state:>15}" for state in states))
    for truth in states:
        print(f"{truth:<29}" + "".join(f"{table[truth, ours]:>15}" for ours in states))
    if asked.errors:
        for report, states_ in zip(reports, said, strict=True):
            wrong = {
                name: (report.labels.get(name), states_.get(name))
                for name in (*NIH, *OTHERS)
                if report.labels.get(name) != states_.get(name)
            }
            if wrong:
                print(f"\n{report.id}: {report.text}")
                for name, (truth, ours) in wrong.items():
                    flag = "!!" if (truth in POSITIVE) != (ours in POSITIVE) else "  "
                    print(f"   {flag} {name}: gold {truth}, ours {ours}")


if __name__ == "__main__":
    main()
