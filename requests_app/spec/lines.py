"""The lines of a request: each checkable one carries a level (must or should) and a stable check id.

A line that stands once has a fixed check id (`image.bits_stored`). A line that may repeat (projections,
findings, quota cells, share caps, quality minimums) gets one from its content the first time it is read;
the id is part of the document from then on, so an amendment that changes a count keeps it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from requests_app.spec.selector import (
    MAX_AGE_YEARS,
    Name,
    Selector,
    Strict,
    selector_slug,
    slug,
)
from requests_app.spec.vocabulary import (
    Adjudication,
    AnnotationType,
    CountUnit,
    LabelMethod,
    Level,
    Position,
    Presentation,
    QualityComponent,
    ReportLinkage,
    Sex,
    ShareAxis,
    View,
)

CheckId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=200)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]


class Line(Strict):
    """Anything that can be checked."""

    level: Level = Field(default=Level.MUST, title="Level")


def _in_order(low: int | None, high: int | None, what: str) -> None:
    if low is not None and high is not None and low > high:
        raise ValueError(f"The lowest {what} ({low:,}) is above the highest ({high:,}). Raise one or lower the other.")


# --- cohort -------------------------------------------------------------------------------------


class ImagesLine(Line):
    """How many images in all."""

    check_id: Literal["cohort.images"] = "cohort.images"
    min: Count = Field(default=0, title="At least")
    max: Count | None = Field(default=None, title="At most")

    @model_validator(mode="after")
    def _ordered(self) -> ImagesLine:
        _in_order(self.min, self.max, "number of images")
        return self


class PatientsLine(Line):
    """How many different patients in all."""

    check_id: Literal["cohort.patients"] = "cohort.patients"
    min: Count = Field(default=0, title="At least")
    max: Count | None = Field(default=None, title="At most")

    @model_validator(mode="after")
    def _ordered(self) -> PatientsLine:
        _in_order(self.min, self.max, "number of patients")
        return self


class PerPatientLine(Line):
    """At most so many images of one patient."""

    check_id: Literal["cohort.per_patient"] = "cohort.per_patient"
    max: Annotated[int, Field(ge=1, le=100_000)] = Field(title="At most, per patient")


class AgeLine(Line):
    """Ages in completed years, both ends included."""

    check_id: Literal["cohort.age"] = "cohort.age"
    min: int | None = Field(default=None, ge=0, le=MAX_AGE_YEARS, title="Youngest (years)")
    max: int | None = Field(default=None, ge=0, le=MAX_AGE_YEARS, title="Oldest (years)")

    @model_validator(mode="after")
    def _ordered(self) -> AgeLine:
        _in_order(self.min, self.max, "age")
        return self


class SexLine(Line):
    """Which sexes are wanted."""

    check_id: Literal["cohort.sex"] = "cohort.sex"
    allowed: tuple[Sex, ...] = Field(default=(Sex.FEMALE, Sex.MALE, Sex.OTHER), min_length=1, title="Sexes")


class YearsLine(Line):
    """Years of acquisition, both ends included."""

    check_id: Literal["cohort.years"] = "cohort.years"
    first: int | None = Field(default=None, ge=1970, le=2200, title="First year")
    last: int | None = Field(default=None, ge=1970, le=2200, title="Last year")

    @model_validator(mode="after")
    def _ordered(self) -> YearsLine:
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError(f"The first year ({self.first}) is after the last year ({self.last}).")
        return self


class Cohort(Strict):
    """Who and how many. A line left out is not asked."""

    images: ImagesLine = Field(default_factory=ImagesLine, title="Images")
    patients: PatientsLine = Field(default_factory=PatientsLine, title="Patients")
    per_patient: PerPatientLine | None = Field(default=None, title="Images per patient")
    age: AgeLine | None = Field(default=None, title="Age")
    sex: SexLine | None = Field(default=None, title="Sex")
    years: YearsLine | None = Field(default=None, title="Acquisition years")


# --- projections and quotas ---------------------------------------------------------------------


def _with_check_id(data: Any, make: Any) -> Any:
    """Fill a missing check id from the content; content that is wrong is left to validation to report."""
    if isinstance(data, dict) and not data.get("check_id"):
        try:
            return {**data, "check_id": make(data)}
        except (KeyError, TypeError, ValueError, AttributeError):
            return {**data, "check_id": "unnamed"}
    return data


def _selector_of(data: dict[str, Any]) -> Selector:
    return Selector.model_validate({k: data[k] for k in Selector.model_fields if k in data})


class ProjectionLine(Line):
    """A projection that is accepted, and how many of it are needed (0 = welcome, no minimum)."""

    check_id: CheckId = Field(title="Check id")
    view: View = Field(title="Projection")
    position: Position | None = Field(default=None, title="Patient position")
    portable: bool | None = Field(default=None, title="Portable")
    min_images: Count = Field(default=0, title="At least (images)")

    @model_validator(mode="before")
    @classmethod
    def _identify(cls, data: Any) -> Any:
        return _with_check_id(data, lambda d: "projection." + selector_slug(_selector_of(d)))

    def selector(self) -> Selector:
        """The images this line is about."""
        return Selector(view=self.view, position=self.position, portable=self.portable)


class QuotaCell(Selector):
    """How many images (or patients, or studies) of one selection are needed, and at most accepted."""

    level: Level = Field(default=Level.MUST, title="Level")
    check_id: CheckId = Field(title="Check id")
    unit: CountUnit = Field(default=CountUnit.IMAGES, title="Counted in")
    min: Count = Field(default=0, title="At least")
    max: Count | None = Field(default=None, title="At most")
    note: str = Field(default="", max_length=500, title="Note")

    @model_validator(mode="before")
    @classmethod
    def _identify(cls, data: Any) -> Any:
        def make(d: dict[str, Any]) -> str:
            unit = CountUnit(d.get("unit", CountUnit.IMAGES))
            tail = "" if unit is CountUnit.IMAGES else f".{unit.value}"
            return "quota." + selector_slug(_selector_of(d)) + tail

        return _with_check_id(data, make)

    @model_validator(mode="after")
    def _ordered(self) -> QuotaCell:
        _in_order(self.min, self.max, f"number of {self.unit.value}")
        return self


class ShareCap(Line):
    """ "At most x % of the images from one hospital, scanner, ...", of all images or of a selection.

    The share is of the larger of what was received and what the request asks for in all, so a first
    hospital is not refused for being first.
    """

    check_id: CheckId = Field(title="Check id")
    axis: ShareAxis = Field(title="From one")
    max_percent: Annotated[float, Field(gt=0, le=100)] = Field(title="At most (%)")
    within: Selector = Field(default_factory=Selector, title="Among")

    @model_validator(mode="before")
    @classmethod
    def _identify(cls, data: Any) -> Any:
        def make(d: dict[str, Any]) -> str:
            within = d.get("within") or {}
            inner = within if isinstance(within, Selector) else Selector.model_validate(within)
            tail = selector_slug(inner)
            return f"share.{ShareAxis(d['axis']).value}" + ("" if tail == "all" else f".{tail}")

        return _with_check_id(data, make)


# --- labels and reports -------------------------------------------------------------------------


class LabelSource(Strict):
    """Where a label must come from and how many people read it."""

    method: LabelMethod = Field(default=LabelMethod.ANY, title="Source")
    min_readers: Annotated[int, Field(ge=1, le=20)] = Field(default=1, title="Readers, at least")
    board_certified: bool = Field(default=False, title="Board-certified readers")
    adjudication: Adjudication = Field(default=Adjudication.NONE, title="Disagreement settled by")


class FindingLine(Line):
    """A finding that must be labelled, how closely, by whom, and how many with and without it."""

    check_id: CheckId = Field(title="Check id")
    finding: Name = Field(title="Finding", description="By its name in the taxonomy.")
    annotation: AnnotationType = Field(default=AnnotationType.IMAGE, title="Annotation")
    source: LabelSource = Field(default_factory=LabelSource, title="Label source")
    min_positive: Count = Field(default=0, title="Images with it, at least")
    min_negative: Count = Field(default=0, title="Images without it, at least")

    @model_validator(mode="before")
    @classmethod
    def _identify(cls, data: Any) -> Any:
        return _with_check_id(data, lambda d: "label." + slug(d["finding"]))


class ReportLine(Line):
    """Whether the radiology report comes with the image. Languages are ISO 639-1 codes ("en")."""

    check_id: Literal["reports.linkage"] = "reports.linkage"
    linkage: ReportLinkage = Field(default=ReportLinkage.NONE, title="Reports")
    languages: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")], ...] = Field(
        default=(), title="Languages"
    )


# --- image rules --------------------------------------------------------------------------------


class ModalityRule(Line):
    """Which Modality values are accepted (PS3.3 C.7.3.1.1.1)."""

    check_id: Literal["image.modality"] = "image.modality"
    allowed: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,8}$")], ...] = Field(
        default=("CR", "DX"), min_length=1, title="Modalities"
    )


class BitsStoredRule(Line):
    """Grey levels: BitsStored at least so many."""

    check_id: Literal["image.bits_stored"] = "image.bits_stored"
    min: Annotated[int, Field(ge=1, le=32)] = Field(default=10, title="BitsStored, at least")


class ShortSideRule(Line):
    """Rows and Columns both at least so many pixels."""

    check_id: Literal["image.short_side"] = "image.short_side"
    min_px: Annotated[int, Field(ge=1, le=20_000)] = Field(default=1024, title="Short side, at least (pixels)")


class PixelSpacingRule(Line):
    """The size of a pixel must be known, and if asked, fine enough (mm)."""

    check_id: Literal["image.pixel_spacing"] = "image.pixel_spacing"
    max_mm: Annotated[float, Field(gt=0, le=50)] | None = Field(default=None, title="At most (mm)")
    detector_plane_ok: bool = Field(
        default=True,
        title="ImagerPixelSpacing will do",
        description="Accept spacing at the detector where PixelSpacing is missing.",
    )


class PhotometricRule(Line):
    """Which PhotometricInterpretation values are accepted."""

    check_id: Literal["image.photometric"] = "image.photometric"
    allowed: tuple[str, ...] = Field(
        default=("MONOCHROME1", "MONOCHROME2"), min_length=1, title="Photometric interpretations"
    )


class LosslessRule(Line):
    """No lossy compression, now or earlier in the image's life."""

    check_id: Literal["image.lossless"] = "image.lossless"


