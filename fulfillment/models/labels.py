"""What is said of images: labels with their provenance, and the shapes that mark them. Written once.

A correction is a new row that supersedes the old one; the old one stays. Beside ``Immutable``, triggers in the database refuse
any change but one (``fulfillment.write_once``): a label's ``image`` is filled in when the image arrives after its labels.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q

from fulfillment.labels.methods import Method
from fulfillment.models.delivery import Batch, BatchStatus, SourceFile, SourceFileStatus
from fulfillment.models.freezing import frozen_now
from fulfillment.models.imaging import Image
from getdata.accounts.models import Organization, OrganizationStatus, User
from getdata.common.models import Immutable
from requests_app.spec import Adjudication
from requests_app.taxonomy import LabelState

STATES = [(state.value, state.plain.capitalize()) for state in LabelState]
METHODS = [(method.value, method.plain.capitalize()) for method in Method]


class Laterality(models.TextChoices):
    """The patient's side (DICOM Image Laterality, 0020,0062)."""

    RIGHT = "R", "Right"
    LEFT = "L", "Left"
    BOTH = "B", "Both sides"


class Origin(models.TextChoices):
    """How the row came here."""

    IMPORTED = "imported", "From a file"
    CORRECTED = "corrected", "Corrected"
    CONFIRMED = "confirmed", "Confirmed"


