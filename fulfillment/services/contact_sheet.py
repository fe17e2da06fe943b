"""The reviewer's contact sheet: which files, in which order, and what is said beside each picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from deid import REASONS
from fulfillment.models import (
    UNCOUNTED,
    Batch,
    Image,
    ImageLook,
    Inspection,
    InspectionItem,
    Label,
    QualityScore,
    SourceFile,
    SourceFileStatus,
)
from fulfillment.models.imaging import AS_IT_CAME
from getdata.accounts.models import User

#: The groups of the sheet, by name: the tabs above it.
GROUPS = {
    "sample": "The sample",
    "all": "All",
    "look": "Look at these",
    "masked": "Masked",
    "worst": "Worst quality first",
    "noted": "With a note",
    "withheld": "Withheld",
}
#: Twelve to a row, eight rows.
FILES_A_PAGE = 96


@dataclass(frozen=True)
class Tile:
    """One place on the sheet. ``image`` is None where none was stored or a reviewer set the file aside.

    ``why``: why the image is in the sample, "" where it is not; ``looked``: whether this reviewer had it before them.
    """

    file: SourceFile
    image: Image | None
    score: QualityScore | None
    review_reasons: list[str]
    remarks: list[str]
    note: str
    sent_notes: list[str]
    labels: list[Label]
    why: str
    looked: bool

    @property
    def box(self) -> str:
        """The SVG viewBox that lies exactly over the picture, or empty where its size is not known."""
        facts: dict[str, Any] = self.image.facts if self.image else {}
        return f"0 0 {facts['columns']} {facts['rows']}" if facts.get("columns") and facts.get("rows") else ""

    @property
    def masks(self) -> list[dict[str, Any]]:
        """What was masked, with the detector's score and the reader's confidence, 0 to 1."""
        return self.image.masks if self.image else []

    @property
    def hints(self) -> list[dict[str, Any]]:
        """Places that may be text and were neither read nor masked."""
        record: dict[str, Any] = self.image.deid_record if self.image else {}
        return list(record.get("hints") or [])

    @property
    def markers_kept(self) -> int:
        """Side markers and the like that were recognised and left."""
        record: dict[str, Any] = self.image.deid_record if self.image else {}
        return int(record.get("markers_kept") or 0)

    @property
    def said(self) -> str:
        """The tile in words, for whoever hears the sheet."""
        parts = [f"File {self.file.number}"]
        if self.image is None:
            parts.append("no picture")
        if self.masks:
            parts.append(f"{len(self.masks)} masked")
        if self.hints:
            parts.append(f"{len(self.hints)} faint")
        if self.review_reasons:
            parts.append("asks for a look")
        if self.note:
            parts.append("flagged")
        if self.why:
            parts.append("looked at" if self.looked else "not looked at yet")
        return ", ".join(parts)


def sheet_files(batch: Batch, show: str, inspection: Inspection | None = None) -> QuerySet[SourceFile]:
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
        case "sample":
            if inspection is None:
                return stored.none()
            items = InspectionItem.objects.filter(inspection=inspection)
            place = items.filter(image__source=OuterRef("pk")).values("place")[:1]
            return stored.filter(image__in=items.values("image")).order_by(Subquery(place))
        case "look":
            return stored.exclude(image__review_reasons=[]).order_by("number")
        case "masked":
            return stored.exclude(image__masks=[]).order_by("number")
        case "noted":
            return files.filter(status=SourceFileStatus.PASSED, pending_note__isnull=False).order_by("number")
        case "withheld":
            return files.exclude(status=SourceFileStatus.PASSED).order_by("reason", "number")
        case "worst":
            return stored.annotate(quality=Subquery(newest)).order_by("quality", "number")
        case _:
            return files.order_by("number")


def tiles(files: Iterable[SourceFile], viewer: User, inspection: Inspection | None = None) -> list[Tile]:
    """The tiles of one page of files, as this reviewer sees them."""
    files = list(files)
    said: dict[Any, list[Label]] = {}
    rows = Label.objects.standing().filter(image__source__in=files).order_by("finding", "state", "reader")
    for row in rows.exclude(state="not_mentioned"):
        said.setdefault(row.image_id, []).append(row)
    looked = set(ImageLook.objects.filter(reviewer=viewer, image__source__in=files).values_list("image_id", flat=True))
    why: dict[Any, str] = {}
    if inspection is not None:
        drawn = inspection.items.filter(image__source__in=files)
        why = {item.image_id: item.get_why_display() for item in drawn}
    return [_tile(file, said, looked, why) for file in files]


def _tile(file: SourceFile, said: dict[Any, list[Label]], looked: set[Any], why: dict[Any, str]) -> Tile:
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
        why=why.get(image.pk, "") if image else "",
        looked=image is not None and image.pk in looked,
    )


def _why(code: str) -> str:
    """Why a person should look, in words."""
    if code == AS_IT_CAME:
        return "The hospital says that this picture stood right as it came; the portal had seen it otherwise."
    return REASONS[code].cause if code in REASONS else code
