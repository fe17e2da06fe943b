"""Entries of a label file become rows: images by replaced UID or fingerprint, readers by pseudonym, provenance in our words.

Original UIDs, file names and readers are not kept. Storing is safe to repeat: the same file says the same rows again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from django.db import transaction
from PIL import Image as Picture

from deid import Keyring
from fulfillment.intake.linking import link_table
from fulfillment.labels.formats import Entry, ImageRef, Problem, Shape, Size, check_against
from fulfillment.labels.provenance import provenance_of
from fulfillment.models import Annotation, Image, Label, SourceFile
from fulfillment.uploads import names
from fulfillment.verdict.entries import Fingerprints, Place, places_of, sort_entries
from getdata.common import storage
from requests_app.taxonomy import Taxonomy

#: What ``check_against`` finds beside shapes is told here for all entries, linked or not.
_TOLD_HERE = frozenset({"CONTRADICTION", "REPEATED", "IMAGE_UNMATCHED", "IMAGE_AMBIGUOUS"})


@dataclass(frozen=True)
class TakenIn:
    """What became of the entries. ``labels`` and ``shapes`` count rows that are there now, ``linked`` labels with an image."""

    labels: int
    shapes: int
    linked: int
    problems: tuple[Problem, ...]


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
    prints = Fingerprints(keyring, partial(names.name_digest, table.batch), partial(names.stem_digest, table.batch))
    places = places_of(entries, prints, problems)
    labels: list[Label] = []
    shapes: dict[tuple[int, str, str, str], list[Annotation]] = {}
    for group in sort_entries(entries, taxonomy, places, problems):
        (row, first), place = group.kept[0], places[group.image]
        how = provenance_of(first)
        label = Label(
            batch=table.batch,
            table=table,
            sop_instance_uid=place.sop_instance_uid,
            name_digest=place.name_digest,
            stem_digest=place.stem_digest,
            row=row,
            finding=taxonomy[group.key].name,
            state=first.state.value,
            laterality=how.laterality,
            method=how.method.value,
            reader=keyring.dummy("reader", group.reader) if group.reader else "",
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
            _annotation(table, place_row, entry.shape, (image_sizes or {}).get(group.image), number)
            for number, (place_row, entry) in enumerate((one for one in group.kept if one[1].shape is not None), 1)
            if entry.shape is not None
        ]
    drawn = _store(table, labels, shapes)
    link_table(table)
    here = Label.objects.filter(table=table)
    problems += _against_images(table, entries, places, image_sizes or {})
    return TakenIn(here.count(), drawn, here.filter(image__isnull=False).count(), tuple(problems))


def _key(label: Label) -> tuple[int, str, str, str]:
    return label.row, label.finding, label.reader, label.method


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
    table: SourceFile, entries: Sequence[Entry], places: Mapping[ImageRef, Place], stated: Mapping[ImageRef, Size]
) -> list[Problem]:
    """Shapes against the images that are here: outside, of another size, drawn at another scale."""
    if not any(entry.shape is not None for entry in entries):
        return []
    sizes: dict[Place, Size | None] = {}
    linked = Label.objects.filter(table=table, image__isnull=False).order_by()
    columns = ("sop_instance_uid", "name_digest", "stem_digest", "image__facts__rows", "image__facts__columns")
    for uid, name, stem, rows, across in linked.values_list(*columns).distinct():
        sizes[Place(uid, name, stem)] = (int(rows), int(across)) if rows and across else None
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
