"""The reviewer's contact sheet: which files, in which order, and what is said beside each picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from deid import REASONS
from fulfillment.models import UNCOUNTED, Batch, Image, Label, QualityScore, SourceFile, SourceFileStatus
from fulfillment.models.imaging import AS_IT_CAME

#: The groups of the sheet, by name: the tabs above it.
GROUPS = {
    "all": "All",
    "look": "Look at these",
    "masked": "Masked",
    "worst": "Worst quality first",
    "withheld": "Withheld",
}


@dataclass(frozen=True)
class Tile:
    """One place on the sheet. ``image`` is None where none was stored or a reviewer set the file aside."""

    file: SourceFile
    image: Image | None
    score: QualityScore | None
    review_reasons: list[str]
    remarks: list[str]
    note: str
    sent_notes: list[str]
    labels: list[Label]

    @property
    def box(self) -> str:
        """The SVG viewBox that lies exactly over the picture, or empty where its size is not known."""
        facts: dict[str, Any] = self.image.facts if self.image else {}
        return f"0 0 {facts['columns']} {facts['rows']}" if facts.get("columns") and facts.get("rows") else ""


def sheet_files(batch: Batch, show: str) -> QuerySet[SourceFile]:
    """The files of one group. Withdrawn ones and opened archives are not shown."""
    newest = QualityScore.objects.filter(image__source=OuterRef("pk")).order_by("-created_at").values("total")[:1]
    files = (
        batch.files.exclude(status=SourceFileStatus.WITHDRAWN)
        .exclude(kind__in=UNCOUNTED, status=SourceFileStatus.PASSED)
        .select_related("image", "pending_note")
        .prefetch_related(Prefetch("image__scores", queryset=QualityScore.objects.order_by("-created_at")), "notes")
    )
    stored = files.filter(status=SourceFileStatus.PASSED, image__isnull=False)
    match show:
        case "look":
            return stored.exclude(image__review_reasons=[]).order_by("number")
        case "masked":
            return stored.exclude(image__masks=[]).order_by("number")
        case "withheld":
            return files.exclude(status=SourceFileStatus.PASSED).order_by("reason", "number")
        case "worst":
            return stored.annotate(quality=Subquery(newest)).order_by("quality", "number")
        case _:
            return files.order_by("number")


def tiles(files: Iterable[SourceFile]) -> list[Tile]:
    """The tiles of one page of files."""
    files = list(files)
    said: dict[Any, list[Label]] = {}
    rows = Label.objects.standing().filter(image__source__in=files).order_by("finding", "state", "reader")
    for row in rows.exclude(state="not_mentioned"):
        said.setdefault(row.image_id, []).append(row)
    return [_tile(file, said) for file in files]


def _tile(file: SourceFile, said: dict[Any, list[Label]]) -> Tile:
    image = getattr(file, "image", None) if file.status == SourceFileStatus.PASSED else None
    pending = getattr(file, "pending_note", None)
    codes = image.review_reasons if image else []
    remarks = [str(finding.get("message", "")) for finding in file.findings]
    return Tile(
        file=file,
        image=image,
        score=next(iter(image.scores.all()), None) if image else None,
        review_reasons=[_why(code) for code in codes],
        remarks=remarks,
        note=pending.text if pending else "",
        sent_notes=[note.text for note in file.notes.all() if note.text not in remarks],
        labels=said.get(image.pk, []) if image else [],
    )


def _why(code: str) -> str:
    """Why a person should look, in words."""
    if code == AS_IT_CAME:
        return "The hospital says that this picture stood right as it came; the portal had seen it otherwise."
    return REASONS[code].cause if code in REASONS else code
