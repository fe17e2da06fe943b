"""Labels of a batch against its reports, its marks and each other: what disagrees, and how far readers agree.

Worked out when it is asked for and kept until a label, a report or an image changes; what a report says is kept by report. A
disagreement whose label somebody confirmed is settled. The rules are in ``fulfillment.labels.discordance`` and ``.agreement``.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Max, QuerySet
from django.urls import reverse

from fulfillment.label_facts import statements
from fulfillment.labels.agreement import Estimate, Marked, ShapeAgreement, krippendorff_alpha, shape_agreement
from fulfillment.labels.consensus import settle
from fulfillment.labels.discordance import BoxFact, DiscordanceKind, discordances
from fulfillment.labels.formats import Shape
from fulfillment.labels.reports import ENGINE_VERSION, label_report
from fulfillment.labels.reports import Statement as Spoken
from fulfillment.labels.statement import Statement
from fulfillment.models import Annotation, Batch, Image, Label, Release, Report
from fulfillment.models.labels import Origin
from getdata.accounts.models import Organization, User
from requests_app.spec import AnnotationType, DatasetSpec
from requests_app.taxonomy import LabelState, Taxonomy

_KEPT_SECONDS = 24 * 3600
_FRONTAL = frozenset({"PA", "AP"})
#: From the least to the most certain that it is there.
ORDER = [LabelState.ABSENT, LabelState.POSSIBLE, LabelState.LIKELY, LabelState.PRESENT]
_SIDES = {"R": "right", "L": "left", "B": "both"}

#: In the order of the page: what it is called, and what one may do about it.
KINDS: dict[DiscordanceKind, tuple[str, str]] = {
    DiscordanceKind.REPORT_DENIES: ("The report denies it", "The label says that it is there, the report that it is not."),
    DiscordanceKind.REPORT_STATES: ("The report states it", "The label says that it is absent, the report that it is there."),
    DiscordanceKind.REPORT_NORMAL: ("The report finds nothing", "A label and a report that speaks of a normal image."),
    DiscordanceKind.SIDE_DIFFERS: ("The other side", "Label, mark and report do not name the same side of the patient."),
    DiscordanceKind.NO_FINDING_AND_FINDING: ("Nothing, and something", "“No finding” stands beside a finding."),
    DiscordanceKind.PARENT_ABSENT_CHILD_PRESENT: ("The part without the whole", "What contains the finding is called absent."),
    DiscordanceKind.BOX_WITHOUT_LABEL: ("A mark without its label", "Something is marked and not called present."),
    DiscordanceKind.LABEL_WITHOUT_BOX: ("A label without its mark", "The request asks for marks and there is none."),
    DiscordanceKind.REPORT_UNCERTAIN: ("The report is not certain", "The label is firmer than the report."),
    DiscordanceKind.REPORT_SILENT: ("The report is silent", "The label says that it is there and the report does not speak of it."),
}  # fmt: skip
_AGAINST_REPORT = frozenset(
    {
        DiscordanceKind.REPORT_DENIES,
        DiscordanceKind.REPORT_STATES,
        DiscordanceKind.REPORT_NORMAL,
        DiscordanceKind.SIDE_DIFFERS,
    }
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """One disagreement about one finding of one image. ``start`` and ``end`` are words of the report, if it has any."""

    image: Any
    finding: str
    name: str
    kind: DiscordanceKind
    contradiction: bool
    detail: str
    report: Any = None
    start: int | None = None
    end: int | None = None
    confirmed: bool = False


@dataclass(frozen=True)
class FindingRow:
    """One finding of a batch: images by settled state, labels by source, and the agreement of named readers (ordinal alpha).

    ``overlap`` compares the boxes (of outlines and masks the enclosing ones) of the two readers who share most images.
    """

    name: str
    states: dict[str, int]
    sources: dict[str, int]
    marked: int
    readers: int
    agreement: Estimate | None
    overlap: ShapeAgreement | None = None


@dataclass(frozen=True)
class Checked:
    """A batch's labels, checked. ``labelled`` images have labels; ``compared`` have labels and a report. Keys are images'."""

    doubts: tuple[Doubt, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    labelled: frozenset[Any] = frozenset()
    compared: frozenset[Any] = frozenset()

    @property
    def open(self) -> list[Doubt]:
        return [doubt for doubt in self.doubts if not doubt.confirmed]

    @property
    def confirmed(self) -> int:
        return len(self.doubts) - len(self.open)

    def contradicted(self) -> frozenset[Any]:
        """Images whose report contradicts a label, settled or not: a confirmation is the hospital's word, not the report's."""
        return frozenset(doubt.image for doubt in self.doubts if doubt.contradiction and doubt.kind in _AGAINST_REPORT)


@dataclass(frozen=True, slots=True)
class Rate:
    """Of ``images`` with labels and a report, those whose report contradicts a label."""

    contradicted: int = 0
    images: int = 0

    @property
    def percent(self) -> float:
        return 100 * self.contradicted / self.images if self.images else 0.0


def worklists_for(user: User) -> QuerySet[Batch]:
    """Batches whose worklist this person may see: staff, and members of the hospital. Others get the figure."""
    seen = Batch.objects.visible_to(user)
    return (
        seen
        if user.is_reviewer
        else seen.filter(fulfillment__hospital__in=Organization.objects.filter(memberships__user=user))
    )


def batch_rate(batch: Batch) -> Rate:
    """The figure of one batch."""
    found = checked(batch)
    return Rate(len(found.contradicted()), len(found.compared))


def figure_of(batch: Batch, user: User) -> dict[str, Any]:
    """For the page of a batch whose files are settled: the figure, and the worklist's address for those who may see it."""
    if not batch.labels.exists():
        return {}
    sees = worklists_for(user).filter(pk=batch.pk).exists()
    return {"label_rate": batch_rate(batch), "url_labels": reverse("batch_labels", args=[batch.pk]) if sees else ""}


