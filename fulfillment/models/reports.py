"""Radiology reports as the portal keeps them: de-identified, joined to their study, never changed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from fulfillment.models.delivery import Batch, BatchStatus, SourceFile, SourceFileStatus
from fulfillment.models.freezing import frozen_now
from fulfillment.models.imaging import Study
from getdata.accounts.models import Organization, OrganizationStatus, User
from getdata.common.models import Immutable


class ReportState(models.TextChoices):
    WAITING = "waiting", "Waits for its images"
    LINKED = "linked", "Linked"
    QUARANTINED = "quarantined", "Quarantined"


class ReportQuerySet(models.QuerySet["Report"]):
    def current(self) -> ReportQuerySet:
        """The last word on each report: rows that no later row supersedes, of files that were neither withdrawn nor returned."""
        return self.filter(superseded_by=None, source__status=SourceFileStatus.PASSED)

    def linked(self) -> ReportQuerySet:
        """Current reports that are cleaned and joined to their study: the only ones that hold text, count and are released."""
        return self.current().filter(state=ReportState.LINKED, study__isnull=False)

    def listed_for(self, user: User | AnonymousUser) -> ReportQuerySet:
        """Reports whose state this person may see: whoever may see the batch."""
        return self.filter(batch__in=Batch.objects.visible_to(user))

    def readable_by(self, user: User | AnonymousUser) -> ReportQuerySet:
        """Reports whose text this person may read, by the rule of ``Image.pictured_for``: staff and the hospital always, the
        organization that asked, while it is verified, once a reviewer has accepted the batch and while no incident stops it."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        frozen = frozen_now()
        return self.filter(
            Q(batch__fulfillment__hospital__in=mine.exclude(pk__in=frozen.organizations))
            | (
                Q(
                    batch__status=BatchStatus.ACCEPTED,
                    batch__fulfillment__request__organization__in=mine.filter(status=OrganizationStatus.VERIFIED),
                )
                & ~frozen.for_askers("batch__")
            )
        )


class Report(Immutable):
    """One report as one reading of it left it. Written once: what is found out later (its study arrives, a corrected
    text) is a new row that ``supersedes`` this one.

    A report is cleaned with the identifiers of its study's own originals. Before these are here it *waits*: ``text`` is
    empty, ``sealed`` names the original in the quarantine storage. A *quarantined* one stays without text too.
    """

    State = ReportState

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="reports")
    study = models.ForeignKey(Study, null=True, blank=True, on_delete=models.PROTECT, related_name="reports")
    source = models.ForeignKey(SourceFile, on_delete=models.CASCADE, related_name="reports")
    row = models.PositiveIntegerField(help_text="line in the table it came from; 1 in a file of its own")
    state = models.CharField(max_length=12, choices=ReportState.choices)
    reason = models.CharField(max_length=60, blank=True, help_text="why it waits or is quarantined")
    findings = models.JSONField(default=list, help_text="findings as plain documents: code, severity, cause, remedy")
    study_instance_uid = models.CharField(
        max_length=64, blank=True, db_index=True, help_text="the replaced UID it names"
    )
    accession = models.CharField(max_length=64, blank=True, db_index=True, help_text="keyed digest of the number")
    name_digest = models.CharField(
        max_length=64, blank=True, db_index=True, help_text="keyed fingerprint of the image's path, without its ending"
    )
    text = models.TextField(blank=True, help_text="de-identified; what went is a placeholder such as [NAME]")
    language = models.CharField(max_length=2, blank=True, help_text="ISO 639-1")
    sections = models.JSONField(default=list, help_text="[name, start, end] in characters of the text, end excluded")
    removed = models.JSONField(default=dict, help_text="how many passages went, by kind")
    engine = models.CharField(max_length=20, blank=True, help_text="version of the text cleaner")
    sealed = models.CharField(max_length=200, blank=True, help_text="key of the sealed original in quarantine")
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="superseded_by"
    )

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["source", "row"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "row"], condition=Q(supersedes=None), name="one_first_report_a_row"
            ),
            models.CheckConstraint(
                condition=Q(state="linked", study__isnull=False) | (~Q(state="linked") & Q(text="")),
                name="only_a_linked_report_has_text",
            ),
        ]

    def __str__(self) -> str:
        return f"report {self.source.number}.{self.row}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.batch.fulfillment.hospital_id)
