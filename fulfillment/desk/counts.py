"""Counting a batch once, when it is sealed: nothing in it changes while it waits, and the queue must not count images."""

from __future__ import annotations

from deid.proof.certificate import SECOND_LOOK_REASONS
from fulfillment.models import Batch, Image, SourceFileStatus

_WITHHELD = (SourceFileStatus.REJECTED, SourceFileStatus.QUARANTINED, SourceFileStatus.FAILED)


def count_at_sealing(batch: Batch) -> dict[str, int]:
    """``images`` passed, ``doubtful`` of them ask for a look and ``masked`` carry a mask; ``second_look`` of the withheld files were
    stopped by the second look."""
    images = Image.objects.live().filter(source__batch=batch)
    withheld = batch.files.filter(status__in=_WITHHELD)
    return {
        "images": images.count(),
        "withheld": withheld.count(),
        "doubtful": images.exclude(review_reasons=[]).count(),
        "masked": images.exclude(masks=[]).count(),
        "second_look": withheld.filter(reason__in=SECOND_LOOK_REASONS).count(),
    }
