"""Writing COCO: a whole document at once, or image by image into a file that is never in memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fulfillment.labels.formats.gather import Sizes
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Shape, Size, Written
from requests_app.taxonomy import Taxonomy

_UNPLACED = ("NO_PLACE", "The label has no finding of the list.", "Map its name first.")


def write(
    entries: Sequence[Entry],
    taxonomy: Taxonomy,
    sizes: Mapping[ImageRef, Size] | None = None,
    images: Sequence[ImageRef] = (),
) -> Written:
    """One document; ``images`` are listed even without a label. Masks as compressed run lengths, polygons as polygons.

    Width and height are left out where nobody knows them, which is told: many readers want them.
    """
    numbers = {ref: n for n, ref in enumerate(dict.fromkeys([*images, *(entry.image for entry in entries)]), start=1)}
    given = Sizes(sizes)
    known = {ref: size for ref in numbers if (size := given.find(ref)) is not None}
    for entry in entries:
        if entry.shape is not None and entry.shape.size is not None:
            known.setdefault(entry.image, entry.shape.size)
    keys = _numbered(taxonomy)
    left = [
        Problem(0, "SIZE_UNKNOWN", f"The size of {count} images is not known.", "Give the images, or their sizes.")
        for count in [sum(ref not in known for ref in numbers)]
        if count
    ]
    annotations: list[dict[str, Any]] = []
    whole: list[dict[str, Any]] = []
    for number, entry in enumerate(entries, start=1):
        if entry.key not in keys:
            left.append(Problem(number, *_UNPLACED))
        elif entry.shape is None:
            whole.append(_label(entry, numbers[entry.image], keys))
        else:
            annotations.append(_annotation(entry, len(annotations) + 1, numbers[entry.image], keys))
    document = {
        "info": _info(taxonomy),
        "images": [_image(ref, number, known.get(ref)) for ref, number in numbers.items()],
        "categories": _categories(taxonomy),
        "annotations": annotations,
        "image_labels": whole,
    }
    return Written({"coco.json": (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()}, tuple(left))


class CocoFile:
    """The same document, a record a line. Each list grows in a file of its own beside ``path`` until ``close`` joins them."""

    def __init__(self, path: Path, taxonomy: Taxonomy) -> None:
        self._path = path
        self._taxonomy = taxonomy
        self._keys = _numbered(taxonomy)
        self._parts = {
            name: path.with_name(f"{path.name}.{name}") for name in ("images", "annotations", "image_labels")
        }
        self._files = {name: part.open("w", encoding="utf-8") for name, part in self._parts.items()}
        self._counts = dict.fromkeys(self._parts, 0)

    def add(self, ref: ImageRef, size: Size | None, entries: Sequence[Entry]) -> None:
        """One image with what is said of it; what the label list does not have is left out."""
        shapes = [entry.shape.size for entry in entries if entry.shape is not None and entry.shape.size is not None]
        number = self._counts["images"] + 1
        self._add("images", _image(ref, number, size or next(iter(shapes), None)))
        for entry in entries:
            if entry.key not in self._keys:
                continue
            if entry.shape is None:
                self._add("image_labels", _label(entry, number, self._keys))
            else:
                self._add("annotations", _annotation(entry, self._counts["annotations"] + 1, number, self._keys))

    def _add(self, part: str, record: Mapping[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False)
        self._files[part].write(f",\n{line}" if self._counts[part] else f"\n{line}")
        self._counts[part] += 1

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        with self._path.open("w", encoding="utf-8") as out:
            out.write(f'{{"info": {json.dumps(_info(self._taxonomy), ensure_ascii=False)},\n')
            out.write(f'"categories": {json.dumps(_categories(self._taxonomy), ensure_ascii=False)}')
            for name, part in self._parts.items():
                out.write(f',\n"{name}": [')
                with part.open(encoding="utf-8") as lines:
                    shutil.copyfileobj(lines, out)
                out.write("\n]")
                part.unlink()
            out.write("}\n")


def _numbered(taxonomy: Taxonomy) -> dict[str, int]:
    return {key: number for number, key in enumerate(taxonomy.keys, start=1)}


def _info(taxonomy: Taxonomy) -> dict[str, str]:
    return {"description": f"Findings of {taxonomy.title} {taxonomy.version}", "version": "1"}


def _categories(taxonomy: Taxonomy) -> list[dict[str, Any]]:
    keys = _numbered(taxonomy)
    return [
        {"id": keys[finding.key], "name": finding.name, "supercategory": finding.kind.value}
        for finding in taxonomy.findings
    ]


def _image(ref: ImageRef, number: int, size: Size | None) -> dict[str, Any]:
    sides = {"height": size[0], "width": size[1]} if size is not None else {}
    return {"id": number, "file_name": ref.value, **sides, "image_kind": ref.kind}


def _said(entry: Entry) -> dict[str, str]:
    return {"state": entry.state.value, "reader": entry.reader, "method": entry.method}


def _label(entry: Entry, image: int, keys: Mapping[str, int]) -> dict[str, Any]:
    link = {"image_id": image, "category_id": keys[entry.key]}
    return {**link, **_said(entry), "provenance": dict(entry.extra)}


def _annotation(entry: Entry, number: int, image: int, keys: Mapping[str, int]) -> dict[str, Any]:
    assert entry.shape is not None
    return {
        "id": number,
        "image_id": image,
        "category_id": keys[entry.key],
        "bbox": [float(side) for side in entry.shape.bounds],
        "area": entry.shape.area,
        "iscrowd": 0,
        "segmentation": _segmentation(entry.shape),
        "attributes": {**dict(entry.extra), **{key: value for key, value in _said(entry).items() if value}},
    }


def _segmentation(shape: Shape) -> Any:
    if shape.kind == "mask":
        return {"size": list(shape.size or ()), "counts": shape.counts}
    return [[number for point in ring for number in point] for ring in shape.rings]
