"""COCO (Lin 2014): boxes, polygons, run lengths compressed and not; and ChestX-Det's JSON (Lian 2021), a list of images.

What COCO has no place for goes where its readers do not look: ``attributes`` of an annotation (state, reader, method ...), and
``image_labels`` for what is said of a whole image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from fulfillment.labels.formats import rle
from fulfillment.labels.formats.gather import Gathering, Member
from fulfillment.labels.formats.model import IMAGE_KINDS, ImageKind, ImageRef, Shape, Size
from requests_app.taxonomy import LabelState

MAX_JSON_BYTES = 256 * 1024 * 1024
_OWN = {"state", "reader", "method"}


class BadPart(ValueError):
    """A part that cannot be read: code, cause, remedy."""


def load_json(data: bytes, into: Gathering) -> Any:
    """The document; None, and a problem with its line, where it is none."""
    if len(data) > MAX_JSON_BYTES:
        into.problem(0, "FILE_TOO_LARGE", "The file is larger than 256 MiB.", "Split it into several.")
        return None
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        into.problem(0, "EMPTY_FILE", "The file is empty.", "Send the whole file.")
        return None
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        into.problem(data.count(b"\n", 0, error.start) + 1, "NOT_UTF8", "The file is not UTF-8.", "Save it as UTF-8.")
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        into.problem(
            error.lineno,
            "NOT_JSON",
            f"The file is no JSON from line {error.lineno}, character {error.colno} on: it may be cut off there.",
            "Write it again with a JSON library and send it whole.",
        )
    except RecursionError:
        into.problem(1, "NESTED_TOO_DEEP", "The file is nested deeper than any label.", "Write it again.")
    except ValueError:
        into.problem(1, "NUMBER_TOO_LARGE", "A number in the file has thousands of digits.", "Write pixels.")
    return None


def read(member: Member, into: Gathering) -> None:
    """Read ``images``, ``categories``, ``annotations`` and, where it is ours, ``image_labels``."""
    document = load_json(member.data, into)
    if document is None:
        return
    if not isinstance(document, dict):
        into.problem(
            1, "NOT_COCO", "The document is not a JSON object.", "Put images, categories and annotations in one object."
        )
        return
    into.columns = tuple(str(key)[:100] for key in list(document)[:50])
    lacking = [name for name in ("images", "categories", "annotations") if not isinstance(document.get(name), list)]
    if lacking:
        into.problem(
            1,
            "PART_MISSING",
            f"The document has no list {' and no list '.join(lacking)}.",
            "COCO has all three, even if empty.",
        )
        return
    images = _images(document["images"], into)
    categories = _categories(document["categories"], into)
    seen: set[Any] = set()
    for place, annotation in _items(document["annotations"], "annotations", into):
        into.rows += 1
        number = annotation.get("id")
        if isinstance(number, int | str):
            if number in seen:
                into.problem(
                    0, "ID_TWICE", "Another annotation has the same id.", "Number annotations anew.", place=place
                )
            seen.add(number)
        _annotation(annotation, place, images, categories, into)
    labels = document.get("image_labels")
    if isinstance(labels, list):
        for place, label in _items(labels, "image_labels", into):
            into.rows += 1
            _annotation(label, place, images, categories, into, whole=True)


def _items(values: list[Any], name: str, into: Gathering) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, value in enumerate(values):
        if isinstance(value, dict):
            yield f"{name}[{index}]", value
        else:
            into.problem(0, "NOT_AN_OBJECT", "This is not a JSON object.", "Write it again.", place=f"{name}[{index}]")


def _key(value: Any) -> int | str | None:
    """An id that can be looked up; 1 and 1.0 and "1" are one id, true is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return text if len(text) <= 200 else None


def _whole(value: Any) -> int | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6 and value == int(value)
    return int(value) if good else None


