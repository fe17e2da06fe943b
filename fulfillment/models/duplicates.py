"""What de-identified images are recognised by, and what reviewers decided about pairs that look like one."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from fulfillment.models.imaging import DuplicateHit, Image
from getdata.common.models import Immutable


class ImageFingerprint(models.Model):
    """Hashes of one de-identified image. The index in memory is made from these rows; ``id`` is the image's key there.

    ``hashes`` is ``fingerprint.as_bytes`` and empty where the picture holds nothing to compare. ``compared_at`` is empty until the
    image has been looked for among all others.
    """

    id = models.BigAutoField(primary_key=True)
    image = models.OneToOneField(Image, on_delete=models.CASCADE, related_name="fingerprint")
    version = models.CharField(max_length=40)
    hashes = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    compared_at = models.DateTimeField(null=True, blank=True, db_index=True)
    looked_up_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="when it was last looked for in the lists of published sets"
    )

    def __str__(self) -> str:
        return f"fingerprint {self.pk}"


class DuplicateDecision(Immutable):
    """A reviewer's decision on a pair. The newest counts."""

    class Decision(models.TextChoices):
        DIFFERENT = "different", "Not a duplicate"
        KEEP_FIRST = "keep_first", "Duplicate: keep the first"
        ASK = "ask", "Ask the hospital"

    hit = models.ForeignKey(DuplicateHit, on_delete=models.CASCADE, related_name="decisions")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=12, choices=Decision.choices)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.get_decision_display()
