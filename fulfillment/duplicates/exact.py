"""Exact duplicates: a hash of decoded pixels that does not depend on how they were stored."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_DOMAIN = b"getdata pixel-sha256 v1\n"


def pixel_sha256(pixels: NDArray[np.generic]) -> str:
    """SHA-256 (hexadecimal) of decoded pixel values and their shape.

    `pixels` is any integer array: (rows, columns), (rows, columns, samples) or with frames in front. Equal
    values in equal shape give equal hashes whatever their integer type, byte order or memory layout, so the
    same image in another transfer syntax is the same. Raises TypeError if the values are not integers.
    """
    array = np.asarray(pixels)
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"pixel_sha256 takes stored integer pixels, not {array.dtype}; pass them before any rescaling")
    digest = hashlib.sha256(_DOMAIN)
    digest.update(("x".join(str(side) for side in array.shape) + "\n").encode("ascii"))
    wide = "<i4"
    if array.dtype.itemsize > 4 or array.dtype == np.uint32:
        wide = "<i8"
        # Values that fit four bytes hash alike in every type.
        if array.size and array.min() >= -(2**31) and array.max() < 2**31:
            wide = "<i4"
    # Row blocks keep the widened copy small.
    flat = array.reshape(array.shape[0], -1) if array.ndim > 1 else array.reshape(1, -1)
    rows = max(1, (1 << 20) // max(1, flat.shape[1]))
    for start in range(0, flat.shape[0], rows):
        digest.update(np.ascontiguousarray(flat[start : start + rows], dtype=wide).data)
    return digest.hexdigest()
