"""The reader: PP-OCRv6 small's recogniser from the rapidocr wheel, asked about one region at a time.

It only ever decides whether a harmless marker may stay, or whether a faint hint is text after all; it never clears a region that
the detector calls text and the marker list does not know.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.pixels.detector import Gray, Region
from deid.pixels.runtime import session

if TYPE_CHECKING:
    import onnxruntime

_MODEL = "PP-OCRv6_rec_small.onnx"
_HEIGHT = 48
_WIDEST = 960


@cache
def _recogniser() -> onnxruntime.InferenceSession:
    return session(str(files("rapidocr").joinpath("models", _MODEL)))


@cache
def _characters() -> tuple[str, ...]:
    """The recogniser's alphabet: blank first, then the model's own list, then the space."""
    listed = _recogniser().get_modelmeta().custom_metadata_map["character"].splitlines()
    return ("", *listed, " ")


class RapidReader:
    """Reads one region in several ways and gives the most confident reading."""

    name = "ppocr-v6-small-rec/2"

    def read(self, image: Gray, region: Region) -> tuple[str, float]:
        """(text, confidence); tall regions are tried turned both ways. Confidence is the mean over characters."""
        best = ("", 0.0)
        for share in (0.15, 0.35):
            crop = _crop(image, region, share)
            if min(crop.shape) < 4:
                continue
            turns = (1, 3) if crop.shape[0] > 1.5 * crop.shape[1] else (0,)
            for turn in turns:
                best = max(best, _recognise(np.ascontiguousarray(np.rot90(crop, turn))), key=lambda reading: reading[1])
            if best[1] > 0.98:
                break
        return best


def _crop(image: Gray, region: Region, share: float) -> NDArray[np.uint8]:
    """The region with a border of `share` of its short side, stretched to 8 bits between its 1st and 99th percentile, text light
    on dark: the ground is what most of the border shows."""
    pad = max(2, round(share * min(region.width, region.height)))
    top, left = max(0, region.y - pad), max(0, region.x - pad)
    crop = image[top : region.y + region.height + pad, left : region.x + region.width + pad]
    if min(crop.shape) < 4:
        return np.zeros((0, 0), dtype=np.uint8)
    low, high = (float(v) for v in np.percentile(crop, (1, 99)))
    if high <= low:
        low, high = float(crop.min()), float(crop.max())
    stretched = np.clip((crop - low) * (255.0 / max(high - low, 1e-6)), 0, 255)
    rim = np.concatenate([stretched[0], stretched[-1], stretched[:, 0], stretched[:, -1]])
    if float(np.median(rim)) > 128:
        stretched = 255 - stretched
    return stretched.astype(np.uint8)


def _recognise(gray: NDArray[np.uint8]) -> tuple[str, float]:
    rows, columns = gray.shape
    width = int(min(_WIDEST, max(_HEIGHT, round(columns * _HEIGHT / rows))))
    resized = cv2.resize(gray, (width, _HEIGHT), interpolation=cv2.INTER_LINEAR if rows < _HEIGHT else cv2.INTER_AREA)
    padded = np.zeros((_HEIGHT, max(width, 96)), dtype=np.float32)
    padded[:, :width] = resized.astype(np.float32) / 127.5 - 1.0
    network = _recogniser()
    tensor = np.repeat(padded[None, None], 3, axis=1)
    result: Any = network.run(None, {network.get_inputs()[0].name: tensor})[0]
    return _decode(np.asarray(result[0]))


def _decode(steps: NDArray[np.float32]) -> tuple[str, float]:
    """CTC greedy decoding: repeats collapse, blanks go."""
    best = steps.argmax(axis=1)
    kept = (best != 0) & np.concatenate(([True], best[1:] != best[:-1]))
    if not kept.any():
        return "", 0.0
    characters = _characters()
    text = "".join(characters[i] for i in best[kept] if i < len(characters))
    return text, float(steps.max(axis=1)[kept].mean())
