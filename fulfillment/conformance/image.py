"""`check_image`: one image against the request. Every remark tells the cause and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.finding import Finding, Severity
from fulfillment.conformance.labelled import lack_words
from fulfillment.conformance.match import LabelReader, completed_years, matcher
from requests_app.spec.document import DatasetSpec
from requests_app.spec.lines import ProjectionLine
from requests_app.spec.selector import Selector
from requests_app.spec.vocabulary import Level, Presentation, ReportLinkage, ShareAxis
from requests_app.spec.wording import ages, describe_selector, join
from requests_app.taxonomy import LabelState


def check_image(facts: ImageFacts, spec: DatasetSpec) -> list[Finding]:
    """Remarks on one image, in the order of the document. No "must" among them means it conforms."""
    found = [
        *_projection(facts, spec),
        *_cohort(facts, spec),
        *_image(facts, spec),
        *_countable(facts, spec),
        *check_labels(facts, spec),
    ]
    linkage = spec.reports.linkage
    if linkage is ReportLinkage.REQUIRED and facts.report_linked is False:
        found.append(
            Finding(
                "REPORT_MISSING",
                spec.reports.level.value,
                spec.reports.check_id,
                "",
                "No report came with this image's study.",
                "Send the report of the study, or leave the study out.",
            )
        )
    return found


def _projection(facts: ImageFacts, spec: DatasetSpec) -> Iterator[Finding]:
    if facts.view_conflict:
        yield Finding(
            "VIEW_CONFLICT",
            "should",
            "projections",
            facts.view_conflict[0],
            f"The header contradicts itself about the projection ({join(list(facts.view_conflict))} disagree).",
            "Look at the image and correct the attribute that is wrong.",
        )
    if not spec.projections:
        return
    binding = any(line.level is Level.MUST for line in spec.projections)
    wanted = join([describe_selector(line.selector()) for line in spec.projections], "or")
    severity: Severity = "must" if binding else "should"
    if facts.view is None:
        yield Finding(
            "VIEW_MISSING",
            severity,
            "projections",
            "ViewPosition",
            "The projection is not in the header (ViewPosition, ViewCodeSequence and SeriesDescription were "
            "looked at).",
            "Fill in ViewPosition (PA, AP, LL or RL) at the source and send the image again.",
        )
        return
    if facts.view_source not in {None, "ViewPosition"}:
        yield Finding(
            "VIEW_INFERRED",
            "info",
            "projections",
            "ViewPosition",
            f"The projection was read from {facts.view_source}, as ViewPosition does not say it.",
            "Nothing to do; filling in ViewPosition makes it certain.",
        )
    same_view = [line for line in spec.projections if line.view.covers(facts.view)]
    if not same_view:
        yield Finding(
            "VIEW_MISMATCH",
            severity,
            "projections",
            facts.view_source or "ViewPosition",
            f"The projection is {facts.view}; the request accepts {wanted}.",
            "Leave the image out, or correct the header if the image shows another projection.",
        )
        return
    if any(matcher(line.selector(), spec)(facts) for line in same_view):
        return
    yield from _technique(facts, same_view)


def _technique(facts: ImageFacts, same_view: list[ProjectionLine]) -> Iterator[Finding]:
    """The view is right, but the position or the portable mark asked with it is not."""
    line = same_view[0]
    severity: Severity = line.level.value
    if any(one.level is Level.SHOULD for one in same_view):
        severity = "should"
    asked = join([describe_selector(one.selector()) for one in same_view], "or")
    if facts.position is None and line.position is not None:
        yield Finding(
            "POSITION_MISSING",
            severity,
            line.check_id,
            "PatientOrientationCodeSequence",
            f"The header does not say how the patient was placed; the request accepts {asked}.",
            "Fill in PatientOrientationCodeSequence, or name the position in SeriesDescription.",
        )
        return
    yield Finding(
        "TECHNIQUE_MISMATCH",
        severity,
        line.check_id,
        facts.position_source or "SeriesDescription",
        f"The patient's position or the portable mark is not one that the request accepts ({asked}).",
        "Leave the image out, or correct the header if it is wrong.",
    )


def _cohort(facts: ImageFacts, spec: DatasetSpec) -> Iterator[Finding]:
    age = spec.cohort.age
    if age is not None and (age.min is not None or age.max is not None):
        years = completed_years(facts)
        if years is None:
            yield Finding(
                "AGE_MISSING",
                age.level.value,
                age.check_id,
                "PatientAge",
                "The patient's age is not in the header.",
                "Fill in PatientAge at the source (or PatientBirthDate, from which it is worked out).",
            )
        elif (age.min is not None and years < age.min) or (age.max is not None and years > age.max):
            yield Finding(
                "AGE_OUTSIDE",
                age.level.value,
                age.check_id,
                "PatientAge",
                f"The patient is outside the ages asked for ({ages(age.min, age.max)}).",
                "Leave the image out.",
            )
    sex = spec.cohort.sex
    if sex is not None:
        if facts.sex is None:
            yield Finding(
                "SEX_MISSING",
                sex.level.value,
                sex.check_id,
                "PatientSex",
                "The patient's sex is not in the header.",
                "Fill in PatientSex at the source.",
            )
        elif facts.sex not in {item.value for item in sex.allowed}:
            yield Finding(
                "SEX_OUTSIDE",
                sex.level.value,
                sex.check_id,
                "PatientSex",
                f"The request is limited to patients who are {join([s.plain for s in sex.allowed], 'or')}.",
                "Leave the image out.",
            )
    years_line = spec.cohort.years
    if years_line is not None and spec.deidentification.dates.value in {"year_only", "kept"}:
        year = facts.acquisition_year
        if year is None:
            yield Finding(
                "YEAR_MISSING",
                years_line.level.value,
                years_line.check_id,
                "AcquisitionDate",
                "The year of acquisition is not in the header.",
                "Fill in AcquisitionDate or StudyDate at the source.",
            )
        elif (years_line.first or year) > year or (years_line.last or year) < year:
            yield Finding(
                "YEAR_OUTSIDE",
                years_line.level.value,
                years_line.check_id,
                facts.year_source or "AcquisitionDate",
                "The image was not acquired in the years asked for.",
                "Leave the image out.",
            )


def _image(facts: ImageFacts, spec: DatasetSpec) -> Iterator[Finding]:
    rules = spec.image
    if facts.modality not in rules.modality.allowed:
        yield Finding(
            "MODALITY_MISMATCH",
            rules.modality.level.value,
            rules.modality.check_id,
            "Modality",
            f"Modality is {facts.modality or 'missing'}; the request accepts "
            f"{join(list(rules.modality.allowed), 'or')}.",
            "Leave the image out, or correct Modality if it is wrong.",
        )
    bits = rules.bits_stored
    if bits is not None and (facts.bits_stored or 0) < bits.min:
        stored = "missing" if facts.bits_stored is None else str(facts.bits_stored)
        yield Finding(
            "BITS_TOO_FEW",
            bits.level.value,
            bits.check_id,
            "BitsStored",
            f"BitsStored is {stored}; at least {bits.min} are asked for. Eight bits usually mean an export for "
            "viewing.",
            "Send the original from the archive, not a viewer's export.",
        )
    side = rules.short_side
    if side is not None and (facts.short_side or 0) < side.min_px:
        size = "not known" if facts.short_side is None else f"{facts.short_side:,} pixels"
        yield Finding(
            "TOO_SMALL",
            side.level.value,
            side.check_id,
            "Rows" if (facts.rows or 0) <= (facts.columns or 0) else "Columns",
            f"The short side is {size}; at least {side.min_px:,} are asked for.",
            "Send the original size, not a reduced copy.",
        )
    yield from _spacing(facts, spec)
    photometric = rules.photometric
    if photometric is not None and facts.photometric not in photometric.allowed:
        yield Finding(
            "PHOTOMETRIC_MISMATCH",
            photometric.level.value,
            photometric.check_id,
            "PhotometricInterpretation",
            f"PhotometricInterpretation is not one of those accepted ({join(list(photometric.allowed), 'or')}).",
            "Send the original grey-scale image; colour usually means a screen capture.",
        )
    if rules.lossless is not None and facts.lossy:
        yield Finding(
            "LOSSY",
            rules.lossless.level.value,
            rules.lossless.check_id,
            facts.lossy_source or "LossyImageCompression",
            "The image is or was lossily compressed.",
            "Send it from an archive that keeps the original, uncompressed or losslessly compressed.",
        )
    yield from _windowing(facts, spec)
    maker = rules.manufacturer
    if maker is not None and facts.vendor is None:
        yield Finding(
            "MANUFACTURER_MISSING",
            maker.level.value,
            maker.check_id,
            "Manufacturer",
            "The equipment's manufacturer is not in the header, so it earns no credit for diversity.",
            "Fill in Manufacturer and ManufacturerModelName at the source.",
        )
    slices = rules.slice_thickness
    if slices is not None and (facts.slice_thickness_mm is None or facts.slice_thickness_mm > slices.max_mm):
        missing = facts.slice_thickness_mm is None
        yield Finding(
            "SLICE_THICKNESS_MISSING" if missing else "SLICES_TOO_THICK",
            slices.level.value,
            slices.check_id,
            "SliceThickness",
            "SliceThickness is not in the header."
            if missing
            else f"Slices are {facts.slice_thickness_mm:g} mm thick; at most {slices.max_mm:g} mm is asked for.",
            "Send the thin-slice reconstruction of the study.",
        )


def _spacing(facts: ImageFacts, spec: DatasetSpec) -> Iterator[Finding]:
    rule = spec.image.pixel_spacing
    if rule is None:
        return
    if facts.spacing_mm is None:
        yield Finding(
            "SPACING_MISSING",
            rule.level.value,
            rule.check_id,
            "PixelSpacing",
            "The size of a pixel is not in the header (PixelSpacing, ImagerPixelSpacing).",
            "Fill in ImagerPixelSpacing from the detector's data sheet, or PixelSpacing if calibrated.",
        )
        return
    if not rule.detector_plane_ok and facts.spacing_source != "PixelSpacing":
        yield Finding(
            "SPACING_AT_DETECTOR",
            rule.level.value,
            rule.check_id,
            facts.spacing_source or "PixelSpacing",
            "Only the spacing at the detector is given; the request asks for the spacing in the patient.",
            "Fill in PixelSpacing with its calibration, or leave the image out.",
        )
    if rule.max_mm is not None and max(facts.spacing_mm) > rule.max_mm:
        yield Finding(
            "SPACING_TOO_COARSE",
            rule.level.value,
            rule.check_id,
            facts.spacing_source or "PixelSpacing",
            f"A pixel is {max(facts.spacing_mm):.3g} mm; at most {rule.max_mm:g} mm is asked for.",
            "Send the original resolution.",
        )


def _windowing(facts: ImageFacts, spec: DatasetSpec) -> Iterator[Finding]:
    rule = spec.image.windowing
    if rule is None:
        return
    if rule.window_required and not facts.window_present:
        yield Finding(
            "WINDOW_MISSING",
            rule.level.value,
            rule.check_id,
            "WindowCenter",
            "No display window is given (WindowCenter and WindowWidth, or a VOI LUT).",
            "Send the image with the window that the modality proposed.",
        )
    if rule.presentation is not Presentation.ANY and facts.presentation_intent != rule.presentation.value:
        yield Finding(
            "PRESENTATION_MISMATCH",
            rule.level.value,
            rule.check_id,
            "PresentationIntentType",
            f"PresentationIntentType is not {rule.presentation.value}.",
            "Send the other of the two versions that the detector makes.",
        )


def _countable(facts: ImageFacts, spec: DatasetSpec) -> Iterator[Finding]:
    """What a quota counts by and the image does not tell: it is welcome, but fills nothing there."""
    used: dict[str, str] = {}
    selectors: list[tuple[str, Selector]] = [(cell.check_id, cell) for cell in spec.quotas]
    selectors += [(cap.check_id, cap.within) for cap in spec.share_caps]
    for check_id, selector in selectors:
        if selector.sex is not None:
            used.setdefault("sex", check_id)
        if selector.age_min is not None or selector.age_max is not None:
            used.setdefault("age", check_id)
        if selector.vendor is not None:
            used.setdefault("vendor", check_id)
        if selector.position is not None:
            used.setdefault("position", check_id)
    for cap in spec.share_caps:
        if cap.axis in {ShareAxis.VENDOR, ShareAxis.SCANNER}:
            used.setdefault("vendor", cap.check_id)
    gaps = (
        ("sex", facts.sex, spec.cohort.sex is None, "PatientSex", "sex"),
        ("age", facts.age_years, spec.cohort.age is None, "PatientAge", "age"),
        ("vendor", facts.vendor, spec.image.manufacturer is None, "Manufacturer", "manufacturer"),
        ("position", facts.position, True, "PatientOrientationCodeSequence", "patient position"),
    )
    for name, value, unreported, tag, word in gaps:
        if name in used and value is None and unreported:
            yield Finding(
                "UNCOUNTED_" + name.upper(),
                "info",
                used[name],
                tag,
                f"The header has no {word}, so the image fills no quota that counts by it.",
                f"Fill in {tag} at the source if it is known.",
            )


def check_labels(facts: ImageFacts, spec: DatasetSpec) -> list[Finding]:
    """Findings that must be labelled and are not, or not as asked. Nothing is said while labels have not come (None)."""
    if facts.labels is None:
        return []
    reader = LabelReader(spec)
    states = reader.states(facts.labels)
    found = []
    for line in spec.labels.findings:
        if states.get(reader.key(line.finding), LabelState.NOT_MENTIONED) is LabelState.NOT_MENTIONED:
            code, cause = "LABEL_MISSING", f"There is no label for {line.finding} on this image."
            remedy = f"Add a row with {line.finding} to the label table: present, likely, possible or absent."
        elif lack := reader.weigh(facts, line.finding).lack:
            words, remedy = lack_words(lack, line)
            code, cause = f"LABEL_{lack}", f"The image comes {words}."
        else:
            continue
        found.append(Finding(code, line.level.value, line.check_id, "", cause, remedy))
    return found
