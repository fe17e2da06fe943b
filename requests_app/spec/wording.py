"""The document's lines in plain words, the same on the page, in the agreement and in a verdict."""

from __future__ import annotations

from pydantic import BaseModel

from requests_app.spec import lines as L
from requests_app.spec.document import Deidentification
from requests_app.spec.selector import Selector
from requests_app.spec.vocabulary import (
    Adjudication,
    DatesHandling,
    DeviceHandling,
    LabelMethod,
    Presentation,
    ReportLinkage,
)


def plural(count: int, word: str) -> str:
    """ "1 image", "1,200 images", "1 study"."""
    if count == 1:
        singular = {"studies": "study"}.get(word, word.removesuffix("s"))
        return f"1 {singular}"
    return f"{count:,} {word}"


def join(parts: list[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def ages(low: int | None, high: int | None) -> str:
    """An age range in words; empty if there is none."""
    if low is None and high is None:
        return ""
    if high is None:
        return f"aged {low} and over"
    if low is None or low == 0:
        return f"aged up to {high}"
    return f"aged {low}" if low == high else f"aged {low} to {high}"


def describe_selector(selector: Selector) -> str:
    """ "female, aged 66 and over, AP supine, with Pneumothorax"; "all images" if nothing is restricted."""
    parts: list[str] = []
    if selector.sex:
        parts.append(selector.sex.plain)
    if selector.age_min is not None or selector.age_max is not None:
        parts.append(ages(selector.age_min, selector.age_max))
    technique = []
    if selector.view:
        technique.append(selector.view.plain)
    if selector.position:
        technique.append(selector.position.plain)
    if selector.portable is not None:
        technique.append("portable" if selector.portable else "not portable")
    if technique:
        parts.append(" ".join(technique))
    if selector.finding:
        parts.append(("with " if selector.finding_state == "present" else "without ") + selector.finding)
    if selector.vendor:
        parts.append(f"on {selector.vendor} equipment")
    if selector.site:
        parts.append(f"from {selector.site}")
    return ", ".join(parts) or "all images"


def bounds(low: int, high: int | None, unit: str) -> str:
    """ "at least 500 images", "500 to 900 images", "at most 900 images", "any number of images"."""
    if low and high is not None:
        return f"exactly {plural(low, unit)}" if low == high else f"{low:,} to {plural(high, unit)}"
    if low:
        return f"at least {plural(low, unit)}"
    if high is not None:
        return f"at most {plural(high, unit)}"
    return f"any number of {unit}"


def describe_counting(units: set[str]) -> str:
    """What "once" means for quotas counted in these units, in words."""
    singular = {"images": "image", "patients": "patient", "studies": "study"}
    named = join([word for unit, word in singular.items() if unit in units] or ["image"], "or")
    article = "An" if named.startswith("image") else "A"
    return f"{article} {named} that matches several quotas counts in one of them only, where it helps most"


def describe_source(source: L.LabelSource) -> str:
    """Where a label comes from, in words."""
    if source.method is LabelMethod.ANY and source.min_readers == 1 and not source.board_certified:
        return "any label source"
    text = source.method.plain
    if source.min_readers > 1:
        text += f", {source.min_readers} readers"
    if source.board_certified:
        text += ", board-certified"
    if source.adjudication is not Adjudication.NONE:
        settled = {"majority": "majority", "consensus": "consensus", "senior": "a senior reader"}
        text += f", settled by {settled[source.adjudication.value]}"
    return text


def describe_line(line: BaseModel) -> str:
    """One checkable line as a short statement without its level."""
    match line:
        case L.ImagesLine() | L.PatientsLine():
            unit = "images" if isinstance(line, L.ImagesLine) else "patients"
            return f"In all {bounds(line.min, line.max, unit)}"
        case L.PerPatientLine():
            return f"At most {plural(line.max, 'images')} of one patient"
        case L.AgeLine():
            return f"Patients {ages(line.min, line.max) or 'of any age'}"
        case L.SexLine():
            return f"Sex: {join([sex.plain for sex in line.allowed], 'or')}"
        case L.YearsLine():
            if line.first is not None and line.last is not None:
                return f"Acquired {line.first} to {line.last}"
            if line.first is not None:
                return f"Acquired in {line.first} or later"
            return f"Acquired in {line.last} or earlier" if line.last else "Acquired in any year"
        case L.ProjectionLine():
            text = describe_selector(line.selector())
            return f"{text}: {bounds(line.min_images, None, 'images')}" if line.min_images else f"{text}: accepted"
        case L.QuotaCell():
            return f"{describe_selector(line)}: {bounds(line.min, line.max, line.unit.value)}"
        case L.ShareCap():
            among = describe_selector(line.within)
            whole = "the images" if among == "all images" else f"the images that are {among}"
            return f"At most {line.max_percent:g} % of {whole} from one {line.axis.plain}"
        case L.FindingLine():
            text = f"{line.finding}: {line.annotation.plain}, {describe_source(line.source)}"
            wanted = []
            if line.min_positive:
                wanted.append(f"at least {line.min_positive:,} with it")
            if line.min_negative:
                wanted.append(f"at least {line.min_negative:,} without it")
            return f"{text}; {join(wanted)}" if wanted else text
        case L.ReportLine():
            spoken = f" in {join(list(line.languages), 'or')}" if line.languages else ""
            return {
                ReportLinkage.NONE: "No reports asked for",
                ReportLinkage.OPTIONAL: f"Reports welcome{spoken}",
                ReportLinkage.REQUIRED: f"A report with every study{spoken}",
            }[line.linkage]
        case L.ModalityRule():
            return f"Modality {join(list(line.allowed), 'or')}"
        case L.BitsStoredRule():
            return f"At least {line.min} bits stored"
        case L.ShortSideRule():
            return f"Short side at least {line.min_px:,} pixels"
        case L.PixelSpacingRule():
            text = "Pixel spacing given" + (f", at most {line.max_mm:g} mm" if line.max_mm else "")
            return text if line.detector_plane_ok else text + ", in the patient (PixelSpacing)"
        case L.PhotometricRule():
            return f"Photometric interpretation {join(list(line.allowed), 'or')}"
        case L.LosslessRule():
            return "Never lossily compressed"
        case L.WindowingRule():
            parts = ["Display window given"] if line.window_required else []
            if line.presentation is not Presentation.ANY:
                parts.append(f"presentation intent {line.presentation.value}")
            return ", ".join(parts) or "Any windowing"
        case L.ManufacturerRule():
            return "Equipment manufacturer known"
        case L.SliceThicknessRule():
            return f"Slices at most {line.max_mm:g} mm thick"
        case L.UprightRule():
            return "Upright, and of the right polarity" + (" (the portal may set it right)" if line.correct else "")
        case L.QualityTotalRule():
            return f"Quality score at least {line.min:g}"
        case L.QualityMinimum():
            return f"Quality: {line.component.value} ({line.component.asks}) at least {line.min:g}"
        case Deidentification():
            return f"De-identified by the policy {line.policy.value}: {describe_deid(line)}"
    raise TypeError(f"{type(line).__name__} is not a line of a request")


def describe_deid(rules: Deidentification) -> str:
    """What the policy keeps, in words."""
    dates = {
        DatesHandling.REMOVED: "dates removed",
        DatesHandling.YEAR_ONLY: "dates cut to the year",
        DatesHandling.SHIFTED: "dates shifted by a secret number of days for each patient",
        DatesHandling.KEPT: "dates kept (a limited data set)",
    }[rules.dates]
    device = "equipment maker and model kept" if rules.device is DeviceHandling.MAKE_AND_MODEL else "equipment removed"
    who = (
        "sex and age kept (90 and over pooled)"
        if rules.patient_characteristics.value == "kept"
        else "sex and age removed"
    )
    return f"{dates}; {device}; {who}"
