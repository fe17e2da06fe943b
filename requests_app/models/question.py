"""Questions on a request and their answers."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from getdata.common.models import Entity
from requests_app.models.request import DatasetRequest


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