class WindowingRule(Line):
    """Display window and presentation intent."""

    check_id: Literal["image.windowing"] = "image.windowing"
    window_required: bool = Field(
        default=True, title="Window given", description="WindowCenter and WindowWidth, or a VOI LUT."
    )
    presentation: Presentation = Field(default=Presentation.ANY, title="Presentation intent")


class ManufacturerRule(Line):
    """The maker of the equipment must be known, as diversity cannot be judged without it."""

    check_id: Literal["image.manufacturer"] = "image.manufacturer"


class SliceThicknessRule(Line):
    """For CT: slices no thicker than so many mm."""

    check_id: Literal["image.slice_thickness"] = "image.slice_thickness"
    max_mm: Annotated[float, Field(gt=0, le=50)] = Field(title="At most (mm)")


class UprightRule(Line):
    """The picture stands upright and its grey scale is the right way round, as the pixels themselves show."""

    check_id: Literal["image.upright"] = "image.upright"
    correct: bool = Field(
        default=True,
        title="The portal may set it right",
        description="Swap PhotometricInterpretation or turn the picture by quarter turns, without loss, written down and "
        "reversible. Otherwise such images are sent back to the hospital.",
    )


class ImageRules(Strict):
    """What every image must be. A rule left out (null) is not asked."""

    added_later: ClassVar[frozenset[str]] = frozenset({"upright"})

    modality: ModalityRule = Field(default_factory=ModalityRule, title="Modality")
    bits_stored: BitsStoredRule | None = Field(default_factory=BitsStoredRule, title="Grey levels")
    short_side: ShortSideRule | None = Field(default_factory=ShortSideRule, title="Size")
    pixel_spacing: PixelSpacingRule | None = Field(default_factory=PixelSpacingRule, title="Pixel spacing")
    photometric: PhotometricRule | None = Field(default_factory=PhotometricRule, title="Photometric")
    lossless: LosslessRule | None = Field(default_factory=LosslessRule, title="No lossy compression")
    windowing: WindowingRule | None = Field(default=None, title="Windowing")
    manufacturer: ManufacturerRule | None = Field(
        default_factory=lambda: ManufacturerRule(level=Level.SHOULD), title="Manufacturer known"
    )
    slice_thickness: SliceThicknessRule | None = Field(default=None, title="Slice thickness")
    upright: UprightRule | None = Field(default=UprightRule(), title="Upright, and of the right polarity")


