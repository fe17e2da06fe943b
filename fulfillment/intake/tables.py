"""What a label table turns into: rows of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from deid import Keyring
from fulfillment.intake.image_index import ImageNames
from fulfillment.intake.label_plan import Plan, read_by_plan, resolve_sizes, resolve_studies
from fulfillment.intake.labels import known_images, take_in_entries
from fulfillment.intake.originals import name_of
from fulfillment.labels.formats import Imported, read
from fulfillment.models import LabelImport, SourceFile
from fulfillment.verdict.entries import label_findings
from requests_app.spec import DatasetSpec
from requests_app.taxonomy import Taxonomy


def take_labels(
    file: SourceFile,
    data: bytes,
    spec: DatasetSpec,
    keyring: Keyring,
    *,
    format: str = "auto",
    mapping: Mapping[str, str | None] | None = None,
) -> tuple[list[dict[str, Any]], bool]:
    """Read a label file of any format into rows keyed by the replaced UID or the file name's fingerprint.

    ``mapping`` sends names of findings as written to names of the request's list, or to None to leave them out; without it the
    names that are certain are taken. Returns the findings for the hospital and whether any row was usable. Original UIDs and names
    are not kept.
    """
    taxonomy = spec.taxonomy()
    planned = LabelImport.objects.filter(file=file).first()
    if planned is not None:  # a person mapped it on the import screen
        images = ImageNames(file.batch, keyring)
        plan = Plan.opened(planned.sealed_plan, file.batch)
        imported = read_by_plan(data, name_of(file), plan, taxonomy, images)
        imported = replace(
            imported,
            entries=tuple(resolve_studies(imported.entries, images)),
            image_sizes=resolve_sizes(imported.image_sizes, images),
        )
    else:
        imported = _read(file, data, taxonomy, format, mapping)
    taken = take_in_entries(
        table=file,
        entries=imported.entries,
        taxonomy=taxonomy,
        keyring=keyring,
        image_sizes=imported.image_sizes,
    )
    findings = label_findings(
        [*imported.problems, *taken.problems],
        format=imported.format,
        labels=taken.labels,
        shapes=taken.shapes,
        linked=taken.linked,
    )
    return findings, bool(taken.labels)


def _read(
    file: SourceFile, data: bytes, taxonomy: Taxonomy, format: str, mapping: Mapping[str, str | None] | None
) -> Imported:
    suffix = "".join(PurePosixPath(name_of(file).lower()).suffixes[-2:])
    imported = read(data, taxonomy=taxonomy, format=format, name=f"labels{suffix}", mapping=mapping)
    if not imported.entries and any(problem.code == "SIZE_UNKNOWN" for problem in imported.problems):
        sizes = known_images(file)
        imported = read(
            data, taxonomy=taxonomy, format=format, name=f"labels{suffix}", mapping=mapping, image_sizes=sizes
        )
    return imported
