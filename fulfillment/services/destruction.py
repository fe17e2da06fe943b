"""The end of originals: what is held until when, its destruction on schedule, and the certificate of it.

The bytes go first, then the rows and the certificate in one transaction: a worker that dies between them leaves a file whose bytes
are gone already, which the next sweep certifies. Everything else about a file stays, so that a resend of the same study still finds
its patient and its image.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from deid.proof import render
from deid.proof.destruction import DestructionFacts, build_destruction
from fulfillment.models import (
    Batch,
    BatchStatus,
    Occasion,
    OriginalsDestruction,
    Report,
    SealingKey,
    SourceFile,
    SourceFileStatus,
    SourceKind,
)
from fulfillment.models.delivery import SETTLED
from fulfillment.services.certificates import signing_key
from fulfillment.uploads import names, staging
from fulfillment.withheld_pictures import picture_key
from getdata.audit.chain import record
from getdata.common import storage
from getdata.notifications.services import notify
from requests_app.spec import DatasetSpec

logger = logging.getLogger("getdata.destruction")
#: Files that one certificate speaks of at most; more of a batch come in the next ones.
AT_ONCE = 2000
ISSUER = "GetDATA portal"


class StillThere(Exception):
    """The storage still has an object that it was told to delete."""


@dataclass(frozen=True)
class Term:
    """Why originals of a batch are not needed any more, since when, and how long they are kept after that."""

    occasion: Occasion
    since: datetime
    days: int

    @property
    def due(self) -> datetime:
        return self.since + timedelta(days=self.days)


def days_after_acceptance(batch: Batch) -> int:
    """Days that the agreement's specification says, or the portal's own rule."""
    agreed = DatasetSpec.model_validate(batch.spec_version.document).terms.originals_days
    return int(settings.ORIGINALS_DAYS if agreed is None else agreed)


def term_of(batch: Batch) -> Term | None:
    """The term of everything in the batch; None while it is under way. Needs ``fulfillment`` and ``spec_version``."""
    refused = int(settings.ORIGINALS_REFUSED_DAYS)
    if batch.status == BatchStatus.ACCEPTED and batch.decided_at:
        return Term(Occasion.ACCEPTED, batch.decided_at, days_after_acceptance(batch))
    if batch.status == BatchStatus.REJECTED and batch.decided_at:
        return Term(Occasion.REJECTED, batch.decided_at, refused)
    if batch.fulfillment.ended_at:
        return Term(Occasion.ENDED, batch.fulfillment.ended_at, refused)
    return None


def held_files(batch: Batch) -> QuerySet[SourceFile]:
    """Files of the batch whose originals are here and could be destroyed: nobody works on them."""
    return batch.files.filter(status__in=SETTLED).exclude(stored="", staged="")


def destroy_due(*, now: datetime | None = None) -> int:
    """Destroy what is due, batch by batch. Idempotent; a batch whose storage fails does not hold up the others.

    Returns the number of certificates issued.
    """
    now = now or timezone.now()
    holding = SourceFile.objects.filter(status__in=SETTLED).exclude(stored="", staged="").values("batch")
    reports = Report.objects.exclude(sealed="").values("batch")
    issued = 0
    batches = Batch.objects.filter(Q(pk__in=holding) | Q(pk__in=reports))
    for batch in batches.select_related("fulfillment__hospital", "fulfillment__request", "spec_version"):
        try:
            issued += _destroy_of(batch, now)
        except (storage.Unreachable, StillThere) as problem:
            logger.error("originals.not_destroyed", extra={"batch": str(batch.pk), "error": type(problem).__name__})
    return issued


def _destroy_of(batch: Batch, now: datetime) -> int:
    term = term_of(batch)
    if term is not None and term.due <= now:
        files = list(held_files(batch).order_by("number")[:AT_ONCE])
        reports = list(Report.objects.filter(batch=batch).exclude(sealed="")[:AT_ONCE])
        return _destroy(batch, term, files, reports, now) is not None
    refused = timedelta(days=settings.ORIGINALS_REFUSED_DAYS)
    withdrawn = held_files(batch).filter(status=SourceFileStatus.WITHDRAWN, settled_at__lte=now - refused)
    files = list(withdrawn.order_by("settled_at")[:AT_ONCE])
    reports = list(
        Report.objects.filter(
            batch=batch, source__status=SourceFileStatus.WITHDRAWN, source__settled_at__lte=now - refused
        ).exclude(sealed="")[:AT_ONCE]
    )
    since = min(
        (item.settled_at for item in [*files, *(row.source for row in reports)] if item.settled_at), default=now
    )
    term = Term(Occasion.WITHDRAWN, since, settings.ORIGINALS_REFUSED_DAYS)
    return _destroy(batch, term, files, reports, now) is not None


def _destroy(
    batch: Batch, term: Term, files: Sequence[SourceFile], reports: Sequence[Report], now: datetime
) -> OriginalsDestruction | None:
    pictures = [picture_key(file.stored) for file in files if file.stored]
    _delete([*(file.stored for file in files), *pictures, *(report.sealed for report in reports)])
    for file in files:
        staging.discard(file.staged)
    with transaction.atomic():
        mine = list(
            SourceFile.objects.select_for_update()
            .filter(pk__in=[file.pk for file in files])
            .exclude(stored="", staged="")
        )
        texts = list(Report.objects.select_for_update().filter(pk__in=[row.pk for row in reports]).exclude(sealed=""))
        if not mine and not texts:
            return None  # another worker was faster, or there was nothing
        SourceFile.objects.filter(pk__in=[file.pk for file in mine]).update(stored="", staged="", destroyed_at=now)
        # A report is written once; where its original lay is no part of what it says.
        Report.objects.filter(pk__in=[row.pk for row in texts]).update(sealed="")
        return _certify(batch, term, mine, texts, now)


def _delete(keys: Iterable[str]) -> None:
    """Delete objects and ask the storage afterwards. Raises ``StillThere``, or what the storage raises."""
    store = storage.quarantine()
    for key in sorted(set(keys) - {""}):
        storage.persist(partial(store.delete, key))
        if storage.persist(partial(store.exists, key)):
            raise StillThere


def _certify(
    batch: Batch, term: Term, files: Sequence[SourceFile], reports: Sequence[Report], now: datetime
) -> OriginalsDestruction:
    hospital = batch.fulfillment.hospital
    rows = [(f"file {file.number}", file.content_digest, file.size) for file in files]
    for key in sorted({report.sealed for report in reports}):  # a later row of a report names the same object
        rows.append(("sealed report", names.name_digest(batch, f"sealed:{key}"), 0))
    kinds = Counter(SourceKind(file.kind).label for file in files)
    kinds["Sealed report"] += len(rows) - len(files)
    document = build_destruction(
        DestructionFacts(
            issued_at=_instant(now),
            issuer=ISSUER,
            subject={"batch": str(batch.pk), "number": str(batch.number)},
            occasion=term.occasion.label,
            since=_instant(term.since),
            days=term.days,
            key_ids=list(SealingKey.objects.filter(organization=hospital).values_list("ident", flat=True)),
            kinds={kind: count for kind, count in kinds.items() if count},
            destroyed=rows,
        ),
        signing_key(),
    )
    size = sum(file.size for file in files)
    issued = OriginalsDestruction.objects.create(
        batch=batch,
        occasion=term.occasion,
        objects_destroyed=len(rows),
        size=size,
        text=render(document).decode(),
    )
    record(
        verb="originals.destroyed",
        target=issued,
        organization_id=hospital.pk,
        data={
            "batch": str(batch.pk),
            "objects": len(rows),
            "bytes": size,
            "occasion": str(term.occasion),
            "certificate": str(issued.pk),
            "sha256": hashlib.sha256(issued.text.encode()).hexdigest(),
        },
    )
    notify(
        event="originals.destroyed",
        parties={"hospital": hospital},
        text=f"{len(rows):,} originals of batch {batch.number} for “{batch.fulfillment.request.title}” were destroyed on "
        "schedule. The certificate is ready.",
        url=reverse("originals"),
    )
    return issued


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
