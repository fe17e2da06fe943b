"""What the audit of a release found, as it was found: a later version of the audit is another row."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from fulfillment.models.outcome import Release
from getdata.common.models import Immutable


class AuditResult(Immutable):
    """The document of one audit of one release (``fulfillment.audits``). The database refuses every change
    (``fulfillment.write_once``); it goes with a draft that is discarded, and stays once the release is published.

    ``verdict`` is the gravest of the tests': red, amber, underpowered, green.
    """

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="audits")
    version = models.CharField(max_length=20, help_text="of the algorithm")
    verdict = models.CharField(max_length=12)
    document = models.JSONField(
        help_text="figures with n, interval, null and the version of the code; no identifier of a patient"
    )

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["release", "version"], name="one_audit_a_release_and_version"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["red", "amber", "underpowered", "green"]), name="audit_verdict_known"
            ),
        ]

    def __str__(self) -> str:
        return f"audit of {self.release}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.release.request.organization_id)

    @property
    def counts(self) -> dict[str, int]:
        """How many tests got each verdict."""
        found: dict[str, Any] = self.document["verdicts"]
        return {name: int(number) for name, number in found.items()}
