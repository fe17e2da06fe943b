"""Pixels outside the masks, compared from the bytes of both files; codecs are not run a second time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deid.outcome import MaskBox
from deid.verify.walk import PIXELS, Walked

_NATIVE = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"})


class Changed(ValueError):
    """Pixels differ where they must not; the message says in what way."""


@dataclass(frozen=True)
class PixelProof:
    """What the first pass decoded and what it wrote, shape (frames, rows, columns[, 3]); needed where the input is compressed."""

    before: NDArray[Any]
    after: NDArray[Any]
    masks: Sequence[MaskBox] = ()


def pixel_sha256(values: NDArray[Any]) -> str:
    """SHA-256 of stored values with their shape, byte order and layout fixed."""
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    digest = hashlib.sha256(repr((little.shape, little.dtype.str)).encode("ascii"))
    digest.update(little.data)
    return digest.hexdigest()


def check_pixels(output: Walked, source: Walked, proof: PixelProof) -> None:
    """Raise Changed. A code stream that was passed through must be the same bytes; native values must be equal outside masks."""
    mine, theirs = output.top(PIXELS), source.top(PIXELS)
    if mine is None or theirs is None:
        raise Changed("no Pixel Data")
    if mine.items:
        if proof.masks or not _same(mine.bulk, theirs.bulk) or output.syntax != source.syntax:
            raise Changed("code stream")
        return
    after = _native(output, mine.bulk)
    if len(mine.bulk) != after.nbytes + after.nbytes % 2:
        raise Changed("bytes besides the image")
    stored, allocated, signed = output.number(0x00280101), output.number(0x00280100), output.number(0x00280103) == 1
    if stored < allocated and not _fits(after, stored, signed):
        raise Changed("bits above BitsStored")
    before = proof.before
    if source.syntax in _NATIVE:
        before = _native(source, theirs.bulk)
        if (
            not proof.masks
            and _written_alike(output, source)
            and _same(mine.bulk[: after.nbytes], theirs.bulk[: after.nbytes])
        ):
            return  # the same bytes, described alike, and no bit above BitsStored: nothing is left to compare
        if stored < allocated:
            spare = allocated - stored
            before = np.right_shift(np.left_shift(before, spare), spare)
    if before.size != after.size:
        raise Changed("size")
    if before.ndim != after.ndim or before.shape != after.shape:
        before = before.reshape(after.shape)
    if not proof.masks:
        if not np.array_equal(before, after):
            raise Changed("values")
        return
    outside = np.ones(after.shape[:3], dtype=bool)
    for box in proof.masks:
        outside[box.frame, box.y : box.y + box.height, box.x : box.x + box.width] = False
    if not np.array_equal(before[outside], after[outside]):
        raise Changed("values outside masks")


_CHUNK = 1 << 18


def _same(mine: memoryview, theirs: memoryview) -> bool:
    """Whether two stretches hold the same bytes. In pieces, because views compare element by element and copies cost."""
    return len(mine) == len(theirs) and all(
        mine[at : at + _CHUNK].tobytes() == theirs[at : at + _CHUNK].tobytes() for at in range(0, len(mine), _CHUNK)
    )


def _written_alike(output: Walked, source: Walked) -> bool:
    """Whether the bytes of both files mean the same: everything that `_native` reads of them agrees."""
    tags = (0x00280008, 0x00280002, 0x00280100, 0x00280103, 0x00280010, 0x00280011, 0x00280006)
    return output.big == source.big and all(output.number(tag) == source.number(tag) for tag in tags)


def _native(file: Walked, raw: memoryview) -> NDArray[Any]:
    """Native Pixel Data as (frames, rows, columns[, 3]), by the file's own description."""
    samples, allocated = file.number(0x00280002, 1), file.number(0x00280100)
    shape = (file.number(0x00280008, 1) or 1, file.number(0x00280010), file.number(0x00280011))
    kind = "i" if file.number(0x00280103) == 1 else "u"
    if allocated not in (8, 16):
        raise Changed("BitsAllocated")
    dtype = np.dtype(f"{'>' if file.big else '<'}{kind}{allocated // 8}")
    count = int(np.prod(shape)) * samples
    if len(raw) < count * dtype.itemsize:
        raise Changed("size")
    pixels = file.top(PIXELS)
    if file.big and allocated == 8 and pixels is not None and pixels.vr == "OW":
        # Two samples share a word there, and the word's bytes are turned (PS3.5 D.3).
        raw = np.frombuffer(raw, "<u2", len(raw) // 2).byteswap().view(np.uint8).data
    flat = np.frombuffer(raw, dtype, count)
    if file.big:
        flat = flat.astype(dtype.newbyteorder("<"))
    if samples == 1:
        return flat.reshape(shape)
    if file.number(0x00280006) == 1:
        return flat.reshape(shape[0], samples, *shape[1:]).transpose(0, 2, 3, 1)
    return flat.reshape(*shape, samples)


def _fits(values: NDArray[Any], stored: int, signed: bool) -> bool:
    low, high = (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if signed else (0, (1 << stored) - 1)
    return int(values.min()) >= low and int(values.max()) <= high
