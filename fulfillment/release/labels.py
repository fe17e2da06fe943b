"""The labels of a release in the formats that its request asks for, each with its provenance. Pure."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Picture

from fulfillment.labels.formats import Entry, ImageRef, Shape, extras, write
from fulfillment.labels.formats.dicom import DicomSource
from fulfillment.labels.formats.long import records, row_schema
from requests_app.spec import DatasetSpec, LabelFormat
from requests_app.taxonomy import LabelState, Taxonomy

if TYPE_CHECKING:
    from fulfillment.release.documents import ReleasedImage

#: The bytes of a mask's PNG by its key in the storage; None where it is not there.
LoadMask = Callable[[str], bytes | None]
#: Images whose labels are in memory at once while the table is written.
_CHUNK = 500
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


def label_files(spec: DatasetSpec, images: Sequence[ReleasedImage], load: LoadMask) -> Iterator[tuple[str, bytes]]:
    """Path below ``data/`` and bytes of each table and document of labels, but for those of ``documents``."""
    taxonomy = spec.taxonomy()
    yield "metadata/labels.parquet", _parquet(images, taxonomy, load)
    if LabelFormat.COCO in spec.delivery.label_formats:
        entries = [entry for image in images for entry in entries_of(image, taxonomy, load, by_path=True)]
        refs = {ImageRef("file", image.path): _size(image.facts) for image in images}
        sizes = {ref: size for ref, size in refs.items() if size is not None}
        written = write(entries, format="coco", taxonomy=taxonomy, image_sizes=sizes, images=list(refs))  # type: ignore[arg-type]
        yield from _below("metadata/", written.files)
    if taxonomy.name == NIH:
        entries = [entry for image in images for entry in entries_of(image, taxonomy, _no_masks, by_path=True)]
        yield from _below("metadata/", write(entries, format="nih", taxonomy=taxonomy).files)


def objects_of(image: ReleasedImage, spec: DatasetSpec, load: LoadMask) -> Iterator[tuple[str, bytes]]:
    """The image's labels as DICOM objects that refer to it, as far as the request asks for them: SEG of its marks, SR."""
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
        yield from _below("", written.files)


def _below(folder: str, files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for name, data in sorted(files.items()):
        yield f"{folder}{name}", data


def _no_masks(key: str) -> bytes | None:
    return None


def _size(facts: Mapping[str, Any]) -> tuple[int, int] | None:
    rows, columns = facts.get("rows"), facts.get("columns")
    return (int(rows), int(columns)) if rows and columns else None


def _parquet(images: Sequence[ReleasedImage], taxonomy: Taxonomy, load: LoadMask) -> bytes:
    """The portal's own table, written in groups of rows: the labels of a few hundred images are in memory at once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = row_schema()
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for some in _chunks(images):
            entries = [entry for image in some for entry in entries_of(image, taxonomy, load, by_path=False)]
            rows = [
                {name: None if value == "" else value for name, value in row.items()}
                for row in records(entries, taxonomy)
            ]
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    return bytes(sink.getvalue().to_pybytes())


def _chunks(images: Sequence[ReleasedImage]) -> Iterator[Iterable[ReleasedImage]]:
    for start in range(0, len(images), _CHUNK):
        yield images[start : start + _CHUNK]
