"""The sections of a specification as forms: everything that stands once."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from requests_app.forms.binding import (
    Document,
    SectionForm,
    WordsField,
    choices,
    decimal,
    level_field,
    number,
    pick,
    several,
    text,
    tick,
)
from requests_app.models import Category
from requests_app.spec import (
    CharacteristicsHandling,
    DatasetSpec,
    DatesHandling,
    DeidPolicyName,
    DeviceHandling,
    ImageFormat,
    IntendedUse,
    LabelFormat,
    NotMentionedAs,
    Presentation,
    QualityComponent,
    QuotaCounting,
    ReportLinkage,
    Sex,
    Sharing,
    UncertainAs,
)
from requests_app.taxonomy import TAXONOMY_NAMES, get_taxonomy

_CERTAINTY = [
    (UncertainAs.PRESENT.value, "Present"),
    (UncertainAs.UNCERTAIN.value, "Uncertain: fills no quota"),
    (UncertainAs.ABSENT.value, "Absent"),
    (UncertainAs.EXCLUDE.value, "Left out"),
]
_POLICIES = [
    (DeidPolicyName.CXR_RESEARCH.value, "Chest X-ray research: dates shifted, maker and model, sex and age kept"),
    (DeidPolicyName.SAFE_HARBOR.value, "Safe harbor: dates cut to the year"),
    (DeidPolicyName.LIMITED_DATA_SET.value, "Limited data set: dates kept, a data use agreement is required"),
]
_DATES = [
    ("", "As the policy says"),
    (DatesHandling.REMOVED.value, "Removed"),
    (DatesHandling.YEAR_ONLY.value, "Year only"),
    (DatesHandling.SHIFTED.value, "Shifted"),
    (DatesHandling.KEPT.value, "Kept (limited data set)"),
]


class PurposeForm(SectionForm):
    """What it is called and what it is for."""

    title = forms.CharField(
        label="Title", max_length=160, help_text="What hospitals see first: the images, then what makes them special."
    )
    category = forms.ChoiceField(label="Category", choices=Category.choices, widget=forms.RadioSelect)
    intended_use = pick("Intended use", choices(IntendedUse, "Choose one"))
    description = text(
        "Purpose",
        rows=4,
        help_text="What you will build or study, in a few plain sentences. An ethics board will read this.",
    )
    paths: ClassVar = {
        "title": "title",
        "category": "category",
        "intended_use": "purpose.intended_use",
        "description": "purpose.description",
    }


class TitleForm(SectionForm):
    """What is left of the first section once a request is open."""

    title = PurposeForm.base_fields["title"]
    paths: ClassVar = {"title": "title"}


class CohortForm(SectionForm):
    """Who and how many."""

    images_min = number("Images, at least")
    images_max = number("Images, at most")
    images_level = level_field("Images: level")
    patients_min = number("Patients, at least")
    patients_max = number("Patients, at most")
    patients_level = level_field("Patients: level")
    per_patient = number("Images of one patient, at most", low=1, high=100_000)
    per_patient_level = level_field("Images of one patient: level")
    age_min = number("Youngest age", high=130)
    age_max = number("Oldest age", high=130)
    age_level = level_field("Age: level")
    sex = several("Sex", choices(Sex), help_text="Tick none to accept any.")
    sex_level = level_field("Sex: level")
    years_first = number("Acquired from year", low=1970, high=2200)
    years_last = number("To year", low=1970, high=2200)
    years_level = level_field("Years: level")
    paths: ClassVar = {
        "images_min": "cohort.images.min",
        "images_max": "cohort.images.max",
        "images_level": "cohort.images.level",
        "patients_min": "cohort.patients.min",
        "patients_max": "cohort.patients.max",
        "patients_level": "cohort.patients.level",
        "per_patient": "cohort.per_patient.max",
        "per_patient_level": "cohort.per_patient.level",
        "age_min": "cohort.age.min",
        "age_max": "cohort.age.max",
        "age_level": "cohort.age.level",
        "sex": "cohort.sex.allowed",
        "sex_level": "cohort.sex.level",
        "years_first": "cohort.years.first",
        "years_last": "cohort.years.last",
        "years_level": "cohort.years.level",
    }
    switches: ClassVar = {
        "cohort.per_patient": ("per_patient",),
        "cohort.age": ("age_min", "age_max"),
        "cohort.sex": ("sex",),
        "cohort.years": ("years_first", "years_last"),
    }
    zero_is_blank: ClassVar = ("images_min", "patients_min")


class LabelsForm(SectionForm):
    """Whose words the findings are in, and what doubt means."""

    taxonomy = forms.ChoiceField(
        label="Label list",
        choices=[(name, get_taxonomy(name).title) for name in TAXONOMY_NAMES]
        + [("custom", "A list of your own, with definitions")],
    )
    custom_name = text("Name of your list", high=120)
    custom_version = text("Version of your list", high=40)
    likely = pick("“Likely” counts as", _CERTAINTY, initial=UncertainAs.PRESENT.value)
    possible = pick("“Possible” counts as", _CERTAINTY, initial=UncertainAs.UNCERTAIN.value)
    not_mentioned = pick(
        "“Not mentioned” is exported as",
        [(NotMentionedAs.BLANK.value, "Blank"), (NotMentionedAs.ABSENT.value, "Absent")],
        initial=NotMentionedAs.BLANK.value,
    )
    paths: ClassVar = {
        "taxonomy": "labels.taxonomy",
        "custom_name": "labels.custom.name",
        "custom_version": "labels.custom.version",
        "likely": "labels.uncertainty.likely",
        "possible": "labels.uncertainty.possible",
        "not_mentioned": "labels.uncertainty.not_mentioned",
    }


class CountingForm(SectionForm):
    """What an image counts for that matches several quotas."""

    counting = forms.ChoiceField(
        label="An image that fits several quotas counts",
        choices=[
            (QuotaCounting.EVERY.value, "In every one: a supine image of a woman fills “supine” and “women”"),
            (QuotaCounting.ONCE.value, "In one only, where it helps most: each quota is filled by images of its own"),
        ],
        widget=forms.RadioSelect,
        required=False,
        initial=QuotaCounting.EVERY.value,
    )
    paths: ClassVar = {"counting": "quota_counting"}


class ReportsForm(SectionForm):
    """Whether the radiology report comes along."""

    linkage = forms.ChoiceField(
        label="Radiology reports",
        choices=[
            (ReportLinkage.NONE.value, "Not asked for"),
            (ReportLinkage.OPTIONAL.value, "Welcome where the hospital can give them"),
            (ReportLinkage.REQUIRED.value, "Required with every study"),
        ],
        widget=forms.RadioSelect,
        initial=ReportLinkage.NONE.value,
    )
    languages = WordsField(
        label="Languages", required=False, help_text="Two-letter codes, for example: en, de. Empty means any."
    )
    reports_level = level_field("Reports: level")
    paths: ClassVar = {
        "linkage": "reports.linkage",
        "languages": "reports.languages",
        "reports_level": "reports.level",
    }


class ImageForm(SectionForm):
    """What every image must be."""

    modality = several("Modality", [(m, m) for m in ("CR", "DX", "RG", "CT", "MR", "US", "XA", "NM", "PT")])
    modality_level = level_field("Modality: level")
    bits = number("Bits stored, at least", low=1, high=32, help_text="Empty means any depth. Originals have 10 to 16.")
    bits_level = level_field("Bits stored: level")
    short_side = number("Short side, at least", low=1, high=20_000)
    short_side_level = level_field("Short side: level")
    spacing = tick("Pixel spacing is given")
    spacing_max = decimal("Pixel spacing, at most", high=50)
    detector_ok = tick("Spacing at the detector (ImagerPixelSpacing) will do", initial=True)
    spacing_level = level_field("Pixel spacing: level")
    photometric = several("Photometric interpretation", [(p, p) for p in ("MONOCHROME1", "MONOCHROME2")])
    photometric_level = level_field("Photometric interpretation: level")
    lossless = tick("Never lossily compressed")
    lossless_level = level_field("Lossy compression: level")
    window = tick("Display window is given (WindowCenter and WindowWidth, or a VOI LUT)")
    presentation = pick(
        "Presentation intent",
        [("", "Any")] + [(p.value, p.value.capitalize()) for p in Presentation if p is not Presentation.ANY],
    )
    window_level = level_field("Windowing: level")
    manufacturer = tick("Equipment manufacturer is known")
    manufacturer_level = level_field("Manufacturer: level")
    slice_max = decimal("Slice thickness, at most", high=50, help_text="For CT only.")
    slice_level = level_field("Slice thickness: level")
    upright = tick("Upright, and of the right polarity, as the pixels show", initial=True)
    upright_correct = tick(
        "The portal may set it right",
        initial=True,
        help_text="Without loss, written into the header, and reversible. Otherwise such images go back to the hospital.",
    )
    upright_level = level_field("Upright: level")
    paths: ClassVar = {
        "modality": "image.modality.allowed",
        "modality_level": "image.modality.level",
        "bits": "image.bits_stored.min",
        "bits_level": "image.bits_stored.level",
        "short_side": "image.short_side.min_px",
        "short_side_level": "image.short_side.level",
        "spacing": "",
        "spacing_max": "image.pixel_spacing.max_mm",
        "detector_ok": "image.pixel_spacing.detector_plane_ok",
        "spacing_level": "image.pixel_spacing.level",
        "photometric": "image.photometric.allowed",
        "photometric_level": "image.photometric.level",
        "lossless": "",
        "lossless_level": "image.lossless.level",
        "window": "image.windowing.window_required",
        "presentation": "image.windowing.presentation",
        "window_level": "image.windowing.level",
        "manufacturer": "",
        "manufacturer_level": "image.manufacturer.level",
        "slice_max": "image.slice_thickness.max_mm",
        "slice_level": "image.slice_thickness.level",
        "upright": "",
        "upright_correct": "image.upright.correct",
        "upright_level": "image.upright.level",
    }
    switches: ClassVar = {
        "image.bits_stored": ("bits",),
        "image.short_side": ("short_side",),
        "image.pixel_spacing": ("spacing", "spacing_max"),
        "image.photometric": ("photometric",),
        "image.lossless": ("lossless",),
        "image.windowing": ("window", "presentation"),
        "image.manufacturer": ("manufacturer",),
        "image.slice_thickness": ("slice_max",),
        "image.upright": ("upright",),
    }

    @classmethod
    def initial_from(cls, document: Document) -> dict[str, Any]:
        initial = super().initial_from(document)
        if initial.get("presentation") == Presentation.ANY.value:
            initial["presentation"] = ""
        if "upright" not in document.get("image", {}):  # it is left out of a document at its default, which asks for it
            initial["upright"] = True
        return initial


class QualityForm(SectionForm):
    """Minimums on the quality score."""

    total = decimal("Whole score, at least")
    total_level = level_field("Whole score: level")
    paths: ClassVar = {"total": "quality.total.min", "total_level": "quality.total.level"}
    switches: ClassVar = {"quality.total": ("total",)}


class DeidForm(SectionForm):
    """What de-identification keeps."""

    policy = forms.ChoiceField(
        label="Policy", choices=_POLICIES, widget=forms.RadioSelect, initial=DeidPolicyName.CXR_RESEARCH.value
    )
    dates = pick("Dates", _DATES)
    device = pick(
        "Equipment",
        [
            ("", "As the policy says"),
            (DeviceHandling.MAKE_AND_MODEL.value, "Maker and model kept"),
            (DeviceHandling.REMOVED.value, "Removed"),
        ],
    )
    characteristics = pick(
        "Sex, age, size and weight",
        [
            ("", "As the policy says"),
            (CharacteristicsHandling.KEPT.value, "Kept (90 and over pooled)"),
            (CharacteristicsHandling.REMOVED.value, "Removed"),
        ],
    )
    safe_private = tick("Keep private attributes known to be safe", initial=True)
    deid_level = level_field("De-identification: level")
    paths: ClassVar = {
        "deid_level": "deidentification.level",
        "policy": "deidentification.policy",
        "dates": "deidentification.dates",
        "device": "deidentification.device",
        "characteristics": "deidentification.patient_characteristics",
        "safe_private": "deidentification.safe_private",
    }

    @classmethod
    def initial_from(cls, document: Document) -> dict[str, Any]:
        """An option that only repeats its policy is shown as such, so that it follows when another policy is chosen."""
        initial = super().initial_from(document)
        own = DatasetSpec.model_validate({"title": "x", "deidentification": {"policy": initial.get("policy")}})
        for name in ("dates", "device", "characteristics"):
            default = getattr(own.deidentification, cls.paths[name].rpartition(".")[2])
            if initial.get(name) == default.value:
                initial[name] = ""
        return initial


class DeliveryForm(SectionForm):
    """In what form, and by when."""

    deadline = forms.DateField(
        label="Deadline", required=False, widget=forms.DateInput, help_text="By when the data must be complete."
    )
    image_formats = several("Images as", choices(ImageFormat))
    label_formats = several("Labels as", choices(LabelFormat))
    partial = tick("Partial deliveries are welcome", initial=True)
    pictures = tick("Hospitals may send PNG and JPEG pictures with a table instead of DICOM")
    paths: ClassVar = {
        "deadline": "delivery.deadline",
        "image_formats": "delivery.image_formats",
        "label_formats": "delivery.label_formats",
        "partial": "delivery.partial_batches",
        "pictures": "delivery.pictures",
    }


class TermsForm(SectionForm):
    """What may be done with the data."""

    commercial = tick("Commercial use is included")
    sharing = pick("Shared with", choices(Sharing))
    countries = WordsField(
        label="Countries of use",
        upper=True,
        required=False,
        help_text="Two-letter codes, for example: DE, FR. Empty means any.",
    )
    retention = number("Kept for", low=1, high=600)
    certificate = tick("Destruction is attested with a certificate", initial=True)
    originals = number(
        "Originals destroyed after",
        low=0,
        high=3650,
        help_text="Days after acceptance, on this portal. Empty: the portal's own rule.",
    )
    ethics = text("Ethics approval or exemption", rows=2, help_text="Its reference and who gave it.")
    attribution = text("How the hospital is credited", rows=2)
    other = text("Other terms", rows=3)
    paths: ClassVar = {
        "commercial": "terms.commercial_use",
        "sharing": "terms.sharing",
        "countries": "terms.countries",
        "retention": "terms.retention_months",
        "certificate": "terms.destruction_certificate",
        "originals": "terms.originals_days",
        "ethics": "terms.ethics_approval",
        "attribution": "terms.attribution",
        "other": "terms.other",
    }


QUALITY_COMPONENTS = [(item.value, f"{item.value.capitalize()}: {item.asks}") for item in QualityComponent]
