"""`summarise`: the whole request in plain sentences, for the live summary, the page and the contract annex."""

from __future__ import annotations

from requests_app.spec.document import DatasetSpec
from requests_app.spec.vocabulary import Level, NotMentionedAs, QuotaCounting, Sharing, UncertainAs
from requests_app.spec.wording import describe_counting, describe_deid, describe_line, join, plural


def _mark(text: str, level: Level) -> str:
    """A "should" line is said to be a wish."""
    return text if level is Level.MUST else f"{text} (preferred)"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def summarise(spec: DatasetSpec) -> list[str]:
    """Plain sentences, one subject each, in the order of the document."""
    said: list[str] = []
    size = []
    images, patients = spec.cohort.images, spec.cohort.patients
    if images.min:
        size.append(f"at least {plural(images.min, 'images')}")
    if patients.min:
        size.append(f"from at least {plural(patients.min, 'patients')}")
    said.append(f"{spec.category.plain}: " + (" ".join(size) or "the number of images is not stated yet"))
    ceilings = []
    if images.max is not None:
        ceilings.append(plural(images.max, "images"))
    if patients.max is not None:
        ceilings.append(plural(patients.max, "patients"))
    if ceilings:
        said.append(f"no more than {join(ceilings)}")
    for line in (spec.cohort.per_patient, spec.cohort.age, spec.cohort.sex, spec.cohort.years):
        if line is not None:
            said.append(_mark(describe_line(line), line.level))
    if spec.projections:
        said.append("Accepted projections: " + "; ".join(_mark(describe_line(p), p.level) for p in spec.projections))
    said.extend(_labels(spec))
    for cell in spec.quotas:
        said.append("Quota: " + _mark(describe_line(cell), cell.level))
    if spec.quotas and spec.quota_counting is QuotaCounting.ONCE:
        said.append(describe_counting({cell.unit.value for cell in spec.quotas}))
    for cap in spec.share_caps:
        said.append(_mark(describe_line(cap), cap.level))
    said.append(_mark(describe_line(spec.reports), spec.reports.level))
    rules = []
    for name in type(spec.image).model_fields:
        rule = getattr(spec.image, name)
        if rule is not None:
            rules.append(_mark(describe_line(rule), rule.level))
    said.append("Every image: " + "; ".join(rules))
    wanted = [spec.quality.total] if spec.quality.total else []
    for minimum in [*wanted, *spec.quality.components]:
        said.append(_mark(describe_line(minimum), minimum.level))
    said.append(
        f"De-identified by the policy {spec.deidentification.policy.value}: {describe_deid(spec.deidentification)}"
    )
    said.extend(_ends(spec))
    return [_sentence(text) for text in said]


def _labels(spec: DatasetSpec) -> list[str]:
    if not spec.labels.findings:
        return []
    taxonomy = spec.taxonomy()
    said = [
        f"Labels from the list {taxonomy.title}: "
        + "; ".join(_mark(describe_line(line), line.level) for line in spec.labels.findings)
    ]
    policy = spec.labels.uncertainty
    words = {
        UncertainAs.PRESENT: "counts as present",
        UncertainAs.ABSENT: "counts as absent",
        UncertainAs.UNCERTAIN: "stays uncertain and fills no quota",
        UncertainAs.EXCLUDE: "is left out",
    }
    silent = "absent" if policy.not_mentioned is NotMentionedAs.ABSENT else "blank"
    said.append(
        f"A finding called likely {words[policy.likely]}; one called possible {words[policy.possible]}; "
        f"one not mentioned is exported as {silent}"
    )
    return said


def _ends(spec: DatasetSpec) -> list[str]:
    delivery, terms = spec.delivery, spec.terms
    said = [
        f"Delivered as {join([f.plain for f in delivery.image_formats])} with labels as "
        f"{join([f.plain for f in delivery.label_formats])}"
        + (f" by {delivery.deadline.day} {delivery.deadline:%B %Y}" if delivery.deadline else "")
        + (", in parts if need be" if delivery.partial_batches else ", complete or not at all")
    ]
    if delivery.pictures:
        said.append("Hospitals may send PNG and JPEG pictures with a table of patient, study and view beside DICOM")
    use = spec.purpose.intended_use.plain if spec.purpose.intended_use else "not stated yet"
    said.append(
        f"Intended use: {use}; commercial use is {'included' if terms.commercial_use else 'excluded'}; "
        f"shared with {terms.sharing.plain if terms.sharing is not Sharing.PUBLIC else 'the public'}"
    )
    keep = f"Kept for {plural(terms.retention_months, 'months')}" if terms.retention_months else ""
    if keep:
        said.append(keep + (", then destroyed with a certificate" if terms.destruction_certificate else ""))
    if terms.originals_days is not None:
        said.append(
            f"The originals that the hospital sent are destroyed {plural(terms.originals_days, 'days')} after acceptance, "
            "with a certificate"
        )
    if terms.countries:
        said.append(f"Used in {join(list(terms.countries))} only")
    said.append("Nobody may try to identify a patient")
    return said
