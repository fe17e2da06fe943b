"""Masks as pictures: what their names and legends say, and PNG.

A file marks one finding, named ``IMAGE__FINDING.png`` (``IMAGE__FINDING__2.png`` for a second region) or lying in a folder
``FINDING/IMAGE.png``; or it marks several by value, and ``legend.csv`` (value, finding) says which.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulfillment.labels.formats.gather import Gathering, Member, Sizes, base
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Shape, Size, Written
from fulfillment.labels.formats.provenance import file_names
from fulfillment.labels.formats.tabular import need, read_table, write_table
from requests_app.taxonomy import LabelState, Taxonomy

LEGEND = "legend.csv"
MAX_PIXELS = 60_000_000
#: Values times pixels: what telling the regions of one picture apart may cost.
MAX_WORK = 2_000_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_GREY_DEPTH = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def picture_size(data: bytes) -> Size | None:
    """Rows and columns of a PNG or JPEG by its header; None for anything else."""
    if data.startswith(_PNG) and data[12:16] == b"IHDR" and len(data) >= 24:
        columns, rows = struct.unpack(">II", data[16:24])
        return (rows, columns) if rows and columns else None
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            rows, columns = struct.unpack(">HH", data[at + 5 : at + 9])
            return (rows, columns) if rows and columns else None
        at += 2 + max(length, 2)
    return None


def legend_of(members: Sequence[Member], into: Gathering) -> dict[int, str]:
    """Value -> finding from ``legend.csv``, if it is there."""
    file = next((member for member in members if base(member.name).lower() == LEGEND), None)
    if file is None:
        return {}
    into.file = file.name
    legend: dict[int, str] = {}
    table = read_table(file.data, into)
    if table is not None and need(table, into, {"value": ("value",), "finding": ("finding",)}):
        for row in table.rows:
            value, finding = row.text("value"), row.text("finding")
            if not (value.isascii() and value.isdigit() and len(value) < 6) or not finding:
                into.problem(row.number, "LEGEND_MALFORMED", "The row has no whole value or no finding.", "Write both.")
            elif int(value) in legend and legend[int(value)] != finding:
                into.problem(row.number, "VALUE_TWICE", "The value stands for two findings.", "Give each its own.")
            elif int(value) == 0 and finding.casefold() != "background":
                into.problem(row.number, "VALUE_ZERO", "0 is the background and marks no finding.", "Count from 1.")
            elif int(value):
                legend[int(value)] = finding
    into.columns, into.rows, into.file = (), 0, ""
    return legend


def named(member: Member) -> tuple[str, str]:
    """The image and the finding that a file's name says; an empty finding where it says none."""
    parts = member.stem.split("__")
    if len(parts) > 1 and all(parts[:2]):
        finding = "__".join(parts[1:-1]) if len(parts) > 2 and parts[-1].isdigit() else "__".join(parts[1:])
        return parts[0], finding.replace("_", " ")
    folder = member.name.replace("\\", "/").split("/")[-2:-1]
    return member.stem, folder[0].replace("_", " ") if folder else ""


Decode = Callable[[bytes, ImageRef, Gathering], NDArray[Any] | None]


def read_all(members: Sequence[Member], into: Gathering, decode: Decode, is_mask: Callable[[Member], bool]) -> None:
    """Read every mask among the members with ``decode``, which gives whole numbers (rows, columns) or notes what is wrong."""
    legend = legend_of(members, into)
    files = [member for member in members if is_mask(member)] or [m for m in members if base(m.name).lower() != LEGEND]
    for member in files:
        into.file = member.name if len(members) > 1 else ""
        into.rows += 1
        if not member.data:
            into.problem(0, "EMPTY_FILE", "The file is empty.", "Send the whole file.")
            continue
        name, finding = named(member)
        ref = ImageRef("image_id", name)
        values = decode(member.data, ref, into)
        if values is not None:
            into.image(ref.kind, ref.value, (int(values.shape[0]), int(values.shape[1])))
            _entries(values, ref, finding, legend, into)
    into.file = ""


