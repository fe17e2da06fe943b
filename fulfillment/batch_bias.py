"""How one batch is made up, and which findings go with something that is not the disease. A first look; a release is audited whole.

The measure is that of the release's audit (``fulfillment.audits.association``): Cramer's V with Bergsma's correction, each patient
counted once. A batch is small, so the page says beside each value what chance alone would reach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Max
from django.db.models.fields.json import KeyTextTransform

from fulfillment.audits.association import Association, associate
from fulfillment.audits.thresholds import V_AMBER, V_RED
from fulfillment.label_facts import statements
from fulfillment.labels.consensus import consensus
from fulfillment.models import Batch, Image, Label
from getdata.common.charts import Chart, bar_chart
from requests_app.taxonomy import LabelState

NOT_STATED = "not stated"
#: Fewer patients with or without a finding than this, and an association says nothing.
LEAST_PATIENTS = 10
_KEPT_SECONDS = 3_600
_SHOWN = 12
_HOLDS = {LabelState.PRESENT: 1.0, LabelState.LIKELY: 1.0, LabelState.ABSENT: 0.0}
_BANDS = ((18, "under 18"), (40, "18 to 39"), (65, "40 to 64"), (80, "65 to 79"))


@dataclass(frozen=True)
class Shortcut:
    """A finding against a property of the image. ``shares``: (category, patients, share of them with the finding)."""

    finding: str
    factor: str
    found: Association

    @property
    def severity(self) -> str:
        """red, amber or none: by the lower end of the interval, as in the release's audit."""
        low = self.found.low or 0.0
        return "warning" if low >= V_RED else "should" if low >= V_AMBER else ""

    @property
    def shares(self) -> list[tuple[str, int, float]]:
        return [(name, round(patients), share) for name, patients, share in self.found.table[:4]]


@dataclass(frozen=True)
class Makeup:
    """A batch by its properties. ``shortcuts``: strongest first; ``too_few``: findings with too few patients to say anything."""

    images: int
    patients: int
    counts: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    shortcuts: tuple[Shortcut, ...]
    too_few: tuple[str, ...]

    @property
    def charts(self) -> list[Chart]:
        return [bar_chart(list(rows), title=title, unit="images", name=title) for title, rows in self.counts if rows]


def makeup_of(batch: Batch) -> Makeup:
    """Counted once, and again when an image or a label changed."""
    images = Image.objects.live().filter(source__batch=batch)
    state = images.aggregate(n=Count("pk"), last=Max("source__settled_at"))
    said = Label.objects.standing().filter(batch=batch).aggregate(n=Count("pk"), last=Max("created_at"))
    stamps = [moment.timestamp() if moment else 0 for moment in (state["last"], said["last"])]
    key = f"batch-makeup:{batch.pk}:{state['n']}:{said['n']}:{stamps[0]}:{stamps[1]}"
    found: Makeup | None = cache.get(key)
    if found is None:
        found = _makeup(batch)
        cache.set(key, found, _KEPT_SECONDS)
    return found


def _makeup(batch: Batch) -> Makeup:
    rows = list(
        Image.objects.live()
        .filter(source__batch=batch)
        .order_by("source__number")
        .values_list(
            "pk",
            "view",
            "sex",
            "age_years",
            KeyTextTransform("vendor", "facts"),
            KeyTextTransform("model", "facts"),
            "series__study__patient",
        )
    )
    factors: dict[str, list[str]] = {
        "Projection": [row[1] or NOT_STATED for row in rows],
        "Sex": [row[2] or NOT_STATED for row in rows],
        "Age": [_band(row[3]) for row in rows],
        "Device": [" ".join(filter(None, (_text(row[4]), _text(row[5])))) or NOT_STATED for row in rows],
    }
    patients = _codes([str(row[6]) for row in rows])[0]
    shortcuts, too_few = _shortcuts(batch, [str(row[0]) for row in rows], factors, patients)
    return Makeup(
        images=len(rows),
        patients=len({row[6] for row in rows}),
        counts=tuple((name, _counted(texts)) for name, texts in factors.items()),
        shortcuts=tuple(shortcuts[:_SHOWN]),
        too_few=tuple(too_few),
    )


def _shortcuts(
    batch: Batch, keys: Sequence[str], factors: dict[str, list[str]], patients: Any
) -> tuple[list[Shortcut], list[str]]:
    standing = Label.objects.standing().filter(batch=batch, image__source__status="passed", image__source__batch=batch)
    settled = {
        image: {finding: verdict.state for finding, verdict in consensus(said).items()}
        for image, said in statements(standing).items()
    }
    found: list[Shortcut] = []
    too_few: list[str] = []
    coded = {name: _codes(texts) for name, texts in factors.items()}
    for finding in sorted({name for said in settled.values() for name in said}):
        states = [settled.get(key, {}).get(finding) for key in keys]
        y = np.array([_HOLDS.get(state, np.nan) if state is not None else np.nan for state in states])
        held, free = (len(set(patients[y == value])) for value in (1.0, 0.0))
        if min(held, free) < LEAST_PATIENTS:
            too_few.append(finding)
            continue
        for name, (codes, categories) in coded.items():
            result = associate(y, codes, categories, patients)
            if result.value is not None:
                found.append(Shortcut(finding, name, result))
    return sorted(found, key=lambda one: (-(one.found.low or 0.0), -(one.found.value or 0.0), one.finding)), too_few


def _codes(texts: Sequence[str]) -> tuple[Any, tuple[str, ...]]:
    names, codes = np.unique(np.array(texts, dtype=object).astype(str), return_inverse=True)
    return codes, tuple(str(name) for name in names)


def _counted(texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(texts).most_common(8))


def _text(value: str | None) -> str:
    """SQLite gives a JSON null as the word."""
    return "" if value in (None, "null") else str(value)


def _band(age: int | None) -> str:
    if age is None:
        return NOT_STATED
    return next((name for limit, name in _BANDS if age < limit), "80 and over")
