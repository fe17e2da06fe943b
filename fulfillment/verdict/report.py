"""One report against the headers and images of its study: cleaned, or withheld with its cause. For server and kit alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deid.dicomfile.read import read_file
from deid.text.datetext import DateMode
from deid.text.identifiers import Identifiers, gather
from deid.text.report import CleanedText, clean_report
from deid.text.vocabulary import NAME, classify, fold
from fulfillment.conformance.finding import Finding
from fulfillment.intake.report_files import ReportProblem
from fulfillment.intake.report_matching import contradictions

#: 0008,0050 and what else of a header says whose study it is.
_ACCESSION = 0x00080050
#: So many originals of a study are searched for identifiers.
MOST_ORIGINALS = 40
_MOSTLY = 0.6


@dataclass(frozen=True)
class Doubt:
    """Why a report is withheld, or a remark on it."""

    code: str
    cause: str
    remedy: str

    def finding(self, severity: str = "must") -> dict[str, Any]:
        return Finding(self.code, severity, "reports.linkage", "", self.cause, self.remedy).as_dict()  # type: ignore[arg-type]


WAITS = Doubt(
    "STUDY_NOT_HERE",
    "No image of the study that this report names has arrived.",
    "Send the study's images, or correct the UID, accession number or file name and send the report again.",
)
AMBIGUOUS = Doubt(
    "STUDY_AMBIGUOUS",
    "What the report names belongs to more than one study.",
    "Name the study by study_instance_uid and send the report again.",
)
TWICE = Doubt(
    "STUDY_HAS_REPORT",
    "The study has a report already, from another row or file.",
    "Withdraw the file of the one that is out of date, then send the right one again; join addenda to the report.",
)
ORIGINALS_GONE = Doubt(
    "ORIGINALS_GONE",
    "The study's original images are no longer in quarantine, so the report cannot be searched for what their headers say.",
    "Send the images of the study again together with the report.",
)
STILL_NAMED = Doubt(
    "IDENTIFIER_LEFT",
    "Something that the image's header says of the patient still stood in the cleaned text.",
    "Remove it from the report at the source and send the report again.",
)
MOSTLY_REMOVED = Doubt(
    "MOSTLY_REMOVED",
    "More than half of the text had to be removed, so what is left may mislead.",
    "Look whether the text is a report in English, German or Spanish, and send it as plain text.",
)


@dataclass(frozen=True)
class ReportVerdict:
    """``doubt`` withholds the report; ``remarks`` do not. ``cleaned`` is what is kept where there is no doubt."""

    doubt: Doubt | None
    cleaned: CleanedText = field(repr=False)
    remarks: tuple[Doubt, ...] = ()


def judge_report(
    text: str,
    language: str,
    known: Identifiers,
    images: Sequence[Mapping[str, Any]],
    *,
    dates: DateMode = "remove",
    days: int = 0,
) -> ReportVerdict:
    """Clean a report with what its study's headers say, and hold it against the study's images (``ImageFacts`` documents).

    ``dates``: what the policy does with dates; ``days``: by how many the headers of this patient were moved back.
    """
    result = clean_report(text, known, language or None, dates=dates, shift_days=days)
    doubt = _left(text, result.text, known, sum(piece.end - piece.start for piece in result.removed))
    strange, remarks = contradictions(result.text, images)
    if doubt is None and strange is not None:
        doubt = Doubt(*strange)
    return ReportVerdict(doubt, result, tuple(Doubt(*remark) for remark in remarks))


def report_findings(problems: Iterable[ReportProblem]) -> list[dict[str, Any]]:
    """What the hospital reads of a file of reports."""
    return [
        Doubt(problem.code, f"Row {problem.row}: {problem.cause}", problem.remedy).finding("should")
        for problem in problems
    ]


def identifiers_in(data: bytes) -> Identifiers:
    """What an original's header says of its patient and people."""
    return gather(read_file(data, pixels=False).dataset)


def join_identifiers(into: Identifiers, other: Identifiers) -> None:
    for name in ("words", "names", "strong", "uids", "dates", "guarded", "numbers", "places"):
        getattr(into, name).update(getattr(other, name))


def accession_in(data: bytes) -> str:
    """An original's AccessionNumber, or ""."""
    element = read_file(data, pixels=False).dataset.get(_ACCESSION)
    value = bytes(element.value) if element is not None and isinstance(element.value, bytes) else b""
    return value.decode("latin-1").strip(" \0")


def _left(text: str, cleaned: str, known: Identifiers, gone: int) -> Doubt | None:
    """The second look: no name or number of the header may stand in the cleaned text as a word, whatever the first pass thought."""
    words = {word.casefold() for word in re.findall(r"[^\W_]+", cleaned)}
    surely = {name for name in known.strong if len(name) >= 4 and not _is_word(name)}
    if any(name.casefold() in words for name in surely):
        return STILL_NAMED
    compact = re.sub(r"[^0-9a-z]", "", cleaned.casefold())
    if any(number in compact for number in known.numbers if len(number) >= 6):
        return STILL_NAMED
    return MOSTLY_REMOVED if gone > _MOSTLY * max(1, len(text)) and len(text) > 80 else None


def _is_word(name: str) -> bool:
    return bool(classify(fold(name)) & ~NAME)