def _images(values: list[Any], into: Gathering) -> dict[int | str, tuple[ImageRef, Size | None]]:
    images: dict[int | str, tuple[ImageRef, Size | None]] = {}
    names: set[str] = set()
    for place, image in _items(values, "images", into):
        number, name = _key(image.get("id")), image.get("file_name", image.get("id"))
        if number is None or not isinstance(name, str | int) or not str(name).strip() or len(str(name)) > 1_000:
            into.problem(0, "IMAGE_MISSING", "The image has no id or no file_name.", "Give it both.", place=place)
            continue
        if number in images:
            into.problem(
                0,
                "ID_TWICE",
                "Another image has the same id: its annotations cannot be told apart.",
                "Number images anew; until then annotations go to the first.",
                place=place,
            )
            continue
        if str(name) in names:
            into.problem(
                0, "IMAGE_TWICE", "Another image has the same file_name.", "List each image once.", place=place
            )
        names.add(str(name))
        rows, columns = _whole(image.get("height")), _whole(image.get("width"))
        size = (rows, columns) if rows and columns else None
        if size is None and ("height" in image or "width" in image):
            into.problem(
                0,
                "SIZE_MALFORMED",
                "Width or height is not a whole number of pixels.",
                "Write both as integers.",
                place=place,
            )
        kind = image.get("image_kind") if image.get("image_kind") in IMAGE_KINDS else "file"
        images[number] = (into.image(cast(ImageKind, kind), str(name), size), size)
    return images


def _categories(values: list[Any], into: Gathering) -> dict[int | str, str]:
    categories: dict[int | str, str] = {}
    for place, category in _items(values, "categories", into):
        number, name = _key(category.get("id")), category.get("name")
        if number is None or not isinstance(name, str) or not name.strip():
            into.problem(0, "CATEGORY_MALFORMED", "The category has no id or no name.", "Give it both.", place=place)
        elif number in categories:
            into.problem(0, "ID_TWICE", "Another category has the same id.", "Number categories anew.", place=place)
        else:
            categories[number] = name.strip()
    return categories


def _annotation(
    annotation: Mapping[str, Any],
    place: str,
    images: Mapping[int | str, tuple[ImageRef, Size | None]],
    categories: Mapping[int | str, str],
    into: Gathering,
    *,
    whole: bool = False,
) -> None:
    image = images.get(_key(annotation.get("image_id")) or "")
    name = categories.get(_key(annotation.get("category_id")) or "")
    if image is None:
        into.problem(
            0, "IMAGE_UNKNOWN", "image_id is none of the images.", "Add the image or correct the id.", place=place
        )
        return
    if name is None:
        into.problem(
            0,
            "CATEGORY_UNKNOWN",
            "category_id is none of the categories.",
            "Add the category or correct it.",
            place=place,
        )
        return
    said = annotation if whole else annotation.get("attributes")
    said = said if isinstance(said, dict) else {}
    try:
        state = LabelState(str(said.get("state", "present")))
    except ValueError:
        into.problem(0, "STATE_UNKNOWN", "The state is not one of the five.", "Write present, absent ...", place=place)
        return
    try:
        shape = None if whole else shape_of(annotation, image[1])
    except rle.BadRuns as bad:
        remedy = "Encode the mask again for the height and width of its image (pycocotools.mask.encode)."
        into.problem(0, bad.code, str(bad), remedy, place=place)
        return
    except BadPart as bad_part:
        into.problem(0, *bad_part.args, place=place)
        return
    # A label of a whole image keeps what else is said of it apart, because its own fields are COCO's.
    pairs = said.get("provenance") if whole else said
    extra = {
        str(key)[:100]: str(value)[:1_000]
        for key, value in (pairs if isinstance(pairs, dict) else {}).items()
        if key not in _OWN and isinstance(value, str | int | float)
    }
    if "score" in annotation and isinstance(annotation["score"], int | float):
        extra.setdefault("score", repr(annotation["score"]))
    if annotation.get("iscrowd") == 1 and shape is not None and shape.kind == "polygon":
        extra.setdefault("iscrowd", "1")
    into.entry(
        image[0],
        name,
        state,
        shape=shape,
        reader=str(said.get("reader", ""))[:200],
        method=str(said.get("method", ""))[:200],
        row=place,
        extra=tuple(sorted(extra.items())),
    )


def _numbers(values: Any) -> list[float]:
    if not isinstance(values, list) or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        raise BadPart("NUMBER_MALFORMED", "A coordinate is not a number.", "Write numbers, not texts or null.")
    try:
        return [float(value) for value in values]
    except OverflowError:
        raise BadPart("NUMBER_TOO_LARGE", "A coordinate is larger than any image.", "Write pixels.") from None


