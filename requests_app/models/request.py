"""A request, the facets it is found by, and its frozen specifications."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from getdata.accounts.models import Organization, User
from getdata.common.models import Entity, Immutable
from getdata.common.states import status_constraint
from requests_app.models.drafting import Drafted


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


class DatasetRequest(Drafted, Entity):
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
    # Derived from the open specification when it is frozen, for lists; the catalogue has a row of its own.
    deadline = models.DateField(null=True, blank=True)
    minimum_images = models.PositiveIntegerField(default=0)
    report_linkage = models.CharField(max_length=10, blank=True)

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
    def is_public(self) -> bool:
        """Whether anyone may see it: the rule of ``public()`` for a row at hand."""
        return self.status in PUBLIC_STATUSES

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
