"""Bringing in a label file by the screen: sealed at once, read by a worker, mapped and confirmed by a person, then in the ledger."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from deid import Keyring
from fulfillment.intake import originals, sealing
from fulfillment.intake.image_index import ImageNames
from fulfillment.intake.label_plan import Plan, columns_as_written, read_by_plan, shape_digest
from fulfillment.intake.label_survey import opened, sealed, survey
from fulfillment.models import Batch, LabelImport, LabelImportStatus, LabelMapping, SourceFile, SourceKind
from fulfillment.uploads import names, rights, staging
from fulfillment.uploads.ledger_entry import take_in_sealed
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common import crypto, storage
from getdata.common.problems import CannotDo
from getdata.common.queue import after_commit, enqueue
from getdata.common.states import StaleState, transition
from requests_app.spec import DatasetSpec
from requests_app.taxonomy import Taxonomy

logger = logging.getLogger("getdata.label_imports")
READ_TASK = "fulfillment.read_label_import_task"
#: A little more than the task's time limit.
LEASE = timedelta(seconds=400)
MAX_ATTEMPTS = 2
#: How long a file waits on the screen for its person before it is destroyed.
KEPT = timedelta(days=14)
PATIENCE = timedelta(minutes=1)


def taxonomy_of(batch: Batch) -> Taxonomy:
    """The label list of the batch's specification."""
    return DatasetSpec.model_validate(batch.spec_version.document).taxonomy()


def begin_import(
    *, batch: Batch, name: str, staged: str, size: int, sha256: str, format: str = "auto", actor: User
) -> LabelImport:
    """Seal a staged file for the hospital, forget the clear copy, and have a worker read it. Raises ``CannotDo``."""
    try:
        rights.require_may_add_files(actor, batch)
        name = names.clean_relative_path(name)
        _require_size(size)
        data = Path(staging.path(staged)).read_bytes()
    except BaseException:
        staging.discard(staged)
        raise
    pk = uuid.uuid4()
    key = f"{batch.fulfillment.hospital_id}/{batch.pk}/labels-{pk}"
    sealing.put(batch.fulfillment.hospital_id, key, data)
    staging.discard(staged)
    with transaction.atomic():
        item = LabelImport.objects.create(
            pk=pk,
            batch=batch,
            created_by=actor,
            sealed_name=names.seal_name(batch, name),
            stored=key,
            size=size,
            content_digest=names.content_digest(batch, sha256),
            sealed_plan=Plan.from_document({"format": format}).sealed(batch),
        )
        record(
            verb="labelimport.received",
            target=item,
            actor=actor,
            organization_id=item.audit_organization_id,
            data={"batch": str(batch.pk), "size": size},
        )
        enqueue(READ_TASK, str(item.pk))
    return item


def _require_size(size: int) -> None:
    if size <= 0:
        raise CannotDo("The file is empty.", remedy="Export it again from its source.", code="empty_file")
    if size > settings.MAX_LABEL_IMPORT_BYTES:
        raise CannotDo(
            f"The file has {size / 1e6:,.0f} MB; this screen takes {settings.MAX_LABEL_IMPORT_BYTES / 1e6:,.0f} MB.",
            remedy="Split it into several files, or send it with the batch's files under Add files.",
            code="too_large",
        )


# --- reading, by a worker -----------------------------------------------------------------------------------------------


def read_import(pk: uuid.UUID | str) -> None:
    """Read one file under its plan and keep what was found. Does nothing when another worker is at it, or when it is done."""
    token, now = uuid.uuid4(), timezone.now()
    free = LabelImport.objects.filter(pk=pk, status=LabelImportStatus.READING).filter(
        Q(lease_until=None) | Q(lease_until__lt=now)
    )
    if not free.update(lease_token=token, lease_until=now + LEASE, attempts=F("attempts") + 1):
        return
    item = LabelImport.objects.select_related("batch__fulfillment", "batch__spec_version").get(pk=pk)
    try:
        changes = _read(item)
    except (SoftTimeLimitExceeded, MemoryError):
        _settle(item, token, LabelImportStatus.FAILED, {"reason": "TOO_MUCH"})
    except Exception:
        logger.exception("label_import.broke", extra={"label_import": str(pk)})
        if item.attempts >= MAX_ATTEMPTS:
            _settle(item, token, LabelImportStatus.FAILED, {"reason": "INTERNAL_ERROR"})
        else:
            LabelImport.objects.filter(pk=pk, lease_token=token).update(lease_until=now + timedelta(seconds=10))
    else:
        _settle(item, token, LabelImportStatus.READY, {"reason": "", **changes})


def _settle(item: LabelImport, token: uuid.UUID, status: LabelImportStatus, changes: dict[str, Any]) -> None:
    try:
        transition(
            LabelImport,
            item.pk,
            LabelImportStatus.READING,
            status,
            actor=None,
            where={"lease_token": token},
            changes={"lease_token": None, "lease_until": None, **changes},
        )
    except StaleState:
        logger.info("label_import.lease_lost", extra={"label_import": str(item.pk)})


