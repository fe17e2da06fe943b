"""The quality of many images at once: spread, histograms, devices, and what would raise it. Pure; one pass over slim rows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

#: Ten bars from 0 to 100.
EDGES: tuple[float, ...] = tuple(float(edge) for edge in range(0, 101, 10))


@dataclass(frozen=True, slots=True)
class Scored:
    """What a batch's page needs of one image. ``key`` is the image's primary key, ``number`` its file's number in the batch.

    ``gain`` is None where it was not kept; ``header`` and ``labels`` are the completeness scores, None where not assessed.
    ``device`` is (vendor, model) as released, each "" where not stated.
    """

    key: object
    number: int
    version: str
    gate: bool
    gate_reason: str
    total: float
    components: Mapping[str, float]
    weakest: str
    remedy: str
    gain: float | None
    header: float | None = None
    labels: float | None = None
    device: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Spread:
    """n, the median, and the quarter and three-quarter points: half of the values lie between them. All None where n is 0."""

    n: int
    median: float | None = None
    low: float | None = None
    high: float | None = None
    least: float | None = None
    most: float | None = None


def spread(values: Iterable[float | None]) -> Spread:
    """The spread of the values that are known."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if known.size == 0:
        return Spread(0)
    low, middle, high = (float(point) for point in np.percentile(known, (25, 50, 75)))
    return Spread(
        int(known.size), round(middle, 1), round(low, 1), round(high, 1), float(known.min()), float(known.max())
    )


def counts(values: Iterable[float | None]) -> list[int]:
    """How many values lie in each bar of ``EDGES``; 100 belongs to the last."""
    known = [min(100.0, max(0.0, value)) for value in values if value is not None]
    return [int(count) for count in np.histogram(known, bins=EDGES)[0]]


@dataclass(frozen=True, slots=True)
class Raise:
    """One remedy and what it would bring. ``gain`` is the mean over the images where it is known; ``value`` the median of the
    component among them."""

    key: str
    component: str
    remedy: str
    images: int
    value: float
    gain: float | None


def raise_key(row: Scored) -> str:
    """The group of images with the same weakest component and the same remedy; "" where nothing would raise the score."""
    if not row.gate or not row.remedy or not row.weakest:
        return ""
    return f"raise:{row.weakest}:{hashlib.sha256(row.remedy.encode()).hexdigest()[:8]}"


def raises(rows: Sequence[Scored]) -> list[Raise]:
    """What would raise the scores, what brings most in all first."""
    groups: dict[str, list[Scored]] = defaultdict(list)
    for row in rows:
        if key := raise_key(row):
            groups[key].append(row)
    found = [_raise(key, members) for key, members in groups.items()]
    return sorted(found, key=lambda item: (-(item.gain or 0.0) * item.images, -item.images, item.key))


def _raise(key: str, members: Sequence[Scored]) -> Raise:
    first = members[0]
    gains = [row.gain for row in members if row.gain is not None]
    values = spread(row.components.get(first.weakest) for row in members)
    return Raise(
        key=key,
        component=first.weakest,
        remedy=first.remedy,
        images=len(members),
        value=values.median or 0.0,
        gain=round(sum(gains) / len(gains), 1) if gains else None,
    )


@dataclass(frozen=True, slots=True)
class Device:
    """One vendor and model: n, the median of the total, and the median of each component."""

    key: str
    vendor: str
    model: str
    n: int
    total: float | None
    components: Mapping[str, float | None]


def device_key(row: Scored) -> str:
    """The group of images of one device. Not the name itself: an address should hold no text of a header."""
    return "device:" + hashlib.sha256("\0".join(row.device).encode()).hexdigest()[:12]


def by_device(rows: Sequence[Scored], components: Sequence[str]) -> list[Device]:
    """The devices of a batch, most images first."""
    groups: dict[tuple[str, str], list[Scored]] = defaultdict(list)
    for row in rows:
        groups[row.device].append(row)
    found = [
        Device(
            key=device_key(members[0]),
            vendor=vendor,
            model=model,
            n=len(members),
            total=spread(row.total for row in members).median,
            components={name: spread(row.components.get(name) for row in members).median for name in components},
        )
        for (vendor, model), members in groups.items()
    ]
    return sorted(found, key=lambda device: (-device.n, device.vendor, device.model))


def below(rows: Iterable[Scored], component: str, least: float) -> list[Scored]:
    """Images whose component does not reach a request's minimum."""
    return [row for row in rows if (value := row.components.get(component)) is not None and value < least]


def worst_first(rows: Iterable[Scored], chosen: Callable[[Scored], bool] | None = None) -> list[Scored]:
    """Images by total, the lowest first; a failed gate is 0."""
    return sorted((row for row in rows if chosen is None or chosen(row)), key=lambda row: (row.total, row.number))
