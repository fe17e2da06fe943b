"""DICOM SR, TID 1500: a measurement group a finding, with its region on the image, its certainty, its observer and algorithm.

Read is the content tree itself, so that reports of other writers serve too: whatever group names a finding (121071) or states the
presence of a coded one. Free text is never read. Coordinates are SCOORD: (0, 0) the corner of the first pixel, as everywhere here.
"""

from __future__ import annotations

import io
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fulfillment.labels.formats import dicom
from fulfillment.labels.formats.gather import Gathering, Member
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Shape, Written, extras
from fulfillment.labels.formats.provenance import safe_name
from requests_app.taxonomy import LabelState, Taxonomy

if TYPE_CHECKING:
    from deid.dicomfile.element import DataSet

SR_PREFIX = "1.2.840.10008.5.1.4.1.1.88."
MAX_DEPTH = 20
_AGAIN = "Write the report again by TID 1500 (highdicom, dcmqi, your viewer's export) and send it whole."
_GROUP, _FINDING, _REGION, _COMMENT = ("DCM", "125007"), ("DCM", "121071"), ("DCM", "111030"), ("DCM", "121106")
_OBSERVER, _ALGORITHM, _VERSION = ("DCM", "121008"), ("DCM", "111001"), ("DCM", "111003")
_SEGMENT = ("DCM", "121191")
#: Presence as coded in DICOM's and SNOMED CT's own words (CID 240), and ours for the two that they do not tell apart.
_STATES: Mapping[tuple[str, str], LabelState] = {
    ("SCT", "52101004"): LabelState.PRESENT,
    ("DCM", "121053"): LabelState.PRESENT,
    ("SCT", "272519000"): LabelState.ABSENT,
    ("DCM", "121054"): LabelState.ABSENT,
    ("DCM", "121059"): LabelState.POSSIBLE,
    (dicom.SCHEME, "LIKELY"): LabelState.LIKELY,
    (dicom.SCHEME, "POSSIBLE"): LabelState.POSSIBLE,
    (dicom.SCHEME, "NOT_MENTIONED"): LabelState.NOT_MENTIONED,
}
_BACK = {
    LabelState.PRESENT: ("52101004", "SCT", "Present"),
    LabelState.ABSENT: ("272519000", "SCT", "Absent"),
    LabelState.LIKELY: ("LIKELY", dicom.SCHEME, "Likely"),
    LabelState.POSSIBLE: ("POSSIBLE", dicom.SCHEME, "Possible"),
    LabelState.NOT_MENTIONED: ("NOT_MENTIONED", dicom.SCHEME, "Not mentioned"),
}


@dataclass(frozen=True, eq=False)
class _Node:
    """A content item and what lies in it."""

    data: DataSet
    kind: str
    name: tuple[str, str]
    meaning: str

    def nodes(self, codecs: Any) -> list[_Node]:
        return [_node(each, codecs) for each in dicom.items(self.data, "ContentSequence")]


def _node(data: DataSet, codecs: Any) -> _Node:
    scheme, value, meaning = dicom.code(data, "ConceptNameCodeSequence", codecs)
    return _Node(data, data.ascii(dicom.tag("ValueType")), (scheme, value), meaning)


def read(member: Member, into: Gathering) -> None:
    """Read one report."""
    file = dicom.open_dicom(member.data, into)
    if file is None:
        return
    data = file.dataset
    if not data.ascii(dicom.tag("SOPClassUID")).startswith(SR_PREFIX):
        into.problem(
            0, "NOT_SR", "The object is DICOM and no Structured Report.", "Send the SR object.", place="SOPClassUID"
        )
        return
    codecs = dicom.codecs_of(file)
    root = _node(data, codecs)
    if not dicom.items(data, "ContentSequence"):
        into.problem(0, "NO_CONTENT", "The report is empty.", _AGAIN, place="ContentSequence")
        return
    observer = next(
        (dicom.text(n.data, "PersonName", codecs) for n in root.nodes(codecs) if n.name == _OBSERVER), ""
    ).rstrip("^")
    number = 0
    for group in _groups(root, codecs):
        number += 1
        into.rows += 1
        _Group(group, f"group {number}", observer, codecs, into).read()
    if not number:
        into.problem(
            0,
            "NO_GROUPS",
            "The report has no measurement groups: it does not follow TID 1500.",
            _AGAIN,
            place="ContentSequence",
        )


