"""The summary of a review, written from what was measured and looked at: a beginning that the reviewer edits.

It goes to the hospital: nothing in it speaks of another hospital, of a patient, or of what a note says.
"""

from __future__ import annotations

from fulfillment.models import Batch, BatchStatus
from fulfillment.selectors import WITHHELD
from fulfillment.services.certificates import current_certificate
from fulfillment.services.inspections import current_inspection, progress_of
from fulfillment.services.reviews import pending_notes
from getdata.accounts.models import User


def summary_sentences(batch: Batch, reviewer: User) -> dict[str, str]:
    """Decision -> the text that would go with it, for a batch as it stands under this reviewer."""
    images = batch.files.filter(status="passed", image__isnull=False).count()
    notes = pending_notes(batch).count()
    facts = " ".join(filter(None, (_looked(batch, reviewer), _canaries(batch), _verdict(batch))))
    stands = max(0, images - notes)
    returned = (
        f"{_files(notes)} {'goes' if notes == 1 else 'go'} back to you, each with a note; the other {_images(stands)} "
        f"{'stands' if stands == 1 else 'stand'}. Correct or withdraw only what is named, then seal again."
    )
    return {
        BatchStatus.ACCEPTED.value: f"All {_images(images)} that passed are accepted. {facts}",
        BatchStatus.RETURNED.value: f"{returned} {facts}",
        BatchStatus.REJECTED.value: f"The batch of {_images(images)} is rejected as a whole. {facts}",
    }


def _looked(batch: Batch, reviewer: User) -> str:
    inspection = current_inspection(batch)
    if inspection is None:
        return ""
    progress = progress_of(batch, reviewer)
    return (
        f"Looked at {progress.looked:,} of the {progress.wanted:,} images of the sample ({inspection.certain:,} that ask for a "
        f"look, {inspection.drawn:,} drawn by lot)."
    )


def _canaries(batch: Batch) -> str:
    certificate = current_certificate(batch)
    if certificate is None:
        return "The certificate of de-identification was still being made."
    if not certificate.measured:
        return "Recall of de-identification was not measured."
    removed = certificate.planted - certificate.missed
    return f"{removed:,} of {certificate.planted:,} planted identifiers were removed."


def _verdict(batch: Batch) -> str:
    binding = sum(finding.get("severity") == "must" for finding in batch.findings)
    withheld = batch.files.filter(status__in=WITHHELD).count()
    said = (
        f"{binding:,} binding {'line is' if binding == 1 else 'lines are'} still open in the specification."
        if binding
        else "Every binding line of the specification that concerns a batch is met."
    )
    return f"{said} {_files(withheld)} {'is' if withheld == 1 else 'are'} withheld." if withheld else said


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