def _entries(values: NDArray[Any], ref: ImageRef, finding: str, legend: Mapping[int, str], into: Gathering) -> None:
    found = [int(value) for value in np.unique(values) if value != 0]
    whole = "the whole file"
    if not found:
        into.problem(
            0, "MASK_EMPTY", "The mask marks nothing.", "Leave the file out, or draw the region again.", place=whole
        )
        return
    if len(found) * values.size > MAX_WORK:
        into.problem(
            0,
            "TOO_MANY_VALUES",
            f"The mask has {len(found)} values: it is a photograph or noise.",
            "Send masks.",
            place=whole,
        )
        return
    known_name = bool(finding) and (len(found) == 1 or not legend)
    if legend and not (known_name and into.context.is_finding(finding)):
        for value in found:
            if value in legend:
                into.entry(ref, legend[value], shape=Shape.of_mask(values == value), row=f"value {value}")
            else:
                into.problem(
                    0,
                    "VALUE_UNKNOWN",
                    f"The legend has no finding for the value {value}.",
                    "Add it to legend.csv, or set the background to 0.",
                    place=f"value {value}",
                )
        return
    if len(found) > 1:
        smooth = len(found) > 32
        into.problem(
            0,
            "MASK_NOT_BINARY" if smooth else "LEGEND_MISSING",
            f"The mask has {len(found)} values besides 0"
            + (
                ": its edges were smoothed or it was saved as JPEG."
                if smooth
                else ", and no legend says what they mean."
            ),
            "Save it without smoothing, with 0 and 255 only."
            if smooth
            else "Send legend.csv with columns value and finding.",
            place=whole,
        )
        return
    if not finding:
        into.problem(
            0,
            "FINDING_MISSING",
            "Neither the name of the file nor a legend says which finding it marks.",
            "Name it IMAGE__FINDING, put it in a folder named after the finding, or send legend.csv.",
            place=whole,
        )
        return
    into.entry(ref, finding, shape=Shape.of_mask(values), row=whole)


def read_png(members: Sequence[Member], into: Gathering) -> None:
    """Read PNG masks: black and white, grey, or indexed colours by index."""
    read_all(
        members, into, decode_png, lambda member: member.data.startswith(_PNG) or member.name.lower().endswith(".png")
    )


def decode_png(data: bytes, ref: ImageRef, into: Gathering) -> NDArray[Any] | None:
    """The values (rows, columns). Size and depth are checked in the header, before anything is decoded."""
    from PIL import Image

    remedy = "Save the mask again as a grey PNG of 8 bits and send it whole."
    size = picture_size(data) if data.startswith(_PNG) else None
    if size is None or len(data) < 33:
        into.problem(0, "NOT_PNG", "The file is no PNG, or is cut off in its first bytes.", remedy, place="header")
        return None
    if size[0] * size[1] > MAX_PIXELS:
        into.problem(0, "SIZE_TOO_LARGE", "The picture is larger than any radiograph.", remedy, place="header")
        return None
    if data[24] not in _GREY_DEPTH.get(data[25], ()):
        into.problem(0, "NOT_PNG", "The header of the PNG is damaged.", remedy, place="header")
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
                picture.load()
                values = np.asarray(picture)
    except Exception:  # what a damaged file makes Pillow raise is of a dozen kinds, and none says more than this
        into.problem(
            0, "PNG_BROKEN", "The picture cannot be decoded: it is cut short or damaged.", remedy, place="pixels"
        )
        return None
    if values.ndim == 3:
        colours = values[..., : 3 if values.shape[2] >= 3 else 1]
        if not (colours == colours[..., :1]).all():
            into.problem(
                0,
                "MASK_IN_COLOUR",
                "The mask is in true colours, which have no order.",
                "Save it in grey, or with indexed colours and a legend.",
                place="pixels",
            )
            return None
        values = colours[..., 0]
    return values.astype(np.uint8) if values.dtype == np.bool_ else values


def write_png(
    entries: Sequence[Entry], taxonomy: Taxonomy, sizes: Mapping[ImageRef, Size] | None = None
) -> tuple[Written, Mapping[ImageRef, str]]:
    """``masks/IMAGE__KEY.png``, 0 and 255, a file a region."""
    return write_all(entries, taxonomy, sizes, ".png", encode_png)


