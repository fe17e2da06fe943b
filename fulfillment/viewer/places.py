"""Which image comes next, which study, and what else the study holds: the neighbours of an image that is looked at."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Min, QuerySet
from django.urls import reverse

from fulfillment.models import Image, SourceFileStatus
from fulfillment.viewer.access import Ground, Look

#: Images of one study that are offered; a radiographic study has a handful.
MAX_STRIP = 24


def scope_of(look: Look) -> QuerySet[Any]:
    """The images one goes through, each with its ``place``: those of the release, or those of the batch by number."""
    seen: QuerySet[Any] = Image.objects.filter(source__status=SourceFileStatus.PASSED).order_by()
    if look.release is None:
        return seen.filter(source__batch=look.image.source.batch_id).annotate(place=F("source__number"))
    if look.ground is Ground.HOSPITAL:  # what others delivered is theirs
        seen = seen.filter(source__batch__fulfillment__hospital=look.image.source.batch.fulfillment.hospital_id)
    return seen.filter(release_items__release=look.release).annotate(place=F("release_items__path"))


def places_of(look: Look) -> dict[str, Any]:
    """Previous and next image, previous and next study, where this one stands, and the images of its study."""
    scope = scope_of(look)
    mine = look.item.path if look.release is not None and look.item is not None else look.image.source.number
    before, after = scope.filter(place__lt=mine), scope.filter(place__gt=mine)
    studies = scope.values("series__study").annotate(first=Min("place"))
    study = scope.filter(series__study=look.image.series.study_id)
    first = study.aggregate(first=Min("place"))["first"]
    sooner = studies.filter(first__lt=first).order_by("-first").values_list("first", flat=True).first()
    later = studies.filter(first__gt=first).order_by("first").values_list("first", flat=True).first()
    return {
        "number": before.count() + 1,
        "of": scope.count(),
        "previous": _address(look, before.order_by("-place").first()),
        "next": _address(look, after.order_by("place").first()),
        "previous_study": _address(look, scope.filter(place=sooner).first() if sooner is not None else None),
        "next_study": _address(look, scope.filter(place=later).first() if later is not None else None),
        "study": [
            {
                "id": str(image.pk),
                "url": view_url(look, image),
                "words": f"File {image.source.number}, {image.view or 'view not stated'}",
                "series": image.series.series_instance_uid == look.image.series.series_instance_uid,
            }
            for image in study.select_related("source", "series").order_by("series__created_at", "place")[:MAX_STRIP]
        ],
    }


def _address(look: Look, image: Image | None) -> str | None:
    return view_url(look, image) if image is not None else None


def view_url(look: Look, image: Image) -> str:
    """The page of an image, as part of the same release."""
    address = reverse("image_viewer", args=[image.pk])
    return f"{address}?release={look.release.pk}" if look.release is not None else address
