"""`lint`: what a request asks that cannot be met, is missing, or is rarely meant. Plain words, with remedy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from requests_app.spec.document import DatasetSpec
from requests_app.spec.lint_quotas import lint_quotas
from requests_app.spec.lint_sense import lint_sense
from requests_app.spec.notes import LintNote
from requests_app.spec.selector import Selector
from requests_app.spec.vocabulary import (
    AnnotationType,
    Category,
    CharacteristicsHandling,
    DatesHandling,
    DeidPolicyName,
    DeviceHandling,
    ImageFormat,
    IntendedUse,
    LabelFormat,
    LabelMethod,
    Level,
    ReportLinkage,
    ShareAxis,
    Sharing,
)
from requests_app.taxonomy import FindingKind

_MODALITIES = {
    Category.CXR: {"CR", "DX", "RG"},
    Category.CT: {"CT"},
    Category.CARDIAC: {"CT", "MR", "US", "XA", "NM", "PT", "CR", "DX"},
}
# Ages of 90 and over are released as 90 (45 CFR 164.514(b)(2)(i)(C)).
POOLED_AGE = 90


def _block(code: str, path: str, message: str, remedy: str) -> LintNote:
    return LintNote(code, "blocking", path, message, remedy)


def _advise(code: str, path: str, message: str, remedy: str) -> LintNote:
    return LintNote(code, "advice", path, message, remedy)


def lint(spec: DatasetSpec, *, today: date | None = None) -> list[LintNote]:
    """All notes on a request, blocking ones first. With `today`, a deadline in the past blocks."""
    notes = [
        *_essentials(spec, today),
        *_findings(spec),
        *lint_quotas(spec),
        *_deidentification(spec),
        *_image(spec),
        *_delivery(spec),
        *lint_sense(spec, today),
    ]
    return sorted(notes, key=lambda note: not note.blocking)


def _essentials(spec: DatasetSpec, today: date | None) -> Iterator[LintNote]:
    if spec.purpose.intended_use is None:
        yield _block(
            "NO_INTENDED_USE",
            "purpose.intended_use",
            "The intended use is not stated.",
            "Choose one: hospitals may not release data without it.",
        )
    if len(spec.purpose.description) < 40:
        yield _block(
            "NO_PURPOSE",
            "purpose.description",
            "The purpose is not described.",
            "Say in a sentence or two what will be built or studied with the data.",
        )
    if spec.cohort.images.min == 0 and spec.cohort.patients.min == 0 and not any(cell.min for cell in spec.quotas):
        yield _block(
            "NO_COUNT",
            "cohort.images.min",
            "The request does not say how many images are needed.",
            "Enter the smallest number of images that would be useful.",
        )
    if spec.delivery.deadline is None:
        yield _block(
            "NO_DEADLINE",
            "delivery.deadline",
            "There is no deadline.",
            "Enter the date by which the data must be complete.",
        )
    elif today is not None and spec.delivery.deadline <= today:
        yield _block(
            "DEADLINE_PAST",
            "delivery.deadline",
            "The deadline has passed.",
            "Choose a later date.",
        )
    if not spec.terms.ethics_approval:
        yield _advise(
            "NO_ETHICS",
            "terms.ethics_approval",
            "No ethics approval or exemption is named.",
            "Add its reference: many hospitals will ask before they offer.",
        )
    if spec.terms.retention_months is None:
        yield _advise(
            "NO_RETENTION",
            "terms.retention_months",
            "It is not stated how long the data are kept.",
            "Enter a number of months: privacy officers look for it first.",
        )
    commercial = {IntendedUse.COMMERCIAL_DEVELOPMENT, IntendedUse.REGULATORY_VALIDATION}
    if spec.purpose.intended_use in commercial and not spec.terms.commercial_use:
        yield _block(
            "USE_AGAINST_TERMS",
            "terms.commercial_use",
            f"The intended use is {spec.purpose.intended_use.plain}, but the terms exclude commercial use."
            if spec.purpose.intended_use
            else "",
            "Allow commercial use in the terms, or change the intended use.",
        )
    if spec.terms.sharing is Sharing.PUBLIC and spec.deidentification.legal_class == "limited data set":
        yield _block(
            "PUBLIC_LIMITED_DATA_SET",
            "terms.sharing",
            "A limited data set (dates kept) cannot be shared with the public.",
            "Shift or remove the dates, or share with a smaller circle.",
        )


def _findings(spec: DatasetSpec) -> Iterator[LintNote]:
    taxonomy = spec.taxonomy()
    listed: dict[str, int] = {}
    for index, line in enumerate(spec.labels.findings):
        path = f"labels.findings.{index}"
        found = taxonomy.find(line.finding)
        if found is None:
            yield _block(
                "UNKNOWN_FINDING",
                f"{path}.finding",
                f"'{line.finding}' is not in the label list {taxonomy.title!r}.",
                f"Choose one of: {', '.join(taxonomy.names)}; or define a list of your own.",
            )
            continue
        if found.key in listed:
            yield _block(
                "FINDING_TWICE",
                path,
                f"'{found.name}' is asked for twice (also as finding {listed[found.key] + 1}).",
                "Keep one of the two.",
            )
        listed.setdefault(found.key, index)
        if found.kind is FindingKind.NORMAL and line.annotation is not AnnotationType.IMAGE:
            yield _block(
                "NORMAL_WITH_MARK",
                f"{path}.annotation",
                f"'{found.name}' has nothing to outline, so it cannot have a {line.annotation.plain}.",
                "Ask for an image-level label.",
            )
        if line.annotation is not AnnotationType.IMAGE and line.source.method in {
            LabelMethod.REPORT_NLP,
            LabelMethod.REPORT_READ,
        }:
            yield _block(
                "MARK_FROM_REPORT",
                f"{path}.source",
                f"A {line.annotation.plain} of '{found.name}' cannot come from a report.",
                "Ask for labels read from the image, or for image-level labels.",
            )
        if line.source.adjudication.value != "none" and line.source.min_readers < 2:
            yield _advise(
                "ONE_READER_ADJUDICATED",
                f"{path}.source.min_readers",
                f"'{found.name}' asks for adjudication, but for one reader only.",
                "Ask for two readers or more, or for no adjudication.",
            )
    selectors: list[tuple[str, Selector]] = [(f"quotas.{i}", c) for i, c in enumerate(spec.quotas)]
    selectors += [(f"share_caps.{i}.within", c.within) for i, c in enumerate(spec.share_caps)]
    for path, selector in selectors:
        if selector.finding is None:
            continue
        found = taxonomy.find(selector.finding)
        if found is None:
            yield _block(
                "UNKNOWN_FINDING",
                f"{path}.finding",
                f"'{selector.finding}' is not in the label list {taxonomy.title!r}.",
                f"Choose one of: {', '.join(taxonomy.names)}.",
            )
        elif found.key not in listed:
            yield _advise(
                "FINDING_NOT_LISTED",
                f"{path}.finding",
                f"A count asks for '{found.name}', but it is not among the findings to be labelled.",
                "Add it to the findings, so that hospitals know to label it.",
            )
    reports_used = any(
        line.source.method in {LabelMethod.REPORT_NLP, LabelMethod.REPORT_READ} for line in spec.labels.findings
    )
    if reports_used and spec.reports.linkage is ReportLinkage.NONE:
        yield _advise(
            "LABELS_WITHOUT_REPORTS",
            "reports.linkage",
            "Labels are to come from reports, but no reports are asked for, so nobody can check them.",
            "Make reports welcome, or accept labels on trust.",
        )


def _deidentification(spec: DatasetSpec) -> Iterator[LintNote]:
    rules = spec.deidentification
    if rules.policy is DeidPolicyName.SAFE_HARBOR and rules.dates in {DatesHandling.KEPT, DatesHandling.SHIFTED}:
        yield _block(
            "DATES_AGAINST_POLICY",
            "deidentification.dates",
            "The safe-harbor policy removes everything of a date but the year.",
            "Choose 'year only' or 'removed', or another policy.",
        )
    if rules.policy is DeidPolicyName.CXR_RESEARCH and rules.dates is DatesHandling.KEPT:
        yield _block(
            "DATES_AGAINST_POLICY",
            "deidentification.dates",
            "Keeping dates makes a limited data set, which the cxr-research policy is not.",
            "Choose shifted dates, or the limited-data-set policy with its data use agreement.",
        )
    if rules.policy is DeidPolicyName.LIMITED_DATA_SET and rules.dates is not DatesHandling.KEPT:
        yield _advise(
            "LIMITED_WITHOUT_DATES",
            "deidentification.policy",
            "The limited-data-set policy is chosen, but dates are not kept.",
            "Choose cxr-research: it needs no data use agreement and more hospitals can offer.",
        )
    if rules.legal_class == "limited data set":
        yield _advise(
            "LIMITED_DATA_SET",
            "deidentification.dates",
            "With dates kept, this is a limited data set: each hospital needs a data use agreement.",
            "Shift the dates unless the study needs the real ones.",
        )
    selectors = [(f"quotas.{i}", c) for i, c in enumerate(spec.quotas)]
    selectors_all: list[tuple[str, Selector]] = [
        *selectors,
        *((f"share_caps.{i}.within", c.within) for i, c in enumerate(spec.share_caps)),
    ]
    no_person = rules.patient_characteristics is CharacteristicsHandling.REMOVED
    no_device = rules.device is DeviceHandling.REMOVED
    for path, selector in selectors_all:
        if no_person and (selector.sex or selector.age_min is not None or selector.age_max is not None):
            yield _block(
                "COUNT_BY_REMOVED",
                path,
                "A count by sex or age cannot be checked, because de-identification removes both.",
                "Keep patient characteristics, or count by something else.",
            )
        if no_device and selector.vendor:
            yield _block(
                "COUNT_BY_REMOVED",
                path,
                "A count by manufacturer cannot be checked, because de-identification removes it.",
                "Keep the equipment's maker and model, or count by something else.",
            )
        if selector.age_min is not None and selector.age_min > POOLED_AGE:
            yield _block(
                "AGE_POOLED",
                f"{path}.age_min",
                f"Ages of {POOLED_AGE} and over are pooled when data are de-identified, so 'aged "
                f"{selector.age_min} and over' cannot be told apart.",
                f"Ask for ages from {POOLED_AGE} or lower.",
            )
    if no_person and (spec.cohort.age is not None or spec.cohort.sex is not None):
        yield _block(
            "COUNT_BY_REMOVED",
            "deidentification.patient_characteristics",
            "The cohort is limited by sex or age, but de-identification removes both.",
            "Keep patient characteristics, or drop the limits.",
        )
    for index, cap in enumerate(spec.share_caps):
        removed = (no_device and cap.axis in {ShareAxis.SCANNER, ShareAxis.VENDOR}) or (
            no_person and cap.axis is ShareAxis.SEX
        )
        if removed:
            yield _block(
                "COUNT_BY_REMOVED",
                f"share_caps.{index}.axis",
                f"A share by {cap.axis.plain} cannot be checked, because de-identification removes it.",
                "Keep it in the de-identification options, or drop this limit.",
            )
    if spec.cohort.years is not None and rules.dates is DatesHandling.REMOVED:
        yield _block(
            "COUNT_BY_REMOVED",
            "cohort.years",
            "Acquisition years cannot be checked, because de-identification removes dates.",
            "Keep the year, or drop the limit.",
        )
    if spec.cohort.years is not None and rules.dates is DatesHandling.SHIFTED:
        yield _advise(
            "YEARS_SHIFTED",
            "cohort.years",
            "Dates are shifted, so the year of acquisition is checked by the hospital and not by the portal.",
            "Choose 'year only' if the year matters more than the intervals between studies.",
        )


def _image(spec: DatasetSpec) -> Iterator[LintNote]:
    wrong = [m for m in spec.image.modality.allowed if m not in _MODALITIES[spec.category]]
    if wrong:
        yield _advise(
            "MODALITY_AGAINST_CATEGORY",
            "image.modality.allowed",
            f"{', '.join(wrong)} is unusual in the category {spec.category.plain}.",
            f"Usual there: {', '.join(sorted(_MODALITIES[spec.category]))}.",
        )
    if spec.image.photometric is not None:
        colour = [p for p in spec.image.photometric.allowed if not p.startswith("MONOCHROME")]
        if colour and spec.category is Category.CXR:
            yield _advise(
                "COLOUR_RADIOGRAPH",
                "image.photometric.allowed",
                "Colour radiographs are screen captures or photographs.",
                "Accept MONOCHROME1 and MONOCHROME2 only.",
            )
    bits = spec.image.bits_stored
    if bits is not None and bits.min > 16 and bits.level is Level.MUST:
        yield _block(
            "BITS_IMPOSSIBLE",
            "image.bits_stored.min",
            "No radiograph stores more than 16 bits.",
            "Ask for 10 to 16.",
        )
    radiographs = {"CR", "DX", "RG"} & set(spec.image.modality.allowed)
    if spec.projections and not radiographs:
        refuses_all = any(line.level is Level.MUST for line in spec.projections)
        yield (_block if refuses_all and spec.image.modality.level is Level.MUST else _advise)(
            "PROJECTIONS_WITHOUT_RADIOGRAPHS",
            "projections",
            "Projections are asked for, but no radiographs are accepted (CR or DX), and nothing else has a projection.",
            "Remove the projections, or accept radiographs.",
        )
    rules = spec.image
    if rules.manufacturer is not None and spec.deidentification.device is DeviceHandling.REMOVED:
        yield LintNote(
            "COUNT_BY_REMOVED",
            "blocking" if rules.manufacturer.level is Level.MUST else "advice",
            "image.manufacturer",
            "The manufacturer must be known, but de-identification removes it.",
            "Keep the equipment's maker and model, or drop this rule.",
        )


def _delivery(spec: DatasetSpec) -> Iterator[LintNote]:
    formats = spec.delivery
    if LabelFormat.CHEXPERT_CSV in formats.label_formats and spec.labels.taxonomy == "custom":
        yield _advise(
            "CHEXPERT_OF_CUSTOM",
            "delivery.label_formats",
            "CheXpert-style files of an own label list have its own columns, not CheXpert's fourteen.",
            "Add plain CSV, or choose the CheXpert label list.",
        )
    marks = {line.annotation for line in spec.labels.findings}
    if AnnotationType.BOX in marks and not {LabelFormat.COCO, LabelFormat.DICOM_SR} & set(formats.label_formats):
        yield _advise(
            "BOXES_WITHOUT_FORMAT",
            "delivery.label_formats",
            "Bounding boxes are asked for, but no format that holds boxes.",
            "Add COCO or DICOM SR.",
        )
    if {AnnotationType.MASK, AnnotationType.POLYGON} & marks and not {
        LabelFormat.COCO,
        LabelFormat.DICOM_SEG,
    } & set(formats.label_formats):
        yield _advise(
            "MASKS_WITHOUT_FORMAT",
            "delivery.label_formats",
            "Outlines or masks are asked for, but no format that holds them.",
            "Add DICOM SEG or COCO.",
        )
    if ImageFormat.DICOM not in formats.image_formats and ImageFormat.PNG16 not in formats.image_formats:
        yield _advise(
            "EIGHT_BIT_ONLY",
            "delivery.image_formats",
            "Only 8-bit pictures are asked for; the grey levels that hospitals send are lost.",
            "Add DICOM or 16-bit PNG.",
        )
