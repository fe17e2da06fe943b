"""`look`: one plane of stored values -> `Truth`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fulfillment.conformance.facts import ImageFacts
from fulfillment.quality.truth.model import Likeness, Network, shipped
from fulfillment.quality.truth.picture import network_input, reduced, trimmed
from fulfillment.quality.truth.result import Polarity, Truth, View

SMALLEST = 128
FRONTAL, LATERAL, NO_CHEST = 0, 1, 2
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which confidence on something is said. Set on pictures that the networks which saw them had not learned from."""

    view: float = 0.8
    orientation: float = 0.85
    mirrored: float = 0.9
    not_chest: float = 0.6


THRESHOLDS = Thresholds()


@dataclass(frozen=True, slots=True)
class Reading:
    """The network's answers, put together over the four ways to turn the picture; probabilities."""

    classes: Array  # frontal, lateral, no chest
    turns: Array  # 0, 90, 180, 270 clockwise
    inverted: float
    mirrored: float
    distance: float  # from other chests of the likelier view; 1 is unusual


def look(plane: NDArray[np.generic], *, photometric: str | None, facts: ImageFacts | None = None) -> Truth:
    """Look at one picture.

    `plane`: stored values, (rows, columns), any integer or floating type. `photometric`: its PhotometricInterpretation;
    anything but MONOCHROME1 is shown as it is. `facts` may be left out: the answer is the picture's alone.
    Deterministic, one thread, never raises on a bad picture: what cannot be looked at says so in ``reason``.
    """
    array = np.asarray(plane)
    if (
        array.ndim != 2
        or array.dtype == np.bool_
        or not np.issubdtype(array.dtype, np.number)
        or np.iscomplexobj(array)
    ):
        return Truth(reason="The image is not a grey-scale plane.")
    if min(array.shape) < SMALLEST:
        return Truth(reason=f"The picture is smaller than {SMALLEST} pixels on a side.")
    small = reduced(array)
    if float(small.max()) <= float(small.min()):
        return Truth(assessed=True, not_chest=True, not_chest_confidence=1.0, reason="Every pixel has the same value.")
    inner, _ = trimmed(small)
    seen = read(network_input(inner, inverted=photometric == "MONOCHROME1"), *shipped())
    share = inner.size / small.size
    return judge(seen, collimated=round(1 - share, 3))


def read(picture: Array, network: Network, likeness: Likeness) -> Reading:
    """Ask the network about `network_input` of one picture."""
    turned = np.stack([np.rot90(picture, turns, (1, 2)) for turns in range(4)])
    first = network(turned)
    way = np.zeros((4, 2))
    for turns, row in enumerate(_softmax(first.orientations).reshape(4, 4, 2)):
        # Turned back by `turns`, what is left of the picture's own turn is that much less.
        way += np.roll(row, turns, axis=0) / 4
    turns, inverted = int(way.sum(1).argmax()), bool(way.sum(0).argmax())
    upright = np.rot90(picture, turns, (1, 2)) * (-1 if inverted else 1)
    second = network(np.stack([upright, upright[:, :, ::-1]]))
    classes = _softmax(np.concatenate([first.classes, second.classes]).mean(0, keepdims=True))[0]
    view = FRONTAL if classes[FRONTAL] >= classes[LATERAL] else LATERAL
    sided = 1 / (1 + np.exp(-(second.mirrored[0] - second.mirrored[1]) / 2))
    distance = min(likeness.distance(features, view) for features in second.features)
    return Reading(classes, way.sum(1), float(way.sum(0)[1]), float(sided), distance)


def judge(seen: Reading, *, collimated: float | None = None, thresholds: Thresholds = THRESHOLDS) -> Truth:
    """What is said of a reading; below the thresholds nothing is."""
    junk = float(max(seen.classes[NO_CHEST], 1 / (1 + np.exp(-12 * (seen.distance - 1.25)))))
    if junk >= thresholds.not_chest:
        return Truth(assessed=True, not_chest=True, not_chest_confidence=round(junk, 4), collimated=collimated)
    best = FRONTAL if seen.classes[FRONTAL] >= seen.classes[LATERAL] else LATERAL
    # One view against the other: that it is a chest at all was asked before.
    sure = float(seen.classes[best] / max(seen.classes[FRONTAL] + seen.classes[LATERAL], 1e-6))
    view: View = "unknown" if sure < thresholds.view else ("frontal", "lateral")[best]  # type: ignore[assignment]
    dark = max(seen.inverted, 1 - seen.inverted)
    polarity: Polarity = "unknown" if dark < thresholds.orientation else "inverted" if seen.inverted > 0.5 else "normal"
    turns = int(seen.turns.argmax())
    steady = float(seen.turns[turns])
    upright = steady >= thresholds.orientation and polarity != "unknown"
    sided = max(seen.mirrored, 1 - seen.mirrored)
    says_side = view == "frontal" and upright and sided >= thresholds.mirrored
    return Truth(
        view=view,
        view_confidence=round(sure, 4),
        polarity=polarity,
        polarity_confidence=round(dark, 4),
        rotation=(0, 90, 180, 270)[turns] if steady >= thresholds.orientation else None,  # type: ignore[arg-type]
        rotation_confidence=round(steady, 4),
        mirrored=bool(seen.mirrored > 0.5) if says_side else None,
        mirrored_confidence=round(sided, 4) if view == "frontal" else 0.0,
        not_chest=False,
        not_chest_confidence=round(1 - junk, 4),
        assessed=True,
        collimated=collimated,
    )


def _softmax(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)
