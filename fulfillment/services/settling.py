"""When a batch's work is done: told once for each time the hospital brings files or has some processed again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.urls import reverse

from fulfillment.models import Batch, SourceFile, Upload, UploadStatus
from fulfillment.models.delivery import WRITABLE_BATCH
from fulfillment.progress import progress
from getdata.audit.chain import record
from getdata.common.clock import database_now
from getdata.notifications.services import notify

#: Files often come one by one: only when nothing has come or been settled for this long is the batch done.
QUIET = timedelta(seconds=60)


def tell_settled(*, quiet: timedelta = QUIET) -> int:
    """Mark batches whose files are all settled and tell their hospitals; returns how many."""
    files = SourceFile.objects.filter(batch=OuterRef("pk")).order_by()
    coming = Upload.objects.filter(batch=OuterRef("pk"), status=UploadStatus.ACTIVE).order_by()
    done = (
        Batch.objects.filter(Exists(files), ~Exists(files.in_progress()), ~Exists(coming))
        .filter(settled_at=None, status__in=WRITABLE_BATCH)
        .values_list("pk", flat=True)
    )
    return sum(_settle(pk, quiet) for pk in list(done))


def begin_again(batch: Batch) -> None:
    """Work was added: when it is done, that is told anew. Call it while the batch is locked."""
    Batch.objects.filter(pk=batch.pk).exclude(settled_at=None).update(settled_at=None)


def _settle(pk: Any, quiet: timedelta) -> bool:
    with transaction.atomic():
        # Entries to the ledger take the same lock, so what is counted here stays true until the mark is set.
        batch = Batch.objects.select_for_update(of=("self",)).select_related("fulfillment__hospital").get(pk=pk)
        if batch.settled_at is not None or not batch.is_writable or batch.files.in_progress().exists():
            return False
        now = database_now()
        last = batch.files.aggregate(came=Max("created_at"), settled=Max("settled_at"))
        if any(moment and moment > now - quiet for moment in last.values()):
            return False
        Batch.objects.filter(pk=pk).update(settled_at=now)
        counted = progress(batch)
        record(
            verb="batch.settled",
            target=batch,
            organization_id=batch.fulfillment.hospital_id,
            data={"files": counted.total, "passed": counted.passed, "withheld": counted.withheld},
        )
        if counted.total:
            need = f" {counted.withheld:,} need you." if counted.withheld else ""
            notify(
                event="batch.settled",
                parties={"hospital": batch.fulfillment.hospital},
                text=f"Batch {batch.number} is processed: {counted.passed:,} of {counted.total:,} files passed.{need}",
                url=reverse("batch_detail", args=[batch.pk]),
            )
    return True
