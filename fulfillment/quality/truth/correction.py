"""Setting right what the picture itself proves wrong: polarity by the header, quarter turns without loss; and taking it back.

Polarity: PhotometricInterpretation is swapped (and PresentationLUTShape with it); not a pixel is touched. Rotation: Pixel
Data, Rows and Columns are turned, and with them every attribute that lies in the pixel grid. Each is written into
DerivationDescription (PS3.3 C.7.6.1.1.3) and described by a `Correction`, from which `undo` makes the file as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deid.dicomfile.element import PIXEL_DATA, DataSet, Element, Encapsulated
from deid.dicomfile.limits import DEFAULT_LIMITS
from deid.dicomfile.read import read_file
from deid.dicomfile.write import write_file
from deid.outcome import Refusal
from deid.pixels.decode import decode_pixels
from fulfillment.quality.truth.geometry import turn_edges, turn_orientation, turn_pixel

PHOTOMETRIC, LUT_SHAPE, DERIVATION = 0x00280004, 0x20500020, 0x00082111
ROWS, COLUMNS, FRAMES, ORIENTATION, FIELD_TURNED = 0x00280010, 0x00280011, 0x00280008, 0x00200020, 0x00187032
#: Two numbers, first along the rows' axis, then along the columns'.
_PAIRS = (0x00280030, 0x00181164, 0x00182010, 0x00280034)
#: Shutter and collimator: left, right, upper, lower edge; centre of a circle; corners of a polygon.
_FIELDS = ((0x00181602, 0x00181610, 0x00181620), (0x00181702, 0x00181710, 0x00181720))
#: What also lies in the pixel grid and is not turned here: with one of these in it an image is left as it is.
_LEFT_ALONE = (0x00200037, 0x00280031, 0x00700001, 0x52009229, 0x52009230)
_SWAPPED = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1", "IDENTITY": "INVERSE", "INVERSE": "IDENTITY"}
_EXPLICIT = "1.2.840.10008.1.2.1"
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Correction:
    """One thing set right. ``turns``: quarter turns counterclockwise that were made (0 for polarity). ``note``: what stands in
    DerivationDescription. ``header``: attributes as they were, in the file's own bytes as latin-1, by tag; None where there
    was none. ``syntax``: TransferSyntaxUID before. Geometry and grey scale only: nothing of the patient."""

    kind: Literal["polarity", "rotation"]
    turns: int
    confidence: float
    version: str
    note: str
    syntax: str
    header: Mapping[str, str | None] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it back to an equal value."""
        return {**asdict(self), "header": dict(self.header)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Correction:
        return cls(**{name: data[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class NotCorrected:
    """Why a file was left as it is."""

    message: str


def swap_polarity(data: bytes, *, confidence: float, version: str) -> tuple[bytes, Correction] | NotCorrected:
    """The file with PhotometricInterpretation swapped. `data`: a whole Part-10 file."""
    file = read_file(data)
    dataset = file.dataset
    if dataset.ascii(PHOTOMETRIC) not in {"MONOCHROME1", "MONOCHROME2"}:
        return NotCorrected("PhotometricInterpretation is neither MONOCHROME1 nor MONOCHROME2.")
    before = dataset.ascii(PHOTOMETRIC)
    note = f"PhotometricInterpretation {before} replaced by {_SWAPPED[before]}, as the picture shows; pixels unchanged."
    header: dict[str, str | None] = {}
    if not _write_note(dataset, note):
        return NotCorrected("DerivationDescription has no room to say what was changed.")
    for tag in (PHOTOMETRIC, LUT_SHAPE):
        element = dataset.get(tag)
        if element is not None and dataset.ascii(tag) in _SWAPPED:
            header[f"{tag:08X}"] = element.raw.decode("latin-1")
            _put(dataset, tag, _even(_SWAPPED[dataset.ascii(tag)]))
    return write_file(dataset, file.syntax), Correction("polarity", 0, confidence, version, note, file.syntax, header)


def turn(data: bytes, turns: int, *, confidence: float, version: str) -> tuple[bytes, Correction] | NotCorrected:
    """The file turned counterclockwise by `turns` quarter turns (1 to 3). Compressed pixels are decoded and stay so."""
    file = read_file(data)
    dataset = file.dataset
    if (frames := dataset.number(FRAMES)) is not None and frames > 1:
        return NotCorrected("An image of several frames is not turned.")
    if any(tag in dataset for tag in _LEFT_ALONE) or any(0x6000 <= tag >> 16 <= 0x60FF for tag in dataset.elements):
        return NotCorrected(
            "The header places other things in the picture (overlays or planes), which would not turn with it."
        )
    rows, columns = dataset.number(ROWS), dataset.number(COLUMNS)
    note = f"Picture turned by {90 * turns} degrees counterclockwise, as it shows; every pixel value kept."
    if rows is None or columns is None:
        return NotCorrected("Rows or Columns is missing.")
    if not _write_note(dataset, note):
        return NotCorrected("DerivationDescription has no room to say what was changed.")
    try:
        pixels = decode_pixels(dataset, file.syntax, DEFAULT_LIMITS)
    except Refusal:
        return NotCorrected("The pixels could not be decoded.")
    if pixels.values.ndim != 3:
        return NotCorrected("A colour image is not turned.")
    syntax = _EXPLICIT if isinstance(dataset.elements[PIXEL_DATA].value, Encapsulated) else file.syntax
    header = _turn_header(dataset, rows, columns, turns)
    _put_plane(dataset, np.rot90(pixels.values[0], turns))
    return write_file(dataset, syntax), Correction("rotation", turns, confidence, version, note, file.syntax, header)


def undo(data: bytes, corrections: Sequence[Correction]) -> bytes:
    """The file as it was before the corrections, the last taken back first.

    Header and pixel values are those of before; the bytes too, unless the pixels had been compressed: they stay decoded.
    """
    for made in reversed(corrections):
        file = read_file(data)
        dataset = file.dataset
        if made.kind == "rotation":
            plane = decode_pixels(dataset, file.syntax, DEFAULT_LIMITS).values[0]
            _put_plane(dataset, np.rot90(plane, -made.turns))
        for name, value in made.header.items():
            tag = int(name, 16)
            if value is None:
                dataset.elements.pop(tag, None)
            else:
                _put(dataset, tag, value.encode("latin-1"))
        _remove_note(dataset, made.note)
        data = write_file(dataset, file.syntax)
    return data


def _turn_header(dataset: DataSet, rows: int, columns: int, turns: int) -> dict[str, str | None]:
    """Turn what lies in the pixel grid; returns the attributes as they were."""
    kept: dict[str, str | None] = {}

    def change(tag: int, value: str) -> None:
        element = dataset.elements[tag]
        kept[f"{tag:08X}"] = element.raw.decode("latin-1")
        _put(dataset, tag, _even(value))

    for tag in _PAIRS if turns % 2 else ():
        if len(values := _values(dataset, tag)) == 2:
            change(tag, f"{values[1]}\\{values[0]}")
    directions = _values(dataset, ORIENTATION)
    # A header that already says "feet down" describes the upright picture: it was the pixels that stood otherwise.
    if len(directions) == 2 and not directions[1].startswith("F"):
        change(ORIENTATION, "\\".join(turn_orientation(directions[0], directions[1], turns)))
    turned = dataset.ascii(FIELD_TURNED)
    if turned.isdigit():
        change(FIELD_TURNED, str((int(turned) - 90 * turns) % 360))
    for first, centre, polygon in _FIELDS:
        edges = [_numbers(dataset, first + 2 * index) for index in range(4)]
        if all(len(edge) == 1 for edge in edges):
            moved = turn_edges([edge[0] for edge in edges], rows, columns, turns)
            for index, value in enumerate(moved):
                change(first + 2 * index, str(round(value)))
        for tag in (centre, polygon):
            places = _numbers(dataset, tag)
            if places and len(places) % 2 == 0:
                pairs = [turn_pixel(r, c, rows, columns, turns) for r, c in zip(places[::2], places[1::2], strict=True)]
                change(tag, "\\".join(f"{round(r)}\\{round(c)}" for r, c in pairs))
    return kept


def _put_plane(dataset: DataSet, plane: NDArray[Any]) -> None:
    """Native Pixel Data of one frame, with Rows and Columns."""
    little = np.ascontiguousarray(plane.astype(plane.dtype.newbyteorder("<"), copy=False))
    value = little.tobytes()
    native = dataset.elements[PIXEL_DATA]
    vr = native.vr if native.vr in {"OB", "OW"} and not isinstance(native.value, Encapsulated) else "OW"
    dataset.put(Element(PIXEL_DATA, vr, value + b"\0" * (len(value) % 2)))
    for tag, size in ((ROWS, plane.shape[0]), (COLUMNS, plane.shape[1])):
        dataset.put(Element(tag, "US", int(size).to_bytes(2, "little")))


def _values(dataset: DataSet, tag: int) -> list[str]:
    element = dataset.get(tag)
    if element is None or not element.raw:
        return []
    return [part.strip(" \0") for part in element.raw.decode("latin-1").split("\\")]


def _numbers(dataset: DataSet, tag: int) -> list[float]:
    try:
        return [float(part) for part in _values(dataset, tag)]
    except ValueError:
        return []


def _even(text: str) -> bytes:
    raw = text.encode("latin-1")
    return raw + b" " * (len(raw) % 2)


def _put(dataset: DataSet, tag: int, raw: bytes) -> None:
    dataset.put(Element(tag, dataset.elements[tag].vr, raw))


def _write_note(dataset: DataSet, note: str) -> bool:
    """Add a sentence to DerivationDescription; False if there is no room for it (1,024 characters, VR ST)."""
    element = dataset.get(DERIVATION)
    earlier = element.raw.rstrip(b" \0") if element is not None else b""
    words = (earlier + b" " if earlier else b"") + note.encode("ascii")
    if len(words) > _LONGEST:
        return False
    dataset.put(Element(DERIVATION, "ST", words + b" " * (len(words) % 2)))
    return True


def _remove_note(dataset: DataSet, note: str) -> None:
    element = dataset.get(DERIVATION)
    if element is None:
        return
    words = element.raw.rstrip(b" \0").removesuffix(note.encode("ascii")).rstrip(b" ")
    if words:
        dataset.put(Element(DERIVATION, "ST", words + b" " * (len(words) % 2)))
    else:
        dataset.elements.pop(DERIVATION)
