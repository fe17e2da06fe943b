"""From a signed agreement to the files a hospital sent: fulfillments, batches, uploads and the ledger of source files."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from fulfillment.models.freezing import frozen_now
from getdata.accounts.models import Organization, OrganizationStatus, User
from getdata.common.models import Entity
from getdata.common.states import status_constraint
from requests_app.models import DatasetRequest, Offer, SpecVersion


class FulfillmentStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    COMPLETED = "completed", "Completed"
    TERMINATED = "terminated", "Terminated"


class FulfillmentQuerySet(models.QuerySet["Fulfillment"]):
    def visible_to(self, user: User | AnonymousUser) -> FulfillmentQuerySet:
        """Members of the hospital and of the organization that asked, and staff."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        return self.filter(Q(hospital__in=mine) | Q(request__organization__in=mine))


class Fulfillment(Entity):
    """One hospital delivering to one request under one signed agreement."""

    Status = FulfillmentStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "active": {"completed", "terminated"},
        "completed": set(),
        "terminated": set(),
    }

    offer = models.OneToOneField(Offer, on_delete=models.PROTECT, related_name="fulfillment")
    request = models.ForeignKey(DatasetRequest, on_delete=models.PROTECT, related_name="fulfillments")
    hospital = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="fulfillments")
    status = models.CharField(max_length=12, choices=FulfillmentStatus.choices, default=FulfillmentStatus.ACTIVE)
    status_note = models.TextField(blank=True, max_length=2000, help_text="why it was ended before it was complete")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = FulfillmentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [status_constraint("fulfillment", FulfillmentStatus)]

    def __str__(self) -> str:
        return f"{self.hospital} → {self.request}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.hospital_id)


class PseudonymKey(Entity):
    """The secret behind pseudonyms, UIDs and date shifts: one for each (hospital, request), so buyers cannot join copies.

    ``sealed_secret`` is empty once the key is destroyed; nobody can then link new material to what was released.
    """

    hospital = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(DatasetRequest, on_delete=models.PROTECT, related_name="+")
    sealed_secret = models.BinaryField()
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hospital", "request"], name="one_key_a_hospital_and_request")
        ]

    def __str__(self) -> str:
        return f"key {self.pk}"


class BatchStatus(models.TextChoices):
    OPEN = "open", "Open"
    SEALED = "sealed", "Sealed"
    IN_REVIEW = "in_review", "In review"
    ACCEPTED = "accepted", "Accepted"
    RETURNED = "returned", "Returned"
    REJECTED = "rejected", "Rejected"