def _read(item: LabelImport) -> dict[str, Any]:
    batch, taxonomy = item.batch, taxonomy_of(item.batch)
    data = sealing.get(batch.fulfillment.hospital_id, item.stored)
    name = crypto.unseal(bytes(item.sealed_name), scope=originals.scope(batch)).decode()
    secret, key_id = originals.pseudonym_secret(batch)
    images = ImageNames(batch, Keyring(secret=secret, key_id=key_id))
    plan = Plan.opened(item.sealed_plan, batch)
    imported = read_by_plan(data, name, plan, taxonomy, images)
    columns = columns_as_written(data, imported)
    changes: dict[str, Any] = {}
    if not item.sealed_survey:  # the first reading: the mapping of an earlier file of this shape is offered
        known = _remembered(batch, shape_digest(batch, imported.format, columns, taxonomy))
        if known is not None:
            plan = replace(known, format=plan.format if plan.format != "auto" else known.format)
            imported = read_by_plan(data, name, plan, taxonomy, images)
            changes = {"sealed_plan": plan.sealed(batch), "remembered": True}
    found = survey(imported, columns, images, taxonomy)
    return {**changes, "sealed_survey": sealed(found, batch)}


def _remembered(batch: Batch, shape: str) -> Plan | None:
    row = LabelMapping.objects.filter(hospital=batch.fulfillment.hospital_id, shape=shape).first()
    if row is None:
        return None
    try:
        return Plan.opened(row.sealed_plan, batch)
    except crypto.CannotOpen:
        return None


def sweep_label_imports() -> int:
    """Ring again for files whose bell was lost, and destroy what nobody came back to. Returns how many bells were rung."""
    now = timezone.now()
    waiting = LabelImport.objects.filter(status=LabelImportStatus.READING, created_at__lt=now - PATIENCE).filter(
        Q(lease_until=None) | Q(lease_until__lt=now)
    )
    keys = list(waiting.values_list("pk", flat=True)[:200])
    with transaction.atomic():
        for pk in keys:
            enqueue(READ_TASK, str(pk))
    for item in LabelImport.objects.under_way().filter(created_at__lt=now - KEPT)[:200]:
        try:
            _discard(item, actor=None)
        except StaleState:
            continue
    return len(keys)


# --- what a person decides ------------------------------------------------------------------------------------------------


def map_import(*, item: LabelImport, plan: Plan, actor: User) -> LabelImport:
    """Keep the mapping, remember it for the next file of this shape, and have the file read under it. Raises ``CannotDo``.

    Where the columns or the format changed, names may have changed with them: then the mapping is to be looked at again.
    """
    rights.require_may_add_files(actor, item.batch)
    before, batch = Plan.opened(item.sealed_plan, item.batch), item.batch
    same_names = (before.format, dict(before.columns)) == (plan.format, dict(plan.columns))
    with transaction.atomic():
        moved = transition(
            LabelImport,
            item.pk,
            item.status if item.status == LabelImportStatus.FAILED else LabelImportStatus.READY,
            LabelImportStatus.READING,
            actor=actor,
            changes={
                "sealed_plan": plan.sealed(batch),
                "mapped_at": timezone.now() if same_names else None,
                "attempts": 0,
                "lease_until": None,
            },
        )
        if item.sealed_survey:
            found = opened(item.sealed_survey, batch)
            shape = shape_digest(batch, found.get("format", ""), found.get("columns", []), taxonomy_of(batch))
            LabelMapping.objects.update_or_create(
                hospital=batch.fulfillment.hospital, shape=shape, defaults={"sealed_plan": plan.sealed(batch)}
            )
        enqueue(READ_TASK, str(item.pk))
    return moved


def confirm_import(*, item: LabelImport, actor: User) -> SourceFile:
    """Enter the file into the ledger, where a worker takes its labels in under the mapping. Raises ``CannotDo``."""
    batch = item.batch
    rights.require_may_add_files(actor, batch)
    if item.mapped_at is None:
        raise CannotDo(
            "Nobody has looked at the mapping yet.", remedy="Save the mapping, then confirm.", code="not_mapped"
        )
    if item.status == LabelImportStatus.READY and not opened(item.sealed_survey, batch).get("labels"):
        raise CannotDo(
            "No label of this file can be taken in as it is mapped.",
            remedy="Look at the causes below the counts, change the mapping, or send another file.",
            code="nothing_to_import",
        )
    name = crypto.unseal(bytes(item.sealed_name), scope=originals.scope(batch)).decode()
    with transaction.atomic():
        file = take_in_sealed(
            batch=batch,
            name=name,
            stored=item.stored,
            size=item.size,
            content_digest=item.content_digest,
            kind=SourceKind.LABELS,
            actor=actor,
        )
        transition(
            LabelImport,
            item.pk,
            LabelImportStatus.READY,
            LabelImportStatus.CONFIRMED,
            actor=actor,
            changes={"file": file, "sealed_survey": b""},
        )
    return file


def discard_import(*, item: LabelImport, actor: User) -> None:
    """Give up a file that was not confirmed; its sealed bytes are destroyed."""
    rights.require_may_deliver(actor, item.batch.fulfillment)
    _discard(item, actor=actor)


def _discard(item: LabelImport, *, actor: User | None) -> None:
    key = item.stored
    with transaction.atomic():
        transition(
            LabelImport,
            item.pk,
            item.status,
            LabelImportStatus.DISCARDED,
            actor=actor,
            changes={"stored": "", "sealed_survey": b"", "sealed_plan": b""},
        )
        after_commit(lambda: storage.quarantine().delete(key))
