"""The quality of the images that fit, as the batch's page shows it, and what would raise it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fulfillment.kit.labels import Said
from fulfillment.kit.settled import Settled
from fulfillment.quality.completeness import label_completeness
from fulfillment.quality.overview import Device, Raise, Scored, Spread, below, by_device, counts, raises, spread
from requests_app.spec import DatasetSpec, QualityComponent
from requests_app.taxonomy import LabelState

COMPONENTS: tuple[str, ...] = tuple(component.value for component in QualityComponent)


@dataclass(frozen=True)
class HeaderRaise:
    """An attribute that images lack, and by how many points of header completeness it would raise each of them, on average."""

    attribute: str
    images: int
    points: float


@dataclass(frozen=True)
class ComponentRow:
    """``minimum``: what the request asks, or None; ``short``: images below it."""

    name: str
    spread: Spread
    bars: list[int]
    minimum: float | None
    level: str
    short: int


@dataclass
class Quality:
    """``bars``: images in ten steps of the score."""

    images: int = 0
    total: Spread = field(default_factory=lambda: Spread(0))
    bars: list[int] = field(default_factory=list)
    header: Spread = field(default_factory=lambda: Spread(0))
    labels: Spread = field(default_factory=lambda: Spread(0))
    components: list[ComponentRow] = field(default_factory=list)
    raises: list[Raise] = field(default_factory=list)
    header_raises: list[HeaderRaise] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    asked: float | None = None

    @property
    def sentences(self) -> list[str]:
        """What would raise the scores, a sentence each: the gain is the mean over the images that it concerns."""
        said = []
        for item in self.raises:
            gain = f": +{item.gain:.0f} points each" if item.gain else ""
            said.append(f"{_counted(item.images)}: {item.remedy[:1].lower()}{item.remedy[1:].rstrip('.')}{gain}.")
        for lack in self.header_raises:
            said.append(
                f"Add {lack.attribute} to {_counted(lack.images)}: +{lack.points:.0f} points of the header each."
            )
        return said


def scored(one: Settled, labels: float | None) -> Scored:
    """What the overview needs of one image."""
    quality, facts = one.verdict["quality"], one.verdict["facts"]
    return Scored(
        key=one.number,
        number=one.number,
        version=quality["version"],
        gate=quality["gate"],
        gate_reason=quality["gate_reason"],
        total=quality["total"],
        components=quality["components"],
        weakest=quality["weakest"],
        remedy=quality["remedy"],
        gain=quality["gain"],
        header=one.verdict["header"]["score"],
        labels=labels,
        device=(facts.get("vendor") or "", facts.get("model") or ""),
    )


def judge_quality(passed: Sequence[Settled], spec: DatasetSpec, said: Said) -> Quality:
    """Of the images that fit: refused ones are not part of a batch's score."""
    rows = [scored(one, _labels(one.number, spec, said)) for one in passed]
    asked = {line.component.value: line for line in spec.quality.components}
    measured = [name for name in COMPONENTS if any(name in row.components for row in rows)]
    components = []
    for name in measured:
        values = [row.components.get(name) for row in rows]
        line = asked.get(name)
        least = line.min if line else None
        short = len(below(rows, name, least)) if least is not None else 0
        level = line.level.value if line else ""
        components.append(ComponentRow(name, spread(values), counts(values), least, level, short))
    return Quality(
        images=len(rows),
        total=spread(row.total for row in rows),
        bars=counts(row.total for row in rows),
        header=spread(row.header for row in rows),
        labels=spread(row.labels for row in rows),
        components=components,
        raises=raises(rows),
        header_raises=_header_raises(passed),
        devices=by_device(rows, measured),
        asked=spec.quality.total.min if spec.quality.total else None,
    )


def _labels(number: int, spec: DatasetSpec, said: Said) -> float | None:
    if not spec.labels.findings:
        return None
    here = said.get(number, {})
    states: dict[str, list[LabelState]] = {name: [one.state for one in several] for name, several in here.items()}
    shapes = {name: {kind for one in several for kind in one.shapes} for name, several in here.items()}
    return label_completeness(spec, states, shapes).score or 0.0


def _header_raises(passed: Sequence[Settled]) -> list[HeaderRaise]:
    points: defaultdict[str, list[float]] = defaultdict(list)
    for one in passed:
        for attribute, gain in one.verdict["header"]["lacking"]:
            points[attribute].append(gain)
    found = [HeaderRaise(name, len(gains), round(sum(gains) / len(gains), 1)) for name, gains in points.items()]
    return sorted(found, key=lambda item: (-item.points * item.images, item.attribute))


def _counted(number: int) -> str:
    return f"{number:,} image{'' if number == 1 else 's'}"


def as_dict(quality: Quality) -> dict[str, Any]:
    """JSON-able."""
    return {
        "images": quality.images,
        "asked": quality.asked,
        "total": _spread(quality.total) | {"bars_of_ten": quality.bars},
        "header_completeness": _spread(quality.header),
        "label_completeness": _spread(quality.labels),
        "components": [
            {
                "name": row.name,
                "minimum": row.minimum,
                "level": row.level,
                "below_minimum": row.short,
                **_spread(row.spread),
            }
            for row in quality.components
        ],
        "would_raise": [
            {"component": item.component, "remedy": item.remedy, "images": item.images, "gain": item.gain}
            for item in quality.raises
        ],
        "would_raise_header": [
            {"attribute": item.attribute, "images": item.images, "points": item.points}
            for item in quality.header_raises
        ],
        "sentences": quality.sentences,
        "devices": [
            {"vendor": device.vendor, "model": device.model, "images": device.n, "total": device.total}
            for device in quality.devices
        ],
    }


def _spread(values: Spread) -> dict[str, Any]:
    return {"n": values.n, "median": values.median, "low": values.low, "high": values.high}
