"""The in-app inbox and the e-mail outbox. Neither ever carries identity: they say where to look."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from getdata.common.models import Entity


class Notification(Entity):
    """One line in one person's inbox."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    event = models.CharField(max_length=60)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "read_at"])]

    def __str__(self) -> str:
        return self.text


class OutboxMail(Entity):
    """An e-mail to be sent: written with the event, sent later by a worker, tried again when it fails."""

    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(
        default=timezone.now, help_text="a sender's hold, or the pause before the next try"
    )
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.subject
