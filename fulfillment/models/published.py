"""Lists of fingerprints of published sets, and the images that were found in them. Only staff see any of it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from fulfillment.models.imaging import Image
from getdata.accounts.models import User
from getdata.common.models import Entity, Immutable
from getdata.common.states import status_constraint


class PublishedSetStatus(models.TextChoices):
    READING = "reading", "Being read"
    READY = "ready", "Compared with"
    FAILED = "failed", "Not read"
    RETIRED = "retired", "Retired"


class PublishedSet(Entity):
    """A list of fingerprints that a reviewer loaded: what images of a public set are recognised by.

    ``listed`` is the key of the file in the previews storage until it is read. Entries of a set that is not ready are never
    matched.
    """

    Status = PublishedSetStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "reading": {"ready", "failed"},
        "ready": {"retired"},
        "failed": set(),
        "retired": set(),
    }

    title = models.CharField(max_length=120)
    address = models.URLField(max_length=300, help_text="where the set is published")
    loaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=PublishedSetStatus.choices, default=PublishedSetStatus.READING)
    listed = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, help_text="of the list as it was sent")
    images = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, help_text="why the list was not read, with the remedy")
    ready_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            status_constraint("publishedset", PublishedSetStatus),
            models.UniqueConstraint(
                fields=["sha256"],
                condition=models.Q(status__in=["reading", "ready"]),
                name="a_list_is_loaded_once",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def audit_organization_id(self) -> str:
        return ""


class PublishedImage(models.Model):
    """One image of a published set. ``id`` is its key in the index; ``hashes`` is empty where only exact pixels are known."""

    id = models.BigAutoField(primary_key=True)
    published = models.ForeignKey(PublishedSet, on_delete=models.CASCADE, related_name="entries")
    name = models.CharField(max_length=300, help_text="as the set names it: published, so no secret")
    pixel_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    version = models.CharField(max_length=40)
    hashes = models.BinaryField()

    def __str__(self) -> str:
        return self.name


class PublishedHit(Immutable):
    """An image that is in a published set, as far as hashes say: there is no picture of the set to look at.

    ``distance``: bits of 256 in which the nearest hashes differ. ``agreeing``: how many of the image's hashes are near.
    """

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="published_hits")
    listed = models.ForeignKey(PublishedImage, on_delete=models.CASCADE, related_name="hits")
    kind = models.CharField(max_length=10, choices=[("exact", "Exact"), ("near", "Near")])
    distance = models.PositiveSmallIntegerField(default=0)
    agreeing = models.PositiveSmallIntegerField(default=0)
    version = models.CharField(max_length=60)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["image", "listed"], name="one_hit_a_listed_image")]

    def __str__(self) -> str:
        return f"{self.kind} match"


class PublishedDecision(Immutable):
    """A reviewer's decision on such a match. The newest counts."""

    class Decision(models.TextChoices):
        DIFFERENT = "different", "Not the same"
        SAME = "same", "Published already"

    hit = models.ForeignKey(PublishedHit, on_delete=models.CASCADE, related_name="decisions")
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=12, choices=Decision.choices)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.get_decision_display()