def release_rate(release: Release, user: User) -> Rate:
    """The figure of a release, over those of its images that this person may know of."""
    seen = Image.objects.visible_to(user).filter(release_items__release=release)
    of_batch: defaultdict[Any, set[Any]] = defaultdict(set)
    for image, key in seen.values_list("pk", "source__batch"):
        of_batch[key].add(image)
    contradicted = images = 0
    for batch in Batch.objects.filter(pk__in=of_batch).select_related("spec_version"):
        found = checked(batch)
        contradicted += len(found.contradicted() & of_batch[batch.pk])
        images += len(found.compared & of_batch[batch.pk])
    return Rate(contradicted, images)


def checked(batch: Batch) -> Checked:
    """Everything that the page of a batch's labels tells."""
    labels = Label.objects.standing().filter(batch=batch, image__in=Image.objects.live())
    reports = Report.objects.linked().filter(study__series__images__source__batch=batch)
    parts = (
        batch.pk,
        batch.spec_version_id,
        ENGINE_VERSION,
        labels.aggregate(n=Count("pk"), last=Max("created_at")),
        reports.aggregate(n=Count("pk"), last=Max("created_at")),
    )
    key = "labels-checked:" + hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
    known = cache.get(key)
    if not isinstance(known, Checked):
        known = _check(batch, labels)
        cache.set(key, known, _KEPT_SECONDS)
    return known


@dataclass
class _Image:
    """What is known of one image while it is compared."""

    said: dict[str, list[Statement]] = field(default_factory=dict)
    boxes: list[BoxFact] = field(default_factory=list)
    drawn: dict[tuple[str, str], list[Shape]] = field(default_factory=dict)
    """By finding and reader."""
    confirmed: set[str] = field(default_factory=set)


def _check(batch: Batch, labels: QuerySet[Label]) -> Checked:
    spec = DatasetSpec.model_validate(batch.spec_version.document)
    taxonomy = spec.taxonomy()
    asked = {
        finding.key
        for line in spec.labels.findings
        if line.annotation is not AnnotationType.IMAGE and (finding := taxonomy.find(line.finding)) is not None
    }
    known = _known(labels, taxonomy)
    columns = ("pk", "series__study_id", "series__study__patient_id")
    images = {
        pk: (study, patient)
        for pk, study, patient in Image.objects.live().filter(pk__in=labels.values("image")).values_list(*columns)
    }
    reports = _reports({study for study, _ in images.values()})
    doubts: list[Doubt] = []
    for pk, (study, _) in images.items():
        image = known[str(pk)]
        report = reports.get(study)
        found = discordances(
            report[1] if report else None,
            {key: settle(said).state for key, said in image.said.items()},
            boxes=image.boxes,
            laterality={key: side for key, said in image.said.items() if (side := _side(said))},
            boxes_asked=asked,
            taxonomy=taxonomy,
        )
        doubts += [
            Doubt(
                image=pk,
                finding=one.finding,
                name=taxonomy[one.finding].name if one.finding in taxonomy else one.finding,
                kind=one.kind,
                contradiction=one.severity == "contradiction",
                detail=one.detail,
                report=report[0] if report and one.start is not None else None,
                start=one.start,
                end=one.end,
                confirmed=one.finding in image.confirmed,
            )
            for one in found
        ]
    order = list(KINDS)
    doubts.sort(key=lambda doubt: (order.index(doubt.kind), not doubt.contradiction, doubt.name))
    return Checked(
        tuple(doubts),
        tuple(_findings(known, {str(pk): patient for pk, (_, patient) in images.items()}, taxonomy)),
        frozenset(images),
        frozenset(pk for pk, (study, _) in images.items() if study in reports),
    )


def _side(said: Iterable[Statement]) -> str:
    """The side that the statements name, if they name one only."""
    sides = {one.laterality for one in said if one.laterality}
    return _SIDES[sides.pop()] if len(sides) == 1 else ""


