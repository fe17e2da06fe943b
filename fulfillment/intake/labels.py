"""Entries of a label file become rows: images by replaced UID or fingerprint, readers by pseudonym, provenance in our words.

Original UIDs, file names and readers are not kept. Storing is safe to repeat: the same file says the same rows again.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from PIL import Image as Picture

from deid import Keyring
from fulfillment.intake.linking import link_table
from fulfillment.labels.formats import Entry, ImageRef, Problem, Shape, Size, check_against
from fulfillment.labels.provenance import provenance_of
from fulfillment.labels.table import LabelProblem
from fulfillment.models import Annotation, Image, Label, SourceFile
from fulfillment.uploads import names
from getdata.common import storage
from getdata.common.problems import CannotDo
from requests_app.taxonomy import LabelState, Taxonomy

_UID = re.compile(r"^[0-9]+(\.[0-9]+){3,}$")
#: What ``check_against`` finds beside shapes is told here for all entries, linked or not.
_TOLD_HERE = frozenset({"CONTRADICTION", "REPEATED", "IMAGE_UNMATCHED", "IMAGE_AMBIGUOUS"})
MAX_PROBLEMS = 200


@dataclass(frozen=True)
class TakenIn:
    """What became of the entries. ``labels`` and ``shapes`` count rows that are there now, ``linked`` labels with an image."""

    labels: int
    shapes: int
    linked: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Place:
    """How a label finds its image: never by a name that can be read."""

    sop_instance_uid: str = ""
    name_digest: str = ""
    stem_digest: str = ""


def take_in_entries(
    *,
    table: SourceFile,
    entries: Sequence[Entry],
    taxonomy: Taxonomy,
    keyring: Keyring,
    image_sizes: Mapping[ImageRef, Size] | None = None,
) -> TakenIn:
    """Store entries of a label file that have a finding's ``key``; the others were told by ``formats.read``.

    One label for each image, finding, reader and method, with all its shapes. A source that contradicts itself is told, and none of
    its rows is used. ``image_sizes``: rows and columns that the file states of the images it was drawn on.
    """
    problems: list[Problem] = []
    places = _places(table, entries, keyring, problems)
    numbered = any(entry.file or isinstance(entry.row, str) for entry in entries)
    groups: defaultdict[tuple[ImageRef, str, str, str], list[tuple[int, Entry]]] = defaultdict(list)
    for number, entry in enumerate(entries, 1):
        if entry.key and entry.key in taxonomy and entry.image in places:
            row = number if numbered or not isinstance(entry.row, int) or entry.row < 1 else entry.row
            groups[entry.image, entry.key, entry.reader, entry.method].append((row, entry))
    labels: list[Label] = []
    shapes: dict[tuple[int, str, str, str], list[Annotation]] = {}
    for (image, key, reader, _), group in groups.items():
        kept = _settled(group, taxonomy[key].name, problems)
        if not kept:
            continue
        (row, first), place = kept[0], places[image]
        how = provenance_of(first)
        label = Label(
            batch=table.batch,
            table=table,
            sop_instance_uid=place.sop_instance_uid,
            name_digest=place.name_digest,
            stem_digest=place.stem_digest,
            row=row,
            finding=taxonomy[key].name,
            state=first.state.value,
            laterality=how.laterality,
            method=how.method.value,
            reader=keyring.dummy("reader", reader) if reader else "",
            readers=how.readers,
            board_certified=how.board_certified,
            blind_to_report=how.blind_to_report,
            adjudication=how.adjudication,
            is_consensus=how.is_consensus,
            tool=how.tool,
            tool_version=how.tool_version,
        )
        labels.append(label)
        shapes[_key(label)] = [
            _annotation(table, place_row, entry.shape, (image_sizes or {}).get(image), number)
            for number, (place_row, entry) in enumerate((one for one in kept if one[1].shape is not None), 1)
            if entry.shape is not None
        ]
    drawn = _store(table, labels, shapes)
    link_table(table)
    here = Label.objects.filter(table=table)
    problems += _against_images(table, entries, places, image_sizes or {})
    return TakenIn(here.count(), drawn, here.filter(image__isnull=False).count(), tuple(problems))


def _key(label: Label) -> tuple[int, str, str, str]:
    return label.row, label.finding, label.reader, label.method


def _places(
    table: SourceFile, entries: Iterable[Entry], keyring: Keyring, problems: list[Problem]
) -> dict[ImageRef, _Place]:
    found: dict[ImageRef, _Place] = {}
    refused: set[ImageRef] = set()
    for entry in entries:
        image = entry.image
        if image in found or image in refused:
            continue
        place = _place(table, image, keyring)
        if isinstance(place, _Place):
            found[image] = place
        else:
            refused.add(image)
            problems.append(_at(entry, *place))
    return found


def _place(table: SourceFile, image: ImageRef, keyring: Keyring) -> _Place | tuple[str, str, str]:
    if image.kind == "accession_number":
        return (
            "IMAGE_BY_ACCESSION",
            "The row names a study by its accession number, and a label is of one image.",
            "Name the image by its SOPInstanceUID or its file.",
        )
    if image.kind == "sop_instance_uid":
        return _Place(sop_instance_uid=keyring.uid(image.value))
    try:
        path = names.clean_relative_path(image.value)
    except CannotDo as refusal:
        return "FILE_NAME", str(refusal), refusal.remedy
    return _Place(
        # Some lists call their images by SOPInstanceUID without saying so.
        sop_instance_uid=keyring.uid(path) if _UID.match(path) else "",
        name_digest=names.name_digest(table.batch, path),
        # Many folders hold a "frontal.png": a name with folders is not cut down to it.
        stem_digest="" if "/" in path else names.stem_digest(table.batch, path),
    )


def _settled(group: list[tuple[int, Entry]], name: str, problems: list[Problem]) -> list[tuple[int, Entry]]:
    """The group's entries without repetitions; none where it contradicts itself."""
    spoken = {entry.state for _, entry in group} - {LabelState.NOT_MENTIONED}
    if len(spoken) > 1:
        said = ", ".join(f"{_where(entry)} {entry.state.plain}" for _, entry in group[:6])
        problems += [
            _at(
                entry,
                "CONTRADICTION",
                f"{name} of one image has different states ({said}{' ...' if len(group) > 6 else ''}).",
                "Keep the right row, or name the readers so that both are kept. Until then none is used.",
            )
            for _, entry in group
        ]
        return []
    kept: list[tuple[int, Entry]] = []
    seen: dict[object, Entry] = {}
    for row, entry in sorted(group, key=lambda one: one[1].state is LabelState.NOT_MENTIONED):
        first = seen.setdefault(_drawn(entry.shape), entry)
        if first is entry:
            kept.append((row, entry))
        else:
            problems.append(
                _at(entry, "REPEATED", f"It repeats {_where(first)}.", "Nothing to do; it is counted once.")
            )
    return kept


