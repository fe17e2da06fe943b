"""Render chests from many sides: `python -m fulfillment.quality.truth.training.renderings --out FILE [--ct CT MASK]`.

Writes one .npz: `thorax_frontal` and `thorax_lateral` (n, 3, side, side) of invented chests; with a CT also `frontal` and
`lateral` of it, and `slices` (n, 128, 128) in Hounsfield units, mostly across the body.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from fulfillment.quality.truth.training import thorax
from fulfillment.quality.truth.training.volume import load_body, render


def slices(ct: Path, rng: np.random.Generator, count: int) -> NDArray[np.int16]:
    """Cuts through the CT, nine of ten across the body."""
    import nibabel

    image: Any = nibabel.load(ct)
    volume = np.asarray(image.dataobj)
    cuts = []
    for _ in range(count):
        axis = 2 if rng.random() < 0.9 else int(rng.integers(2))
        at = int(rng.uniform(0.1, 0.9) * volume.shape[axis])
        cut = np.take(volume, at, axis=axis).T[::-1].astype(np.float32)
        cuts.append(cv2.resize(cut, (128, 128), interpolation=cv2.INTER_AREA).astype(np.int16))
    return np.stack(cuts)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fulfillment.quality.truth.training.renderings", description=__doc__
    )
    parser.add_argument("--ct", type=Path, nargs=2, metavar=("CT", "MASK"), help="NIfTI: Hounsfield units with axes left, "
                        "anterior, superior; and TotalSegmentator v2 labels")  # fmt: skip
    parser.add_argument("--frontals", type=int, default=270)
    parser.add_argument("--laterals", type=int, default=540)
    parser.add_argument("--slices", type=int, default=150)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(options.seed)
    made: dict[str, NDArray[np.generic]] = {
        f"thorax_{name}": np.stack([thorax.draw(rng, lateral=name == "lateral") for _ in range(count)]).astype(
            np.float16
        )
        for name, count in (("frontal", options.frontals), ("lateral", options.laterals))
    }
    if options.ct is not None:
        body = load_body(*options.ct)
        for name, count in (("frontal", options.frontals), ("lateral", options.laterals)):
            made[name] = np.stack([render(body, rng, lateral=name == "lateral") for _ in range(count)]).astype(
                np.float16
            )
        made["slices"] = slices(options.ct[0], rng, options.slices)
    np.savez(options.out, **made)  # type: ignore[arg-type]
    return 0


if __name__ == "__main__":
    sys.exit(main())
