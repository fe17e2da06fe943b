"""Stopping the work on a batch and letting it go on; letting it go first."""

from __future__ import annotations

from django.db.models.functions import Now

from fulfillment.models import Batch, SourceFileStatus
from fulfillment.uploads.rights import require_may_add_files
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue

RING = "fulfillment.process_task"
#: Bells rung at once; the sweeper rings for the rest.
_BELLS = 200


def pause_batch(*, batch: Batch, actor: User) -> None:
    """Workers take no more of the batch's waiting files; those in work end. Raises ``CannotDo``."""
    require_may_add_files(actor, batch)
    if Batch.objects.filter(pk=batch.pk, paused_at=None).update(paused_at=Now()):
        record(verb="batch.paused", target=batch, actor=actor, organization_id=batch.fulfillment.hospital_id)


def resume_batch(*, batch: Batch, actor: User) -> None:
    """Workers go on with the batch. Raises ``CannotDo``."""
    require_may_add_files(actor, batch)
    if Batch.objects.filter(pk=batch.pk).exclude(paused_at=None).update(paused_at=None):
        record(verb="batch.resumed", target=batch, actor=actor, organization_id=batch.fulfillment.hospital_id)
        waiting = batch.files.filter(status=SourceFileStatus.RECEIVED).order_by()[:_BELLS].count()
        for _ in range(waiting):
            enqueue(RING)


def set_urgent(*, batch: Batch, urgent: bool, actor: User) -> None:
    """Let a batch's files go before all others, or no more. For reviewers; raises ``CannotDo``."""
    if not actor.is_reviewer:
        raise CannotDo("Only a reviewer may do this.", remedy="Ask the reviewers.", code="not_a_reviewer")
    if Batch.objects.filter(pk=batch.pk, urgent=not urgent).update(urgent=urgent):
        verb = "batch.made_urgent" if urgent else "batch.urgent_no_more"
        record(verb=verb, target=batch, actor=actor, organization_id=batch.fulfillment.hospital_id)
