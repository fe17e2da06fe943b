"""The text detector and reader in use: PP-OCRv6 small, shipped inside rapidocr's wheel, run by ONNX Runtime on
one thread.

The detector is shown local contrast rather than gray values, in tiles that each carry a strip of text (see `_anchor`).
Probability maps are turned into boxes by our own code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.pixels.detector import Gray, Region

if TYPE_CHECKING:
    import onnxruntime

_DETECTION_MODEL = "PP-OCRv6_det_small.onnx"
_RECOGNITION_MODEL = "PP-OCRv6_rec_small.onnx"
_STRIDE = 32
_TILE = 736
_OVERLAP = 64
_LONGEST_SIDE = 2600
_AROUND = 96


@cache
def _session(model: str) -> onnxruntime.InferenceSession:
    """One session a process, one thread, no spinning: many workers share a machine."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    path = files("rapidocr").joinpath("models", model)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@cache
def _characters() -> tuple[str, ...]:
    """The recogniser's alphabet: blank first, then the model's own list, then the space."""
    listed = _session(_RECOGNITION_MODEL).get_modelmeta().custom_metadata_map["character"].splitlines()
    return ("", *listed, " ")


def local_contrast(image: Gray, window: int = 41) -> NDArray[np.uint8]:
    """Each value against its neighbourhood's mean and spread, 128 in the middle; finds faint text on bright anatomy."""
    mean = cv2.blur(image, (window, window), borderType=cv2.BORDER_REFLECT)
    square = cv2.blur(image * image, (window, window), borderType=cv2.BORDER_REFLECT)
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    floor = max(float(np.median(spread)), 1e-3 * float(image.max() - image.min()), 1e-6)
    return np.clip(128 + 48 * (image - mean) / (spread + 0.5 * floor), 0, 255).astype(np.uint8)


