"""How a label file is to be read, as a person said on the import screen: kept sealed, applied by the worker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

from fulfillment.intake.image_index import ImageNames
from fulfillment.intake.originals import scope
from fulfillment.labels.columns import MEANINGS, header_of, with_meanings
from fulfillment.labels.formats import FORMATS, IMAGE_KINDS, Entry, ImageKind, ImageRef, Imported, Size, read, sniff
from fulfillment.models import Batch
from getdata.common import crypto
from requests_app.taxonomy import Taxonomy

MAX_NAMES = 2_000


@dataclass(frozen=True)
class Plan:
    """``format`` a name of ``FORMATS`` or "auto"; ``columns`` place (from 0) -> a key of ``MEANINGS``; ``names`` name as written ->
    key of a finding, or "" to leave it out; ``image_kind`` what images are named by, "" as the format says.
    """

    format: str = "auto"
    columns: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    image_kind: str = ""

    def sealed(self, batch: Batch) -> bytes:
        return crypto.seal(json.dumps(asdict(self), ensure_ascii=False).encode(), scope=scope(batch))

    @classmethod
    def opened(cls, sealed: bytes | memoryview, batch: Batch) -> Plan:
        """From ``sealed``; an empty one is the plan that says nothing. Raises ``CannotOpen``."""
        if not sealed:
            return cls()
        return cls.from_document(json.loads(crypto.unseal(bytes(sealed), scope=scope(batch))))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Plan:
        """From plain values; what is not known is left out."""
        kind, form = str(document.get("image_kind", "")), str(document.get("format", "auto"))
        columns = {int(place): str(meaning) for place, meaning in dict(document.get("columns") or {}).items()}
        names = list(dict(document.get("names") or {}).items())[:MAX_NAMES]
        return cls(
            format=form if form in FORMATS else "auto",
            columns={place: meaning for place, meaning in columns.items() if meaning in MEANINGS},
            names={str(name): str(key) for name, key in names},
            image_kind=kind if kind in IMAGE_KINDS else "",
        )


def shape_digest(batch: Batch, form: str, columns: Sequence[str], taxonomy: Taxonomy) -> str:
    """Keyed fingerprint of what files that want one mapping have in common."""
    what = json.dumps([form, list(columns), taxonomy.name, taxonomy.version, taxonomy.keys], ensure_ascii=False)
    return crypto.digest(f"label-mapping:{what}", scope=scope(batch))


def read_by_plan(data: bytes, name: str, plan: Plan, taxonomy: Taxonomy, images: ImageNames) -> Imported:
    """The file's entries under the plan. Never raises on bad content."""
    # Only the sender's names find an image's size before anything is matched, and opening them all takes its time.
    wants_sizes = data.startswith(b"PK") or "yolo" in (plan.format, sniff(data, name))
    imported = read(
        with_meanings(data, plan.columns),
        taxonomy=taxonomy,
        format=plan.format,
        name=name,
        mapping={written: key or None for written, key in plan.names.items()},
        image_sizes=images.sizes_by_name() if wants_sizes else None,
    )
    if plan.image_kind:
        imported = _named_by(imported, cast(ImageKind, plan.image_kind))
    return imported


def columns_as_written(data: bytes, imported: Imported) -> tuple[str, ...]:
    """The table's header before any meaning was given to it; the fields read where it is no table."""
    header = header_of(data)
    return header.columns if header is not None else imported.columns


def _named_by(imported: Imported, kind: ImageKind) -> Imported:
    def renamed(image: ImageRef) -> ImageRef:
        return ImageRef(kind, image.value)

    return replace(
        imported,
        entries=tuple(replace(entry, image=renamed(entry.image)) for entry in imported.entries),
        images=tuple(dict.fromkeys(renamed(image) for image in imported.images)),
        image_sizes={renamed(image): size for image, size in imported.image_sizes.items()},
    )


def resolve_studies(entries: Sequence[Entry], images: ImageNames) -> list[Entry]:
    """Entries that name a study of one image name that image instead, by the path under which it was sent."""
    known: dict[ImageRef, ImageRef] = {}
    found = []
    for entry in entries:
        if entry.image.kind == "accession_number":
            if entry.image not in known:
                known[entry.image] = images.path_of(entry.image) or entry.image
            entry = replace(entry, image=known[entry.image])
        found.append(entry)
    return found


def resolve_sizes(stated: Mapping[ImageRef, Size], images: ImageNames) -> dict[ImageRef, Size]:
    """The sizes that a file states, under the names that ``resolve_studies`` gives its images."""
    return {
        (images.path_of(image) or image) if image.kind == "accession_number" else image: size
        for image, size in stated.items()
    }
