"""Incidents: what went wrong, what is stopped because of it, who is concerned, and what was done, line by line."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from fulfillment.models.delivery import Batch
from fulfillment.models.outcome import Release
from getdata.accounts.models import Organization, User
from getdata.common.models import Entity, Immutable
from getdata.common.states import status_constraint

#: An incident's cause is under control in this time; 72 hours are what the GDPR leaves for telling the authority (Art. 33).
CONTAIN_TIME = timedelta(hours=24)
#: And what follows from it is settled in this time after.
SETTLE_TIME = timedelta(days=30)


class IncidentStatus(models.TextChoices):
    OPEN = "open", "Open"
    CONTAINED = "contained", "Contained"
    CLOSED = "closed", "Closed"


class IncidentKind(models.TextChoices):
    IDENTITY = "identity", "Identity of a patient in data that left"
    ACCESS = "access", "Data in the hands of somebody who should not have them"
    ACCOUNT = "account", "An account, a key or a device in wrong hands"
    CONTENT = "content", "Data that are wrong in a way that can harm"
    OTHER = "other", "Something else"


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: User | AnonymousUser) -> IncidentQuerySet:
        """Staff see all; members of an organization see those that concern it."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        return self.filter(pk__in=IncidentParty.objects.filter(organization__in=mine).values("incident"))


class Incident(Entity):
    """Something that went wrong with data that are or were in the portal. What it names is stopped until it is lifted."""

    Status = IncidentStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "open": {"contained"},
        "contained": {"closed"},
        "closed": set(),
    }

    number = models.PositiveIntegerField(unique=True)
    kind = models.CharField(max_length=10, choices=IncidentKind.choices)
    title = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=IncidentStatus.choices, default=IncidentStatus.OPEN)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    contained_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints: ClassVar = [
            status_constraint("incident", IncidentStatus),
            models.CheckConstraint(condition=Q(kind__in=IncidentKind.values), name="incident_kind_known"),
        ]

    def __str__(self) -> str:
        return f"Incident {self.number}"

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("incident_detail", args=[self.pk])


class IncidentScope(Entity):
    """One thing that an incident stops: a release, a batch or an organization; until it is lifted with a reason."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="scopes")
    # Only a draft is ever deleted; its stop goes with it, and the timeline keeps the line.
    release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.CASCADE, related_name="incidents")
    batch = models.ForeignKey(Batch, null=True, blank=True, on_delete=models.PROTECT, related_name="incidents")
    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="incidents"
    )
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    lifted_reason = models.TextField(blank=True, max_length=2000)

    class Meta:
        ordering = ["created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(
                    Q(release__isnull=False, batch=None, organization=None)
                    | Q(release=None, batch__isnull=False, organization=None)
                    | Q(release=None, batch=None, organization__isnull=False)
                ),
                name="a_scope_is_one_thing",
            ),
            *(
                models.UniqueConstraint(
                    fields=["incident", kind],
                    condition=Q(lifted_at=None, **{f"{kind}__isnull": False}),
                    name=f"one_{kind}_a_time_in_an_incident",
                )
                for kind in ("release", "batch", "organization")
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["incident"], condition=Q(lifted_at=None), name="what_is_stopped_now")]

    def __str__(self) -> str:
        return str(self.thing)

    @property
    def thing(self) -> Release | Batch | Organization:
        found = self.release or self.batch or self.organization
        assert found is not None  # by the constraint
        return found

    @property
    def kind(self) -> str:
        """release, batch or organization."""
        return "release" if self.release_id else "batch" if self.batch_id else "organization"


class IncidentParty(Immutable):
    """An organization that an incident concerns: it was told when the row was made, and reads what is shared."""

    class Role(models.TextChoices):
        HOSPITAL = "hospital", "Delivered it"
        HOLDER = "holder", "Holds or asked for it"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="parties")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        ordering = ["role", "organization__name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "organization", "role"], name="a_party_once_an_incident"),
            models.CheckConstraint(condition=Q(role__in=["hospital", "holder"]), name="incident_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.organization} in {self.incident}"


class IncidentEntry(Immutable):
    """One line of the timeline. ``shared`` lines are read by every party; the others by staff alone."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        STOPPED = "stopped", "Stopped"
        NOTE = "note", "Note"
        CONTAINED = "contained", "Contained"
        LIFTED = "lifted", "Lifted"
        CLOSED = "closed", "Closed"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="entries")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.NOTE)
    text = models.TextField(max_length=4000)
    shared = models.BooleanField()

    class Meta:
        ordering = ["created_at", "pk"]
        verbose_name_plural = "incident entries"

    def __str__(self) -> str:
        return f"entry of {self.incident}"