#: A hospital may add and withdraw files in these states.
WRITABLE_BATCH = (BatchStatus.OPEN, BatchStatus.RETURNED)


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, user: User | AnonymousUser) -> BatchQuerySet:
        """Hospital members and staff always; the organization that asked, once the batch is sealed.

        A batch that was returned takes files again, which nobody has looked at: it is the hospital's until sealed anew.
        """
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        return self.filter(
            Q(fulfillment__hospital__in=mine)
            | (Q(fulfillment__request__organization__in=mine) & ~Q(status__in=WRITABLE_BATCH))
        )

    def pictured_for(self, user: User | AnonymousUser) -> BatchQuerySet:
        """Batches whose pictures, and what was measured on them, this person may look at: staff and the hospital always; the
        organization that asked, while it is verified, once a reviewer has accepted the batch: the reviewer may be the one who
        finds a name burned in. What an incident stops only staff look at, and the hospital whose it is, unless it is the
        hospital that is stopped."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        frozen = frozen_now()
        asking = mine.filter(status=OrganizationStatus.VERIFIED)
        return self.filter(
            Q(fulfillment__hospital__in=mine.exclude(pk__in=frozen.organizations))
            | (Q(status=BatchStatus.ACCEPTED, fulfillment__request__organization__in=asking) & ~frozen.for_askers())
        )


class Batch(Entity):
    """A delivery under way, pinned to the specification it was begun under."""

    Status = BatchStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "open": {"sealed"},
        "sealed": {"in_review"},
        "in_review": {
            "accepted",
            "returned",
            "rejected",
            "sealed",
        },  # sealed again: the reviewer gives it back to the queue
        "returned": {"sealed"},
        "accepted": set(),
        "rejected": set(),
    }

    fulfillment = models.ForeignKey(Fulfillment, on_delete=models.PROTECT, related_name="batches")
    spec_version = models.ForeignKey(SpecVersion, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120, help_text="for people; no patient data")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=12, choices=BatchStatus.choices, default=BatchStatus.OPEN)
    sealed_at = models.DateTimeField(null=True, blank=True)
    sealed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    review_due_at = models.DateTimeField(null=True, blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    findings = models.JSONField(
        default=list, help_text="verdict of the whole batch against the specification, at sealing"
    )
    paused_at = models.DateTimeField(
        null=True, blank=True, help_text="since when workers take none of its files: the hospital stopped them"
    )
    urgent = models.BooleanField(default=False, help_text="a reviewer let its files go before all others")
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="when the last of its files was settled and the hospital was told"
    )
    at_sealing = models.JSONField(default=dict, blank=True, help_text="counts at sealing, which the queue weighs")

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "batches"
        constraints: ClassVar = [
            status_constraint("batch", BatchStatus),
            models.UniqueConstraint(fields=["fulfillment", "number"], name="one_number_a_batch"),
        ]

    def __str__(self) -> str:
        return f"Batch {self.number}: {self.name}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.fulfillment.hospital_id)

    @property
    def is_writable(self) -> bool:
        return self.status in WRITABLE_BATCH

    @property
    def takes_pictures(self) -> bool:
        """Whether the specification that the batch is pinned to takes PNG and JPEG with a table."""
        delivery = self.spec_version.document.get("delivery")
        return isinstance(delivery, dict) and delivery.get("pictures") is True


class UploadStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    COMPLETE = "complete", "Complete"
    TERMINATED = "terminated", "Terminated"


class Upload(Entity):
    """One file on its way in (tus 1.0). Its bytes are staged on local disk under its key until the ledger takes them over."""

    Status = UploadStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "active": {"complete", "terminated"},
        "complete": set(),
        "terminated": set(),
    }

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="uploads")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    sealed_name = models.BinaryField(help_text="relative path, sealed for the hospital: file names hold identity")
    sealed_metadata = models.BinaryField(
        default=bytes, help_text="Upload-Metadata as the client wrote it, sealed: it is told again as it came"
    )
    fingerprint = models.CharField(
        max_length=64,
        default="",
        blank=True,
        db_index=True,
        help_text="keyed fingerprint of path, length and time of change: finds the upload again after a reload",
    )
    file = models.ForeignKey(
        "SourceFile",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="uploads",
        help_text="what it became",
    )
    length = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    status = models.CharField(max_length=10, choices=UploadStatus.choices, default=UploadStatus.ACTIVE)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at"]
        constraints: ClassVar = [
            status_constraint("upload", UploadStatus),
            models.CheckConstraint(condition=Q(offset__lte=models.F("length")), name="upload_offset_within_length"),
        ]

    def __str__(self) -> str:
        return f"upload {self.pk}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.batch.fulfillment.hospital_id)


class SourceKind(models.TextChoices):
    INSTANCE = "instance", "DICOM instance"
    ARCHIVE = "archive", "Archive"
    LABELS = "labels", "Label table"
    REPORTS = "reports", "Reports"
    PICTURES = "pictures", "Table of pictures"
    ASIDE = "aside", "Not an image"


#: Tables pass without being images.
TABLES = (SourceKind.LABELS, SourceKind.REPORTS, SourceKind.PICTURES)
#: What passed and is no part of a delivery: its members are, or nothing is.
UNCOUNTED = (SourceKind.ARCHIVE, SourceKind.ASIDE)


class SourceFileStatus(models.TextChoices):
    RECEIVED = "received", "Received"
    PROCESSING = "processing", "Processing"
    PASSED = "passed", "Passed"
    REJECTED = "rejected", "Rejected"
    QUARANTINED = "quarantined", "Quarantined"
    FAILED = "failed", "Failed"
    WITHDRAWN = "withdrawn", "Withdrawn"


SETTLED = (
    SourceFileStatus.PASSED,
    SourceFileStatus.REJECTED,
    SourceFileStatus.QUARANTINED,
    SourceFileStatus.FAILED,
    SourceFileStatus.WITHDRAWN,
)


class SourceFileQuerySet(models.QuerySet["SourceFile"]):
    def visible_to(self, user: User | AnonymousUser) -> SourceFileQuerySet:
        """Whoever may see the batch may see that a file exists and its reason; its name only the hospital may read."""
        return self.filter(batch__in=Batch.objects.visible_to(user))

    def in_progress(self) -> SourceFileQuerySet:
        return self.filter(status__in=[SourceFileStatus.RECEIVED, SourceFileStatus.PROCESSING])


class SourceFile(Entity):
    """One file a hospital sent, and where its work stands: this table is the truth of the queue.

    A worker owns the file while ``lease_until`` is in the future and ``lease_token`` is its own. A lease that ran out is handed
    out again by the sweeper; after ``MAX_ATTEMPTS`` the file is failed with a reason.
    """

    Status = SourceFileStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "received": {"processing", "withdrawn"},
        "processing": {"passed", "rejected", "quarantined", "failed", "received"},
        "passed": {"withdrawn", "quarantined"},  # quarantined: a reviewer returned it with a note
        "rejected": {"received", "withdrawn"},
        "quarantined": {"received", "withdrawn"},
        "failed": {"received", "withdrawn"},
        "withdrawn": set(),
    }

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="files")
    kind = models.CharField(max_length=10, choices=SourceKind.choices, default=SourceKind.INSTANCE)
    number = models.PositiveIntegerField(
        help_text="the file's number in its batch, for people who may not see its name"
    )
    sealed_name = models.BinaryField()
    name_digest = models.CharField(max_length=64, help_text="keyed fingerprint of the relative path")
    stem_digest = models.CharField(
        max_length=64,
        blank=True,
        db_index=True,
        help_text="keyed fingerprint of the file's name without folders and ending: labels may name no more",
    )
    content_digest = models.CharField(
        max_length=64, help_text="keyed fingerprint of the bytes: a plain hash would match originals"
    )
    size = models.PositiveBigIntegerField()
    staged = models.CharField(
        max_length=200, blank=True, help_text="file in the staging folder until it is in quarantine"
    )
    stored = models.CharField(max_length=200, blank=True, help_text="key in the quarantine storage")
    destroyed_at = models.DateTimeField(
        null=True, blank=True, help_text="when its original was destroyed; what became of it stays"
    )
    replaced_by = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="replaces",
        help_text="the file that came later under the same name and took its place",
    )
    twin = models.ForeignKey(
        "fulfillment.Image",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="the image that was kept where this file is a duplicate: labels that name this file belong to it",
    )
    twin_uid = models.CharField(max_length=64, blank=True, help_text="the replaced SOPInstanceUID of this duplicate")
    as_it_came = models.BooleanField(
        default=False, help_text="the hospital says that the picture stood right: the portal sets nothing right"
    )
    archive = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="members")
    status = models.CharField(max_length=12, choices=SourceFileStatus.choices, default=SourceFileStatus.RECEIVED)
    reason = models.CharField(max_length=60, blank=True)
    findings = models.JSONField(default=list, help_text="findings as plain documents: code, severity, cause, remedy")
    attempts = models.PositiveSmallIntegerField(default=0)
    outages = models.PositiveSmallIntegerField(
        default=0, help_text="times it went back to the queue because a store could not be reached; no attempts"
    )
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="end of a worker's lease; while the file waits: not before (database's clock)"
    )
    lease_token = models.UUIDField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(default=0, help_text="processing time of the last attempt")

    objects = SourceFileQuerySet.as_manager()

    class Meta:
        ordering = ["batch", "number"]
        constraints: ClassVar = [
            status_constraint("sourcefile", SourceFileStatus),
            models.UniqueConstraint(fields=["batch", "number"], name="one_number_a_file"),
            models.UniqueConstraint(
                fields=["batch", "name_digest", "content_digest"],
                condition=~Q(status="withdrawn"),
                name="a_file_is_taken_in_once",
            ),
        ]
        indexes = [models.Index(fields=["status", "lease_until"]), models.Index(fields=["batch", "status"])]

    def __str__(self) -> str:
        return f"file {self.number}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.batch.fulfillment.hospital_id)
