"""What is said of images, read from the rows: for counting, for pages, for comparing. The rules are in ``fulfillment.labels``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from fulfillment.labels.consensus import Verdict
from fulfillment.labels.consensus import consensus as settled
from fulfillment.labels.methods import Method
from fulfillment.labels.statement import SHAPE_KINDS, Statement, lies_on
from fulfillment.models import Annotation, Image, Label
from fulfillment.models.reports import Report
from requests_app.taxonomy import LabelState

#: By image, by finding as it is written: what was said of it.
Said = dict[str, dict[str, list[Statement]]]

_COLUMNS = (
    "pk",
    "image_id",
    "finding",
    "state",
    "method",
    "reader",
    "readers",
    "board_certified",
    "blind_to_report",
    "adjudication",
    "is_consensus",
    "laterality",
)


def labels_of(image: Image) -> QuerySet[Label]:
    """The labels that stand for an image, with their shapes."""
    return (
        Label.objects.standing()
        .filter(image=image)
        .order_by("finding", "method", "reader", "row")
        .prefetch_related("annotations")
    )


def consensus(image: Image) -> dict[str, Verdict]:
    """By finding: what holds on one image, by which rule, and who agreed. ``Statement.source`` is the label's key."""
    return settled(statements(Label.objects.standing().filter(image=image)).get(str(image.pk), {}))


def statements(standing: QuerySet[Label]) -> Said:
    """What a selection of standing labels says, by image and finding. Two statements, however many labels."""
    shapes = _shapes(standing)
    found: Said = defaultdict(lambda: defaultdict(list))
    for pk, image, finding, state, method, *how in standing.order_by().values_list(*_COLUMNS).iterator(10_000):
        reader, readers, certified, blind, adjudication, together, side = how
        kinds, astray = shapes.get(pk, (frozenset(), False))
        found[str(image)][finding].append(
            Statement(
                state=LabelState(state),
                method=Method(method),
                reader=reader,
                readers=readers,
                board_certified=certified,
                blind_to_report=blind,
                adjudication=adjudication,
                is_consensus=together,
                laterality=side,
                shapes=kinds,
                astray=astray,
                source=str(pk),
            )
        )
    return {image: dict(findings) for image, findings in found.items()}


def _shapes(standing: QuerySet[Label]) -> dict[Any, tuple[frozenset[str], bool]]:
    """Label -> the kinds of its shapes that lie on the image, and whether one does not."""
    drawn = Annotation.objects.filter(label__in=standing).order_by()
    sizes: dict[Any, tuple[Any, Any]] = {
        image: (rows, columns)
        for image, rows, columns in drawn.filter(label__image__isnull=False)
        .values_list("label__image", "label__image__facts__rows", "label__image__facts__columns")
        .distinct()
    }
    kinds: defaultdict[Any, set[str]] = defaultdict(set)
    astray: set[Any] = set()
    columns = ("label_id", "label__image_id", "kind", "box", "rows", "columns")
    for label, image, kind, box, rows, across in drawn.values_list(*columns).iterator(10_000):
        if lies_on(box, sizes.get(image, (None, None)), (rows, across)):
            kinds[label].add(kind)
        else:
            astray.add(label)
    sets = {frozenset(some): frozenset(some) for some in kinds.values()}  # few different ones: keep one of each
    return {
        label: (sets.get(frozenset(kinds.get(label, ())), frozenset()), label in astray) for label in {*kinds, *astray}
    }


def said_of(images: Iterable[Any]) -> Iterator[Said]:
    """``statements`` of many images, in portions: a database takes only so many parameters."""
    keys = list(images)
    for start in range(0, len(keys), 5_000):
        yield statements(Label.objects.standing().filter(image__in=keys[start : start + 5_000]))


def studies_with_report(studies: QuerySet[Any]) -> set[Any]:
    """Keys of the studies that have a report, of a selection of study keys."""
    return set(Report.objects.linked().filter(study__in=studies).values_list("study_id", flat=True))


__all__ = [
    "SHAPE_KINDS",
    "Said",
    "consensus",
    "labels_of",
    "lies_on",
    "said_of",
    "statements",
    "studies_with_report",
]
