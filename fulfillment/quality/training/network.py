"""A small network taught by pairs: of two pictures, one spoiled a step further, which component falls and which must not rise.

numpy only. A hidden layer and a straight path side by side; Adam; the loss is a sum of logistic hinges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fulfillment.quality.components import EASE, eased

HIDDEN = 32
BATCH = 512
# A component near this value (before squashing) is a sound one: 95 of 100.
SOUND = 3.5
# How much a component is to mind its own business: falling with another's fault is wrong too, though less than rising.
SPECIFICITY = 0.35

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Lesson:
    """``better``, ``worse``: (n,) rows of each pair. ``own``: (n, components), 1 where the component must fall by ``apart``
    (n,); elsewhere it must not rise. ``sound``: (rows, components), how much a row counts as one without fault."""

    better: NDArray[np.integer]
    worse: NDArray[np.integer]
    own: Array
    apart: Array
    sound: Array


class _Network:
    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        parts = (
            rng.normal(0, inputs**-0.5, (inputs, HIDDEN)),
            np.zeros(HIDDEN),
            rng.normal(0, HIDDEN**-0.5, (HIDDEN, outputs)),
            np.full(outputs, SOUND),
            rng.normal(0, 0.02, (inputs, outputs)),
        )
        self.parts = [part.astype(np.float32) for part in parts]
        self._first = [np.zeros_like(part) for part in self.parts]
        self._second = [np.zeros_like(part) for part in self.parts]
        self._steps = 0

    def forward(self, rows: Array) -> tuple[Array, Array]:
        w, b, out, bias, straight = self.parts
        hidden = np.tanh(rows @ w + b)
        return hidden @ out + bias + rows @ straight, hidden

    def learn(self, rows: Array, hidden: Array, slope: Array, *, rate: float, decay: float) -> None:
        back = (slope @ self.parts[2].T) * (1 - hidden * hidden)
        slopes = (rows.T @ back, back.sum(axis=0), hidden.T @ slope, slope.sum(axis=0), rows.T @ slope)
        self._steps += 1
        for i, each in enumerate(slopes):
            self._first[i] = 0.9 * self._first[i] + 0.1 * each
            self._second[i] = 0.999 * self._second[i] + 0.001 * each**2
            first = self._first[i] / (1 - 0.9**self._steps)
            second = self._second[i] / (1 - 0.999**self._steps)
            shrink = decay * self.parts[i] if self.parts[i].ndim == 2 else 0
            self.parts[i] -= (rate * (first / (np.sqrt(second) + 1e-8) + shrink)).astype(np.float32)


def _logistic(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -30, 30))), dtype=np.float32)


def _log_share(raw: Array) -> Array:
    """Sum over components of the logarithm of what is shown: the logarithm of the total, up to a factor."""
    return np.asarray(-np.logaddexp(0, -eased(raw)).sum(axis=1), dtype=np.float32)


def taught(standard: Array, lesson: Lesson, *, seed: int, epochs: int, rate: float = 3e-3) -> tuple[Array, ...]:
    """The weights after so many passes. ``standard``: (rows, figures) in standard deviations."""
    rng = np.random.default_rng(seed)
    net = _Network(standard.shape[1], lesson.own.shape[1], rng)
    for epoch in range(epochs):
        order = rng.permutation(len(lesson.better))
        pace = rate * 0.5 * (1 + np.cos(np.pi * epoch / epochs)) + 1e-5
        for start in range(0, len(order), BATCH):
            _step(net, standard, lesson, order[start : start + BATCH], rng, float(pace))
    return tuple(net.parts)


def _step(
    net: _Network, standard: Array, lesson: Lesson, chosen: NDArray[np.integer], rng: np.random.Generator, rate: float
) -> None:
    count, figures = len(chosen), standard.shape[1]
    # The same disturbance for both of a pair: a picture from an archive that is not here; some figures withheld.
    moved = rng.normal(0, 0.1, (count, figures)).astype(np.float32)
    kept = (rng.random((count, figures)) > 0.1).astype(np.float32)
    better = (standard[lesson.better[chosen]] + moved) * kept
    worse = (standard[lesson.worse[chosen]] + moved) * kept
    (high, high_hidden), (low, low_hidden) = net.forward(better), net.forward(worse)
    own, apart = lesson.own[chosen], lesson.apart[chosen][:, None]
    gap = high - low
    slope = -own * _logistic((apart - gap) * 3) - 4 * (1 - own) * _logistic((0.03 - gap) * 8)
    slope += SPECIFICITY * (1 - own) * np.tanh(gap)
    # The total has to fall as well, whatever each component does.
    fallen = _log_share(high) - _log_share(low)
    on_total = -4 * _logistic((0.1 * apart[:, 0] - fallen) * 12)[:, None]
    up = (
        slope
        + on_total * _logistic(-eased(high)) / EASE
        + 0.05 * (high - SOUND) * lesson.sound[lesson.better[chosen]]
        + 0.002 * high
    )
    down = -slope - on_total * _logistic(-eased(low)) / EASE + 0.002 * low
    net.learn(
        np.concatenate([better, worse]),
        np.concatenate([high_hidden, low_hidden]),
        np.asarray(np.concatenate([up, down]) / count, dtype=np.float32),
        rate=rate,
        decay=1e-3,
    )