# --- quality ------------------------------------------------------------------------------------


class QualityTotalRule(Line):
    """The whole quality score at least so much."""

    check_id: Literal["quality.total"] = "quality.total"
    min: Annotated[float, Field(ge=0, le=100)] = Field(title="At least (of 100)")


class QualityMinimum(Line):
    """One component of the quality score at least so much."""

    check_id: CheckId = Field(title="Check id")
    component: QualityComponent = Field(title="Component")
    min: Annotated[float, Field(ge=0, le=100)] = Field(title="At least (of 100)")

    @model_validator(mode="before")
    @classmethod
    def _identify(cls, data: Any) -> Any:
        return _with_check_id(data, lambda d: "quality." + QualityComponent(d["component"]).value)


class QualityRules(Strict):
    """Minimums on the quality score. None set means every image that passes the gates is accepted."""

    total: QualityTotalRule | None = Field(default=None, title="Whole score")
    components: tuple[QualityMinimum, ...] = Field(default=(), title="Components")

    @field_validator("components")
    @classmethod
    def _once_each(cls, value: tuple[QualityMinimum, ...]) -> tuple[QualityMinimum, ...]:
        seen: set[QualityComponent] = set()
        for line in value:
            if line.component in seen:
                raise ValueError(f"The component {line.component.value} has two minimums. Keep one.")
            seen.add(line.component)
        return value
