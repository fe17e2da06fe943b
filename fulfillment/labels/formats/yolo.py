"""YOLO: a text file an image, a line a box or polygon, in shares of the image; the classes' names in a file beside them.

A line is ``class x y width height`` (centre and size; a sixth number is a score) or ``class x1 y1 x2 y2 x3 y3 ...``. Pixels need the
image's size: given by the caller, or read from images that lie among the files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fulfillment.labels.formats.gather import Gathering, Member, Sizes, base
from fulfillment.labels.formats.masks import picture_size
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Shape, Size, Written, extras
from fulfillment.labels.formats.provenance import file_names
from fulfillment.labels.formats.tabular import CellProblem, decode, number
from requests_app.taxonomy import LabelState, Taxonomy

CLASS_FILES = ("classes.txt", "obj.names", "_darknet.labels", "labels.txt", "data.yaml", "data.yml", "dataset.yaml")
MAX_LINES = 200_000
MAX_CLASSES = 10_000
#: A share a little over the edge is rounding.
_SLACK = 0.005


def is_class_file(name: str) -> bool:
    """Whether a file of this name holds the classes' names."""
    return base(name).lower() in CLASS_FILES or name.lower().endswith(".names")


def looks_like(head: str) -> bool:
    """Whether the first filled line could be one of YOLO's."""
    words = next((line for line in head.splitlines() if line.strip()), "").split()
    return len(words) >= 5 and words[0].isdigit() and all(re.fullmatch(r"[-+0-9.eE]+", word) for word in words[1:])


def read(members: Sequence[Member], into: Gathering) -> None:
    """Read the label files among the members; the others are classes and images."""
    classes = _classes(members, into)
    sizes = dict(_pictures(members))
    files = [m for m in members if m.name.lower().endswith(".txt") and not is_class_file(m.name)]
    files = files or [
        member for member in members if not is_class_file(member.name) and picture_size(member.data) is None
    ]
    if not files:
        into.problem(0, "EMPTY_FILE", "There is no file of labels among these.", "Send the .txt file of each image.")
    for member in files:
        into.file = member.name if len(members) > 1 else ""
        text = "" if not member.data.strip() and len(files) > 1 else decode(member.data, into)
        if text is not None:
            _file(member, text, classes, sizes, into)
    into.file = ""


def _pictures(members: Sequence[Member]) -> list[tuple[str, Size]]:
    return [(member.stem, size) for member in members if (size := picture_size(member.data)) is not None]