def shape_of(annotation: Mapping[str, Any], size: Size | None) -> Shape:
    """The mask or polygon where there is one, else the box. Raises BadPart or BadRuns."""
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        return _runs(segmentation, size)
    if isinstance(segmentation, list) and segmentation:
        rings = [_numbers(ring) for ring in segmentation]
        if any(len(ring) % 2 for ring in rings):
            raise BadPart("POLYGON_ODD", "A polygon has an x without a y.", "Write x, y, x, y ...")
        return Shape.of_rings([list(zip(ring[::2], ring[1::2], strict=True)) for ring in rings])
    if segmentation not in (None, []):
        raise BadPart(
            "SEGMENTATION_MALFORMED", "segmentation is neither polygons nor run lengths.", "Write one of them."
        )
    if annotation.get("bbox") in (None, []):
        raise BadPart("SHAPE_MISSING", "The annotation has neither bbox nor segmentation.", "Give it one.")
    box = _numbers(annotation["bbox"])
    if len(box) != 4:
        raise BadPart("BOX_INCOMPLETE", f"bbox has {len(box)} numbers instead of four.", "Write [x, y, width, height].")
    return Shape.of_box(*box)


def _runs(value: Mapping[str, Any], size: Size | None) -> Shape:
    stated = value.get("size")
    if not isinstance(stated, list) or len(stated) != 2 or any(_whole(side) is None for side in stated):
        raise BadPart(
            "RLE_SIZE", "The run lengths do not say the size of their mask.", "Write size as [height, width]."
        )
    counts = value.get("counts")
    if isinstance(counts, str):
        runs = rle.from_text(counts)
    elif isinstance(counts, list) and all(isinstance(run, int) and not isinstance(run, bool) for run in counts):
        runs = counts
    else:
        raise BadPart("RLE_MALFORMED", "counts is neither a text nor a list of integers.", "Encode the mask again.")
    shape = Shape.of_runs(runs, (int(stated[0]), int(stated[1])))
    if size is not None and size != shape.size:
        swapped = " Height and width are swapped." if size == (stated[1], stated[0]) else ""
        raise BadPart(
            "MASK_SIZE",
            f"The mask is {stated[0]} x {stated[1]} and its image {size[0]} x {size[1]} (height x width).{swapped}",
            "Encode the mask at the size of its image.",
        )
    return shape


def read_chestxdet(member: Member, into: Gathering) -> None:
    """Read ``[{file_name, syms, boxes, polygons}]``: boxes by corners; the polygon is kept where there is one, else the box."""
    document = load_json(member.data, into)
    if document is None:
        return
    if not isinstance(document, list):
        into.problem(
            1, "NOT_A_LIST", "The document is not a list of images.", "Write [{file_name, syms, boxes, polygons}]."
        )
        return
    into.columns = ("file_name", "syms", "boxes", "polygons")
    for place, image in _items(document, "images", into):
        into.rows += 1
        name, names = image.get("file_name"), image.get("syms")
        if not isinstance(name, str) or not name.strip() or len(name) > 1_000:
            into.problem(0, "IMAGE_MISSING", "The image has no file_name.", "Give it one.", place=place)
            continue
        ref = into.image("file", name)
        boxes, polygons = image.get("boxes"), image.get("polygons", [])
        lists = all(isinstance(part, list) for part in (names, boxes, polygons))
        if not lists or len(names or ()) != len(boxes or ()) or (polygons and len(polygons) != len(names or ())):
            into.problem(
                0,
                "LISTS_DIFFER",
                "syms, boxes and polygons are not lists of the same length.",
                "Give each finding a box and a polygon, in the same order.",
                place=place,
            )
            continue
        for index, label in enumerate(cast(list[Any], names)):
            at = f"{place}.syms[{index}]"
            try:
                if not isinstance(label, str) or not label.strip():
                    raise BadPart("FINDING_EMPTY", "The finding has no name.", "Give it one.")
                shape = _corners(cast(list[Any], boxes)[index], polygons[index] if polygons else None)
                into.entry(ref, label.strip(), shape=shape, row=at)
            except BadPart as bad:
                into.problem(0, *bad.args, place=at)


def _corners(box: Any, polygon: Any) -> Shape:
    if polygon:
        if not isinstance(polygon, list) or any(not isinstance(p, list) or len(p) != 2 for p in polygon):
            raise BadPart("POLYGON_ODD", "The polygon is not a list of x and y.", "Write [[x, y], ...].")
        return Shape.of_rings([[tuple(_numbers(point)) for point in polygon]])
    corners = _numbers(box)
    if len(corners) != 4:
        raise BadPart("BOX_INCOMPLETE", "The box has not four corners.", "Write [x1, y1, x2, y2].")
    left, top, right, bottom = corners
    if right < left or bottom < top:
        raise BadPart("CORNERS_SWAPPED", "The box ends before it begins.", "Give the upper left corner first.")
    return Shape.of_box(left, top, right - left, bottom - top)
