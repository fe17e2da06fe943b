"""Reading image files to compare: DICOM in any transfer syntax and photometric interpretation, PNG and JPEG."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

MOST_BYTES: Final = 1 << 30
MOST_SAMPLES: Final = 400_000_000

Kind = Literal["dicom", "png", "jpeg", "other"]


class Unreadable(Exception):
    """The file is no image that can be compared. The message says why and what to do, without any of its values."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """``stored``: integers as the file holds them. ``plane``: (rows, columns) of grey; the first frame, luminance of colours.

    ``dataset``: the DICOM data set, where the file is one.
    """

    stored: NDArray[np.generic]
    plane: NDArray[np.generic]
    dataset: Any = None


def kind_of(head: bytes) -> Kind:
    """What a file is by its first 132 bytes or more."""
    if head[128:132] == b"DICM":
        return "dicom"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:3] == b"\xff\xd8\xff":
        return "jpeg"
    # DICOM without preamble starts with group 0002 or 0008, little endian.
    return (
        "dicom"
        if head[:4] in (b"\x02\x00\x00\x00", b"\x08\x00\x05\x00", b"\x08\x00\x08\x00", b"\x08\x00\x16\x00")
        else "other"
    )


def read_pixels(path: Path) -> Pixels:
    """The pixels of a file. Raises Unreadable with cause and cure; other errors of decoders are turned into it."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable("It is larger than 1 GiB. Radiographs are smaller; leave it out.")
        with path.open("rb") as stream:
            head = stream.read(132)
        kind = kind_of(head)
        if not head:
            raise Unreadable("It is empty. Copy it again.")
        if kind == "other":
            raise Unreadable("It is neither DICOM nor PNG nor JPEG. Convert it, or leave it out.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _dicom(path) if kind == "dicom" else _picture(path)
    except Unreadable:
        raise
    except MemoryError:
        raise Unreadable("It needs more memory than there is. Leave it out, or use fewer jobs.") from None
    except OSError as error:
        if error.strerror:
            raise Unreadable(f"It cannot be read ({error.strerror}). Check that you may read it.") from None
        raise Unreadable("Its pixels cannot be decoded: it is damaged or cut off. Copy it again.") from None
    except Exception:  # decoders raise anything; their words may quote the file
        raise Unreadable("Its pixels cannot be decoded: it is damaged, or of a kind that is not supported.") from None


def _dicom(path: Path) -> Pixels:
    import pydicom
    from pydicom.pixels import apply_color_lut, pixel_array
    from pydicom.uid import ImplicitVRLittleEndian

    dataset = pydicom.dcmread(path, force=True)
    if "PixelData" not in dataset:
        raise Unreadable("It is a DICOM object without Pixel Data. Leave it out.")
    _check_size(dataset)
    if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
        dataset.ensure_file_meta()
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    stored = pixel_array(dataset, raw=True)
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    several = int(dataset.get("NumberOfFrames", 1) or 1) > 1
    if photometric.startswith("YBR"):
        plane: NDArray[Any] = pixel_array(dataset, raw=False)
    elif photometric == "PALETTE COLOR":
        plane = apply_color_lut(stored, dataset)
    else:
        plane = stored
    plane = plane[0] if several and plane.ndim > 2 else plane
    return Pixels(_whole(stored), grey(plane), dataset)


def _check_size(dataset: Any) -> None:
    product = 1
    for name in ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"):
        product *= max(1, int(dataset.get(name, 1) or 1))
    if product > MOST_SAMPLES:
        raise Unreadable("It claims to hold more than 400 million values. Leave it out.")


def _picture(path: Path) -> Pixels:
    from PIL import Image

    data = path.read_bytes()
    picture: Image.Image
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
        if picture.width * picture.height * len(picture.getbands()) > MOST_SAMPLES:
            raise Unreadable("It claims to hold more than 400 million values. Leave it out.")
        picture.load()
        if picture.mode in ("P", "PA", "CMYK", "LA", "RGBA", "1", "YCbCr"):
            picture = picture.convert("L" if picture.mode in ("1", "LA") else "RGB")
        stored = np.asarray(picture)
    stored = _whole(stored)
    return Pixels(stored, grey(stored))


def _whole(stored: NDArray[np.generic]) -> NDArray[np.generic]:
    if not np.issubdtype(stored.dtype, np.integer):
        raise Unreadable("Its pixels are no whole numbers. Export them as stored values.")
    return stored


def grey(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Luminance of (rows, columns, 3), or the plane as it is."""
    if plane.ndim == 3 and plane.shape[2] >= 3:
        return np.asarray(plane[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))
    if plane.ndim == 3 and plane.shape[2] == 1:
        return plane[..., 0]
    if plane.ndim != 2:
        raise Unreadable("It is not one plane of pixels. Leave it out.")
    return plane
