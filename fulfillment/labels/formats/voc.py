"""Pascal VOC: an XML file an image, an ``object`` a box. Document types and entities are refused, and with them every XML bomb.

Corners are taken as they stand, as today's tools write them; VOC's own first sets counted from 1. What VOC has no place for goes
into ``attributes`` of the object, as CVAT writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from xml.parsers import expat
from xml.sax.saxutils import escape

from fulfillment.labels.formats.gather import Gathering, Member, Sizes
from fulfillment.labels.formats.model import IMAGE_KINDS, Entry, ImageKind, ImageRef, Problem, Shape, Size, Written
from fulfillment.labels.formats.provenance import file_names
from fulfillment.labels.formats.tabular import CellProblem, number
from requests_app.taxonomy import LabelState, Taxonomy

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 12
MAX_ELEMENTS = 500_000
MAX_TEXT = 4_000
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_OWN = {"state", "reader", "method"}


class _Refused(Exception):
    """Code, cause and remedy; raised inside the parser's callbacks."""


@dataclass
class _Node:
    """An element with its text and children; ``line`` is where it begins."""

    name: str
    line: int
    text: str = ""
    children: list[_Node] = field(default_factory=list)

    def child(self, name: str) -> _Node | None:
        return next((node for node in self.children if node.name == name), None)

    def value(self, name: str) -> str:
        node = self.child(name)
        return node.text.strip() if node is not None else ""


