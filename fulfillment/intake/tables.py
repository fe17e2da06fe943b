"""What an archive or a label table turns into: rows of the ledger, rows of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from typing import Any

from deid import Keyring
from fulfillment.conformance import Finding
from fulfillment.intake import archives
from fulfillment.intake.image_index import ImageNames
from fulfillment.intake.label_plan import Plan, read_by_plan, resolve_sizes, resolve_studies
from fulfillment.intake.labels import known_images, take_in_entries
from fulfillment.intake.originals import name_of
from fulfillment.labels.formats import FORMATS, Imported, read
from fulfillment.labels.table import LabelProblem
from fulfillment.models import LabelImport, SourceFile
from fulfillment.uploads import take_in
from requests_app.spec import DatasetSpec
from requests_app.taxonomy import Taxonomy

MAX_TOLD = 200


def unpack(archive: SourceFile, path: Path) -> tuple[int, int]:
    """Take in every member of a zip archive. Returns (taken in, already here). Raises ``ArchiveRefused``.

    Run again after an interruption it finds what it took in before and goes on.
    """
    taken = known = 0
    for member in archives.members(path):
        _, fresh = take_in(
            batch=archive.batch,
            name=member.path,
            staged=member.staged,
            size=member.size,
            sha256=member.sha256,
            archive=archive,
        )
        taken, known = taken + fresh, known + (not fresh)
    return taken, known


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
    problems = sorted([*imported.problems, *taken.problems], key=lambda problem: problem.row)
    findings = [_told(problem) for problem in problems[:MAX_TOLD]]
    if len(problems) > MAX_TOLD:
        more = f"{len(problems) - MAX_TOLD:,} more problems are not listed."
        findings.append(
            _told(LabelProblem(0, "TOO_MANY_PROBLEMS", more, "Correct the first ones; they usually share a cause."))
        )
    if taken.labels:
        kind = FORMATS[imported.format].title if imported.format in FORMATS else "Labels"
        shapes = f", {taken.shapes:,} marks" if taken.shapes else ""
        waiting = taken.labels - taken.linked
        words = f"{kind}: {taken.labels:,} labels taken in{shapes}" + (
            f"; {waiting:,} wait for their images." if waiting else "."
        )
        findings.insert(0, asdict(Finding("LABELS_TAKEN", "info", "labels", "", words, "")))
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


def _told(problem: LabelProblem) -> dict[str, Any]:
    """A problem as a finding. A member's name is left out: it may hold identity."""
    place = f"Row {problem.row}: " if problem.row else f"{problem.place}: " if problem.place else ""
    return asdict(
        Finding(
            code=problem.code,
            severity="should",
            check_id="labels",
            tag="",
            message=place + problem.cause,
            remedy=problem.remedy,
        )
    )
