"""Taking back what was delivered: what was withdrawn, whose copies must go by when, and each holder's word that they are gone."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from fulfillment.models.imaging import Image, Patient, Study
from fulfillment.models.outcome import Release, ReleaseStatus
from getdata.accounts.models import Organization, User
from getdata.common.models import Entity, Immutable
from getdata.common.states import status_constraint
from requests_app.models import DatasetRequest

#: Releases that others than staff see.
_SEEN = (ReleaseStatus.PUBLISHED, ReleaseStatus.WITHDRAWN)
#: What the agreements give a holder (clause "Withdrawal of a patient").
TIME_TO_DESTROY = timedelta(days=30)


class WithdrawalStatus(models.TextChoices):
    OPEN = "open", "Holders destroy their copies"
    COMPLETE = "complete", "Every holder attested"


class WithdrawalQuerySet(models.QuerySet["Withdrawal"]):
    def visible_to(self, user: User | AnonymousUser) -> WithdrawalQuerySet:
        """Staff, the hospital whose patient it is or whose images were in the recalled release, and every holder of copies."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        return self.filter(
            Q(hospital__in=mine)
            | Q(pk__in=DestructionDuty.objects.filter(organization__in=mine).values("withdrawal"))
            | Q(request__organization__in=mine, release__isnull=False)
            | Q(request__organization__in=mine, images__image__release_items__release__status__in=_SEEN)
            | Q(release__items__image__source__batch__fulfillment__hospital__in=mine)
        ).distinct()


class Withdrawal(Entity):
    """A patient's pseudonym or a study taken back by its hospital, or a release recalled by staff. It cannot be undone."""

    class Kind(models.TextChoices):
        PATIENT = "patient", "Patient"
        STUDY = "study", "Study"
        RELEASE = "release", "Whole release"

    class Reason(models.TextChoices):
        CONSENT = "consent", "The patient withdrew consent or objected"
        IDENTITY = "identity", "Something in the data looks like identity"
        MISTAKE = "mistake", "It was sent by mistake"
        LAW = "law", "A law, court or authority asks for it"
        RECALL = "recall", "The release was recalled"

    Status = WithdrawalStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {"open": {"complete"}, "complete": set()}

    kind = models.CharField(max_length=8, choices=Kind.choices)
    hospital = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(DatasetRequest, on_delete=models.PROTECT, related_name="withdrawals")
    patient = models.ForeignKey(Patient, null=True, on_delete=models.PROTECT, related_name="withdrawals")
    study = models.ForeignKey(Study, null=True, on_delete=models.PROTECT, related_name="withdrawals")
    release = models.ForeignKey(Release, null=True, on_delete=models.PROTECT, related_name="recalls")
    reason = models.CharField(max_length=8, choices=Reason.choices)
    note = models.TextField(max_length=1000, blank=True, help_text="for the people who hold copies; no patient data")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=WithdrawalStatus.choices, default=WithdrawalStatus.OPEN)
    due_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="when the portal's own copies of the images were erased"
    )

    objects = WithdrawalQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            status_constraint("withdrawal", WithdrawalStatus),
            models.UniqueConstraint(fields=["patient"], name="a_patient_is_withdrawn_once"),
            models.UniqueConstraint(fields=["study"], name="a_study_is_withdrawn_once"),
            models.UniqueConstraint(fields=["release"], name="a_release_is_recalled_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} withdrawn"

    @property
    def audit_organization_id(self) -> str:
        return str(self.hospital_id or self.request.organization_id)

    @property
    def what(self) -> str:
        """The pseudonym, the replaced StudyInstanceUID, or the release."""
        if self.patient is not None:
            return f"Patient {self.patient.pseudonym}"
        if self.study is not None:
            return f"Study {self.study.study_instance_uid}"
        return f"Release {self.release.number}" if self.release is not None else "–"

    @property
    def is_overdue(self) -> bool:
        return self.status == WithdrawalStatus.OPEN and self.due_at < timezone.now()

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("withdrawal_detail", args=[self.pk])


class WithdrawnImage(Immutable):
    """An image that a withdrawal took back."""

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="images")
    image = models.OneToOneField(Image, on_delete=models.PROTECT, related_name="taken_back")

    def __str__(self) -> str:
        return f"image {self.image_id}"


class DutyStatus(models.TextChoices):
    OPEN = "open", "Copies to be destroyed"
    ATTESTED = "attested", "Destruction attested"


class DestructionDuty(Entity):
    """One holder's duty to destroy its copies of what was withdrawn, until a day."""

    Status = DutyStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {"open": {"attested"}, "attested": set()}

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="duties")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=DutyStatus.choices, default=DutyStatus.OPEN)
    due_at = models.DateTimeField()
    attested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due_at"]
        constraints: ClassVar = [
            status_constraint("destructionduty", DutyStatus),
            models.UniqueConstraint(fields=["withdrawal", "organization"], name="one_duty_a_holder"),
        ]

    def __str__(self) -> str:
        return f"duty of {self.organization}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.organization_id)

    @property
    def is_overdue(self) -> bool:
        return self.status == DutyStatus.OPEN and self.due_at < timezone.now()


class DestructionAttestation(Immutable):
    """A holder's word, by name and after proving who one is, that its copies are gone; ``text`` is the signed file."""

    class Method(models.TextChoices):
        PASSWORD = "password", "password"
        TOTP = "totp", "one-time code"

    duty = models.OneToOneField(DestructionDuty, on_delete=models.PROTECT, related_name="attestation")
    attested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=200)
    statement = models.TextField()
    statement_sha256 = models.CharField(max_length=64)
    method = models.CharField(max_length=10, choices=Method.choices)
    text = models.TextField(help_text="the JSON file as it was issued: a single other byte makes it invalid")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(method__in=["password", "totp"]), name="destruction_method_known")
        ]

    def __str__(self) -> str:
        return f"attestation of {self.printed_name}"
