"""Questions on a request, their answers, and the answers that became errata."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from getdata.accounts.models import User
from getdata.common.models import Entity
from requests_app.models.request import DatasetRequest

#: How long whoever wrote a question or an answer may still change its words.
EDIT_WINDOW = timedelta(minutes=15)


class HiddenReason(models.TextChoices):
    IDENTITY = "identity", "It may identify a person"
    OFF_TOPIC = "off_topic", "It has nothing to do with the request"
    ABUSE = "abuse", "It is abusive or advertises something"
    OTHER = "other", "Another reason"


class Hideable(models.Model):
    """Text that staff may hide, with a reason that everybody sees in its place."""

    Reason = HiddenReason

    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    hidden_reason = models.CharField(max_length=12, choices=HiddenReason.choices, blank=True)

    class Meta:
        abstract = True

    @property
    def is_hidden(self) -> bool:
        return self.hidden_at is not None


class QuestionQuerySet(models.QuerySet["Question"]):
    def visible_to(self, user: User | AnonymousUser) -> QuestionQuerySet:
        """Whoever sees the request sees its questions; what is hidden is seen without its words."""
        return self.filter(request__in=DatasetRequest.objects.visible_to(user))

    def errata(self) -> QuestionQuerySet:
        """Answers that clarify the request, in the order they were given."""
        return self.filter(clarifies_version__isnull=False, hidden_at=None).order_by("clarified_at", "pk")


class Question(Hideable, Entity):
    """A question on an open request and its answer, visible to everyone who may see the request."""

    request = models.ForeignKey(DatasetRequest, on_delete=models.CASCADE, related_name="questions")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=2000)
    edited_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, max_length=4000)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_edited_at = models.DateTimeField(null=True, blank=True)
    clarifies_version = models.PositiveIntegerField(
        null=True, blank=True, help_text="an erratum: the version of the specification that the answer clarifies"
    )
    clarified_at = models.DateTimeField(null=True, blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(clarifies_version=None) | Q(answered_at__isnull=False), name="an_erratum_is_answered"
            ),
        ]

    def __str__(self) -> str:
        return f"question on {self.request}"

    @property
    def is_erratum(self) -> bool:
        return self.clarifies_version is not None

    @property
    def question_may_change(self) -> bool:
        """Within its window, and not answered or hidden: an answer stands under the words it was given to."""
        return not self.answered_at and not self.is_hidden and timezone.now() < self.created_at + EDIT_WINDOW

    @property
    def answer_may_change(self) -> bool:
        return bool(self.answered_at) and not self.is_hidden and timezone.now() < self.answered_at + EDIT_WINDOW  # type: ignore[operator]
