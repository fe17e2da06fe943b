"""Lists of published sets: loaded by a reviewer, read by a worker, retired when they should count no more."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import IO, Final
from uuid import UUID, uuid4

from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils import timezone

from fulfillment.duplicates.fingerprint import VERSION, as_bytes
from fulfillment.duplicates.hashlist import BadList, Listed, read_list
from fulfillment.models import (
    Batch,
    BatchStatus,
    PendingNote,
    PublishedDecision,
    PublishedHit,
    PublishedImage,
    PublishedSet,
    PublishedSetStatus,
)
from fulfillment.services.independence import require_may_review
from fulfillment.services.reviews import keep_notes
from getdata.accounts.models import User
from getdata.accounts.permissions import require_staff
from getdata.audit.chain import record
from getdata.common import storage
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue, ring
from getdata.common.states import StaleState, transition

logger = logging.getLogger("getdata.duplicates")
READ_TASK: Final = "fulfillment.read_published_set_task"
#: A list is read whole, by a worker whose memory is bounded: about 90,000 images as CSV, 180,000 as parquet.
MAX_LIST_BYTES: Final = 128 * 1024**2
PATIENCE: Final = timedelta(minutes=2)
_ROWS: Final = 2_000


def load_published_set(*, title: str, address: str, file: IO[bytes], size: int, actor: User) -> PublishedSet:
    """Keep a list and have a worker read it. ``file`` is read from its beginning. Raises ``CannotDo``."""
    require_staff(actor)
    if not 0 < size <= MAX_LIST_BYTES:
        raise CannotDo(
            "The list is empty." if not size else f"The list is larger than {MAX_LIST_BYTES // 1024**2} MB.",
            remedy="Write it again." if not size else "Write it as parquet, or divide it into several lists.",
            code="bad_list",
        )
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    known = PublishedSet.objects.filter(sha256=digest, status__in=["reading", "ready"]).first()
    if known is not None:
        raise CannotDo(
            f"This list is here already, as “{known.title}”.", remedy="Retire that one first.", code="known_list"
        )
    file.seek(0)
    pk = uuid4()
    key = storage.previews().save(f"published-sets/{pk}", File(file))
    try:
        with transaction.atomic():
            made = PublishedSet.objects.create(
                pk=pk, title=title, address=address, loaded_by=actor, listed=key, sha256=digest
            )
            record(verb="publishedset.loaded", target=made, actor=actor, data={"sha256": digest, "size": size})
            enqueue(READ_TASK, str(made.pk))
    except IntegrityError:
        storage.previews().delete(key)
        raise CannotDo("This list is here already.", remedy="See it below.", code="known_list") from None
    return made


def read_published_set(pk: UUID | str) -> None:
    """Read one list into rows. Does nothing when it was read already; a list read twice at once is kept once."""
    found = PublishedSet.objects.filter(pk=pk, status=PublishedSetStatus.READING).first()
    if found is None:
        return
    try:
        listed = read_list(storage.get(storage.previews(), found.listed))
    except Exception:
        logger.exception("published_set.broke", extra={"published_set": str(pk)})
        listed = BadList(0, "Something on our side went wrong while the list was read.", "Load it again.")
    try:
        if isinstance(listed, BadList):
            where = f"Row {listed.row}: " if listed.row else ""
            _settle(found, PublishedSetStatus.FAILED, problem=f"{where}{listed.message} {listed.remedy}"[:300])
        else:
            _keep(found, listed)
    except StaleState:
        return  # another worker has settled it
    _announce()
    storage.previews().delete(found.listed)


def _keep(found: PublishedSet, listed: list[Listed]) -> None:
    with transaction.atomic():
        # First the state: a second worker on the same list stops here, before it writes a row.
        _settle(found, PublishedSetStatus.READY, images=len(listed))
        for start in range(0, len(listed), _ROWS):
            PublishedImage.objects.bulk_create(
                PublishedImage(
                    published=found,
                    name=one.image,
                    pixel_sha256=one.pixel_sha256,
                    version=VERSION,
                    hashes=as_bytes(one.print_) if one.print_ is not None else b"",
                )
                for one in listed[start : start + _ROWS]
            )


def _announce() -> None:
    """Give lists whose rows are committed their time: whoever looked an image up before it did not see them."""
    PublishedSet.objects.filter(status=PublishedSetStatus.READY, ready_at=None).update(ready_at=timezone.now())


def _settle(found: PublishedSet, status: PublishedSetStatus, **changes: object) -> None:
    transition(PublishedSet, found.pk, PublishedSetStatus.READING, status, actor=None, changes=changes)


def ring_for_unread() -> int:
    """Ring again for lists whose bell was lost or whose worker died. Returns how many."""
    _announce()
    late = timezone.now() - PATIENCE
    waiting = PublishedSet.objects.filter(status=PublishedSetStatus.READING, created_at__lt=late)
    keys = list(waiting.values_list("pk", flat=True))
    for pk in keys:
        ring(READ_TASK, str(pk))
    return len(keys)


def retire_published_set(*, published: PublishedSet, actor: User) -> None:
    """Compare with the list no more; its matches are not shown again, what was decided stays recorded."""
    require_staff(actor)
    transition(PublishedSet, published.pk, PublishedSetStatus.READY, PublishedSetStatus.RETIRED, actor=actor)


def decide_match(*, hit: PublishedHit, batch: Batch, decision: str, actor: User) -> PublishedDecision:
    """Record what a match is. Where it is the same and the reviewer holds the batch, the file gets a note for the hospital.

    The set is public, so naming it tells the hospital nothing of another. Raises ``CannotDo``.
    """
    require_may_review(actor, batch)
    if decision not in PublishedDecision.Decision.values:
        raise CannotDo("That is no decision.", remedy="Choose one of the two.", code="unknown_decision")
    file = hit.image.source
    if file.batch_id != batch.pk:
        raise CannotDo("The match is not of this batch.", remedy="Open the batch's own matches.", code="other_batch")
    with transaction.atomic():
        made = PublishedDecision.objects.create(hit=hit, reviewer=actor, decision=decision)
        record(
            verb="publishedmatch.decided",
            target=hit,
            actor=actor,
            data={"decision": decision, "batch": str(batch.pk)},
        )
        held = batch.status == BatchStatus.IN_REVIEW and batch.reviewer_id == actor.pk
        noted = PendingNote.objects.filter(file=file).exists()
        if decision == PublishedDecision.Decision.SAME and held and not noted:
            text = f"The same picture is in a published set ({hit.listed.published.title}). Withdraw this one."
            keep_notes(batch=batch, actor=actor, notes={file: text})
    return made
