"""Everything a check found, and as one JSON document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fulfillment.conformance.batch import CellProgress
from fulfillment.conformance.finding import Finding
from fulfillment.duplicates.folder import Pair
from fulfillment.kit import quality as of_quality
from fulfillment.kit.preview import Preview
from fulfillment.kit.quality import Quality
from fulfillment.kit.reports import Reports
from fulfillment.kit.settled import Settled

FORMAT, VERSION = "getdata-check", 1
#: What the server sees and a folder does not show.
DIFFERENCES = (
    "Whether a picture was delivered before, in another batch, by another hospital, or is in a published set.",
    "The order of arrival: of two equal images the server keeps the one that came first, here it is the first by path.",
    "Labels and reports are held against the whole folder; on the server those that come before their images wait for them.",
    "How names of labels were mapped on the portal's import screen, and the viruses that its scanner knows.",
    "Pseudonyms and shifted dates: this check used a key that was thrown away, the server uses your hospital's own.",
    "What your accepted batches fill already: the quotas below count this folder alone.",
)


@dataclass(frozen=True)
class Cause:
    """Files refused for one reason. ``numbers`` in order."""

    code: str
    status: str
    message: str
    remedy: str
    numbers: tuple[int, ...]


@dataclass
class Outcome:
    """``files`` in order of their numbers; ``near`` are pairs of files with one picture that nothing refuses."""

    title: str
    spec_sha256: str
    site: str
    files: list[Settled]
    quotas: list[CellProgress]
    remarks: list[Finding]
    quality: Quality
    preview: Preview
    reports: Reports
    near: list[Pair] = field(default_factory=list)
    resumed: int = 0

    @property
    def images(self) -> list[Settled]:
        return [one for one in self.files if one.source.kind == "instance"]

    @property
    def passed(self) -> list[Settled]:
        """The images that fit."""
        return [one for one in self.images if one.passed]

    @property
    def refused(self) -> list[Settled]:
        return [one for one in self.files if not one.passed]

    @property
    def fits(self) -> bool:
        return not self.refused and not self.reports.withheld

    @property
    def causes(self) -> list[Cause]:
        """Refusals by cause, most files first."""
        groups: dict[tuple[str, str], list[Settled]] = {}
        for one in self.refused:
            groups.setdefault((one.status, one.reason), []).append(one)
        found = []
        for (status, code), members in groups.items():
            told = next((f for f in members[0].findings if f["code"] == code), None)
            told = told or (members[0].findings[0] if members[0].findings else {})
            message = str(told.get("message", ""))
            if len({_message(one, code) for one in members}) > 1:
                message = _without_numbers(code, message)
            numbers = tuple(one.number for one in members)
            found.append(Cause(code, status, message, str(told.get("remedy", "")), numbers))
        return sorted(found, key=lambda cause: (-len(cause.numbers), cause.code))

    @property
    def noted(self) -> list[Cause]:
        """Remarks on images that fit: what does not refuse them, by code."""
        groups: dict[str, list[tuple[Settled, dict[str, Any]]]] = {}
        for one in self.passed:
            for finding in one.findings:
                groups.setdefault(finding["code"], []).append((one, finding))
        found = []
        for code, members in groups.items():
            finding = members[0][1]
            numbers = tuple(dict.fromkeys(one.number for one, _ in members))
            found.append(Cause(code, finding["severity"], finding["message"], finding["remedy"], numbers))
        return sorted(found, key=lambda cause: (cause.status == "info", -len(cause.numbers), cause.code))

    @property
    def by_status(self) -> Counter[str]:
        return Counter(one.status for one in self.images)


def _message(one: Settled, code: str) -> str:
    return next((str(f["message"]) for f in one.findings if f["code"] == code), "")


def _without_numbers(code: str, message: str) -> str:
    """One sentence for many files: the place of a twin differs from file to file."""
    return message.partition(" as file ")[0] + " as another file of this folder." if " as file " in message else message


def document(outcome: Outcome, *, names: bool = True) -> dict[str, Any]:
    """JSON-able. ``names``: with each file's relative path, which stays with the hospital."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "request": {"title": outcome.title, "spec_sha256": outcome.spec_sha256},
        "site": outcome.site or None,
        "holds_file_names": names,
        "counts": {
            "files": len(outcome.files),
            "images": len(outcome.images),
            "fit": len(outcome.passed),
            "refused": len(outcome.refused),
            "by_status": dict(sorted(outcome.by_status.items())),
        },
        "refusals": [
            {"code": c.code, "status": c.status, "message": c.message, "remedy": c.remedy, "files": list(c.numbers)}
            for c in outcome.causes
        ],
        "quotas": [line.as_dict() | {"fraction": round(line.fraction, 4)} for line in outcome.quotas],
        "batch_findings": [finding.as_dict() for finding in outcome.remarks],
        "quality": of_quality.as_dict(outcome.quality),
        "deidentification": outcome.preview.as_dict(),
        "reports": {
            "linked": len(outcome.reports.linked),
            "withheld": [
                {"code": doubt.code, "message": doubt.cause, "remedy": doubt.remedy, "reports": number}
                for doubt, number in outcome.reports.withheld.most_common()
            ],
            "removed": dict(sorted(outcome.reports.removed.items())),
        },
        "near_duplicates": [[pair.file_a, pair.file_b] for pair in outcome.near],
        "files": [_file(one, names) for one in outcome.files],
        "not_seen_here": list(DIFFERENCES),
    }


def _file(one: Settled, names: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"number": one.number, "kind": one.source.kind, "status": one.status, "reason": one.reason}
    if names:
        row["path"] = one.source.shown
    if "quality" in one.verdict:
        quality = one.verdict["quality"]
        row["quality"] = {"total": quality["total"], "gate": quality["gate"], "weakest": quality["weakest"]}
        row["masked"] = len(one.verdict["deid"]["masks"])
    return row | {"findings": one.findings}
