"""NIfTI masks of radiographs, turned the way the radiograph is stored.

NIfTI's axes grow to the patient's Right, Anterior, Superior (RAS) as its affine says; a frontal radiograph's columns grow to the
patient's left and its rows downwards. So a mask is transposed and mirrored until its columns grow to L and its rows to I (or P where
a converter laid the picture flat). Where no orientation is stated, or only the identity that programs write without asking, nothing
is mirrored, and the user is told to look at the preview.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulfillment.labels.formats.gather import Gathering, Member
from fulfillment.labels.formats.masks import MAX_PIXELS, read_all, write_all
from fulfillment.labels.formats.members import inflate
from fulfillment.labels.formats.model import Entry, ImageRef, Size, Written
from requests_app.taxonomy import Taxonomy

_HEADER = {348: 348, 540: 540}
_REMEDY = "Write the mask again as NIfTI-1 (nibabel, ITK-SNAP, 3D Slicer) and send it whole."
#: Bytes of extensions before the pixels that we pass over.
_MAX_OFFSET = 4 * 1024 * 1024


def looks_like(data: bytes) -> bool:
    """Whether these are the first bytes of a NIfTI file, opened, in either byte order."""
    return any(
        int.from_bytes(data[:4], order) == size and data[at : at + 3] in (b"n+1", b"ni1", b"n+2", b"ni2")
        for order in ("little", "big")
        for size, at in ((348, 344), (540, 4))
    )  # fmt: skip


def read(members: Sequence[Member], into: Gathering) -> None:
    """Read every NIfTI file among the members."""
    read_all(members, into, decode, lambda member: member.name.lower().endswith((".nii", ".nii.gz")))


def decode(data: bytes, ref: ImageRef, into: Gathering) -> NDArray[Any] | None:
    """Whole numbers (rows, columns), as the radiograph is stored. Header and sizes are checked before pixels are opened."""
    packed = data.startswith(b"\x1f\x8b")
    head = _head(data) if packed else data[:540]
    header = _header(head, into)
    if header is None:
        return None
    shape = tuple(int(side) for side in header.get_data_shape())
    kind = header.get_data_dtype()
    axes = [axis for axis, side in enumerate(shape) if side > 1]
    if any(side < 1 for side in shape) or len(shape) > 7 or len(axes) < 2 or kind.kind not in "iufb":
        into.problem(0, "NIFTI_BROKEN", "The header states no picture of whole numbers.", _REMEDY, place="header")
        return None
    if len(axes) > 2 or max(axes) > 2:
        into.problem(
            0,
            "VOLUME",
            "The file holds a volume or a series, and the mask of a radiograph has one slice.",
            "Send one slice for each image.",
            place="header",
        )
        return None
    pixels = shape[axes[0]] * shape[axes[1]]
    # A float in NIfTI-1, and NaN in a damaged one.
    stated = float(header["vox_offset"])
    if pixels > MAX_PIXELS or not 0 <= stated <= _MAX_OFFSET:
        into.problem(
            0, "SIZE_TOO_LARGE", "The header states a mask larger than any radiograph.", _REMEDY, place="header"
        )
        return None
    offset, length = int(stated), pixels * kind.itemsize
    plain = inflate(data, offset + length + 1024) if packed else data
    if plain is None or len(plain) < offset + length:
        into.problem(
            0,
            "NIFTI_BROKEN",
            "The pixels are cut short or damaged, or are more than the header states.",
            _REMEDY,
            place="pixels",
        )
        return None
    values = np.frombuffer(plain, dtype=kind, count=pixels, offset=offset)
    flat = values.reshape((shape[axes[0]], shape[axes[1]]), order="F")
    whole = _whole(flat, header, into)
    return None if whole is None else _turned(whole, header, axes, ref, into)


def _head(data: bytes) -> bytes:
    import zlib

    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, 544)
    except zlib.error:
        return b""


def _header(head: bytes, into: Gathering) -> Any:
    import nibabel

    if not looks_like(head):
        into.problem(
            0,
            "NOT_NIFTI",
            "The file does not begin as NIfTI does: it is cut off, of another kind, or its byte order is mixed up.",
            _REMEDY,
            place="header",
        )
        return None
    kind = nibabel.Nifti2Header if head[4:7] in (b"n+2", b"ni2") else nibabel.Nifti1Header
    try:
        header = kind.from_fileobj(io.BytesIO(head), check=False)
        header.get_data_shape()
        header.get_data_dtype()
    except Exception:  # nibabel raises a dozen kinds for a damaged header, and none says more than this
        into.problem(0, "NIFTI_BROKEN", "The header is damaged.", _REMEDY, place="header")
        return None
    if head[:4] and head[344:347] == b"ni1":
        into.problem(
            0, "NIFTI_PAIR", "The pixels are in another file (.img).", "Send one file: .nii or .nii.gz.", place="header"
        )
        return None
    return header


def _whole(values: NDArray[Any], header: Any, into: Gathering) -> NDArray[Any] | None:
    """Values as whole numbers, scaled as the header says."""
    try:
        slope, inter = header.get_slope_inter()
    except Exception:  # a slope that is no number
        slope, inter = None, None
    scaled: NDArray[Any] = values
    if slope not in (None, 1.0) or inter not in (None, 0.0):
        scaled = values.astype(np.float64) * (1.0 if slope is None else slope) + (0.0 if inter is None else inter)
    if scaled.dtype.kind == "f":
        if not np.isfinite(scaled).all():
            into.problem(0, "NUMBER_NOT_FINITE", "Pixels of the mask are not numbers.", _REMEDY, place="pixels")
            return None
        if np.any(scaled != np.rint(scaled)):
            into.problem(
                0,
                "MASK_NOT_BINARY",
                "The mask has fractions: it holds probabilities, or was smoothed when it was scaled.",
                "Cut it at your threshold and save whole numbers.",
                place="pixels",
            )
            return None
        scaled = np.rint(scaled)
    if scaled.size and (scaled.min() < 0 or scaled.max() > 65_535):
        into.problem(
            0,
            "VALUE_UNKNOWN",
            "Values are below 0 or above 65,535; their byte order may be mixed up.",
            _REMEDY,
            place="pixels",
        )
        return None
    return scaled.astype(np.uint16)


def _turned(values: NDArray[Any], header: Any, axes: Sequence[int], ref: ImageRef, into: Gathering) -> NDArray[Any]:
    codes = _codes(header)
    size = into.context.sizes.find(ref)
    first, second = (codes[axis] for axis in axes) if codes is not None else (None, None)
    if first is None or second is None:
        # As NIfTI counts, the first axis runs along a row of the picture, unless the image's size says otherwise.
        by_rows = size is not None and values.shape == size and size[0] != size[1]
        into.problem(
            0,
            "ORIENTATION_NOT_STATED",
            "The file does not say which way the mask lies (no affine, or the identity); its "
            + (
                "first axis was taken for the rows, because the image has that size."
                if by_rows
                else "first axis was taken for x."
            ),
            "Look at the preview. When writing, set the affine to diag(-1, -1, 1, 1) for a frontal radiograph as stored.",
            place="header",
        )
        return values if by_rows else values.T
    across = second in "LR" or (first in "IS" and second in "AP")
    turned = values if across else values.T
    column, row = (second, first) if across else (first, second)
    if column in "AP":
        into.problem(
            0,
            "ORIENTATION_LATERAL",
            "The mask lies on a lateral view; front and back may be the other way round than on the image.",
            "Look at the preview.",
            place="header",
        )
    if column in "RA":
        turned = turned[:, ::-1]
    if row in "SA":
        turned = turned[::-1]
    return turned


def _codes(header: Any) -> tuple[str | None, ...] | None:
    """Which way each axis grows, None where the header does not say or says only the identity."""
    import nibabel

    if int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0:
        return None
    try:
        affine = np.asarray(header.get_best_affine(), dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or np.array_equal(affine, np.eye(4)):
            return None
        return tuple(nibabel.aff2axcodes(affine))
    except Exception:  # a quaternion or matrix that is none
        return None


def write(
    entries: Sequence[Entry], taxonomy: Taxonomy, sizes: Mapping[ImageRef, Size] | None = None
) -> tuple[Written, Mapping[ImageRef, str]]:
    """``masks/IMAGE__KEY.nii.gz``, 0 and 1, one slice, oriented as a frontal radiograph is stored, pixels of 1 mm."""
    return write_all(entries, taxonomy, sizes, ".nii.gz", _encode)


def _encode(mask: NDArray[np.bool_], entry: Entry) -> bytes:
    import nibabel

    image = nibabel.Nifti1Image(mask.T[:, :, np.newaxis].astype(np.uint8), np.diag([-1.0, -1.0, 1.0, 1.0]))
    image.header["descrip"] = entry.key.encode()[:79]
    return gzip.compress(image.to_bytes(), mtime=0)
