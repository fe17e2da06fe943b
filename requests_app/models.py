"""What is wanted: requests and their frozen specifications, offers, agreements and their signatures."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from getdata.accounts.models import Organization, User
from getdata.common.models import Entity, Immutable
from getdata.common.states import status_constraint


class Category(models.TextChoices):
    CXR = "cxr", "Chest X-ray"
    CT = "ct", "Cross-sectional (CT)"
    CARDIAC = "cardiac", "Cardiac imaging"


class RequestStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Submitted"
    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"
    CANCELLED = "cancelled", "Cancelled"


PUBLIC_STATUSES = (RequestStatus.OPEN, RequestStatus.CLOSED)


class DatasetRequestQuerySet(models.QuerySet["DatasetRequest"]):
    def public(self) -> DatasetRequestQuerySet:
        """What anyone may browse."""
        return self.filter(status__in=PUBLIC_STATUSES)

    def visible_to(self, user: User | AnonymousUser) -> DatasetRequestQuerySet:
        """Public requests for everyone; the rest for members of the organization that wrote them, and for staff."""
        if not isinstance(user, User):
            return self.public()
        if user.is_reviewer:
            return self
        return self.filter(
            Q(status__in=PUBLIC_STATUSES) | Q(organization__in=Organization.objects.filter(memberships__user=user))
        )


class DatasetRequest(Entity):
    """A request for data. ``draft`` is edited freely; opening freezes it as SpecVersion 1, an amendment as the next."""

    Status = RequestStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "draft": {"submitted", "cancelled"},
        "submitted": {"open", "draft", "cancelled"},  # back to draft: staff return it with a note
        "open": {"closed", "cancelled"},
        "closed": set(),
        "cancelled": set(),
    }

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="requests")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    slug = models.SlugField(max_length=120, unique=True)
    title = models.CharField(max_length=200)
    category = models.CharField(max_length=10, choices=Category.choices, default=Category.CXR)
    draft = models.JSONField(default=dict, help_text="the DatasetSpec document being written; may still be incomplete")
    status = models.CharField(max_length=12, choices=RequestStatus.choices, default=RequestStatus.DRAFT)
    status_note = models.TextField(blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    # Derived from the open specification when it is frozen, for lists, facets and search.
    deadline = models.DateField(null=True, blank=True)
    minimum_images = models.PositiveIntegerField(default=0)
    report_linkage = models.CharField(max_length=10, blank=True)
    search_text = models.TextField(blank=True)

    objects = DatasetRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-created_at"]
        constraints: ClassVar = [
            status_constraint("datasetrequest", RequestStatus),
            models.CheckConstraint(condition=Q(category__in=Category.values), name="datasetrequest_category_known"),
        ]
        indexes = [models.Index(fields=["status", "category"])]

    def __str__(self) -> str:
        return self.title

    @property
    def audit_organization_id(self) -> str:
        return str(self.organization_id)

    @property
    def current_version(self) -> SpecVersion | None:
        return self.versions.order_by("-number").first()

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("request_detail", args=[self.slug])


class RequestFacet(models.Model):
    """One value by which an open request is found: ``projection=PA``, ``finding=Pneumothorax``, ``annotation=box``."""

    class Kind(models.TextChoices):
        PROJECTION = "projection", "Projection"
        FINDING = "finding", "Finding"
        ANNOTATION = "annotation", "Annotation"

    request = models.ForeignKey(DatasetRequest, on_delete=models.CASCADE, related_name="facets")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    value = models.CharField(max_length=120)

    class Meta:
        ordering = ["kind", "value"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["request", "kind", "value"], name="one_facet_value_a_request")
        ]

    def __str__(self) -> str:
        return f"{self.kind}={self.value}"


class SpecVersion(Immutable):
    """A frozen specification. Batches stay pinned to the version they were made for."""

    request = models.ForeignKey(DatasetRequest, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["request", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["request", "number"], name="one_number_a_version")]

    def __str__(self) -> str:
        return f"{self.request} v{self.number}"


class OfferStatus(models.TextChoices):
    SUBMITTED = "submitted", "Submitted"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"


class OfferQuerySet(models.QuerySet["Offer"]):
    def visible_to(self, user: User | AnonymousUser) -> OfferQuerySet:
        """Members of the hospital that offers and of the organization that asked, and staff."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        return self.filter(Q(hospital__in=mine) | Q(request__organization__in=mine))


class Offer(Entity):
    """A hospital's offer to fill part of a request, counted by quota line."""

    Status = OfferStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "submitted": {"accepted", "declined", "withdrawn", "expired"},
        "accepted": set(),
        "declined": set(),
        "withdrawn": set(),
        "expired": set(),
    }

    request = models.ForeignKey(DatasetRequest, on_delete=models.PROTECT, related_name="offers")
    spec_version = models.ForeignKey(SpecVersion, on_delete=models.PROTECT, related_name="+")
    hospital = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="offers")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    images = models.PositiveIntegerField("images offered")
    patients = models.PositiveIntegerField("patients offered", default=0)
    cells = models.JSONField(default=dict, help_text="check_id of a quota line -> images offered")
    message = models.TextField(blank=True, max_length=4000)
    deliver_by = models.DateField(null=True, blank=True)
    expires_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=OfferStatus.choices, default=OfferStatus.SUBMITTED)
    status_note = models.TextField(blank=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            status_constraint("offer", OfferStatus),
            models.UniqueConstraint(
                fields=["request", "hospital"],
                condition=Q(status__in=["submitted", "accepted"]),
                name="one_live_offer_a_hospital",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hospital}: {self.images} images"

    @property
    def audit_organization_id(self) -> str:
        return str(self.hospital_id)

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("offer_detail", args=[self.pk])


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def visible_to(self, user: User | AnonymousUser) -> AgreementQuerySet:
        """The same people as the offer's."""
        return self.filter(offer__in=Offer.objects.visible_to(user))


class Agreement(Immutable):
    """The text both parties sign, assembled from the frozen specification; it never changes once drawn up."""

    offer = models.OneToOneField(Offer, on_delete=models.PROTECT, related_name="agreement")
    text = models.TextField()
    text_sha256 = models.CharField(max_length=64)
    legal_class = models.CharField(max_length=40)
    drawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = AgreementQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"agreement on {self.offer}"

    @property
    def parties(self) -> tuple[Organization, Organization]:
        """The organization that asked, and the hospital."""
        return self.offer.request.organization, self.offer.hospital

    @property
    def is_complete(self) -> bool:
        """Asked afresh each time: prefetched signatures are those from before the last one."""
        return Signature.objects.filter(agreement=self).count() == 2

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("agreement_detail", args=[self.pk])


class Signature(Immutable):
    """One party's signature: name, time and meaning, over the text's hash (21 CFR 11.50)."""

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="signatures")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=200)
    meaning = models.CharField(max_length=200)
    text_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agreement", "organization"], name="one_signature_a_party")
        ]

    def __str__(self) -> str:
        return f"{self.printed_name} for {self.organization}"


class Question(Entity):
    """A question on an open request and its answer, visible to everyone who may see the request."""

    request = models.ForeignKey(DatasetRequest, on_delete=models.CASCADE, related_name="questions")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=2000)
    answer = models.TextField(blank=True, max_length=4000)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"question on {self.request}"
