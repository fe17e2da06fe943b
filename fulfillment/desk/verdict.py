"""The verdict on a batch, line by line of the specification it is pinned to, and what accepting it would fill."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache

from fulfillment.conformance import fill_quotas
from fulfillment.meter import facts_of, request_meter
from fulfillment.models import Batch, BatchStatus, Image, SourceFileStatus
from requests_app.spec import DatasetSpec, check_lines
from requests_app.spec.wording import describe_line

_KEPT_SECONDS = 3_600
_WITHHELD = (SourceFileStatus.REJECTED, SourceFileStatus.QUARANTINED, SourceFileStatus.FAILED)


@dataclass
class SpecLine:
    """One line of the specification. ``passed`` images carry a remark on it, ``refused`` files were stopped by it.

    ``remarks`` are what the batch as a whole lacks: (message, remedy).
    """

    check_id: str
    level: str
    text: str
    passed: int = 0
    refused: int = 0
    remarks: list[tuple[str, str]] = field(default_factory=list)

    @property
    def state(self) -> str:
        """yes: nothing to say; short: the whole is not complete yet; remarks: images with a remark; refused: files were stopped."""
        return "short" if self.remarks else "remarks" if self.passed else "refused" if self.refused else "yes"


@dataclass(frozen=True)
class Cell:
    """One counted line. ``here`` is what this batch brings, ``open`` what is still needed once it is accepted.

    Lines that take a patient once are filled over all batches together, so ``open`` is exact only where lines overlap.
    """

    label: str
    kind: str
    level: str
    unit: str
    needed: int
    accepted: int
    here: int
    maximum: int | None

    @property
    def open(self) -> int:
        return max(0, self.needed - self.accepted - self.here)

    @property
    def over(self) -> int:
        return 0 if self.maximum is None else max(0, self.accepted + self.here - self.maximum)


def spec_lines(batch: Batch) -> list[SpecLine]:
    """Every checkable line in the order of the document, then remarks that belong to no line."""
    spec = DatasetSpec.model_validate(batch.spec_version.document)
    passed = _counted(Image.objects.live().filter(source__batch=batch).values_list("findings", flat=True))
    refused = _counted(batch.files.filter(status__in=_WITHHELD).values_list("findings", flat=True))
    whole: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for finding in batch.findings:
        whole[str(finding.get("check_id", ""))].append(
            (str(finding.get("message", "")), str(finding.get("remedy", "")))
        )
    lines = []
    for line in check_lines(spec):
        # A finding line asks for positives and negatives apart: their remarks carry its id with the state behind it.
        own = [key for key in whole if key == line.check_id or key.rpartition(".")[0] == line.check_id]
        remarks = [remark for key in own for remark in whole.pop(key)]
        text = describe_line(line.line)
        lines.append(
            SpecLine(
                line.check_id,
                line.level.value,
                text[:1].upper() + text[1:],
                passed[line.check_id],
                refused[line.check_id],
                remarks,
            )
        )
    lines += [SpecLine("", "should", "About the batch as a whole", remarks=remarks) for remarks in whole.values()]
    return lines


def _counted(rows: Any) -> Counter[str]:
    """In how many rows a line is named."""
    found: Counter[str] = Counter()
    for findings in rows.order_by().iterator(chunk_size=2_000):
        found.update({str(one.get("check_id", "")) for one in findings if one.get("severity") != "info"})
    return found


def cells(batch: Batch) -> list[Cell]:
    """Every counted line: needed, accepted so far by everybody, and what this batch brings. Kept while nothing can change."""
    key = f"review-cells:{batch.pk}:{batch.sealed_at.timestamp() if batch.sealed_at else 0}"
    here: dict[str, int] | None = cache.get(key)
    spec = DatasetSpec.model_validate(batch.spec_version.document)
    if here is None:
        images = Image.objects.live().filter(source__batch=batch).select_related("source__batch__fulfillment")
        here = {line.check_id: line.received for line in fill_quotas(facts_of(images), spec)}
        if not batch.is_writable:
            cache.set(key, here, _KEPT_SECONDS)
    counted = request_meter(batch.fulfillment.request, patient=True)
    # Accepted already, its images are in the count of what was accepted: they are not counted twice.
    included = batch.status == BatchStatus.ACCEPTED
    return [
        Cell(
            label=row.label,
            kind=row.kind,
            level=row.level,
            unit=row.unit,
            needed=row.needed,
            accepted=max(0, row.accepted - (here.get(row.check_id, 0) if included else 0)),
            here=here.get(row.check_id, 0),
            maximum=row.maximum,
        )
        for row in (counted.rows if counted is not None else [])
    ]
