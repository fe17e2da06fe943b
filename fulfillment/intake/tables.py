"""What an archive or a label table turns into: rows of the ledger, rows of labels."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from deid import Keyring
from fulfillment.conformance import Finding
from fulfillment.intake import archives
from fulfillment.labels import read_label_table
from fulfillment.labels.methods import FROM_IMAGE, Method, read_method
from fulfillment.models import Image, Label, SourceFile
from fulfillment.uploads import take_in
from fulfillment.uploads.names import name_digest
from requests_app.spec import DatasetSpec


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
    file: SourceFile, data: bytes, spec: DatasetSpec, keyring: Keyring
) -> tuple[list[dict[str, Any]], bool]:
    """Read a label table into rows keyed by the replaced UID or the file name's fingerprint.

    Returns the findings for the hospital and whether any row was usable. Original UIDs and names are not kept.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    rows, problems = read_label_table(text, spec.taxonomy())
    findings = [
        asdict(
            Finding(
                code=problem.code,
                severity="should",
                check_id="labels",
                tag="",
                message=f"Row {problem.row}: {problem.cause}" if problem.row else problem.cause,
                remedy=problem.remedy,
            )
        )
        for problem in problems[:200]
    ]
    if rows:
        labels = []
        for row in rows:
            by_uid_given = row.image_kind == "sop_instance_uid"
            uid = keyring.uid(row.image) if by_uid_given else ""
            digest = "" if by_uid_given else name_digest(file.batch, row.image)
            method, readers = read_method(row.source)
            labels.append(
                Label(
                    batch=file.batch,
                    table=file,
                    sop_instance_uid=uid,
                    name_digest=digest,
                    row=row.row,
                    finding=row.name,
                    state=row.state.value,
                    method=method.value,
                    reader=keyring.dummy("reader", row.reader) if row.reader else "",
                    readers=readers or (1 if row.reader and method in FROM_IMAGE - {Method.READERS} else None),
                    is_consensus=method in (Method.CONSENSUS, Method.ADJUDICATED),
                )
            )
        # An interrupted attempt may have left some: the same table says the same rows again.
        Label.objects.bulk_create(labels, batch_size=500, ignore_conflicts=True)
        _link(file)
    return findings, bool(rows)


def _link(table: SourceFile) -> None:
    """Join the table's rows to the images that are here. After the rows are written: an image that comes meanwhile finds them."""
    live = Image.objects.live().filter(source__batch__fulfillment=table.batch.fulfillment_id)
    twins = SourceFile.objects.filter(batch__fulfillment=table.batch.fulfillment_id, twin__in=live)
    by_uid = dict(twins.values_list("twin_uid", "twin")) | dict(live.values_list("sop_instance_uid", "pk"))
    here = live.filter(source__batch=table.batch)
    by_name = dict(twins.filter(batch=table.batch).values_list("name_digest", "twin")) | dict(
        here.values_list("source__name_digest", "pk")
    )
    changed = []
    for label in Label.objects.filter(table=table, image=None).iterator(chunk_size=2000):
        found = by_uid.get(label.sop_instance_uid) if label.sop_instance_uid else by_name.get(label.name_digest)
        if found is not None:
            label.image_id = found
            changed.append(label)
    Label.objects.bulk_update(changed, ["image"], batch_size=500)
