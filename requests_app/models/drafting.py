"""Writing together: what a draft knows of its last save, who writes along, and the draft of an amendment."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from getdata.accounts.models import Organization, User
from getdata.common.models import Entity
from getdata.common.states import status_constraint


class Drafted(models.Model):
    """Something that several people edit: every save makes the next revision."""

    revision = models.PositiveIntegerField(default=0)
    edited_at = models.DateTimeField(null=True, blank=True)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        abstract = True


class Coauthor(Entity):
    """A colleague of the asking organization who writes one request along, whatever their role there."""

    class Part(models.TextChoices):
        EDITOR = "editor", "Editor"
        VIEWER = "viewer", "Viewer"

    request = models.ForeignKey("requests_app.DatasetRequest", on_delete=models.CASCADE, related_name="coauthors")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="coauthorships")
    part = models.CharField(max_length=10, choices=Part.choices)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["request", "user"], name="one_part_a_coauthor"),
            models.CheckConstraint(condition=Q(part__in=["editor", "viewer"]), name="coauthor_part_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_part_display()}"


class AmendmentStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Submitted"
    OPEN = "open", "Open"
    DISCARDED = "discarded", "Discarded"


#: An amendment that is still being written or checked; a request has one at most.
LIVE_AMENDMENT = (AmendmentStatus.DRAFT, AmendmentStatus.SUBMITTED)


class AmendmentQuerySet(models.QuerySet["Amendment"]):
    def visible_to(self, user: User | AnonymousUser) -> AmendmentQuerySet:
        """Members of the organization that asks, and staff. An amendment becomes public as the version it opens."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        return self.filter(request__organization__in=Organization.objects.filter(memberships__user=user))


class Amendment(Drafted, Entity):
    """The next version of an open request while it is written. It names the version that it was made from."""

    Status = AmendmentStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "draft": {"submitted", "open", "discarded"},
        "submitted": {"open", "draft", "discarded"},  # back to draft: staff return it with a note
        "open": set(),
        "discarded": set(),
    }

    request = models.ForeignKey("requests_app.DatasetRequest", on_delete=models.PROTECT, related_name="amendments")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    base_number = models.PositiveIntegerField(help_text="the version it was made from")
    document = models.JSONField()
    status = models.CharField(max_length=10, choices=AmendmentStatus.choices, default=AmendmentStatus.DRAFT)
    status_note = models.TextField(blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    objects = AmendmentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            status_constraint("amendment", AmendmentStatus),
            models.UniqueConstraint(
                fields=["request"], condition=Q(status__in=["draft", "submitted"]), name="one_live_amendment"
            ),
        ]

    def __str__(self) -> str:
        return f"amendment of {self.request}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.request.organization_id)
