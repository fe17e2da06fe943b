"""The components of the quality score, read from an image's figures by a small model that ships as data.

Each component answers for one kind of fault. It was taught two things on pictures spoiled step by step: to fall with every step
of its own fault, and not to rise with any step of another (blurring must not pass for less noise, nor smoothing for fewer
blocks). What it learned from, and how well it does on pictures it has not seen, is in ``models/components.md``; ``training/fit.py``
makes it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

COMPONENTS: Final = ("resolution", "sharpness", "noise", "depth", "clipping", "blockiness", "contrast")
MODEL: Final = Path(__file__).parent / "models" / "components.npz"
# Figures further out than anything seen are taken as the furthest seen, in standard deviations.
REACH: Final = 4.0
# How gently a component falls: raw answers are moved and divided by these before the logistic curve.
LIFT, EASE = 1.2, 1.6

Weights = tuple[NDArray[np.float32], ...]


class ComponentModel:
    """A few small networks whose answers are averaged.

    Each of ``nets``: hidden weights and biases, output weights and biases, weights of the straight path.
    """

    def __init__(
        self, names: list[str], mean: NDArray[np.float32], spread: NDArray[np.float32], nets: list[Weights]
    ) -> None:
        self.names, self.mean, self.spread, self.nets = names, mean, spread, nets

    def scores(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Each component, 0 to 100. ``figures`` as ``features.figures`` gives them."""
        row = np.array([[figures[name] for name in self.names]], np.float32)
        return dict(zip(COMPONENTS, (float(v) for v in 100 * squashed(self.raw(self.standard(row)))[0]), strict=True))

    def standard(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.clip((rows - self.mean) / self.spread, -REACH, REACH)

    def raw(self, standard: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, components) before squashing, from (n, figures) in standard deviations."""
        answers = [
            np.tanh(standard @ w + b) @ out + bias + standard @ straight for w, b, out, bias, straight in self.nets
        ]
        return np.asarray(np.mean(answers, axis=0), dtype=np.float32)

    def save(self, path: Path) -> None:
        arrays: dict[str, NDArray[np.generic]] = {
            "names": np.array(self.names),
            "mean": self.mean.astype(np.float32),
            "spread": self.spread.astype(np.float32),
        }
        for number, net in enumerate(self.nets):
            for part, values in enumerate(net):
                arrays[f"net{number}_{part}"] = values.astype(np.float32)
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]

    @classmethod
    def read(cls, path: Path) -> ComponentModel:
        with np.load(path, allow_pickle=False) as held:
            count = len({name.split("_")[0] for name in held.files if name.startswith("net")})
            nets = [tuple(held[f"net{number}_{part}"] for part in range(5)) for number in range(count)]
            return cls([str(name) for name in held["names"]], held["mean"], held["spread"], nets)


def eased(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((raw + LIFT) / EASE, dtype=np.float32)


def squashed(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logistic curve over eased answers: any number to between 0 and 1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(eased(raw), -30, 30))), dtype=np.float32)


@lru_cache(maxsize=1)
def shipped_model() -> ComponentModel:
    """The model that comes with the package, read once a process."""
    return ComponentModel.read(MODEL)
