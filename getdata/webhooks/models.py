"""Endpoints that organizations registered, their keys, and the ledger of what was sent to them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from getdata.accounts.models import CAPABILITIES, Organization, User
from getdata.common.models import Entity


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def visible_to(self, user: User | AnonymousUser) -> EndpointQuerySet:
        """Owners of the organization alone: an address may hold a secret of theirs."""
        if not isinstance(user, User):
            return self.none()
        return self.filter(
            organization__memberships__user=user, organization__memberships__role__in=CAPABILITIES["manage"]
        ).distinct()

    def live(self) -> EndpointQuerySet:
        """Those that are told of things now."""
        return self.filter(disabled_at=None)


class Endpoint(Entity):
    """An https address of an organization and the topics it is told of."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=500)
    topics = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"webhook of {self.organization}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.organization_id)

    @property
    def is_live(self) -> bool:
        return self.disabled_at is None


class SigningKey(Entity):
    """A secret that signs what an endpoint gets: sealed, shown once. For a while two of them sign side by side."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="keys")
    key_id = models.CharField(max_length=12)
    sealed = models.BinaryField()
    retires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["endpoint", "key_id"], name="one_key_id_an_endpoint")]

    def __str__(self) -> str:
        return self.key_id

    @property
    def is_live(self) -> bool:
        return self.retires_at is None or self.retires_at > timezone.now()


class Delivery(Entity):
    """One event for one endpoint: the body as it is sent each time, and when it is tried next.

    ``next_attempt_at`` is a sender's hold or the pause before the next try; empty once it arrived or was given up.
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    topic = models.CharField(max_length=60)
    event_id = models.UUIDField(help_text="the same for every endpoint and every try: a receiver drops what it knows")
    body = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    delivered_at = models.DateTimeField(null=True, blank=True)
    gave_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["endpoint", "-created_at"], name="webhook_log"),
            models.Index(
                fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="webhook_to_be_tried"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} to {self.endpoint_id}"

    @property
    def state(self) -> str:
        """Derived, for the log: delivered, failed or waiting."""
        return "delivered" if self.delivered_at else "failed" if self.gave_up_at else "waiting"


class Attempt(Entity):
    """One try: what the endpoint answered, or why there was no answer."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=40, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.said

    @property
    def said(self) -> str:
        """The status, or in words why there was none."""
        words = {
            "address_refused": "not on the public internet any more",
            "connect": "no connection",
            "tls": "certificate not valid",
            "timeout": "no answer in time",
            "protocol": "answer not readable",
        }
        return f"status {self.status_code}" if self.status_code else words.get(self.error, self.error)