def _drawn(shape: Shape | None) -> object:
    """Shapes that differ by less than a pixel are one shape sent twice."""
    if shape is None:
        return None
    return shape.kind, tuple(round(side) for side in shape.bounds), round(shape.area)


def _where(entry: Entry) -> str:
    return f"row {entry.row}" if isinstance(entry.row, int) else entry.row


def _at(entry: Entry, code: str, cause: str, remedy: str) -> Problem:
    number, place = (entry.row, "") if isinstance(entry.row, int) else (0, entry.row)
    return LabelProblem(number, code, cause, remedy, place, entry.file)


def _annotation(table: SourceFile, row: int, shape: Shape, said: Size | None, number: int) -> Annotation:
    size = shape.size or said
    return Annotation(
        kind=shape.kind,
        box=[round(float(side), 3) for side in shape.bounds],
        points=[[list(point) for point in ring] for ring in shape.rings],
        mask=_mask(table, shape) if shape.kind == "mask" else "",
        rows=size[0] if size else None,
        columns=size[1] if size else None,
        row=row,
        number=number,
    )


def _mask(table: SourceFile, shape: Shape) -> str:
    """Store a mask as an 8-bit PNG (0 and 255) under its content's hash; returns its key."""
    rows, columns = shape.size or (0, 0)
    out = io.BytesIO()
    Picture.fromarray(shape.to_mask(rows, columns).astype(np.uint8) * 255).save(out, "PNG", optimize=False)
    data = out.getvalue()
    key = f"masks/{table.batch.fulfillment_id}/{hashlib.sha256(data).hexdigest()}.png"
    storage.put(storage.released(), key, data)
    return key


def _store(table: SourceFile, labels: list[Label], shapes: Mapping[tuple[int, str, str, str], list[Annotation]]) -> int:
    """Write what is not there yet: an interrupted attempt may have left some. Returns how many shapes are there."""
    with transaction.atomic():
        Label.objects.bulk_create(labels, batch_size=500, ignore_conflicts=True)
        wanted = {key for key, some in shapes.items() if some}
        if wanted:
            written = Label.objects.filter(table=table, supersedes=None).only("row", "finding", "reader", "method")
            drawn = []
            for label in written.iterator(chunk_size=2000):
                for shape in shapes.get(_key(label), ()):
                    shape.label = label
                    drawn.append(shape)
            Annotation.objects.bulk_create(drawn, batch_size=500, ignore_conflicts=True)
    return Annotation.objects.filter(label__table=table).count()


def _against_images(
    table: SourceFile, entries: Sequence[Entry], places: Mapping[ImageRef, _Place], stated: Mapping[ImageRef, Size]
) -> list[Problem]:
    """Shapes against the images that are here: outside, of another size, drawn at another scale."""
    if not any(entry.shape is not None for entry in entries):
        return []
    sizes: dict[_Place, Size | None] = {}
    linked = Label.objects.filter(table=table, image__isnull=False).order_by()
    columns = ("sop_instance_uid", "name_digest", "stem_digest", "image__facts__rows", "image__facts__columns")
    for uid, name, stem, rows, across in linked.values_list(*columns).distinct():
        sizes[_Place(uid, name, stem)] = (int(rows), int(across)) if rows and across else None
    here = {image: sizes[place] for image, place in places.items() if place in sizes}
    checked = [entry for entry in entries if entry.image in here and entry.key]
    found = check_against(checked, here, stated=stated, unmapped=False)
    return [problem for problem in found if problem.code not in _TOLD_HERE]


def known_images(table: SourceFile) -> dict[ImageRef, Size]:
    """Rows and columns of the batch's images by the names under which they were sent: for formats whose numbers are shares of the
    image. Identity: for reading a file of the same hospital, never to be kept or shown."""
    found: dict[ImageRef, Size] = {}
    images = Image.objects.live().filter(source__batch=table.batch).select_related("source__batch__fulfillment")
    for image in images.iterator(chunk_size=2000):
        rows, columns = image.facts.get("rows"), image.facts.get("columns")
        if rows and columns:
            found[ImageRef("file", names.unseal_name(image.source))] = (int(rows), int(columns))
    return found
