"""Decoding Pixel Data into stored values, with every length checked before anything is allocated."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from deid.dicomfile.element import PIXEL_DATA, DataSet, Encapsulated
from deid.dicomfile.limits import Limits
from deid.dicomfile.read import LOSSY_ENCAPSULATED, NATIVE_SYNTAXES
from deid.outcome import Refusal
from deid.pixels.codestream import passes_through, sizes_agree, stream_precision
from deid.pixels.extended import decode_extended

Samples = NDArray[Any]
"""Stored values: uint8, int8, uint16 or int16, little-endian."""

_EXTENDED = "1.2.840.10008.1.2.4.51"
_DCT = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
_HUFFMAN_LOSSLESS = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
_MONOCHROME = frozenset({"MONOCHROME1", "MONOCHROME2"})
_COLOUR_NATIVE = frozenset({"RGB", "YBR_FULL"})
_COLOUR_ENCAPSULATED = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})


@dataclass(frozen=True)
class PixelForm:
    """The Image Pixel module of one object (PS3.3 C.7.6.3), checked."""

    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str
    planar: int
    padding: int | None

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy type of one stored value, little-endian."""
        return np.dtype(f"<{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one native frame."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8


@dataclass
class DecodedPixels:
    """Stored values, shape (frames, rows, columns) or (frames, rows, columns, 3).

    needs_rewrite: the encoded bytes hold more than the image (unused high bits, comments, trailing bytes) and
    may not be
    passed through even when nothing is masked. `photometric` is that of `values`, which for decoded colour is RGB.
    """

    form: PixelForm
    values: Samples
    photometric: str
    needs_rewrite: bool


def read_form(dataset: DataSet, encapsulated: bool, limits: Limits) -> PixelForm:
    """The checked Image Pixel module. Raises Refusal("pixel-description") or ("pixel-limit")."""
    numbers: dict[str, int] = {}
    for name, tag in (
        ("samples", 0x00280002),
        ("rows", 0x00280010),
        ("columns", 0x00280011),
        ("allocated", 0x00280100),
        ("stored", 0x00280101),
        ("high", 0x00280102),
        ("representation", 0x00280103),
    ):
        value = dataset.number(tag)
        if value is None:
            raise Refusal("pixel-description", name)
        numbers[name] = value
    frames = (
        dataset.number(0x00280008) if 0x00280008 in dataset and dataset.elements[0x00280008].raw.strip(b" \0") else 1
    )
    photometric = dataset.ascii(0x00280004)
    if frames is None or frames < 1:
        raise Refusal("pixel-description", "NumberOfFrames")
    rows, columns = numbers["rows"], numbers["columns"]
    if rows < 1 or columns < 1:
        raise Refusal("pixel-description", "Rows or Columns")
    samples = numbers["samples"]
    if max(rows, columns) > limits.side or rows * columns > limits.frame_pixels or frames > limits.frames:
        raise Refusal("pixel-limit")
    if rows * columns * frames * max(samples, 1) > limits.samples:
        raise Refusal("pixel-limit")
    allocated, stored = numbers["allocated"], numbers["stored"]
    if allocated not in (8, 16) or not 1 <= stored <= allocated or numbers["high"] != stored - 1:
        raise Refusal("pixel-description", "BitsAllocated, BitsStored or HighBit")
    if numbers["representation"] not in (0, 1):
        raise Refusal("pixel-description", "PixelRepresentation")
    colour = _COLOUR_ENCAPSULATED if encapsulated else _COLOUR_NATIVE
    if not (
        (samples == 1 and photometric in _MONOCHROME) or (samples == 3 and allocated == 8 and photometric in colour)
    ):
        raise Refusal("pixel-description", "PhotometricInterpretation or SamplesPerPixel")
    planar = dataset.number(0x00280006) or 0
    if samples == 3 and planar not in (0, 1):
        raise Refusal("pixel-description", "PlanarConfiguration")
    signed = numbers["representation"] == 1
    return PixelForm(
        rows,
        columns,
        frames,
        samples,
        allocated,
        stored,
        signed,
        photometric,
        planar if samples == 3 else 0,
        _padding(dataset, signed),
    )


def _padding(dataset: DataSet, signed: bool) -> int | None:
    element = dataset.get(0x00280120)
    if element is None or len(element.raw) < 2:
        return None
    return int.from_bytes(element.raw[:2], "little", signed=signed)


def decode_pixels(dataset: DataSet, syntax: str, limits: Limits) -> DecodedPixels:
    """Decode every frame. Raises Refusal: no-pixels, pixel-description, pixel-length, pixel-limit, decode-failed."""
    element = dataset.get(PIXEL_DATA)
    if element is None or (isinstance(element.value, bytes | memoryview) and not len(element.value)):
        raise Refusal("no-pixels")
    encapsulated = isinstance(element.value, Encapsulated)
    if encapsulated == (syntax in NATIVE_SYNTAXES):
        raise Refusal("pixel-description", "transfer syntax and Pixel Data disagree")
    form = read_form(dataset, encapsulated, limits)
    if isinstance(element.value, Encapsulated):
        values, photometric = _decode_encapsulated(element.value, form, syntax)
        rewrite = not passes_through(element.value, syntax, form.frames, form.rows * form.columns)
    else:
        values, rewrite = _decode_native(element.bulk, form)
        photometric = form.photometric
    cleaned, dirty = _unused_bits(values, form)
    return DecodedPixels(form, cleaned, photometric, rewrite or dirty)


def _decode_native(raw: bytes | memoryview, form: PixelForm) -> tuple[Samples, bool]:
    expected = form.frame_bytes * form.frames
    if len(raw) < expected:
        raise Refusal("pixel-length")
    flat = np.frombuffer(raw, dtype=form.dtype, count=expected // form.dtype.itemsize)
    padding = bytes(raw[expected:])
    values: Samples
    if form.samples == 1:
        values = flat.reshape(form.frames, form.rows, form.columns)
    elif form.planar:
        values = flat.reshape(form.frames, 3, form.rows, form.columns).transpose(0, 2, 3, 1)
    else:
        values = flat.reshape(form.frames, form.rows, form.columns, 3)
    return values, len(padding) > expected % 2 or any(padding)


def _decode_encapsulated(pixels: Encapsulated, form: PixelForm, syntax: str) -> tuple[Samples, str]:
    if not sizes_agree(pixels, form.rows, form.columns):
        raise Refusal("decode-failed", "the code stream has another size")
    if syntax in _HUFFMAN_LOSSLESS and 8 * len(pixels.raw) < form.rows * form.columns * form.samples * form.frames:
        raise Refusal(
            "pixel-length", "code stream"
        )  # a bit a sample is the least: the decoder would invent the rest, slowly
    if syntax in _DCT and 8 * len(pixels.raw) < form.rows * form.columns * form.frames // 64:
        raise Refusal("pixel-length", "code stream")  # a bit for each block of 8 x 8 is the least
    precision = stream_precision(pixels, syntax, form.bits_allocated)
    if syntax == _EXTENDED and precision > 8 and _is_extended(form):
        return decode_extended(pixels, form.rows, form.columns, form.frames), form.photometric
    source = Dataset()
    source.SamplesPerPixel = form.samples
    source.PhotometricInterpretation = form.photometric
    source.Rows, source.Columns = form.rows, form.columns
    source.NumberOfFrames = form.frames
    seen_bits = form.bits_stored
    if not form.signed and form.bits_stored < precision <= form.bits_allocated:
        seen_bits = precision
    source.BitsAllocated = form.bits_allocated
    source.BitsStored, source.HighBit = seen_bits, seen_bits - 1
    source.PixelRepresentation = int(form.signed)
    if form.samples == 3:
        source.PlanarConfiguration = form.planar
    source["PixelData"] = _pixel_element(pixels)
    source["PixelData"].is_undefined_length = True
    source.file_meta = _file_meta(syntax)
    shape = (form.frames, form.rows, form.columns) + ((3,) if form.samples == 3 else ())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Colour comes back as RGB; monochrome has no colour to convert.
            decoded, meta = get_decoder(UID(syntax)).as_array(source, raw=False)
            values = np.asarray(decoded).reshape(shape)
        except (MemoryError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as problem:
            # Codecs raise many types for broken streams, and one written in Rust panics with a BaseException; all mean
            # that the image cannot be examined.
            raise Refusal("decode-failed", type(problem).__name__) from None
    if (
        values.dtype.itemsize * 8 != form.bits_allocated
        and values.size
        and (int(values.min()) < np.iinfo(form.dtype).min or int(values.max()) > np.iinfo(form.dtype).max)
    ):
        raise Refusal("decode-failed", "value range")
    photometric = "RGB" if form.samples == 3 else form.photometric
    if form.samples == 3 and str(meta.get("photometric_interpretation", "")) != "RGB":
        raise Refusal("decode-failed", "colour")
    return values.astype(form.dtype, copy=False), photometric


def _is_extended(form: PixelForm) -> bool:
    """Whether a header says what JPEG Extended of more than 8 bits can hold: 12 bits of one unsigned sample."""
    return form.samples == 1 and form.bits_allocated == 16 and form.bits_stored == 12 and not form.signed


def _pixel_element(pixels: Encapsulated) -> DataElement:
    return DataElement(PIXEL_DATA, "OB", pixels.raw)


def _file_meta(syntax: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    return meta


def _unused_bits(values: Samples, form: PixelForm) -> tuple[Samples, bool]:
    """Values with the bits above BitsStored cleared (sign-extended when signed), and whether any had been set.

    Old devices stored overlays there (retired, PS3.5 8.1.1), with the patient's name in them.
    """
    spare = form.bits_allocated - form.bits_stored
    if spare == 0:
        return values, False
    # Two passes without a copy settle what is so almost always.
    low, high = (
        (-(1 << form.bits_stored - 1), (1 << form.bits_stored - 1) - 1)
        if form.signed
        else (0, (1 << form.bits_stored) - 1)
    )
    if int(values.max()) <= high and (not form.signed or int(values.min()) >= low):
        return values, False
    if form.signed:
        cleaned = np.right_shift(np.left_shift(values, spare), spare)
    else:
        cleaned = np.bitwise_and(values, (1 << form.bits_stored) - 1)
    return cleaned.astype(form.dtype, copy=False), True


def is_lossy(syntax: str) -> bool:
    """Whether a transfer syntax may lose information."""
    return syntax in LOSSY_ENCAPSULATED
