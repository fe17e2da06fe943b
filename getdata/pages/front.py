"""What the front page shows: real requests and real numbers, or nothing."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.urls import reverse

from fulfillment.models import Image, Release, ReleaseStatus
from getdata.accounts.models import Organization
from requests_app.meter import meter_rows
from requests_app.models import Category, DatasetRequest, RequestStatus
from requests_app.progress import Totals, totals
from requests_app.spec import DatasetSpec, summarise

#: A number is shown only when it is large enough to mean something.
_WORTH_SHOWING = 3
_CANDIDATES = 8
_CHOICE, _CHOICE_SECONDS = "front:featured", 60


def featured() -> dict[str, Any] | None:
    """The open chest X-ray request whose meter has moved most, else the newest; None while there is none."""
    still_open = DatasetRequest.objects.filter(status=RequestStatus.OPEN, category=Category.CXR)
    still_open = still_open.select_related("organization").order_by("-opened_at")
    # Which one it is changes slowly, and everybody sees this page: the choice is kept, its numbers are not.
    chosen = cache.get(_CHOICE)
    best = still_open.filter(pk=chosen).first() if chosen else None
    if best is None:
        candidates = list(still_open[:_CANDIDATES])
        if not candidates:
            return None
        done = totals([request.pk for request in candidates])
        best = max(candidates, key=lambda request: _moved(done.get(request.pk)))
        cache.set(_CHOICE, str(best.pk), _CHOICE_SECONDS)
    rows, version = meter_rows(best), best.current_version
    summary = summarise(DatasetSpec.model_validate(version.document)) if version else []
    return {
        "title": best.title,
        "url": best.get_absolute_url(),
        "organization": best.organization,
        "deadline": best.deadline,
        "meter": next(iter(rows), None),
        "cells": [row for row in rows[1:] if row.needed][:3],
        "summary": summary[:3],
    }


def _moved(done: Totals | None) -> int:
    return done.received + done.accepted if done else 0


def categories() -> list[dict[str, Any]]:
    """The three categories with the number of open requests in each."""
    counts = dict(
        DatasetRequest.objects.filter(status=RequestStatus.OPEN)
        .values_list("category")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return [
        {
            "name": label,
            "slug": value,
            "open_count": counts.get(value, 0),
            "url": reverse("category", args=[value]),
            "related": value != Category.CXR,
        }
        for value, label in Category.choices
    ]


def figures() -> list[dict[str, Any]]:
    """Verified hospitals, open requests, accepted images, releases: each only when it is worth showing."""
    numbers = [
        (
            "verified hospitals",
            Organization.objects.filter(kind=Organization.Kind.HOSPITAL, status=Organization.Status.VERIFIED).count(),
        ),
        ("open requests", DatasetRequest.objects.filter(status=RequestStatus.OPEN).count()),
        ("images accepted", Image.objects.live().filter(source__batch__status="accepted").count()),
        ("releases published", Release.objects.filter(status=ReleaseStatus.PUBLISHED).count()),
    ]
    return [{"label": label, "value": value} for label, value in numbers if value >= _WORTH_SHOWING]