def _classes(members: Sequence[Member], into: Gathering) -> list[str] | None:
    file = next((member for member in members if is_class_file(member.name)), None)
    if file is None:
        into.problem(
            0,
            "CLASSES_MISSING",
            "There is no file with the names of the classes; they are called class 0, class 1 ...",
            "Send classes.txt, obj.names or data.yaml with the labels, or map these names.",
        )
        return None
    into.file = file.name
    text = decode(file.data, into)
    lines = (text or "").splitlines()
    names = _yaml_names(lines) if file.name.lower().endswith((".yaml", ".yml")) else [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    if text is not None and not names:
        into.problem(
            1, "CLASSES_MISSING", "The file names no classes.", "Write one name a line, or names: [...] as YAML."
        )
    for index, name in enumerate(names[:MAX_CLASSES]):
        if not name:
            into.problem(index + 1, "CLASS_EMPTY", f"Class {index} has no name.", "Write one name a line.")
        elif name in names[:index]:
            into.problem(
                index + 1, "CLASS_TWICE", f"Class {index} has the name of an earlier one.", "Name each class once."
            )
    into.file = ""
    return names[:MAX_CLASSES] or None


def _yaml_names(lines: Sequence[str]) -> list[str]:
    """``names`` of a data.yaml: a list in brackets, a list of dashes, or numbers and names."""
    found: dict[int, str] = {}
    inside = False
    for line in lines[: 2 * MAX_CLASSES]:
        bare = line.split(" #")[0].rstrip()
        if re.match(r"names\s*:", bare):
            rest = bare.split(":", 1)[1].strip()
            if rest.startswith("["):
                return [part.strip().strip("'\"") for part in rest.strip("[]").split(",")]
            inside = True
        elif inside and (item := re.match(r"\s*-\s*(.+)", bare)):
            found[len(found)] = item[1].strip().strip("'\"")
        elif inside and (item := re.match(r"\s+(\d{1,5})\s*:\s*(.+)", bare)):
            found[int(item[1])] = item[2].strip().strip("'\"")
        elif inside and bare and not bare[0].isspace():
            break
    return [found.get(index, "") for index in range(min(max(found, default=-1) + 1, MAX_CLASSES))]


def _file(member: Member, text: str, classes: list[str] | None, sizes: Mapping[str, Size], into: Gathering) -> None:
    ref = ImageRef("image_id", member.stem)
    size = sizes.get(member.stem) or into.context.sizes.find(ref)
    into.image(ref.kind, ref.value, size)
    if size is None and text.strip():
        into.problem(
            1,
            "SIZE_UNKNOWN",
            "The size of the image is not known, and YOLO gives shares of it.",
            "Send the images with the labels, or a table of their sizes.",
        )
        return
    for line, content in enumerate(text.splitlines(), start=1):
        if line > MAX_LINES:
            into.problem(line, "TABLE_TOO_LONG", f"The file has more than {MAX_LINES:,} lines.", "Split it.")
            return
        if not content.strip() or size is None:
            continue
        into.rows += 1
        try:
            name, shape, extra = _line(content, classes, size)
        except CellProblem as problem:
            into.problem(line, problem.code, problem.cause, problem.remedy)
            continue
        into.entry(ref, name, LabelState.PRESENT, shape=shape, row=line, extra=extra)


def _line(line: str, classes: list[str] | None, size: Size) -> tuple[str, Shape, tuple[tuple[str, str], ...]]:
    words = line.split()
    if len(words) < 2 and any(mark in line for mark in ",;"):
        raise CellProblem(
            "WRONG_SEPARATOR", "The numbers are not separated by spaces.", "Write class x y width height."
        )
    if not re.fullmatch(r"\d{1,6}(?:\.0+)?", words[0], re.ASCII):
        raise CellProblem(
            "CLASS_MALFORMED",
            "The line does not begin with the number of a class.",
            "Write class x y width height, no header.",
        )
    index = int(words[0].split(".")[0])
    if classes is not None and (index >= len(classes) or not classes[index]):
        raise CellProblem(
            "CLASS_OUT_OF_RANGE",
            f"Class {index} has no name: the names go from 0 to {len(classes) - 1}.",
            "Classes count from 0; send the file of names that belongs to these labels.",
        )
    values = [_share(word) for word in words[1:]]
    score = ""
    rows, columns = size
    if len(values) in (4, 5):
        score = words[5] if len(values) == 5 else ""
        across, down, width, height = values[:4]
        shape = Shape.of_box((across - width / 2) * columns, (down - height / 2) * rows, width * columns, height * rows)
        edges = [across - width / 2, down - height / 2, across + width / 2, down + height / 2]
    elif len(values) >= 6 and len(values) % 2 == 0:
        shape = Shape.of_rings([[(x * columns, y * rows) for x, y in zip(values[::2], values[1::2], strict=True)]])
        edges = values
    else:
        raise CellProblem(
            "LINE_SHORT" if len(values) < 4 else "POLYGON_ODD",
            f"The line has {len(words)} numbers: a box has 5 or 6, a polygon 7, 9, 11 ...",
            "Write class x y width height, or class x1 y1 x2 y2 x3 y3; the line may be cut off.",
        )
    if max(map(abs, edges)) > 2:
        raise CellProblem(
            "NOT_NORMALISED",
            "The numbers are pixels and not shares of the image.",
            "Divide x and width by the image's columns, y and height by its rows.",
        )
    if min(edges) < -_SLACK or max(edges) > 1 + _SLACK:
        raise CellProblem(
            "BOX_PARTLY_OUTSIDE",
            "The box or polygon reaches over the edge of the image.",
            "Cut it at the edge, or redraw it.",
        )
    name = classes[index] if classes is not None else f"class {index}"
    return name, shape, extras(score=score)


def _share(word: str) -> float:
    value = number(word, "the line")
    assert value is not None  # split leaves no empty words
    return value


def write(
    entries: Sequence[Entry],
    taxonomy: Taxonomy,
    sizes: Mapping[ImageRef, Size] | None = None,
    images: Sequence[ImageRef] = (),
) -> tuple[Written, Mapping[ImageRef, str]]:
    """``labels/NAME.txt`` for each image and ``classes.txt``. Also gives what each image is called there."""
    known = Sizes(sizes)
    numbers = {key: number for number, key in enumerate(taxonomy.keys)}
    left: list[Problem] = []
    good: list[tuple[Entry, Size]] = []
    for place, entry in enumerate(entries, start=1):
        size = known.find(entry.image) or (entry.shape.size if entry.shape else None)
        if entry.key not in numbers or entry.shape is None or entry.state is not LabelState.PRESENT:
            left.append(
                Problem(place, "NO_PLACE", "YOLO has boxes and polygons of present findings only.", "Export COCO too.")
            )
        elif size is None:
            left.append(
                Problem(place, "SIZE_UNKNOWN", "The size of its image is not known.", "Give the images' sizes.")
            )
        elif entry.shape.kind == "polygon" and len(entry.shape.rings) > 1:
            left.append(Problem(place, "POLYGON_PARTS", "A region in several parts has no place.", "Export COCO too."))
        else:
            if entry.shape.kind == "mask":
                left.append(
                    Problem(place, "OUTLINE_LEFT_OUT", "Of a mask only its box is written.", "Export SEG or COCO.")
                )
            good.append((entry, size))
    names = file_names([*images, *(entry.image for entry, _ in good)])
    lines: dict[ImageRef, list[tuple[str, Entry]]] = {image: [] for image in names}
    for entry, size in good:
        lines[entry.image].append((_written(entry, numbers[entry.key], size), entry))
    files = {f"labels/{names[image]}.txt": "".join(f"{line}\n" for line, _ in lines[image]).encode() for image in names}
    kept = [entry for image in sorted(names, key=lambda ref: f"labels/{names[ref]}.txt") for _, entry in lines[image]]
    files["classes.txt"] = "".join(f"{name}\n" for name in taxonomy.names).encode()
    return Written(files, tuple(left), tuple(kept)), names


def _written(entry: Entry, number: int, size: Size) -> str:
    rows, columns = size
    assert entry.shape is not None
    if entry.shape.kind == "polygon":
        values = [share for x, y in entry.shape.rings[0] for share in (x / columns, y / rows)]
    else:
        x, y, width, height = entry.shape.bounds
        values = [(x + width / 2) / columns, (y + height / 2) / rows, width / columns, height / rows]
    score = entry.note("score")
    return " ".join([str(number), *map(repr, values), *([score] if score and len(values) == 4 else [])])