@cache
def _anchor(columns: int) -> NDArray[np.uint8]:
    """A strip of plain text to put under every image, shape (64, columns, 3).

    The network weighs its answer over the whole image: where there is no text at all it calls half of it text.
    Given two
    lines of real text to look at, it does not (measured: text area on empty phantoms 31 to 49 % without, 0 % with).
    """
    strip = np.zeros((64, columns, 3), dtype=np.uint8)
    words = "ANCHOR 12345 TEXT " * (columns // 200 + 2)
    cv2.putText(strip, words, (4, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    cv2.putText(strip, words, (14, 52), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return strip


def probability(channels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probability of text for each pixel of an image of shape (rows, columns, 3)."""
    rows, columns = channels.shape[:2]
    anchored = np.vstack([channels, _anchor(columns)])
    bottom, right = -anchored.shape[0] % _STRIDE, -columns % _STRIDE
    padded = cv2.copyMakeBorder(anchored, 0, bottom, 0, right, cv2.BORDER_REFLECT)
    tensor = (padded.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)[None]
    session = _session(_DETECTION_MODEL)
    result: Any = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(tensor)})[0]
    return np.asarray(result[0, 0, :rows, :columns], dtype=np.float32)


def regions_of(
    heat: NDArray[np.float32], *, threshold: float, peak: float, unclip: float = 1.6, scale: float = 1.0
) -> list[Region]:
    """Boxes of a probability map: components above `threshold` whose mean is at least `peak`, grown by DBNet's ratio.

    scale: image pixels for one map pixel.
    """
    binary = (heat > threshold).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    found = []
    for index in range(1, count):
        x, y, width, height, area = (int(v) for v in stats[index])
        if area < 6:
            continue
        window = labels[y : y + height, x : x + width] == index
        score = float(heat[y : y + height, x : x + width][window].mean())
        if score < peak:
            continue
        # DBNet predicts shrunken text; area * ratio / perimeter is the distance it shrank by.
        grow = area * unclip / max(2.0 * (width + height), 1.0)
        left, top = (x - grow) * scale, (y - grow) * scale
        found.append(
            Region(
                int(left), int(top), int((width + 2 * grow) * scale + 1), int((height + 2 * grow) * scale + 1), score
            )
        )
    return found


class RapidDetector:
    """Two passes over one image: full size in tiles, for small and faint text, and half size whole, for large text.

    Both see local contrast only. Measured on 30 strings (docs/deid.md): full size alone 93 %, half size alone
    87 %; the raw
    image, the inverted image and lower thresholds added no string to these.
    """

    name = "ppocr-v6-small/local-contrast/tiles+half/1"

    def find(self, image: Gray, near: Sequence[Region] | None = None) -> list[Region]:
        """Regions in image pixels, those of one text merged, clipped to the image."""
        rows, columns = image.shape
        found: list[Region] = []
        for scale, heat in self._passes(image, near):
            found += regions_of(heat, threshold=0.2, peak=0.4, scale=1 / scale)
        return merge([_clip(region, rows, columns) for region in found], rows, columns)

    def _passes(self, image: Gray, near: Sequence[Region] | None) -> Iterator[tuple[float, NDArray[np.float32]]]:
        longest = max(image.shape)
        full = min(1.0, _LONGEST_SIDE / longest)
        passes = [(full, _TILE)] + ([(full / 2, 2 * _TILE)] if longest * full > _TILE else [])
        for scale, tile in passes:
            channels = _contrast_channels(_scaled(image, scale))
            yield scale, _tiled(channels, tile, _wanted(near, scale, channels.shape[:2]))


def _scaled(image: Gray, scale: float) -> Gray:
    if scale == 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _contrast_channels(image: Gray) -> NDArray[np.uint8]:
    return np.dstack([local_contrast(image)] * 3)


def _wanted(near: Sequence[Region] | None, scale: float, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Where to look, as a mask of the scaled image; None for everywhere."""
    if near is None:
        return None
    wanted = np.zeros(shape, dtype=bool)
    for box in near:
        top, left = int((box.y - _AROUND) * scale), int((box.x - _AROUND) * scale)
        bottom, right = (box.y + box.height + _AROUND) * scale, (box.x + box.width + _AROUND) * scale
        wanted[max(0, top) : int(bottom), max(0, left) : int(right)] = True
    return wanted


def _tiled(channels: NDArray[np.uint8], tile: int, wanted: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """Probability over the image from equal overlapping tiles; the anchor strip is what makes tiles possible."""
    rows, columns = channels.shape[:2]
    heat = np.zeros((rows, columns), dtype=np.float32)
    for top, bottom in _spans(rows, tile):
        for left, right in _spans(columns, tile):
            if wanted is not None and not wanted[top:bottom, left:right].any():
                continue
            part = probability(np.ascontiguousarray(channels[top:bottom, left:right]))
            np.maximum(heat[top:bottom, left:right], part, out=heat[top:bottom, left:right])
    return heat


def _spans(length: int, tile: int) -> list[tuple[int, int]]:
    """Equal spans of at most `tile` that overlap by at least _OVERLAP and cover 0..length."""
    if length <= tile:
        return [(0, length)]
    count = -(-(length - _OVERLAP) // (tile - _OVERLAP))
    size = -(-(length + (count - 1) * _OVERLAP) // count)
    starts = [round(i * (length - size) / (count - 1)) for i in range(count)]
    return [(start, start + size) for start in starts]


def _clip(region: Region, rows: int, columns: int) -> Region:
    left, top = max(0, region.x), max(0, region.y)
    right, bottom = min(columns, region.x + region.width), min(rows, region.y + region.height)
    return Region(left, top, max(1, right - left), max(1, bottom - top), region.score)


def merge(regions: list[Region], rows: int, columns: int) -> list[Region]:
    """Boxes of one piece of text joined; blobs are marked doubtful (DEID.md: 220 px, or 1 % below 0.9)."""
    pending = sorted(regions, key=lambda r: (r.y, r.x, r.width, r.height))
    changed = True
    while changed:
        changed = False
        joined: list[Region] = []
        for region in pending:
            for index, other in enumerate(joined):
                if _same_text(region, other):
                    joined[index] = _union(region, other)
                    changed = True
                    break
            else:
                joined.append(region)
        pending = joined
    return [
        Region(
            r.x,
            r.y,
            r.width,
            r.height,
            r.score,
            min(r.width, r.height) > 220 or (r.area > 0.01 * rows * columns and r.score < 0.9),
        )
        for r in sorted(pending, key=lambda r: (r.y, r.x))
    ]


def _same_text(a: Region, b: Region) -> bool:
    """Whether two boxes show one piece of text: one lies mostly in the other, and joining them takes in little besides.

    Boxes that merely cross stay apart: joined, a line across the image and one down its side would cover everything.
    """
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return False
    shared = width * height
    return shared >= 0.5 * min(a.area, b.area) and _union(a, b).area <= 1.3 * (a.area + b.area - shared)


def _union(a: Region, b: Region) -> Region:
    left, top = min(a.x, b.x), min(a.y, b.y)
    right, bottom = max(a.x + a.width, b.x + b.width), max(a.y + a.height, b.y + b.height)
    return Region(left, top, right - left, bottom - top, max(a.score, b.score))


class RapidReader:
    """PP-OCRv6 small recogniser over one crop."""

    def read(self, image: Gray, region: Region) -> tuple[str, float]:
        """(text, confidence); tall regions are tried turned both ways. Confidence is the mean over characters."""
        pad = max(2, round(0.15 * min(region.width, region.height)))
        top, left = max(0, region.y - pad), max(0, region.x - pad)
        crop = image[top : region.y + region.height + pad, left : region.x + region.width + pad]
        if min(crop.shape) < 4:
            return "", 0.0
        low, high = float(crop.min()), float(crop.max())
        gray = ((crop - low) * (255.0 / max(high - low, 1e-6))).astype(np.uint8)
        turns = (1, 3) if crop.shape[0] > 1.5 * crop.shape[1] else (0,)
        return max((_recognise(np.ascontiguousarray(np.rot90(gray, turn))) for turn in turns), key=lambda r: r[1])


def _recognise(gray: NDArray[np.uint8]) -> tuple[str, float]:
    rows, columns = gray.shape
    width = int(min(960, max(48, round(columns * 48 / rows))))
    resized = cv2.resize(gray, (width, 48), interpolation=cv2.INTER_LINEAR if rows < 48 else cv2.INTER_AREA)
    padded = np.zeros((48, max(width, 96)), dtype=np.float32)
    padded[:, :width] = resized.astype(np.float32) / 127.5 - 1.0
    session = _session(_RECOGNITION_MODEL)
    tensor = np.repeat(padded[None, None], 3, axis=1)
    result: Any = session.run(None, {session.get_inputs()[0].name: tensor})[0]
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
