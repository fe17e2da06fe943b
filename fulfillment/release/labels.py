"""The labels of a release in the formats that its request asks for, each with its provenance. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
import pydicom
from PIL import Image as Picture

from fulfillment.labels import ChexpertTable, LabelRow, labels_by_image
from fulfillment.labels.formats import Entry, ImageRef, Shape, extras, write
from fulfillment.labels.formats.coco_writing import CocoFile
from fulfillment.labels.formats.dicom import DicomSource, derived_uid
from fulfillment.labels.formats.long import records, row_schema
from fulfillment.labels.formats.nih import ENTRY_COLUMNS, present_rows
from fulfillment.release.tables import GROUP, safe
from requests_app.spec import DatasetSpec, LabelFormat
from requests_app.taxonomy import LabelState, Taxonomy, get_taxonomy

if TYPE_CHECKING:
    from fulfillment.release.facts import ReleasedImage

#: The bytes of a mask's PNG by its key in the storage; None where it is not there.
LoadMask = Callable[[str], bytes | None]
_OBJECTS = {LabelFormat.DICOM_SEG: "dicom-seg", LabelFormat.DICOM_SR: "dicom-sr"}
NIH = "nih-chestxray14"


@dataclass(frozen=True)
class ReleasedMark:
    """A shape of a label, in pixels of the image: ``box`` is x, y, width, height; ``mask`` the key of its PNG."""

    kind: str
    box: Sequence[float]
    rings: Sequence[Sequence[Sequence[float]]] = ()
    mask: str = ""

    def shape(self, load: LoadMask) -> Shape:
        """The shape as the formats take it; a mask that cannot be read is its box."""
        if self.kind == "polygon" and self.rings:
            return Shape.of_rings(self.rings)
        data = load(self.mask) if self.mask else None
        if data is not None:
            with Picture.open(io.BytesIO(data)) as picture:
                return Shape.of_mask(np.asarray(picture.convert("L")))
        x, y, width, height = (float(number) for number in self.box)
        return Shape.of_box(x, y, width, height)


@dataclass(frozen=True)
class ReleasedLabel:
    """One label row; ``reader`` is a keyed pseudonym, None means that it was not said."""

    finding: str
    state: str
    source: str
    reader: str
    readers: int | None = None
    board_certified: bool | None = None
    blind_to_report: bool | None = None
    adjudication: str = ""
    is_consensus: bool = False
    tool: str = ""
    tool_version: str = ""
    laterality: str = ""
    marks: Sequence[ReleasedMark] = field(default=())

    def provenance(self) -> dict[str, str]:
        """What is known of how it was made, as texts; what was not said is empty."""
        return {
            "readers": "" if self.readers is None else str(self.readers),
            "board_certified": _said(self.board_certified),
            "blind_to_report": _said(self.blind_to_report),
            "adjudication": self.adjudication,
            "consensus": "yes" if self.is_consensus else "",
            "tool": self.tool,
            "tool_version": self.tool_version,
            "laterality": self.laterality,
        }


def _said(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def entries_of(image: ReleasedImage, taxonomy: Taxonomy, load: LoadMask, *, by_path: bool) -> list[Entry]:
    """The image's labels as the formats take them: one entry a mark, or one without where a label has none.

    A label given for an earlier version of the specification may have no place in this one: it then has no key.
    """
    ref = (
        ImageRef("file", image.path) if by_path else ImageRef("sop_instance_uid", str(image.facts["sop_instance_uid"]))
    )
    found = []
    for label in image.labels:
        finding = taxonomy.find(label.finding)
        shapes: list[Shape | None] = [mark.shape(load) for mark in label.marks] or [None]
        made = extras(**label.provenance())
        for shape in shapes:
            found.append(
                Entry(
                    ref,
                    label.finding,
                    LabelState(label.state),
                    shape,
                    label.reader,
                    label.source,
                    key=finding.key if finding else "",
                    extra=made,
                )
            )
    return found


class LabelFiles:
    """The labels of a release in the files that need them all, written image by image into ``folder``.

    ``labels`` is the table of statements, ``annotations`` one of shapes; CheXpert's and COCO's where the request asks for them,
    NIH's where its label list is NIH's.
    """

    def __init__(self, folder: Path, spec: DatasetSpec) -> None:
        import pyarrow.parquet as pq

        self._taxonomy = spec.taxonomy()
        self._policy = spec.labels.uncertainty
        self._schema = row_schema()
        self._shapes = folder / "annotations.parquet"
        self._writer = pq.ParquetWriter(self._shapes, self._schema, compression="zstd")
        self._group: list[dict[str, Any]] = []
        self.paths = [self._shapes]
        self._open: list[IO[str]] = []
        self._chexpert = self._coco = self._nih = None
        if LabelFormat.CHEXPERT_CSV in spec.delivery.label_formats:
            out = self._text(folder / "chexpert.csv")
            self._chexpert = ChexpertTable(out, self._taxonomy, self._policy, target=get_taxonomy("chexpert-14"))
        if LabelFormat.COCO in spec.delivery.label_formats:
            self._coco = CocoFile(folder / "coco.json", self._taxonomy)
            self.paths.append(folder / "coco.json")
        if self._taxonomy.name == NIH:
            self._nih = csv.writer(self._text(folder / "nih.csv"), lineterminator="\n")
            self._nih.writerow(ENTRY_COLUMNS)

    def _text(self, path: Path) -> IO[str]:
        self._open.append(path.open("w", encoding="utf-8", newline=""))
        self.paths.append(path)
        return self._open[-1]

    def add(self, image: ReleasedImage, load: LoadMask) -> None:
        """One image: what holds for it by the rule of consensus goes to CheXpert's table, what was said to the others."""
        if self._chexpert is not None:
            self._chexpert.add(image.path, settled(image, self._taxonomy))
        entries = entries_of(image, self._taxonomy, load, by_path=False)
        if any(entry.shape is not None for entry in entries):
            self._group += [
                {**{name: None if value == "" else value for name, value in row.items()}, "image_id": image.image_id}
                for row in records(entries, self._taxonomy)
                if row["shape"]
            ]
        if len(self._group) >= GROUP:
            self._write_group()
        if self._coco is None and self._nih is None:
            return
        ref = ImageRef("file", image.path)
        entries = [replace(entry, image=ref) for entry in entries]
        if self._coco is not None:
            self._coco.add(ref, _size(image.facts), entries)
        if self._nih is not None:
            self._nih.writerows([[safe(cell) for cell in row] for row in present_rows(entries, self._taxonomy, [])])

    def _write_group(self) -> None:
        import pyarrow as pa

        if self._group:
            self._writer.write_table(pa.Table.from_pylist(self._group, schema=self._schema))
        self._group = []

    def close(self) -> None:
        self._write_group()
        self._writer.close()
        for file in self._open:
            file.close()
        if self._coco is not None:
            self._coco.close()


