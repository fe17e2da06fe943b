"""The shipped network (`models/truth.onnx`, card in `models/truth.md`) and the figures that its answers are read with."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
    """The network's raw answers for n pictures: classes (n, 3), orientations (n, 8), mirrored (n,), features (n, 96)."""

    classes: Array
    orientations: Array
    mirrored: Array
    features: Array


@dataclass(frozen=True)
class Likeness:
    """How chests lie in the space of features: a middle and a whitening basis for each view, frontal then lateral."""

    middles: Array  # (2, features)
    bases: Array  # (2, features, parts)
    limits: Array  # (2,): the distance that one chest in a thousand exceeds

    def distance(self, features: Array, view: int) -> float:
        """Distance from the middle of a view's chests, 1 being the limit."""
        parts = (features - self.middles[view]) @ self.bases[view]
        return float(np.sqrt((parts * parts).mean()) / self.limits[view])


class Network:
    """Runs an ONNX file of `training.train.export` on one thread."""

    def __init__(self, model: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, pictures: Array) -> Answers:
        return Answers(*self._session.run(None, {"pictures": np.ascontiguousarray(pictures, dtype=np.float32)}))


@cache
def shipped() -> tuple[Network, Likeness]:
    """The network and the likeness that ship with the package, loaded once a process."""
    folder = files("fulfillment.quality.truth").joinpath("models")
    with np.load(io.BytesIO(folder.joinpath("likeness.npz").read_bytes())) as kept:
        likeness = Likeness(*(kept[name].astype(np.float32) for name in ("middles", "bases", "limits")))
    return Network(folder.joinpath("truth.onnx").read_bytes()), likeness