def _groups(root: _Node, codecs: Any) -> Iterator[_Node]:
    """Measurement groups anywhere in the tree, in order."""
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if node.kind == "CONTAINER" and node.name == _GROUP:
            yield node
            continue
        if depth < MAX_DEPTH:
            waiting.extend((each, depth + 1) for each in reversed(node.nodes(codecs)))


class _Group:
    """One measurement group."""

    def __init__(self, node: _Node, place: str, observer: str, codecs: Any, into: Gathering) -> None:
        self.nodes = node.nodes(codecs)
        self.place, self.observer, self.codecs, self.into = place, observer, codecs, into

    def problem(self, code: str, cause: str, remedy: str = _AGAIN) -> None:
        self.into.problem(0, code, cause, remedy, place=self.place)

    def read(self) -> None:
        findings = list(self._findings())
        if not findings:
            self.problem(
                "FINDING_MISSING",
                "The group names no finding: it holds measurements or descriptions only.",
                "Nothing to do if it is a measurement; a label needs Finding (121071).",
            )
            return
        regions = [node for node in self.nodes if node.kind in ("SCOORD", "SCOORD3D")]
        shapes: list[tuple[Shape | None, list[str]]] = []
        for region in regions:
            shape = self._shape(region)
            if shape is None:
                return
            inside = [_reference(node.data) for node in region.nodes(self.codecs) if node.kind == "IMAGE"]
            shapes.append((shape, [uid for uid in inside if uid]))
        if not shapes:
            if any(node.name == _SEGMENT for node in self.nodes):
                self.problem(
                    "SEGMENT_ELSEWHERE",
                    "Its region is a segment of another object.",
                    "Send the SEG object; the label is kept.",
                )
            uids = [_reference(node.data) for node in self.nodes if node.kind == "IMAGE" and node.name != _SEGMENT]
            shapes.append((None, [uid for uid in uids if uid]))
        for shape, uids in shapes:
            if not uids:
                self.problem("NO_SOURCE", "The group does not say which image it belongs to.")
            for uid in dict.fromkeys(uids):
                for name, state, extra in findings:
                    self._entry(uid, name, state, shape, extra)

    def _entry(self, uid: str, name: str, state: LabelState, shape: Shape | None, extra: dict[str, str]) -> None:
        said = next(
            (
                note
                for node in self.nodes
                if node.name == _COMMENT
                and (note := dicom.noted(dicom.text(node.data, "TextValue", self.codecs))) is not None
            ),
            None,
        )
        reader, method = self.observer, ""
        if said is not None:
            reader, method = said.pop("reader", ""), said.pop("method", "")
            extra = said
        self.into.entry(
            self.into.image("sop_instance_uid", uid),
            name,
            state,
            shape=shape,
            reader=reader,
            method=method,
            row=self.place,
            extra=tuple(sorted(extra.items())),
        )

    def _findings(self) -> Iterator[tuple[str, LabelState, dict[str, str]]]:
        """The group's finding with its state, or each coded thing whose presence is stated."""
        own = dict(extras(tool=self._text(_ALGORITHM), tool_version=self._text(_VERSION)))
        named = [node for node in self.nodes if node.kind == "CODE" and node.name == _FINDING]
        states = {node: _STATES[found] for node in self.nodes if (found := self._value(node)[:2]) in _STATES}
        if named:
            scheme, value, meaning = self._value(named[0])
            state = next(iter(states.values()), LabelState.PRESENT)
            code = {"code": f"{scheme} {value}"} if value and scheme != dicom.SCHEME else {}
            if meaning or value:
                yield meaning or value, state, {**own, **code}
            return
        for node, state in states.items():
            scheme, value = node.name
            if node.meaning and self.into.context.is_finding(node.meaning):
                yield node.meaning, state, {**own, "code": f"{scheme} {value}"}

    def _value(self, node: _Node) -> tuple[str, str, str]:
        return dicom.code(node.data, "ConceptCodeSequence", self.codecs) if node.kind == "CODE" else ("", "", "")

    def _text(self, name: tuple[str, str]) -> str:
        return next((dicom.text(n.data, "TextValue", self.codecs) for n in self.nodes if n.name == name), "")

    def _shape(self, region: _Node) -> Shape | None:
        if region.kind == "SCOORD3D":
            self.problem("REGION_3D", "The region is in millimetres of the patient, which a radiograph does not have.")
            return None
        kind, numbers = region.data.ascii(dicom.tag("GraphicType")), dicom.floats(region.data, "GraphicData")
        if len(numbers) % 2 or not numbers:
            self.problem("GRAPHIC_DATA", "The region has an x without a y, or no points.")
            return None
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if not all(math.isfinite(number) for number in numbers):
            self.problem("NUMBER_NOT_FINITE", "A coordinate of the region is not a number.")
        elif kind == "POLYLINE" and len(points) >= 3:
            return _outline(points)
        elif kind == "CIRCLE" and len(points) == 2:
            return _ellipse(points[0], math.dist(*points), math.dist(*points), 0.0)
        elif kind == "ELLIPSE" and len(points) == 4:
            (ax, ay), (bx, by), *short = points
            return _ellipse(
                ((ax + bx) / 2, (ay + by) / 2),
                math.dist(points[0], points[1]) / 2,
                math.dist(*short) / 2,
                math.atan2(by - ay, bx - ax),
            )
        else:
            self.problem(
                "GRAPHIC_TYPE",
                "The region is a point or a line, or has too few points: it has no area.",
                "Draw a closed outline, a circle or an ellipse.",
            )
        return None


