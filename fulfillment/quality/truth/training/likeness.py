"""How chests lie in the space of features: `python -m fulfillment.quality.truth.training.likeness POOL... --model ONNX --out NPZ`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from fulfillment.quality.truth.model import Array, Likeness, Network

PARTS = 24
MOST = 2000


def fit(pictures: Array, classes: Array, network: Network) -> Likeness:
    """From upright pictures (n, 2, 96, 96) and their classes. Every other picture gives middle and basis, the rest the limit."""
    middles, bases, limits = [], [], []
    for view in (0, 1):
        places = np.flatnonzero(classes == view)
        chosen = pictures[places[:: max(1, len(places) // MOST)]]
        features = np.concatenate([network(chosen[at : at + 64]).features for at in range(0, len(chosen), 64)])
        half = features[::2]
        middle = half.mean(0)
        values, vectors = np.linalg.eigh(np.cov(half - middle, rowvar=False))
        basis = vectors[:, -PARTS:] / np.sqrt(values[-PARTS:] + 0.02 * values[-1])
        spread = np.sqrt((((features[1::2] - middle) @ basis) ** 2).mean(1))
        middles.append(middle)
        bases.append(basis)
        limits.append(np.quantile(spread, 0.999))
    return Likeness(np.stack(middles), np.stack(bases), np.array(limits))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fulfillment.quality.truth.training.likeness", description=__doc__)
    parser.add_argument("pools", type=Path, nargs="+")
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    pictures, classes = [], []
    for path in options.pools:
        kept = np.load(path)
        chosen = ~np.isin(kept["sources"], options.without)
        pictures.append(kept["pictures"][chosen])
        classes.append(kept["classes"][chosen])
    found = fit(
        np.concatenate(pictures).astype(np.float32), np.concatenate(classes), Network(options.model.read_bytes())
    )
    np.savez(
        options.out, middles=found.middles.astype(np.float16), bases=found.bases.astype(np.float32), limits=found.limits
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
