"""The verdict on an archive: what was taken out of it, and why the rest was not. For server and kit alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fulfillment.unpacking import ArchiveRefused, Problem
from fulfillment.verdict.instance import Status
from fulfillment.verdict.instance import refusal as finding

_MOST_NUMBERS = 12


@dataclass
class Opened:
    """What became of an archive: members ``taken`` in, ``known`` already, and why the others were not."""

    taken: int = 0
    known: int = 0
    problems: list[Problem] = field(default_factory=list)
    refusal: ArchiveRefused | None = None

    @property
    def verdict(self) -> tuple[Status, str]:
        """The status and the reason: whatever could not be read keeps the archive on the hospital's list."""
        bad = [problem.code for problem in self.problems if not problem.harmless]
        if self.taken or self.known:
            return ("rejected", "ARCHIVE_PARTLY_READ") if bad or self.refusal else ("passed", "")
        if self.refusal is not None:
            return "rejected", self.refusal.code
        return "rejected", bad[0] if bad else "ARCHIVE_EMPTY"

    def findings(self) -> list[dict[str, Any]]:
        """The verdict in words, then each cause once, with the numbers of the entries it is about."""
        _, reason = self.verdict
        message = f"Opened: {self.taken:,} files taken in" + (
            f", {self.known:,} were already here." if self.known else "."
        )
        bad = [problem for problem in self.problems if not problem.harmless]
        said = [] if not self.taken and not self.known else [finding("ARCHIVE_OPENED", message, "", severity="info")]
        if reason == "ARCHIVE_PARTLY_READ":
            whole = f"{self.taken + self.known:,} files of this archive are here; the rest could not be taken."
            remedy = "See the causes below. Send the missing files, or a mended archive under the same name."
            said = [finding(reason, whole, remedy)]
        elif reason == "ARCHIVE_EMPTY":
            said = [
                finding(
                    reason, "This archive holds no file that could be an image.", "Look whether it is the one you mean."
                )
            ]
        if self.refusal is not None:
            said.append(finding(self.refusal.code, self.refusal.message, self.refusal.remedy))
        severity = "should" if reason == "ARCHIVE_PARTLY_READ" else "must"
        return said + [
            finding(code, message, remedy, severity="info" if (code, remedy) == (code, "") else severity)
            for code, message, remedy in _grouped(bad + [problem for problem in self.problems if problem.harmless])
        ]


def too_deep(depth: int) -> ArchiveRefused:
    """An archive in so many others."""
    return ArchiveRefused(
        "ARCHIVE_TOO_DEEP",
        f"This archive lies in {depth} others; it was not opened.",
        "Send it by itself, or pack the files in one archive.",
    )


def _grouped(problems: Iterable[Problem]) -> list[tuple[str, str, str]]:
    """(code, sentence, remedy) for each cause; entries are named by their number, for their names are identity."""
    problems = list(problems)
    counts = Counter(problem.code for problem in problems)
    said = []
    for code, count in counts.items():
        first = next(problem for problem in problems if problem.code == code)
        if not first.position:
            said.append((code, first.message, first.remedy))
            continue
        numbers = [f"{problem.position:,}" for problem in problems if problem.code == code][:_MOST_NUMBERS]
        more = ", ..." if count > len(numbers) else ""
        entries = (
            f"Entry {numbers[0]}" if count == 1 else f"{count:,} entries (numbers {', '.join(numbers)}{more}): each"
        )
        said.append((code, f"{entries} {first.message}.", first.remedy))
    return said
