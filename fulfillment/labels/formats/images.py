"""The images that labels are held against: a folder of DICOM and pictures, or a table of their sizes."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fulfillment.labels.formats.dicom import DicomSource
from fulfillment.labels.formats.gather import Context, Gathering
from fulfillment.labels.formats.masks import picture_size
from fulfillment.labels.formats.model import IMAGE_KINDS, ImageRef, Problem, Size
from fulfillment.labels.formats.tabular import CellProblem, Row, identity, read_table, told

MAX_FILES = 500_000
_HEAD = 64 * 1024


@dataclass(frozen=True)
class KnownImages:
    """Sizes by every name an image goes by; what SR and SEG refer to, where it is DICOM; files that could not be read."""

    sizes: dict[ImageRef, Size | None] = field(default_factory=dict)
    sources: dict[ImageRef, DicomSource] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    count: int = 0


def known_images(path: Path) -> KnownImages:
    """From a folder, or from a CSV table with file, sop_instance_uid, image_id or accession_number, rows and columns.

    Raises OSError where the path cannot be opened.
    """
    into = Gathering(Context())
    sizes: dict[ImageRef, Size | None] = {}
    sources: dict[ImageRef, DicomSource] = {}
    count = 0
    if path.is_dir():
        for name, file in _files(path, into):
            found = _image(file)
            if found is None:
                continue
            count += 1
            size, source, accession = found
            sizes[ImageRef("file", name)] = size
            if source is not None:
                for ref in (ImageRef("sop_instance_uid", source.sop_instance_uid), ImageRef("file", name)):
                    sizes[ref], sources[ref] = size, source
                if accession:
                    study = ImageRef("accession_number", accession)
                    # Of a study with several images no size can be said.
                    sizes[study] = None if study in sizes else size
        if not count:
            into.problem(0, "NO_IMAGES", "The folder holds no DICOM, PNG or JPEG.", "Name the folder of the images.")
    else:
        sizes = _table(path.read_bytes(), into)
        count = len(sizes)
    return KnownImages(sizes, sources, into.done("images").problems, count)


def _files(folder: Path, into: Gathering) -> Iterator[tuple[str, Path]]:
    for number, path in enumerate(sorted(each for each in folder.rglob("*") if each.is_file())):
        if number >= MAX_FILES:
            into.problem(0, "TOO_MUCH", f"The folder has more than {MAX_FILES:,} files.", "Name a part of it.")
            return
        yield path.relative_to(folder).as_posix(), path


def _image(path: Path) -> tuple[Size | None, DicomSource | None, str] | None:
    """Size, what to refer to, and accession number; None for what is no image. Pixels are never read."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        if head[128:132] != b"DICM":
            size = picture_size(head)
            return (size, None, "") if size is not None else None
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _dicom(data)


def _dicom(data: mmap.mmap) -> tuple[Size | None, DicomSource | None, str] | None:
    from deid.dicomfile.read import read_file
    from deid.outcome import Refusal
    from fulfillment.labels.formats.dicom import tag, text

    try:
        dataset = read_file(data, pixels=False).dataset
    except Refusal:
        return None
    rows, columns = dataset.number(tag("Rows")) or 0, dataset.number(tag("Columns")) or 0
    uid = text(dataset, "SOPInstanceUID")
    if not uid or dataset.ascii(tag("Modality")) in ("SEG", "SR", "PR", "KO") or rows < 1 or columns < 1:
        return None
    source = DicomSource(
        sop_instance_uid=uid,
        sop_class_uid=text(dataset, "SOPClassUID"),
        series_instance_uid=text(dataset, "SeriesInstanceUID"),
        study_instance_uid=text(dataset, "StudyInstanceUID"),
        rows=rows,
        columns=columns,
        patient_id=text(dataset, "PatientID"),
    )
    return source.size, source, text(dataset, "AccessionNumber")


def _table(data: bytes, into: Gathering) -> dict[ImageRef, Size | None]:
    table = read_table(data, into)
    sizes: dict[ImageRef, Size | None] = {}
    if table is None:
        return sizes
    if not any(table.has(kind) for kind in IMAGE_KINDS):
        into.problem(
            1,
            "COLUMN_MISSING",
            f"The header has none of the columns {', '.join(IMAGE_KINDS)}.",
            "Name one of them, and rows and columns (height and width).",
        )
        return sizes
    for row in table.rows:
        try:
            size = _size(row)
            for kind in IMAGE_KINDS:
                if row.text(kind):
                    sizes[ImageRef(kind, identity(row.text(kind), kind, uid=kind.startswith("sop")))] = size  # type: ignore[arg-type]
        except CellProblem as problem:
            told(into, row, problem)
    return sizes


def _size(row: Row) -> Size | None:
    sides = []
    for names in (("rows", "height"), ("columns", "width")):
        value = next((found for name in names if (found := row.number_in(name)) is not None), None)
        if value is None:
            return None
        if not 0 < value < 1e6 or value % 1:
            raise CellProblem(
                "SIZE_MALFORMED", f"{names[0]} is not a whole number above 0.", "Write the image's pixels."
            )
        sides.append(int(value))
    return sides[0], sides[1]