def encode_png(mask: NDArray[np.bool_], entry: Entry) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(out, format="PNG", optimize=False)
    return out.getvalue()


def write_all(
    entries: Sequence[Entry],
    taxonomy: Taxonomy,
    sizes: Mapping[ImageRef, Size] | None,
    extension: str,
    encode: Callable[[NDArray[np.bool_], Entry], bytes],
) -> tuple[Written, Mapping[ImageRef, str]]:
    """A file a region; boxes and polygons are drawn, which is told. Also gives what each image is called."""
    known, left = Sizes(sizes), list[Problem]()
    good: list[tuple[Entry, NDArray[np.bool_]]] = []
    for place, entry in enumerate(entries, start=1):
        if entry.key not in taxonomy or entry.shape is None or entry.state is not LabelState.PRESENT:
            left.append(
                Problem(place, "NO_PLACE", "Masks mark regions of present findings only.", "Export COCO or a table.")
            )
            continue
        size = entry.shape.size or known.find(entry.image)
        if size is None:
            left.append(
                Problem(place, "SIZE_UNKNOWN", "The size of its image is not known.", "Give the images' sizes.")
            )
            continue
        mask = entry.shape.to_mask(*size)
        if not mask.any():
            left.append(Problem(place, "MASK_EMPTY", "The region holds the centre of no pixel.", "Export COCO too."))
            continue
        if entry.shape.kind != "mask":
            left.append(Problem(place, "DRAWN_AS_MASK", "The outline was drawn as a mask.", "Export COCO to keep it."))
        good.append((entry, mask))
    names = file_names(entry.image for entry, _ in good)
    count: dict[tuple[ImageRef, str], int] = {}
    files: dict[str, bytes] = {}
    order: dict[str, Entry] = {}
    for entry, mask in good:
        nth = count[entry.image, entry.key] = count.get((entry.image, entry.key), 0) + 1
        name = f"masks/{names[entry.image]}__{entry.key}{f'__{nth:04d}' if nth > 1 else ''}{extension}"
        files[name] = encode(mask, entry)
        order[name] = entry
    return Written(files, tuple(left), tuple(order[name] for name in sorted(order))), names


def write_indexed_png(
    entries: Sequence[Entry], taxonomy: Taxonomy, sizes: Mapping[ImageRef, Size] | None = None
) -> Written:
    """``masks/IMAGE.png``, the value of a pixel being the finding's number in ``legend.csv``. Where regions of different findings
    overlap the later one stands, which is told."""
    from PIL import Image

    single, names = write_all(entries, taxonomy, sizes, "", lambda mask, entry: b"")
    known, left = Sizes(sizes), list(single.left_out)
    numbers = {key: number for number, key in enumerate(taxonomy.keys, start=1)}
    maps: dict[ImageRef, NDArray[np.uint8]] = {}
    for place, entry in enumerate(entries, start=1):
        size = entry.shape.size or known.find(entry.image) if entry.shape else None
        if entry not in single.kept or size is None or entry.shape is None:
            continue
        mask, canvas = entry.shape.to_mask(*size), maps.setdefault(entry.image, np.zeros(size, dtype=np.uint8))
        if canvas.shape != size or numbers[entry.key] > 255:
            left.append(Problem(place, "MASK_SIZE", "Its mask has another size than others of the image.", "Scale it."))
            continue
        under = canvas[mask]
        if np.any((under != 0) & (under != numbers[entry.key])):
            left.append(
                Problem(place, "OVERLAP", "It overlaps another finding, and is drawn over it.", "Export png-masks.")
            )
        canvas[mask] = numbers[entry.key]
    files = {}
    for image, canvas in maps.items():
        out = io.BytesIO()
        Image.fromarray(canvas).save(out, format="PNG")
        files[f"masks/{names[image]}.png"] = out.getvalue()
    files[LEGEND] = write_table(["value", "finding"], [[numbers[f.key], f.name] for f in taxonomy.findings])
    return Written(files, tuple(left))
