"""What a request asks that images of its kind cannot have, or that is rarely what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations

from requests_app.spec.arithmetic import demands, smallest_total
from requests_app.spec.document import DatasetSpec
from requests_app.spec.notes import LintNote
from requests_app.spec.selector import Selector, disjoint
from requests_app.spec.vocabulary import (
    Adjudication,
    LabelFormat,
    LabelMethod,
    Level,
    Position,
    Presentation,
    QuotaCounting,
    ReportLinkage,
    ShareAxis,
    UncertainAs,
    View,
)
from requests_app.spec.wording import describe_selector, join, plural
from requests_app.taxonomy import get_taxonomy, unmapped

SOON = timedelta(days=14)
#: Detectors are about 4,300 pixels at most and 0.1 mm at the finest.
FINEST_MM, LARGEST_PX, CT_PX = 0.05, 4500, 512
HARD_SCORE = 90
_SIDEWAYS = (View.LATERAL, View.LL, View.RL)
_SLICED = {"CT", "MR", "PT", "NM"}


def _note(code: str, blocks: bool, path: str, message: str, remedy: str) -> LintNote:
    return LintNote(code, "blocking" if blocks else "advice", path, message, remedy)


def lint_sense(spec: DatasetSpec, today: date | None) -> Iterator[LintNote]:
    """Notes on what cannot be had, and on what is rarely meant."""
    if today is not None:
        yield from _dates(spec, today)
    yield from _technique(spec)
    yield from _kind_of_image(spec)
    yield from _labels(spec)
    yield from _shares(spec)
    yield from _counting(spec)
    if spec.reports.linkage is ReportLinkage.NONE and spec.reports.languages:
        yield _note(
            "LANGUAGES_WITHOUT_REPORTS",
            False,
            "reports.languages",
            "Languages of reports are named, but no reports are asked for.",
            "Ask for reports, or leave the languages out.",
        )


def _dates(spec: DatasetSpec, today: date) -> Iterator[LintNote]:
    deadline, years = spec.delivery.deadline, spec.cohort.years
    if deadline is not None and today < deadline <= today + SOON:
        yield _note(
            "DEADLINE_SOON",
            False,
            "delivery.deadline",
            f"The deadline is in {plural((deadline - today).days, 'days')}; a check, an offer and two signatures "
            "take longer.",
            "Choose a later date unless a hospital already waits with the data.",
        )
    if years is not None and years.first is not None and years.first > today.year:
        yield _note(
            "YEARS_TO_COME",
            years.level is Level.MUST,
            "cohort.years.first",
            f"Images acquired in {years.first} or later are asked for, and that year has not begun.",
            "Enter an earlier year.",
        )


def _technique(spec: DatasetSpec) -> Iterator[LintNote]:
    """Ways of taking a picture that hardly exist."""
    lines: list[tuple[str, Selector]] = [(f"projections.{i}", p.selector()) for i, p in enumerate(spec.projections)]
    lines += [(f"quotas.{i}", cell) for i, cell in enumerate(spec.quotas)]
    for path, asked in lines:
        if asked.view in _SIDEWAYS and asked.portable:
            why = "lateral images are hardly ever taken at the bedside"
        elif asked.view is View.PA and asked.position is Position.SUPINE:
            why = "a patient who lies on the back is taken AP"
        elif asked.view is View.PA and asked.portable:
            why = "portable images are nearly always AP"
        else:
            continue
        yield _note(
            "RARE_TECHNIQUE",
            False,
            path,
            f"'{describe_selector(asked)}' is asked for, but {why}.",
            "Check the projection, the position and the portable mark of this line.",
        )


def _kind_of_image(spec: DatasetSpec) -> Iterator[LintNote]:
    rules, modalities = spec.image, set(spec.image.modality.allowed)
    only_binding = spec.image.modality.level is Level.MUST
    radiographs = modalities & {"CR", "DX", "RG"}
    if not radiographs and only_binding:
        for index, cell in enumerate(spec.quotas):
            if cell.view is not None and cell.min:
                yield _note(
                    "VIEW_WITHOUT_RADIOGRAPHS",
                    cell.level is Level.MUST,
                    f"quotas.{index}.view",
                    f"'{describe_selector(cell)}' counts by projection, but only {join(sorted(modalities), 'or')} is "
                    "accepted, which has none.",
                    "Leave the projection out, or accept radiographs (CR or DX).",
                )
    slices = rules.slice_thickness
    if slices is not None and not modalities & _SLICED:
        yield _note(
            "SLICES_WITHOUT_CT",
            slices.level is Level.MUST and only_binding,
            "image.slice_thickness",
            f"A slice thickness is asked for, but {join(sorted(modalities), 'and')} images have no slices.",
            "Remove the slice thickness, or accept CT.",
        )
    window = rules.windowing
    if window is not None and window.presentation is not Presentation.ANY and "DX" not in modalities:
        yield _note(
            "PRESENTATION_WITHOUT_DX",
            window.level is Level.MUST and only_binding and modalities <= {"CR", "CT", "RG"},
            "image.windowing.presentation",
            "A presentation intent is asked for, but only DX images state one.",
            "Accept any presentation intent, or accept DX.",
        )
    spacing, side = rules.pixel_spacing, rules.short_side
    if spacing is not None and spacing.max_mm is not None and spacing.max_mm < FINEST_MM:
        yield _note(
            "SPACING_TOO_FINE",
            False,
            "image.pixel_spacing.max_mm",
            f"Pixels of at most {spacing.max_mm:g} mm are asked for; detectors for the chest have 0.1 to 0.2 mm.",
            "Ask for 0.2 mm, or leave the size open.",
        )
    if side is not None and side.min_px > LARGEST_PX:
        yield _note(
            "SIDE_TOO_LARGE",
            False,
            "image.short_side.min_px",
            f"A short side of {side.min_px:,} pixels is asked for; detectors for the chest have 2,000 to 4,300.",
            "Ask for 2,000 or less.",
        )
    elif side is not None and side.min_px > CT_PX and modalities == {"CT"}:
        yield _note(
            "SIDE_TOO_LARGE",
            False,
            "image.short_side.min_px",
            f"A short side of {side.min_px:,} pixels is asked for; CT slices usually have {CT_PX}.",
            f"Ask for {CT_PX}.",
        )
    scores = [("quality.total.min", spec.quality.total.min)] if spec.quality.total else []
    scores += [(f"quality.components.{i}.min", line.min) for i, line in enumerate(spec.quality.components)]
    for path, least in scores:
        if least > HARD_SCORE:
            yield _note(
                "SCORE_TOO_HIGH",
                False,
                path,
                f"A quality of {least:g} of 100 is asked for, which few images of clinical routine reach.",
                "Ask for 60 to 80, and see what is delivered.",
            )


def _labels(spec: DatasetSpec) -> Iterator[LintNote]:
    taxonomy, policy = spec.taxonomy(), spec.labels.uncertainty
    for index, line in enumerate(spec.labels.findings):
        found, source = taxonomy.find(line.finding), line.source
        read_by_people = (
            source.min_readers > 1 or source.board_certified or source.adjudication is not Adjudication.NONE
        )
        if source.method is LabelMethod.REPORT_NLP and read_by_people:
            yield _note(
                "READERS_OF_SOFTWARE",
                False,
                f"labels.findings.{index}.source",
                f"'{line.finding}' is to be taken from reports by software, which has no readers to count or certify.",
                "Ask for labels read by people, or leave the readers out.",
            )
        if found is not None and found.scope == "global" and line.annotation.value != "image":
            yield _note(
                "MARK_OF_WHOLE_IMAGE_LABEL",
                False,
                f"labels.findings.{index}.annotation",
                f"In {taxonomy.title} '{found.name}' is a label of the whole image; a {line.annotation.plain} of it is "
                "nobody's custom.",
                "Ask for an image-level label, or mark the findings that show it.",
            )
    if policy.possible is UncertainAs.PRESENT and policy.likely in (UncertainAs.ABSENT, UncertainAs.EXCLUDE):
        yield _note(
            "UNCERTAINTY_REVERSED",
            False,
            "labels.uncertainty",
            "What is only possible counts as present, but what is likely does not.",
            "Let 'likely' count for at least as much as 'possible'.",
        )
    wanted = {found.key for line in spec.labels.findings if (found := taxonomy.find(line.finding)) is not None}
    if LabelFormat.CHEXPERT_CSV in spec.delivery.label_formats and spec.labels.custom is None:
        lost = [f.name for f in unmapped(taxonomy, get_taxonomy("chexpert-14")) if f.key in wanted]
        if lost:
            yield _note(
                "CHEXPERT_LOSES",
                False,
                "delivery.label_formats",
                f"CheXpert-style files have no column for {join(lost)}.",
                "Add plain CSV, which carries every finding.",
            )


def _shares(spec: DatasetSpec) -> Iterator[LintNote]:
    for index, cap in enumerate(spec.share_caps):
        if cap.axis is not ShareAxis.PATIENT or cap.within != Selector():
            continue
        whole = spec.cohort.images.max
        least = spec.cohort.images.min
        if whole is not None and whole * cap.max_percent < 100 - 1e-9:
            yield _note(
                "CAP_IMPOSSIBLE",
                cap.level is Level.MUST,
                f"share_caps.{index}.max_percent",
                f"At most {cap.max_percent:g} % of at most {whole:,} images is less than one image of a patient.",
                f"Raise the limit to at least {100 / whole:.2g} %.",
            )
        elif least and least * cap.max_percent < 100 - 1e-9:
            yield _note(
                "CAP_BELOW_ONE",
                False,
                f"share_caps.{index}.max_percent",
                f"At most {cap.max_percent:g} % of {least:,} images is less than one image of a patient, so every patient "
                "is too much until more images have come.",
                f"Raise the limit to at least {100 / least:.2g} %, or limit the images of one patient by number.",
            )
    asked, needed = spec.cohort.images.min, smallest_total(spec)
    capped = any(cap.level is Level.MUST and cap.within == Selector() for cap in spec.share_caps)
    if capped and 0 < asked < needed and needed > sum_without_caps(spec):
        yield _note(
            "CAP_RAISES_TOTAL",
            False,
            "cohort.images",
            f"With the share limits, the lines of one hospital, maker, sex or projection need {needed:,} images in all, "
            f"more than the {asked:,} asked for.",
            f"Set the total to at least {needed:,}, raise the share limit, or ask for less from the one.",
        )


def sum_without_caps(spec: DatasetSpec) -> int:
    """The fewest images that can meet the document if it had no share caps."""
    return smallest_total(spec.model_copy(update={"share_caps": ()}))


def _counting(spec: DatasetSpec) -> Iterator[LintNote]:
    if spec.quota_counting is not QuotaCounting.ONCE:
        return
    taxonomy = spec.taxonomy()
    cells = [demand for demand in demands(spec) if demand.kind == "cell"]
    if not any(
        first.unit is second.unit and not disjoint(first.selector, second.selector, taxonomy)
        for first, second in combinations(cells, 2)
    ):
        yield _note(
            "ONCE_WITHOUT_EFFECT",
            False,
            "quota_counting",
            "Each image is to count in one quota only, but no two quotas could share an image.",
            "Leave it as it is, or add the quotas that it is meant for.",
        )