def _outline(points: list[tuple[float, float]]) -> Shape:
    """A box where the outline is one, along the axes; else a polygon."""
    ring = points[:-1] if points[0] == points[-1] else points
    xs, ys = {x for x, _ in ring}, {y for _, y in ring}
    upright = all((a[0] == b[0]) != (a[1] == b[1]) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))
    if upright and len(ring) == 4 and len(xs) == 2 and len(ys) == 2 and len(set(ring)) == 4:
        return Shape.of_box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
    return Shape.of_rings([ring])


def _ellipse(centre: tuple[float, float], long: float, short: float, turn: float) -> Shape:
    """A polygon of 72 points, within half a thousandth of the ellipse."""
    ring = []
    for step in range(72):
        angle = math.tau * step / 72
        x, y = long * math.cos(angle), short * math.sin(angle)
        ring.append(
            (centre[0] + x * math.cos(turn) - y * math.sin(turn), centre[1] + x * math.sin(turn) + y * math.cos(turn))
        )
    return Shape.of_rings([ring])


def _reference(data: DataSet) -> str:
    uid = dicom.text(dicom.item(data, "ReferencedSOPSequence"), "ReferencedSOPInstanceUID")
    return uid if 0 < len(uid) <= 64 and all(part.isdigit() and part.isascii() for part in uid.split(".")) else ""


def write(entries: Sequence[Entry], taxonomy: Taxonomy, sources: Mapping[ImageRef, dicom.DicomSource]) -> Written:
    """``sr/NAME.dcm`` for each image and reader. Coordinates are 32-bit there. Masks belong into SEG and are told."""
    left: list[Problem] = []
    groups: dict[tuple[dicom.DicomSource, str], list[Entry]] = defaultdict(list)
    for place, entry in enumerate(entries, start=1):
        source = sources.get(entry.image)
        if entry.key not in taxonomy:
            left.append(Problem(place, "NO_PLACE", "The label has no finding of the list.", "Map its name first."))
        elif source is None:
            left.append(
                Problem(place, "SOURCE_UNKNOWN", "The image's DICOM is not there to refer to.", "Give the images.")
            )
        elif entry.shape is not None and entry.shape.kind == "mask":
            left.append(Problem(place, "NO_PLACE", "SR has outlines and no masks.", "Export dicom-seg for these."))
        elif entry.shape is not None and len(entry.shape.rings) > 1:
            left.append(Problem(place, "POLYGON_PARTS", "A region in several parts has no place.", "Export COCO too."))
        else:
            groups[source, entry.reader].append(entry)
    files: dict[str, bytes] = {}
    count: dict[dicom.DicomSource, int] = defaultdict(int)
    for (source, reader), group in groups.items():
        count[source] += 1
        nth = f"-{count[source]}" if count[source] > 1 else ""
        files[f"sr/{safe_name(source.sop_instance_uid)}{nth}.dcm"] = _report(source, reader, group, taxonomy)
    return Written(files, tuple(left))