class LabelQuerySet(models.QuerySet["Label"]):
    def visible_to(self, user: User | AnonymousUser) -> LabelQuerySet:
        """Whoever may see the batch."""
        return self.filter(batch__in=Batch.objects.visible_to(user))

    def readable_by(self, user: User | AnonymousUser) -> LabelQuerySet:
        """Labels whose passport this person may open, by the rule of ``Image.pictured_for``: staff and the hospital always; the
        organization that asked, while it is verified, once a reviewer has accepted the batch, of images that are there, and
        while no incident stops them."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        mine = Organization.objects.filter(memberships__user=user)
        frozen = frozen_now()
        return self.filter(
            Q(batch__fulfillment__hospital__in=mine.exclude(pk__in=frozen.organizations))
            | (
                Q(
                    batch__status=BatchStatus.ACCEPTED,
                    table__status=SourceFileStatus.PASSED,
                    image__source__status=SourceFileStatus.PASSED,
                    image__source__batch__status=BatchStatus.ACCEPTED,
                    batch__fulfillment__request__organization__in=mine.filter(status=OrganizationStatus.VERIFIED),
                )
                & ~frozen.for_askers("batch__")
                & ~Q(image__source__batch__in=frozen.unseen)
            )
        )

    def standing(self) -> LabelQuerySet:
        """Labels that count: not superseded, and of files that passed and were neither withdrawn nor returned."""
        return self.filter(table__status=SourceFileStatus.PASSED, superseded_by=None)


class Label(Immutable):
    """One finding's state for one image by one source.

    ``finding`` is the name in the request's label list. ``reader`` is a pseudonymous id that tells readers of one hospital apart.
    ``readers`` is how many people stand behind the state; None where it was not said.
    """

    Method = Method
    Origin = Origin

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="labels")
    image = models.ForeignKey(Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="labels")
    table = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="labels")
    sop_instance_uid = models.CharField(max_length=64, blank=True, db_index=True)
    name_digest = models.CharField(max_length=64, blank=True, db_index=True)
    stem_digest = models.CharField(max_length=64, blank=True, db_index=True, help_text="of the file's name alone")
    row = models.PositiveIntegerField(help_text="line in the file it came from, or its place there")
    finding = models.CharField(max_length=120)
    state = models.CharField(max_length=16, choices=STATES)
    laterality = models.CharField(max_length=1, choices=Laterality.choices, blank=True)
    method = models.CharField(max_length=16, choices=METHODS, blank=True)
    reader = models.CharField(max_length=64, blank=True)
    readers = models.PositiveSmallIntegerField(null=True, blank=True)
    board_certified = models.BooleanField(null=True, blank=True, help_text="None: not said")
    blind_to_report = models.BooleanField(null=True, blank=True, help_text="None: not said")
    adjudication = models.CharField(
        max_length=12, choices=[(rule.value, rule.value.capitalize()) for rule in Adjudication], blank=True
    )
    is_consensus = models.BooleanField(default=False, help_text="speaks for the readers together, not for one")
    tool = models.CharField(max_length=60, blank=True)
    tool_version = models.CharField(max_length=30, blank=True)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.IMPORTED)
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    reason = models.CharField(
        max_length=500, blank=True, help_text="why it was corrected or confirmed: for the hospital"
    )
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = LabelQuerySet.as_manager()

    class Meta:
        ordering = ["table", "row"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["table", "row", "finding", "reader", "method"],
                condition=Q(supersedes=None),
                name="one_label_a_table_row",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in LabelState]), name="label_state_known"
            ),
            models.CheckConstraint(
                condition=Q(method__in=[method.value for method in Method]), name="label_method_known"
            ),
            models.CheckConstraint(condition=Q(laterality__in=["", *Laterality.values]), name="label_laterality_known"),
            models.CheckConstraint(
                condition=Q(adjudication__in=["", *(rule.value for rule in Adjudication)]),
                name="label_adjudication_known",
            ),
            models.CheckConstraint(condition=Q(readers=None) | Q(readers__gte=1), name="label_readers_counted"),
            models.CheckConstraint(
                condition=Q(origin=Origin.IMPORTED, supersedes=None)
                | Q(origin__in=[Origin.CORRECTED, Origin.CONFIRMED], entered_by__isnull=False, supersedes__isnull=False)
                & ~Q(reason=""),
                name="a_correction_says_who_and_why",
            ),
            models.CheckConstraint(condition=~Q(supersedes=F("id")), name="a_label_does_not_supersede_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.finding}: {self.state}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.batch.fulfillment.hospital_id)


class AnnotationKind(models.TextChoices):
    BOX = "box", "Box"
    POLYGON = "polygon", "Outline"
    MASK = "mask", "Mask"


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    def visible_to(self, user: User | AnonymousUser) -> AnnotationQuerySet:
        """Whoever may see the batch."""
        return self.filter(label__batch__in=Batch.objects.visible_to(user))


class Annotation(Immutable):
    """Where a label's finding is: a box, an outline or a mask, in pixels of the stored image, origin top left.

    ``box`` is ``[x, y, width, height]`` and encloses the shape, whatever its kind. ``points`` are an outline's rings, each a list
    of ``[x, y]``. ``mask`` is the key of an 8-bit PNG (0 and 255, as large as the image) in the released storage.
    """

    Kind = AnnotationKind

    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="annotations")
    kind = models.CharField(max_length=8, choices=AnnotationKind.choices)
    frame = models.PositiveSmallIntegerField(default=0)
    box = models.JSONField(help_text="[x, y, width, height]")
    points = models.JSONField(default=list, blank=True)
    mask = models.CharField(max_length=200, blank=True)
    rows = models.PositiveIntegerField(null=True, blank=True, help_text="size of the image it was drawn on, if said")
    columns = models.PositiveIntegerField(null=True, blank=True)
    row = models.PositiveIntegerField(help_text="line or entry in the file it came from")
    number = models.PositiveSmallIntegerField(default=1, help_text="counts the shapes of one label from 1")

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        ordering = ["label", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["label", "number"], name="one_number_a_shape"),
            models.CheckConstraint(condition=Q(kind__in=AnnotationKind.values), name="annotation_kind_known"),
            models.CheckConstraint(
                condition=Q(kind="mask") & ~Q(mask="") | ~Q(kind="mask") & Q(mask=""),
                name="annotation_has_its_shape",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.label}"

    @property
    def reader(self) -> str:
        """Who drew it; "" for a consensus."""
        return "" if self.label.is_consensus else self.label.reader
