"""What of deliveries is sealed: columns of rows, and objects in quarantine with the rows that name them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Q

from fulfillment.intake.sealing import key_scope, pseudonym_scope, scope_of
from fulfillment.models import Batch, LabelImport, Report, SourceFile
from fulfillment.models.delivery import SETTLED
from fulfillment.services.destruction import term_of
from fulfillment.withheld_pictures import PICTURE
from getdata.common.sealed_columns import SealedColumn, register

#: The hospital's secret behind pseudonyms.
PSEUDONYM = SealedColumn("fulfillment.PseudonymKey", "sealed_secret", lambda row: pseudonym_scope(row.hospital_id))
_BATCH = ("batch__fulfillment",)


def _of_batch(row: Any) -> str:
    return scope_of(row.batch.fulfillment.hospital_id)


def register_all() -> None:
    """Called when the app is ready."""
    register(
        SealedColumn("fulfillment.SealingKey", "sealed_secret", lambda row: key_scope(row.organization_id)),
        PSEUDONYM,
        SealedColumn("fulfillment.SourceFile", "sealed_name", _of_batch, _BATCH),
        SealedColumn("fulfillment.Upload", "sealed_name", _of_batch, _BATCH),
        SealedColumn("fulfillment.Upload", "sealed_metadata", _of_batch, _BATCH),
        SealedColumn("fulfillment.LabelImport", "sealed_name", _of_batch, _BATCH),
        SealedColumn("fulfillment.LabelImport", "sealed_plan", _of_batch, _BATCH),
        SealedColumn("fulfillment.LabelImport", "sealed_survey", _of_batch, _BATCH),
        SealedColumn("fulfillment.LabelMapping", "sealed_plan", lambda row: scope_of(row.hospital_id)),
    )


def named_by_a_row(keys: Collection[str]) -> set[str]:
    """Those of the keys of objects in quarantine that some row names: an original, its picture, a label table, a report."""
    owners = {key: key.removesuffix(PICTURE) for key in keys}
    stored = set(owners.values())
    known = set(SourceFile.objects.filter(stored__in=stored).values_list("stored", flat=True))
    known |= set(LabelImport.objects.filter(stored__in=keys).values_list("stored", flat=True))
    known |= set(Report.objects.filter(sealed__in=keys).values_list("sealed", flat=True))
    return {key for key, owner in owners.items() if owner in known}


def at_rest(key: str, *, until: datetime) -> bool:
    """Whether nobody works on the object now, and it is not to be destroyed before ``until``."""
    owner = key.removesuffix(PICTURE)
    if SourceFile.objects.filter(stored=owner).exclude(status__in=SETTLED).exists():
        return False
    batch = (
        Batch.objects.filter(
            Q(files__stored=owner) | Q(reports__sealed=key) | Q(label_imports__stored=key),
        )
        .select_related("fulfillment__request", "spec_version")
        .first()
    )
    if batch is None:
        return False
    term = term_of(batch)
    return term is None or term.due > until
