"""A hospital says that a picture stood right as it came: the correction or refusal is taken back, and a reviewer looks."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from fulfillment.models import Image, SourceFile, SourceFileStatus
from fulfillment.services.batches import AFRESH, RING, begin_again
from fulfillment.uploads.rights import require_may_add_files
from getdata.accounts.models import User
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue
from getdata.common.states import transition

#: Refusals that rest on the portal's own look at the picture.
SEEN: Final = ("POLARITY_INVERTED", "ROTATED")


def can_insist(file: SourceFile, image: Image | None) -> bool:
    """Whether there is a correction or a refusal to take back, and the original is still here."""
    if file.as_it_came or not (file.stored or file.staged):
        return False
    set_right = file.status == SourceFileStatus.PASSED and image is not None and bool(image.corrections)
    return set_right or (file.status == SourceFileStatus.REJECTED and file.reason in SEEN)


def keep_as_it_came(*, file: SourceFile, actor: User) -> SourceFile:
    """Process a file again and set nothing right; how the picture stands is then a question for the reviewer.

    Its labels and reports find it again. Raises ``CannotDo``.
    """
    batch = file.batch
    require_may_add_files(actor, batch)
    if not can_insist(file, Image.objects.filter(source=file).first()):
        raise CannotDo(
            f"Nothing of file {file.number} was set right or refused for how it stands, or its original is gone.",
            remedy="If the picture is wrong, withdraw the file and send it again.",
            code="nothing_to_take_back",
        )
    changes = {**AFRESH, "as_it_came": True}
    with transaction.atomic():
        source = file.status
        if source == SourceFileStatus.PASSED:  # a file leaves the passed ones by way of the withheld ones
            source = SourceFileStatus.QUARANTINED
            transition(
                SourceFile,
                file.pk,
                SourceFileStatus.PASSED,
                source,
                actor=actor,
                changes={"reason": "KEPT_AS_IT_CAME"},
                data={"number": file.number},
            )
        moved = transition(
            SourceFile,
            file.pk,
            source,
            SourceFileStatus.RECEIVED,
            actor=actor,
            changes=changes,
            data={"number": file.number, "as_it_came": True},
        )
        begin_again(batch)
        enqueue(RING)
    return moved
