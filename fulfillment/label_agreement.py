"""How far the readers of one batch agree on one finding: for the passport of a label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Count, Max

from fulfillment.label_facts import statements
from fulfillment.labels.agreement import Estimate, cohen_kappa, krippendorff_alpha
from fulfillment.models import Batch, Image, Label
from requests_app.taxonomy import LabelState

#: From absent to present, as the ordinal measure takes them.
ORDER = (LabelState.ABSENT, LabelState.POSSIBLE, LabelState.LIKELY, LabelState.PRESENT)
_KEPT_SECONDS = 3_600


@dataclass(frozen=True)
class Agreement:
    """``measure`` names the statistic of ``estimate``; ``readers`` are those who are named and take part."""

    measure: str
    estimate: Estimate
    readers: int


def agreement_on(batch: Batch, names: Collection[str]) -> Agreement | None:
    """Agreement of the named readers on a finding under any of its ``names``; None where no image was read by two.

    Cohen's kappa of two readers, Krippendorff's ordinal alpha of more; the interval resamples patients.
    """
    rows = Label.objects.standing().filter(batch=batch, image__isnull=False, finding__in=names)
    state = rows.aggregate(n=Count("pk"), last=Max("created_at"))
    key = f"label-agreement:{batch.pk}:{'|'.join(sorted(names))}:{state['n']}:{state['last']}"
    safe = "".join(character if character.isalnum() else "_" for character in key)[:240]
    found = cache.get(safe)
    if found is None:
        found = (_agreement(batch, rows),)
        cache.set(safe, found, _KEPT_SECONDS)
    agreement: Agreement | None = found[0]
    return agreement


def _agreement(batch: Batch, rows: object) -> Agreement | None:
    units: list[dict[str, LabelState]] = []
    clusters: list[object] = []
    patients = dict(
        Image.objects.filter(labels__batch=batch).order_by().values_list("pk", "series__study__patient").distinct()
    )
    by_text = {str(image): patient for image, patient in patients.items()}
    for image, findings in statements(rows).items():  # type: ignore[arg-type]
        by_reader: defaultdict[str, set[LabelState]] = defaultdict(set)
        for one in (one for said in findings.values() for one in said):
            if one.reader and not one.is_consensus and one.state is not LabelState.NOT_MENTIONED:
                by_reader[one.reader].add(one.state)
        clear = {reader: states.pop() for reader, states in by_reader.items() if len(states) == 1}
        if len(clear) > 1:
            units.append(clear)
            clusters.append(by_text.get(image, image))
    readers = sorted({reader for unit in units for reader in unit})
    if not units:
        return None
    if len(readers) == 2:
        first, second = ([unit[reader] for unit in units] for reader in readers)
        kappa = cohen_kappa(first, second, categories=ORDER, clusters=clusters)  # type: ignore[arg-type]
        return Agreement("Cohen’s kappa", kappa, 2)
    alpha = krippendorff_alpha(
        [list(unit.values()) for unit in units], level="ordinal", categories=ORDER, clusters=clusters
    )  # type: ignore[arg-type]
    return Agreement("Krippendorff’s alpha", alpha, len(readers))