def _known(labels: QuerySet[Label], taxonomy: Taxonomy) -> dict[str, _Image]:
    found: defaultdict[str, _Image] = defaultdict(_Image)

    def key(name: str) -> str:
        finding = taxonomy.find(name)
        return finding.key if finding else name

    for image, findings in statements(labels).items():
        for name, said in findings.items():
            found[image].said.setdefault(key(name), []).extend(said)
    for image_pk, name in labels.filter(origin=Origin.CONFIRMED).order_by().values_list("image_id", "finding"):
        found[str(image_pk)].confirmed.add(key(name))
    columns = (
        "label__image_id",
        "label__image__view",
        "label__image__facts__columns",
        "label__finding",
        "label__reader",
        "box",
    )
    for image_pk, view, width, name, reader, box in Annotation.objects.filter(label__in=labels).values_list(*columns):
        if reader:
            found[str(image_pk)].drawn.setdefault((key(name), reader), []).append(Shape.of_box(*box))
        centre = (float(box[0]) + float(box[2]) / 2) / width if view in _FRONTAL and width else None
        found[str(image_pk)].boxes.append(BoxFact(key(name), centre))
    return found


def _reports(studies: set[Any]) -> dict[Any, tuple[Any, list[Spoken]]]:
    """Study -> its latest report's key and what it says."""
    latest: dict[Any, Any] = {}
    keys = list(studies)
    for start in range(0, len(keys), 5_000):
        linked = Report.objects.linked().filter(study__in=keys[start : start + 5_000]).order_by("created_at", "pk")
        latest |= dict(linked.values_list("study_id", "pk"))
    found: dict[Any, tuple[Any, list[Spoken]]] = {}
    items = list(latest.items())
    for start in range(0, len(items), 500):
        some = items[start : start + 500]
        cached = cache.get_many([_cache_key(pk) for _, pk in some])
        missing = [pk for _, pk in some if _cache_key(pk) not in cached]
        fresh = {
            _cache_key(pk): label_report(text)
            for pk, text in Report.objects.filter(pk__in=missing).values_list("pk", "text")
        }
        cache.set_many(fresh, _KEPT_SECONDS)
        cached |= fresh
        found |= {study: (pk, list(cached[_cache_key(pk)])) for study, pk in some}
    return found


def _cache_key(report: Any) -> str:
    return f"report-said:{ENGINE_VERSION}:{report}".replace(" ", "_")


def _findings(known: dict[str, _Image], patients: dict[str, Any], taxonomy: Taxonomy) -> Iterable[FindingRow]:
    places = {key: place for place, key in enumerate(taxonomy.keys)}
    keys = {key for image in known.values() for key in image.said}
    for key in sorted(keys, key=lambda one: (places.get(one, len(places)), one)):
        images = {pk: image.said[key] for pk, image in known.items() if key in image.said}
        yield FindingRow(
            name=taxonomy[key].name if key in taxonomy else key,
            states=dict(Counter(settle(said).state.value for said in images.values())),
            sources=dict(Counter(one.method.plain for said in images.values() for one in said).most_common()),
            marked=sum(any(one.shapes for one in said) for said in images.values()),
            readers=len({one.reader for said in images.values() for one in said if one.reader}),
            agreement=_agreement(images, patients),
            overlap=_overlap(key, {pk: image for pk, image in known.items() if key in image.said}, patients),
        )


def _agreement(images: dict[str, list[Statement]], patients: dict[str, Any]) -> Estimate | None:
    """Krippendorff's ordinal alpha of the named readers; None where no image was read by two."""
    units, clusters = [], []
    for pk, said in images.items():
        by_reader: defaultdict[str, set[LabelState]] = defaultdict(set)
        for one in said:
            if one.reader and not one.is_consensus and one.state is not LabelState.NOT_MENTIONED:
                by_reader[one.reader].add(one.state)
        ratings = [states.pop() for states in by_reader.values() if len(states) == 1]
        if len(ratings) > 1:
            units.append(ratings)
            clusters.append(patients.get(pk, pk))
    return krippendorff_alpha(units, level="ordinal", categories=ORDER, clusters=clusters) if units else None


def _overlap(key: str, images: dict[str, _Image], patients: dict[str, Any]) -> ShapeAgreement | None:
    """Boxes of the two readers who both read the finding on most images; None where no two did, or nobody drew."""
    readers = {pk: sorted({one.reader for one in image.said[key] if one.reader}) for pk, image in images.items()}
    pairs = Counter(pair for names in readers.values() for pair in combinations(names, 2))
    drawn = {reader for image in images.values() for finding, reader in image.drawn if finding == key}
    together = sorted((pair for pair in pairs if drawn & set(pair)), key=lambda pair: (-pairs[pair], pair))
    if not together:
        return None
    first, second = together[0]
    return shape_agreement(
        Marked(image.drawn.get((key, first), []), image.drawn.get((key, second), []), cluster=patients.get(pk, pk))
        for pk, image in images.items()
        if first in readers[pk] and second in readers[pk]
    )
