"""The private thread of an offer: what the hospital and the organization that asked write to each other."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models

from getdata.accounts.models import Organization, User
from getdata.common.models import Entity
from requests_app.models.offer import Offer
from requests_app.models.question import Hideable


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: User | AnonymousUser) -> MessageQuerySet:
        """The same people as the offer's: members of both parties, and staff."""
        return self.filter(offer__in=Offer.objects.visible_to(user))

    def unread_by(self, user: User) -> MessageQuerySet:
        """Written by somebody else since the person last opened the thread."""
        seen = ThreadMark.objects.filter(user=user, offer=models.OuterRef("offer")).values("read_at")[:1]
        found = self.exclude(author=user).annotate(seen_at=models.Subquery(seen))
        return found.filter(models.Q(seen_at=None) | models.Q(created_at__gt=models.F("seen_at")))


class Message(Hideable, Entity):
    """One message. Text only: files go through a delivery, where they are de-identified."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    organization = models.ForeignKey(
        Organization,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the party that the author wrote for; empty for staff",
    )
    text = models.TextField(max_length=4000)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"message on {self.offer}"


class ThreadMark(Entity):
    """Until when a person has read the thread of an offer."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="+")
    read_at = models.DateTimeField()

    class Meta:
        ordering = ["-read_at"]
        constraints = [models.UniqueConstraint(fields=["user", "offer"], name="one_mark_a_reader_and_thread")]

    def __str__(self) -> str:
        return f"{self.user} read {self.offer}"
