"""The in-app inbox, the e-mail outbox, what people chose, and what was reminded of. None carries identity: they say where to look."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from getdata.common.models import Entity
from getdata.notifications.matrix import EVENTS, Channel, Group


class Notification(Entity):
    """One line in one person's inbox."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    event = models.CharField(max_length=60)
    group = models.CharField(max_length=20, choices=Group.choices, blank=True)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    digest = models.BooleanField(default=False, help_text="to be told in the daily digest unless it is read before")
    digested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "read_at"]),
            models.Index(
                fields=["created_at"],
                condition=Q(digest=True, digested_at=None),
                name="notification_digest_waits",
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def subject(self) -> str:
        """What the line is about, in a few words."""
        event = EVENTS.get(self.event)
        return event.subject if event else ""


class OutboxMail(Entity):
    """An e-mail to be sent: written with the event, sent later by a worker, tried again when it fails."""

    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    unsubscribe = models.CharField(
        max_length=400, blank=True, help_text="address of the List-Unsubscribe header; empty for what must come"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(
        default=timezone.now, help_text="a sender's hold, or the pause before the next try"
    )
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.subject


class Preference(Entity):
    """The channel a person chose for a group of events; without a row each event keeps its own."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    group = models.CharField(max_length=20, choices=Group.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)

    class Meta:
        ordering = ["group"]
        constraints = [
            models.UniqueConstraint(fields=["user", "group"], name="one_channel_a_person_and_group"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="preference_channel_known"),
        ]

    def __str__(self) -> str:
        return f"{self.group}: {self.channel}"


class ReminderSent(Entity):
    """That somebody was reminded: once at half of the time, once at its end."""

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120, help_text="what waits, and since when")
    percent = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["kind", "key", "percent"], name="one_reminder_a_mark")]

    def __str__(self) -> str:
        return f"{self.kind} at {self.percent} %"
