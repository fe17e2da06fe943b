"""De-identified images and what is known about them. Rows here are made by the pipeline only."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

from fulfillment.models.delivery import Batch, Fulfillment, SourceFile
from getdata.accounts.models import User
from getdata.common.models import Entity, Immutable

#: One of ``Image.review_reasons`` that is not the engine's: ``SourceFile.as_it_came``.
AS_IT_CAME = "as-it-came"


class Patient(Entity):
    """A pseudonym within one fulfillment."""

    fulfillment = models.ForeignKey(Fulfillment, on_delete=models.PROTECT, related_name="patients")
    pseudonym = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["fulfillment", "pseudonym"], name="one_row_a_pseudonym")
        ]

    def __str__(self) -> str:
        return self.pseudonym


class Study(Entity):
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="studies")
    study_instance_uid = models.CharField(max_length=64)
    accession = models.CharField(
        max_length=64,
        blank=True,
        db_index=True,
        help_text="keyed digest of AccessionNumber: reports may name the study by it",
    )

    class Meta:
        verbose_name_plural = "studies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["patient", "study_instance_uid"], name="one_row_a_study")
        ]

    def __str__(self) -> str:
        return self.study_instance_uid


class Series(Entity):
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="series")
    series_instance_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=16)

    class Meta:
        verbose_name_plural = "series"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "series_instance_uid"], name="one_row_a_series")
        ]

    def __str__(self) -> str:
        return self.series_instance_uid


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, user: User | AnonymousUser) -> ImageQuerySet:
        """Whoever may see the batch."""
        return self.filter(source__batch__in=Batch.objects.visible_to(user))

    def pictured_for(self, user: User | AnonymousUser) -> ImageQuerySet:
        """Images whose pixels this person may look at: those of the batches that are ``pictured_for`` them."""
        if isinstance(user, User) and user.is_reviewer:
            return self
        return self.filter(source__batch__in=Batch.objects.pictured_for(user))

    def live(self) -> ImageQuerySet:
        """Images whose file passed and was not withdrawn."""
        return self.filter(source__status="passed")


class Image(Entity):
    """One de-identified instance. ``facts`` is ``ImageFacts.as_dict()``; all UIDs are the replaced ones."""

    source = models.OneToOneField(SourceFile, on_delete=models.PROTECT, related_name="image")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="images")
    sop_instance_uid = models.CharField(max_length=64, db_index=True)
    facts = models.JSONField()
    view = models.CharField(max_length=8, blank=True, db_index=True)
    sex = models.CharField(max_length=1, blank=True)
    age_years = models.PositiveSmallIntegerField(null=True, blank=True)
    output_sha256 = models.CharField(max_length=64)
    pixel_sha256 = models.CharField(max_length=64, db_index=True)
    original_digest = models.CharField(
        max_length=64, blank=True, db_index=True, help_text="of the original's pixels, under a key of the hospital"
    )
    size = models.PositiveBigIntegerField()
    stored = models.CharField(max_length=200, help_text="key in the released storage")
    preview = models.CharField(max_length=200, help_text="key in the previews storage")
    masks = models.JSONField(default=list, help_text="de-identification masks: frame, x, y, width, height in pixels")
    review_reasons = models.JSONField(default=list, help_text="why a person should look at this image")
    deid_record = models.JSONField(default=dict, help_text="the engine's audit record: counts and paths, never values")
    kept = models.JSONField(
        null=True, default=None, help_text="what the stored file keeps that decides its legal class; null: not read yet"
    )
    findings = models.JSONField(default=list, help_text="findings against the specification")
    truth = models.JSONField(default=dict, help_text="what the picture shows: Truth.as_dict()")
    corrections = models.JSONField(
        default=list, help_text="what the portal set right, and how it was: Correction.as_dict()"
    )
    conforms = models.BooleanField(default=True, help_text="no 'must' finding")

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ["source__number"]

    def __str__(self) -> str:
        return f"image {self.source.number}"

    @property
    def path_in_release(self) -> str:
        """Where a package has this image, below ``data/``: pseudonyms and replaced UIDs only."""
        study = self.series.study
        return path_in_release(
            study.patient.pseudonym, study.study_instance_uid, self.series.series_instance_uid, self.sop_instance_uid
        )


def path_in_release(patient: str, study: str, series: str, instance: str) -> str:
    """Where a package has an instance, below ``data/``."""
    return f"dicom/{patient}/{study}/{series}/{instance}.dcm"


class QualityScore(Immutable):
    """The named, versioned quality score of one image."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="scores")
    version = models.CharField(max_length=20)
    gate = models.BooleanField(help_text="True: every gate passed")
    gate_reason = models.CharField(max_length=60, blank=True)
    total = models.FloatField()
    components = models.JSONField()
    weakest = models.CharField(max_length=40)
    remedy = models.TextField(blank=True)
    gain = models.FloatField(
        null=True, blank=True, help_text="points of the total if the remedy is followed; None: not kept"
    )
    measures = models.JSONField(default=dict, blank=True, help_text="the raw figures behind the components")
    completeness = models.JSONField(
        default=dict, blank=True, help_text="Completeness.as_dict() of the header: which attributes are there, no value"
    )

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.total:.0f}"


class DuplicateHit(Immutable):
    """Two images with the same content. Only reviewers see a hit that crosses hospitals.

    ``image`` came after ``other``. ``distance``: bits of 256 in which their nearest hashes differ. ``inliers``: features that
    agree on where one lies in the other. ``placement``: the map from ``image`` to ``other`` in shares of width and
    height, six numbers by rows, empty where unknown. Only pairs that the second look confirmed are kept.
    """

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="duplicate_hits")
    other = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=[("exact", "Exact"), ("near", "Near")])
    distance = models.FloatField(default=0)
    inliers = models.PositiveIntegerField(default=0)
    negative = models.BooleanField(default=False, help_text="one has the other's grey scale turned round")
    mirrored = models.BooleanField(default=False)
    placement = models.JSONField(default=list)
    version = models.CharField(max_length=60)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["image", "other", "kind"], name="one_hit_a_pair"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} duplicate"