def settled(image: ReleasedImage, taxonomy: Taxonomy) -> dict[str, str]:
    """The image's state for each finding it has, by key: what was said, by the rule that holds everywhere in GetDATA."""
    rows = [
        LabelRow(image.path, "file", finding.key, finding.name, LabelState(label.state), label.source, label.reader)
        for label in image.labels
        # A label given for an earlier version of the specification may have no place in this one.
        if (finding := taxonomy.find(label.finding)) is not None
    ]
    return labels_by_image(rows).get(image.path, {})


#: Which images more is made of than a copy: those with a label, with a shape, with a mask.
Made = Literal["labelled", "marked", "masked"]


def made_of(spec: DatasetSpec) -> Made:
    """Which images :func:`objects_of` and :func:`masks_of` give anything for."""
    if LabelFormat.DICOM_SR in spec.delivery.label_formats:
        return "labelled"
    return "marked" if LabelFormat.DICOM_SEG in spec.delivery.label_formats else "masked"


def objects_of(image: ReleasedImage, spec: DatasetSpec, load: LoadMask, date: str) -> Iterator[tuple[str, bytes]]:
    """The image's labels as DICOM objects that refer to it, as far as the request asks for them: SEG of its marks, SR.

    ``date`` (YYYY-MM-DD) is the day they bear: the same labels give the same bytes.
    """
    wanted = [name for form, name in _OBJECTS.items() if form in spec.delivery.label_formats]
    size, facts = _size(image.facts), image.facts
    if not wanted or not image.labels or size is None:
        return
    taxonomy = spec.taxonomy()
    entries = entries_of(image, taxonomy, load, by_path=False)
    source = DicomSource(
        sop_instance_uid=str(facts["sop_instance_uid"]),
        sop_class_uid=str(facts.get("sop_class_uid") or ""),
        series_instance_uid=str(facts.get("series_uid") or ""),
        study_instance_uid=str(facts.get("study_uid") or ""),
        rows=size[0],
        columns=size[1],
        patient_id=str(facts.get("patient") or ""),
    )
    if not (source.sop_class_uid and source.series_instance_uid and source.study_instance_uid):
        return
    for name in wanted:
        written = write(entries, format=name, taxonomy=taxonomy, sources={entries[0].image: source})
        for path, data in sorted(written.files.items()):
            yield path, _dated(data, path, date)


def masks_of(image: ReleasedImage, taxonomy: Taxonomy, load: LoadMask) -> Iterator[tuple[str, bytes]]:
    """The masks of the image as the PNGs that came: ``masks/<image>/<finding>-<number>.png``, 255 where the finding is."""
    number = 0
    for label in image.labels:
        finding = taxonomy.find(label.finding)
        for mark in label.marks:
            data = load(mark.mask) if mark.mask else None
            if data is None:
                continue
            number += 1
            yield f"masks/{image.image_id}/{finding.key if finding else 'finding'}-{number:02}.png", data


def _dated(data: bytes, name: str, date: str) -> bytes:
    """The object with the release's day in place of the moment it was written, and no number drawn by chance."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    day = date.replace("-", "")
    for element in dataset:
        if element.VR == "DA" and element.value:
            element.value = day
        elif element.VR == "TM" and element.value:
            element.value = "000000"
        elif element.VR == "DT" and element.value:
            element.value = f"{day}000000"
    _fix_chance(dataset, derived_uid("dimensions", name), day)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def _fix_chance(dataset: pydicom.Dataset, organization: str, day: str) -> None:
    for element in dataset:
        if element.keyword == "DimensionOrganizationUID":
            element.value = organization
        elif element.VR == "DT" and element.value:
            element.value = f"{day}000000"
        elif element.VR == "SQ":
            for item in element.value:
                _fix_chance(item, organization, day)


def _size(facts: Mapping[str, Any]) -> tuple[int, int] | None:
    rows, columns = facts.get("rows"), facts.get("columns")
    return (int(rows), int(columns)) if rows and columns else None
