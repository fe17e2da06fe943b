"""Ways in which files of labels other than tables go wrong, each with the problem it must give."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from fulfillment.labels.formats import Entry, ImageRef, Shape, write
from tests.fulfillment.labels.formats.samples import COLUMNS, OWN, ROWS, SOURCES

Files = dict[str, bytes]
Way = tuple[Callable[[], Files], str]
_UID = "2.25.71"
MASK = Shape.of_box(4, 5, 10, 12).to_mask(ROWS, COLUMNS)
LABELS = [
    Entry(ImageRef("sop_instance_uid", _UID), "Mass", key="mass", shape=Shape.of_mask(MASK), reader="R1"),
    Entry(ImageRef("sop_instance_uid", _UID), "Nodule", key="nodule", shape=Shape.of_box(1, 2, 9, 8), reader="R1"),
]


@cache
def good(format: str) -> Mapping[str, bytes]:
    """A good sample, as the project itself writes it."""
    fits = {"dicom-sr": LABELS[1:], "voc": LABELS[1:], "yolo": LABELS[1:], "coco": LABELS}.get(format, LABELS[:1])
    sizes = {LABELS[0].image: (ROWS, COLUMNS)}
    files = write(fits, format=format, taxonomy=OWN, sources=SOURCES, image_sizes=sizes).files
    return {name: data for name, data in files.items() if name != "provenance.csv"}


def main(format: str) -> tuple[str, bytes]:
    return next((name, data) for name, data in good(format).items() if name not in ("classes.txt", "legend.csv"))


def put(format: str, change: Callable[[bytes], bytes]) -> Callable[[], Files]:
    """The sample with its file of labels changed."""

    def make() -> Files:
        name, data = main(format)
        return {**good(format), name: change(data)}

    return make


def transit(format: str, *, text: bool) -> dict[str, Way]:
    """What happens to any file on its way."""
    broken = {
        "coco": ("NOT_JSON", "NOT_UTF8|NOT_JSON"),
        "voc": ("NOT_XML", "NOT_XML"),
        "yolo": ("LINE_SHORT|POLYGON_ODD", "CLASS_MALFORMED|NOT_TEXT|NOT_UTF8"),
        "dicom-sr": ("DICOM_BROKEN", "NOT_DICOM"),
        "dicom-seg": ("DICOM_BROKEN|PIXELS_SHORT", "NOT_DICOM"),
        "png-masks": ("PNG_BROKEN", "NOT_PNG"),
        "nifti-masks": ("NIFTI_BROKEN|NOT_NIFTI", "NOT_NIFTI"),
    }[format]
    return {
        "empty": (put(format, lambda data: b""), "EMPTY_FILE"),
        "cut off in the middle": (
            put(format, lambda data: data[: len(data) * (3 if format == "yolo" else 6) // 10]),
            broken[0],
        ),
        "noise": (
            put(format, lambda data: bytes(np.random.default_rng(7).integers(0, 256, 5_000, dtype=np.uint8))),
            broken[1],
        ),
        "a page of HTML": (
            put(format, lambda data: b"<!DOCTYPE html><html><body>Not found</body></html>"),
            f"{broken[1]}|XML_DOCTYPE|NOT_JSON",
        ),
    }


def _json(change: Callable[[Any], Any]) -> Callable[[], Files]:
    def edit(data: bytes) -> bytes:
        document = json.loads(data)
        result = change(document)
        return json.dumps(document if result is None else result).encode()

    return put("coco", edit)


def _annotation(index: int = 1, **values: Any) -> Callable[[], Files]:
    return _json(lambda document: document["annotations"][index].update(values))


def _drop(*path: Any) -> Callable[[], Files]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return _json(change)


def coco() -> dict[str, Way]:
    mask = {"size": [ROWS, COLUMNS], "counts": [5, 3]}
    return {
        **transit("coco", text=True),
        "a list": (_json(lambda document: [document]), "NOT_COCO"),
        "no categories": (_drop("categories"), "PART_MISSING"),
        "no images": (_drop("images"), "PART_MISSING"),
        "image without id": (_drop("images", 0, "id"), "IMAGE_MISSING"),
        "image of no size": (_json(lambda d: d["images"][0].update(width=-3)), "SIZE_MALFORMED"),
        "two images of one id": (_json(lambda d: d["images"].append(dict(d["images"][0], file_name="x"))), "ID_TWICE"),
        "one image twice": (_json(lambda d: d["images"].append(dict(d["images"][0], id=77))), "IMAGE_TWICE"),
        "category missing": (_annotation(category_id=999), "CATEGORY_UNKNOWN"),
        "category without name": (_drop("categories", 0, "name"), "CATEGORY_MALFORMED"),
        "image missing": (_annotation(image_id=999), "IMAGE_UNKNOWN"),
        "id twice": (_annotation(id=1), "ID_TWICE"),
        "no shape": (_annotation(bbox=[], segmentation=[]), "SHAPE_MISSING"),
        "three numbers": (_annotation(bbox=[1, 2, 3]), "BOX_INCOMPLETE"),
        "texts": (_annotation(bbox=["1", "2", "3", "4"]), "NUMBER_MALFORMED"),
        "not a number": (_annotation(bbox=[1, 2, float("nan"), 4]), "NUMBER_NOT_FINITE"),
        "no bound": (_annotation(bbox=[1, 2, 1e300, 4]), "NUMBER_TOO_LARGE"),
        "an endless integer": (put("coco", lambda data: data.replace(b'"iscrowd": 0', b'"x": ' + b"9" * 9_000)), "NUMBER_TOO_LARGE"),
        "negative width": (_annotation(bbox=[1, 2, -3, 4]), "BOX_NEGATIVE"),
        "outside": (_annotation(bbox=[900, 2, 3, 4]), "BOX_OUTSIDE"),
        "polygon odd": (_annotation(segmentation=[[1, 2, 3, 4, 5]]), "POLYGON_ODD"),
        "polygon of two points": (_annotation(segmentation=[[1, 2, 3, 4]]), "POLYGON_TOO_FEW"),
        "segmentation a text": (_annotation(segmentation="polygon"), "SEGMENTATION_MALFORMED"),
        "runs short": (_annotation(segmentation=mask), "RLE_SHORT"),
        "runs too long": (_annotation(segmentation={**mask, "counts": [5, 10**9]}), "RLE_PAST_IMAGE"),
        "runs no text": (_annotation(segmentation={**mask, "counts": "\x7f"}), "RLE_NOT_TEXT"),
        "runs of nothing": (_annotation(segmentation={**mask, "counts": None}), "RLE_MALFORMED"),
        "mask without size": (_annotation(segmentation={"counts": "04"}), "RLE_SIZE"),
        "mask swapped": (_annotation(segmentation={"size": [COLUMNS, ROWS], "counts": [COLUMNS * ROWS]}), "MASK_SIZE"),
        "state unknown": (_annotation(attributes={"state": "maybe"}), "STATE_UNKNOWN"),
        "annotation a list": (_json(lambda d: d["annotations"].append([])), "NOT_AN_OBJECT"),
        "nested deep": (put("coco", lambda data: b'{"images": ' + b"[" * 100_000), "NESTED_TOO_DEEP|NOT_JSON"),
    }  # fmt: skip


def _xml(old: str, new: str) -> Callable[[], Files]:
    def change(data: bytes) -> bytes:
        text = data.decode()
        assert old in text
        return text.replace(old, new, 1).encode()

    return put("voc", change)


def voc() -> dict[str, Way]:
    bomb = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><annotation>'
    outside = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>'
    return {
        **transit("voc", text=True),
        "entity bomb": (_xml("<annotation>", bomb), "XML_DOCTYPE"),
        "a file from outside": (_xml("<annotation>", outside), "XML_DOCTYPE"),
        "an entity undeclared": (_xml("<name>Nodule", "<name>&nodule;"), "NOT_XML"),
        "nested deep": (put("voc", lambda data: b"<a>" * 50_000), "NESTED_TOO_DEEP"),
        "another root": (put("voc", lambda data: data.replace(b"annotation>", b"note>")), "NOT_VOC"),
        "no file name": (_xml("<filename>2.25.71</filename>", ""), "IMAGE_MISSING"),
        "no box": (put("voc", lambda data: data.replace(b"bndbox", b"box")), "SHAPE_MISSING"),
        "no name": (_xml("<name>Nodule</name>", "<name> </name>"), "FINDING_EMPTY"),
        "no corner": (_xml("<xmax>10.0</xmax>", ""), "BOX_INCOMPLETE"),
        "corner twice": (_xml("<xmin>1.0</xmin>", "<xmin>1</xmin><xmin>2</xmin>"), "CORNER_TWICE"),
        "corners swapped": (_xml("<xmin>1.0", "<xmin>11.0"), "CORNERS_SWAPPED"),
        "no area": (_xml("<xmin>1.0", "<xmin>10.0"), "BOX_EMPTY"),
        "not a number": (_xml("<xmin>1.0", "<xmin>NaN"), "NUMBER_NOT_FINITE"),
        "decimal comma": (_xml("<xmin>1.0", "<xmin>1,0"), "DECIMAL_COMMA"),
        "words": (_xml("<xmin>1.0", "<xmin>left"), "NUMBER_MALFORMED"),
        "beyond any image": (_xml("<xmax>10.0", "<xmax>1e9"), "NUMBER_TOO_LARGE"),
        "outside": (_xml("<xmin>1.0</xmin><ymin>2.0</ymin><xmax>10.0", "<xmin>90</xmin><ymin>2.0</ymin><xmax>99"), "BOX_OUTSIDE"),
        "size of nothing": (_xml(f"<width>{COLUMNS}", "<width>0"), "SIZE_MALFORMED"),
        "size of a fraction": (_xml(f"<width>{COLUMNS}", "<width>40.5"), "SIZE_MALFORMED"),
        "another size": (_xml(f"<width>{COLUMNS}", "<width>80"), "IMAGE_SIZE"),
        "state unknown": (_xml("<value>present", "<value>maybe"), "STATE_UNKNOWN"),
        "finding unknown": (_xml("<name>Nodule", "<name>Wonder"), "FINDING_UNKNOWN"),
        "encoding unknown": (put("voc", lambda data: b'<?xml version="1.0" encoding="x-none"?>' + data), "NOT_XML|ENCODING_UNKNOWN"),
        "no closing": (_xml("</object>", ""), "NOT_XML"),
    }  # fmt: skip


def yolo() -> dict[str, Way]:
    def lines(text: str) -> Callable[[], Files]:
        return put("yolo", lambda data: text.encode())

    def classes(text: str) -> Callable[[], Files]:
        return lambda: {**good("yolo"), "classes.txt": text.encode()}

    return {
        **transit("yolo", text=True),
        "no classes": (lambda: {k: v for k, v in good("yolo").items() if k != "classes.txt"}, "CLASSES_MISSING"),
        "classes empty": (classes(" \n\n"), "EMPTY_FILE|CLASSES_MISSING"),
        "class twice": (classes("Mass\nMass\nNodule\n" * 8), "CLASS_TWICE"),
        "class without name": (classes("Mass\n\n" + "x\n" * 20), "CLASS_EMPTY"),
        "class out of range": (lines("99 0.5 0.5 0.1 0.1"), "CLASS_OUT_OF_RANGE"),
        "class negative": (lines("-1 0.5 0.5 0.1 0.1"), "CLASS_MALFORMED"),
        "class by name": (lines("Mass 0.5 0.5 0.1 0.1"), "CLASS_MALFORMED"),
        "class a fraction": (lines("1.5 0.5 0.5 0.1 0.1"), "CLASS_MALFORMED"),
        "pixels": (lines("1 20 20 10 10"), "NOT_NORMALISED"),
        "commas": (lines("1,0.5,0.5,0.1,0.1"), "WRONG_SEPARATOR"),
        "decimal commas": (lines("1 0,5 0,5 0,1 0,1"), "DECIMAL_COMMA"),
        "not a number": (lines("1 nan 0.5 0.1 0.1"), "NUMBER_NOT_FINITE"),
        "infinite": (lines("1 inf 0.5 0.1 0.1"), "NUMBER_NOT_FINITE"),
        "beyond floats": (lines("1 1e999 0.5 0.1 0.1"), "NUMBER_TOO_LARGE"),
        "words": (lines("1 half 0.5 0.1 0.1"), "NUMBER_MALFORMED"),
        "three numbers": (lines("1 0.5 0.5 0.1"), "LINE_SHORT"),
        "only a class": (lines("1"), "LINE_SHORT"),
        "polygon odd": (lines("1 0.1 0.1 0.2 0.2 0.3 0.1 0.4"), "POLYGON_ODD"),
        "polygon flat": (lines("1 0.1 0.1 0.2 0.2 0.3 0.3"), "POLYGON_EMPTY"),
        "negative width": (lines("1 0.5 0.5 -0.1 0.1"), "BOX_NEGATIVE"),
        "no width": (lines("1 0.5 0.5 0 0.1"), "BOX_EMPTY"),
        "over the edge": (lines("1 0.98 0.5 0.2 0.1"), "BOX_PARTLY_OUTSIDE"),
        "twice": (lines("1 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1"), "REPEATED"),
        "image that is not here": (lambda: {"nine.txt": b"1 0.5 0.5 0.1 0.1", "classes.txt": b"Mass\nNodule"}, "SIZE_UNKNOWN"),
    }  # fmt: skip


def _png(array: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, format="PNG", **options)
    return out.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _header(rows: int, columns: int, depth: int = 8, colour: int = 0) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", zlib.compress(bytes(100))) + _chunk(b"IEND", b"")


def png() -> dict[str, Way]:
    name = "png-masks"
    steps = (MASK * np.arange(COLUMNS)).astype(np.uint8)
    smooth = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS).astype(np.uint16).astype(np.uint8)
    colour = np.stack([steps, steps // 2, steps], axis=-1)
    grey = _png(steps)

    def only(data: bytes, file: str = "2.25.71__mass.png", **more: bytes) -> Callable[[], Files]:
        return lambda: {file: data, **more}

    def legend(text: str) -> Callable[[], Files]:
        return lambda: {"2.25.71.png": grey, "legend.csv": text.encode()}

    full = "value,finding\n" + "".join(f"{n},Mass\n" for n in range(1, 40))
    return {
        **transit(name, text=False),
        "a bomb": (only(_header(60_000, 60_000)), "SIZE_TOO_LARGE"),
        "no pixels": (only(_header(ROWS, COLUMNS)), "PNG_BROKEN"),
        "no rows": (only(_header(0, COLUMNS)), "NOT_PNG"),
        "depth unknown": (only(_header(ROWS, COLUMNS, depth=7)), "NOT_PNG"),
        "colour unknown": (only(_header(ROWS, COLUMNS, colour=5)), "NOT_PNG"),
        "only the signature": (only(b"\x89PNG\r\n\x1a\n"), "NOT_PNG"),
        "a checksum wrong": (put(name, lambda data: data[:-30] + b"\0\1\2" + data[-27:]), "PNG_BROKEN"),
        "JPEG by another name": (only(_jpeg(steps)), "NOT_PNG"),
        "nothing marked": (only(_png(steps * 0)), "MASK_EMPTY"),
        "smoothed": (only(_png(smooth)), "MASK_NOT_BINARY"),
        "values without a legend": (only(_png(np.minimum(steps, 6))), "LEGEND_MISSING"),
        "true colours": (only(_png(colour)), "MASK_IN_COLOUR"),
        "no finding": (only(_png(steps // 13 * 255), file="2.25.71.png"), "FINDING_MISSING|LEGEND_MISSING"),
        "finding unknown": (only(main(name)[1], file="2.25.71__wonder.png"), "FINDING_UNKNOWN"),
        "transposed": (only(_png((MASK.T * 255).astype(np.uint8))), "MASK_SIZE"),
        "half the size": (only(_png((MASK[::2, ::2] * 255).astype(np.uint8))), "MASK_SIZE"),
        "image that is not here": (only(main(name)[1], file="nine__mass.png"), "IMAGE_UNMATCHED"),
        "twice": (lambda: {f"2.25.71__mass{end}.png": main(name)[1] for end in ("", "__2")}, "REPEATED"),
        "legend without the value": (legend("value,finding\n4,Mass\n"), "VALUE_UNKNOWN"),
        "legend without columns": (legend("number,name\n4,Mass\n"), "COLUMN_MISSING"),
        "legend of words": (legend(full + "five,Mass\n"), "LEGEND_MALFORMED"),
        "legend marks the background": (legend(full + "0,Mass\n"), "VALUE_ZERO"),
        "legend with a value twice": (legend(full + "4,Nodule\n"), "VALUE_TWICE"),
    }  # fmt: skip


def _jpeg(array: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, format="JPEG")
    return out.getvalue()


def nifti() -> dict[str, Way]:
    name = "nifti-masks"

    def raw(change: Callable[[bytearray], object]) -> Callable[[], Files]:
        def edit(data: bytes) -> bytes:
            plain = bytearray(gzip.decompress(data))
            change(plain)
            return gzip.compress(bytes(plain))

        return put(name, edit)

    def poke(at: int, kind: str, *values: Any) -> Callable[[], Files]:
        return raw(lambda plain: struct.pack_into(f"<{kind}", plain, at, *values))

    def volume(**options: Any) -> bytes:
        import nibabel

        data = options.get("data", np.repeat(MASK.T[:, :, None], options.get("slices", 1), axis=2).astype(np.uint8))
        image = nibabel.Nifti1Image(data, options.get("affine", np.diag([-1.0, -1, 1, 1])), dtype=data.dtype)
        return gzip.compress(image.to_bytes())

    def only(data: bytes, file: str = "2.25.71__mass.nii.gz") -> Callable[[], Files]:
        return lambda: {file: data}

    half = MASK.T[:, :, None].astype(np.float32) * 0.4
    return {
        **transit(name, text=False),
        "a gzip bomb": (put(name, lambda data: gzip.compress(gzip.decompress(data) + bytes(50_000_000))), "NIFTI_BROKEN"),
        "a byte order mixed up": (poke(40, "h", 0x0300), "NIFTI_BROKEN|VOLUME"),
        "the size of the header wrong": (poke(0, "i", 1), "NOT_NIFTI"),
        "the magic wrong": (raw(lambda plain: plain.__setitem__(slice(344, 348), b"abcd")), "NOT_NIFTI"),
        "pixels in another file": (raw(lambda plain: plain.__setitem__(slice(344, 348), b"ni1\0")), "NIFTI_PAIR"),
        "a side negative": (poke(42, "h", -5), "NIFTI_BROKEN"),
        "a side beyond any image": (poke(42, "hh", 30_000, 30_000), "SIZE_TOO_LARGE"),
        "sides larger than the pixels": (poke(42, "hh", 4_000, 4_000), "NIFTI_BROKEN"),
        "a type unknown": (poke(70, "h", 9_999), "NIFTI_BROKEN"),
        "a type of colours": (poke(70, "h", 128), "NIFTI_BROKEN"),
        "an offset beyond the file": (poke(108, "f", 4e6), "NIFTI_BROKEN"),
        "an offset endless": (poke(108, "f", 1e30), "SIZE_TOO_LARGE"),
        "an offset that is no number": (poke(108, "f", float("nan")), "SIZE_TOO_LARGE"),
        "an offset negative": (poke(108, "f", -50.0), "SIZE_TOO_LARGE"),
        "one row": (poke(42, "h", 1), "NIFTI_BROKEN"),
        "a volume": (only(volume(slices=3)), "VOLUME"),
        "the identity": (only(volume(affine=np.eye(4))), "ORIENTATION_NOT_STATED"),
        "no affine": (poke(252, "hh", 0, 0), "ORIENTATION_NOT_STATED"),
        "probabilities": (only(volume(data=half)), "MASK_NOT_BINARY"),
        "not numbers": (only(volume(data=half * np.nan)), "NUMBER_NOT_FINITE"),
        "negative values": (only(volume(data=-np.ones((COLUMNS, ROWS, 1), dtype=np.int16))), "VALUE_UNKNOWN"),
        "nothing marked": (only(volume(data=np.zeros((COLUMNS, ROWS, 1), dtype=np.uint8))), "MASK_EMPTY"),
        "transposed": (only(volume(data=MASK[:, :, None].astype(np.uint8))), "MASK_SIZE"),
        "no finding": (only(main(name)[1], file="2.25.71.nii.gz"), "FINDING_MISSING"),
        "finding unknown": (only(main(name)[1], file="2.25.71__wonder.nii.gz"), "FINDING_UNKNOWN"),
        "image that is not here": (only(main(name)[1], file="nine__mass.nii.gz"), "IMAGE_UNMATCHED"),
    }  # fmt: skip