def _parse(data: bytes) -> _Node:
    """The tree. Raises _Refused or expat.ExpatError."""
    parser = expat.ParserCreate()
    root = _Node("", 0)
    stack = [root]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MAX_ELEMENTS:
            raise _Refused("TOO_MANY_ELEMENTS", "The file has more elements than any image has labels.", "Split it.")
        if len(stack) > MAX_DEPTH:
            raise _Refused("NESTED_TOO_DEEP", "The file is nested deeper than any of this kind.", "Write it again.")
        node = _Node(name, parser.CurrentLineNumber)
        stack[-1].children.append(node)
        stack.append(node)

    def end(name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        node = stack[-1]
        if len(node.text) < MAX_TEXT:
            node.text += data[:MAX_TEXT]

    def forbidden(*_: object) -> int:
        raise _Refused(
            "XML_DOCTYPE",
            "The file declares a document type or entities, which files of labels never need and attacks do.",
            "Delete the DOCTYPE and write & < > as &amp; &lt; &gt;.",
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = forbidden
    parser.EntityDeclHandler = forbidden
    parser.ExternalEntityRefHandler = forbidden
    try:
        parser.Parse(data, True)
    except _Refused as refused:
        raise _Refused(*refused.args, parser.CurrentLineNumber) from None
    return root


def read(member: Member, into: Gathering) -> None:
    """Read one file."""
    if len(member.data) > MAX_BYTES:
        into.problem(
            0, "FILE_TOO_LARGE", "The file is larger than 16 MiB.", "One image has one file; check what it holds."
        )
        return
    if not member.data.strip(b" \r\n\t\xef\xbb\xbf\xff\xfe\0"):
        into.problem(0, "EMPTY_FILE", "The file is empty.", "Send the whole file.")
        return
    try:
        root = _parse(member.data)
    except _Refused as refused:
        code, cause, remedy, line = refused.args
        into.problem(line, code, cause, remedy)
        return
    except expat.ExpatError as error:
        into.problem(
            error.lineno,
            "NOT_XML",
            f"The file is no XML from line {error.lineno} on ({expat.ErrorString(error.code)}).",
            "It may be cut off there, or hold a character that must be written as an entity; write it again and send it whole.",
        )
        return
    except (ValueError, LookupError):
        into.problem(1, "ENCODING_UNKNOWN", "The file is in an encoding that is not known.", "Save it as UTF-8.")
        return
    annotation = root.child("annotation")
    if annotation is None:
        into.problem(1, "NOT_VOC", "The outermost element is not annotation.", "Export Pascal VOC from your tool.")
        return
    _annotation(annotation, member, into)


def _annotation(annotation: _Node, member: Member, into: Gathering) -> None:
    into.columns = tuple(dict.fromkeys(node.name[:60] for node in annotation.children))[:50]
    name, kind = annotation.value("filename"), annotation.value("image_kind")
    if not name:
        into.problem(
            annotation.line,
            "IMAGE_MISSING",
            "filename is missing or empty; the name of this file was taken.",
            "Write filename.",
        )
    ref_kind = cast(ImageKind, kind) if kind in IMAGE_KINDS else "file" if name else "image_id"
    image = into.image(ref_kind, name or member.stem, _size(annotation, into))
    for node in annotation.children:
        if node.name != "object":
            continue
        into.rows += 1
        try:
            _object(node, image, into)
        except CellProblem as problem:
            into.problem(node.line, problem.code, problem.cause, problem.remedy)


def _size(annotation: _Node, into: Gathering) -> Size | None:
    node = annotation.child("size")
    if node is None:
        return None
    try:
        columns, rows = number(node.value("width"), "width"), number(node.value("height"), "height")
        if rows is None or columns is None or not (0 < rows < 1e6 and 0 < columns < 1e6) or rows % 1 or columns % 1:
            raise CellProblem("SIZE_MALFORMED", "", "")
        return int(rows), int(columns)
    except CellProblem:
        into.problem(
            node.line,
            "SIZE_MALFORMED",
            "size has no whole width and height above 0.",
            "Write the image's pixels, or no size.",
        )
        return None


def _object(node: _Node, image: ImageRef, into: Gathering) -> None:
    name, box = node.value("name"), node.child("bndbox")
    if not name:
        raise CellProblem("FINDING_EMPTY", "The object has no name.", "Write the finding into name.")
    if box is None:
        raise CellProblem("SHAPE_MISSING", "The object has no bndbox.", "Give it xmin, ymin, xmax and ymax.")
    corners = []
    for side in _CORNERS:
        if sum(child.name == side for child in box.children) > 1:
            raise CellProblem("CORNER_TWICE", f"bndbox has {side} twice.", "Write each corner once.")
        value = number(box.value(side), side)
        if value is None:
            raise CellProblem("BOX_INCOMPLETE", f"bndbox has no {side}.", "Give it xmin, ymin, xmax and ymax.")
        corners.append(value)
    left, top, right, bottom = corners
    if right < left or bottom < top:
        raise CellProblem(
            "CORNERS_SWAPPED", "The box ends before it begins.", "Give the upper left corner as xmin, ymin."
        )
    said = _attributes(node)
    try:
        state = LabelState(said.get("state", "present"))
    except ValueError:
        raise CellProblem("STATE_UNKNOWN", "The state is not one of the five.", "Write present, absent ...") from None
    extra = {key: value for key, value in said.items() if key not in _OWN}
    for flag in ("difficult", "truncated", "occluded"):
        if node.value(flag) == "1":
            extra[flag] = "1"
    into.entry(
        image,
        name,
        state,
        shape=Shape.of_box(left, top, right - left, bottom - top),
        reader=said.get("reader", ""),
        method=said.get("method", ""),
        row=node.line,
        extra=tuple(sorted(extra.items())),
    )


def _attributes(node: _Node) -> dict[str, str]:
    inside = node.child("attributes")
    pairs = [(each.value("name"), each.value("value")) for each in inside.children[:100]] if inside else []
    return {name[:100]: value[:1_000] for name, value in pairs if name and value}


def write(
    entries: Sequence[Entry],
    taxonomy: Taxonomy,
    sizes: Mapping[ImageRef, Size] | None = None,
    images: Sequence[ImageRef] = (),
) -> Written:
    """``annotations/NAME.xml`` for each image; polygons and masks by the box around them, which is told."""
    left: list[Problem] = []
    objects: dict[ImageRef, list[str]] = {image: [] for image in images}
    given, known = Sizes(sizes), dict[ImageRef, Size]()
    for place, entry in enumerate(entries, start=1):
        if entry.key not in taxonomy or entry.shape is None:
            left.append(
                Problem(place, "NO_PLACE", "VOC has boxes only, and no labels of whole images.", "Export COCO too.")
            )
            continue
        if entry.shape.kind != "box":
            left.append(
                Problem(place, "OUTLINE_LEFT_OUT", "Of the outline only its box is written.", "Export COCO too.")
            )
        if entry.shape.size is not None:
            known.setdefault(entry.image, entry.shape.size)
        objects.setdefault(entry.image, []).append(_written(entry, taxonomy))
    names = file_names(objects)
    files = {}
    for image, parts in objects.items():
        size = given.find(image) or known.get(image)
        stated = f"  <size><width>{size[1]}</width><height>{size[0]}</height><depth>1</depth></size>\n" if size else ""
        files[f"annotations/{names[image]}.xml"] = (
            f"<annotation>\n  <filename>{_text(image.value)}</filename>\n  <image_kind>{image.kind}</image_kind>\n"
            f"{stated}{''.join(parts)}</annotation>\n"
        ).encode()
    return Written(files, tuple(left))


def _text(value: str) -> str:
    """Escaped, without the control characters that XML 1.0 cannot hold."""
    return escape("".join(c for c in value if c.isprintable() or c == " "))


def _written(entry: Entry, taxonomy: Taxonomy) -> str:
    assert entry.shape is not None
    x, y, width, height = entry.shape.bounds
    corners = zip(_CORNERS, (x, y, x + width, y + height), strict=True)
    said = {**dict(entry.extra), "state": entry.state.value, "reader": entry.reader, "method": entry.method}
    attributes = "".join(
        f"      <attribute><name>{_text(key)}</name><value>{_text(value)}</value></attribute>\n"
        for key, value in said.items()
        if value
    )
    return (
        f"  <object>\n    <name>{_text(taxonomy[entry.key].name)}</name>\n    <bndbox>"
        + "".join(f"<{side}>{value!r}</{side}>" for side, value in corners)
        + f"</bndbox>\n    <attributes>\n{attributes}    </attributes>\n  </object>\n"
    )