def _report(source: dicom.DicomSource, reader: str, group: Sequence[Entry], taxonomy: Taxonomy) -> bytes:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    identity = [source.sop_instance_uid, reader, *(f"{e.key}{e.state}{e.method}{e.shape}" for e in group)]
    device = sr.DeviceObserverIdentifyingAttributes(uid=dicom.derived_uid("getdata"), name="GetDATA")
    observer = sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    if _is_plain(reader):
        person = sr.PersonObserverIdentifyingAttributes(name=f"{reader}^")
        observer = sr.ObserverContext(observer_type=codes.DCM.Person, observer_identifying_attributes=person)
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_person_context=observer)
        if _is_plain(reader)
        else sr.ObservationContext(observer_device_context=observer),
        procedure_reported=sr.CodedConcept("399208008", "SCT", "Plain chest X-ray"),
        imaging_measurements=[_group(source, number, entry, taxonomy) for number, entry in enumerate(group, start=1)],
    )
    document = sr.ComprehensiveSR(
        evidence=[source.dataset()],
        content=report[0],
        series_instance_uid=dicom.derived_uid("sr series", *identity),
        series_number=901,
        sop_instance_uid=dicom.derived_uid("sr", *identity),
        instance_number=1,
        manufacturer="GetDATA",
    )
    out = io.BytesIO()
    document.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _is_plain(reader: str) -> bool:
    """Whether a reader's id can stand in a person's name without its signs being taken for parts of one."""
    return bool(reader) and len(reader) <= 64 and reader.isascii() and not set(reader) & set("^=\\")


def _group(source: dicom.DicomSource, number: int, entry: Entry, taxonomy: Taxonomy) -> Any:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    finding = taxonomy[entry.key]
    tool = entry.note("tool")
    value, scheme, meaning = _BACK[entry.state]
    common: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(
            uid=dicom.derived_uid("group", source.sop_instance_uid, str(number), entry.key),
            identifier=f"{finding.key} {number}",
        ),
        "finding_type": dicom.coded(finding),
        "algorithm_id": sr.AlgorithmIdentification(name=tool, version=entry.note("tool_version") or "not stated")
        if tool
        else None,
        "qualitative_evaluations": [
            sr.QualitativeEvaluation(name=codes.DCM.PresenceOfProperty, value=sr.CodedConcept(value, scheme, meaning))
        ],
    }
    group: Any
    if entry.shape is None:
        image = sr.SourceImageForMeasurementGroup(source.sop_class_uid, source.sop_instance_uid)
        group = sr.MeasurementsAndQualitativeEvaluations(source_images=[image], **common)
    else:
        group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            referenced_region=_region(source, entry.shape), **common
        )
    comment = sr.TextContentItem(
        name=codes.DCM.Comment, value=dicom.note_of(entry), relationship_type=sr.RelationshipTypeValues.CONTAINS
    )
    group[0].ContentSequence.append(comment)
    return group


def _region(source: dicom.DicomSource, shape: Shape) -> Any:
    import numpy as np
    from highdicom import sr

    if shape.box is not None:
        x, y, width, height = shape.box
        ring = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    else:
        ring = list(shape.rings[0])
    closed = ring if ring[0] == ring[-1] else [*ring, ring[0]]
    return sr.ImageRegion(
        graphic_type=sr.GraphicTypeValues.POLYLINE,
        graphic_data=np.array(closed, dtype=np.float64),
        source_image=sr.SourceImageForRegion(source.sop_class_uid, source.sop_instance_uid),
    )
