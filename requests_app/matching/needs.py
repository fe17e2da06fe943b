"""A specification read once for matching: what it needs, each with its weight and whether lacking it rules a hospital out."""

from __future__ import annotations

from dataclasses import dataclass

from requests_app.matching.capability import LegalClass
from requests_app.spec import (
    AnnotationType,
    DatasetSpec,
    DatesHandling,
    LabelMethod,
    Level,
    ReportLinkage,
    View,
    canonical_vendor,
    describe_selector,
)
from requests_app.spec.wording import ages

#: What a need weighs in the fit: projections and amount decide most, equipment least.
WEIGHTS = {
    "projection": 3.0,
    "amount": 3.0,
    "legal": 2.0,
    "reports": 2.0,
    "annotation": 2.0,
    "labels": 1.0,
    "readers": 1.0,
    "modality": 2.0,
    "years": 1.0,
    "age": 1.0,
    "countries": 1.0,
    "languages": 1.0,
    "portable": 1.0,
    "vendor": 1.0,
}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing asked. ``kind`` names the rule in ``fit``; ``label`` is how it is said: "lateral required"."""

    kind: str
    key: str
    label: str
    must: bool
    amount: int = 0
    views: tuple[View, ...] = ()
    portable: bool | None = None
    values: frozenset[str] = frozenset()
    low: int | None = None
    high: int | None = None

    @property
    def weight(self) -> float:
        return WEIGHTS[self.kind]


@dataclass(frozen=True, slots=True)
class Needs:
    """All needs of one specification."""

    needs: tuple[Need, ...] = ()
    first_year: int | None = None
    last_year: int | None = None


_CLASSES: dict[DatesHandling, frozenset[str]] = {
    DatesHandling.KEPT: frozenset({LegalClass.LIMITED_DATA_SET}),
    DatesHandling.SHIFTED: frozenset({LegalClass.EXPERT_DETERMINATION, LegalClass.LIMITED_DATA_SET}),
    DatesHandling.YEAR_ONLY: frozenset(
        {LegalClass.SAFE_HARBOR, LegalClass.EXPERT_DETERMINATION, LegalClass.LIMITED_DATA_SET}
    ),
    DatesHandling.REMOVED: frozenset(
        {LegalClass.SAFE_HARBOR, LegalClass.EXPERT_DETERMINATION, LegalClass.LIMITED_DATA_SET}
    ),
}


def hipaa_classes(spec: DatasetSpec) -> frozenset[str]:
    """The HIPAA classes that fit what a policy keeps: kept dates make a limited data set, shifted ones need an expert."""
    return _CLASSES[spec.deidentification.dates]


def needs_of(spec: DatasetSpec, *, recipient_country: str = "") -> Needs:
    """What ``spec`` asks of a hospital. ``recipient_country`` counts when the terms name no country."""
    found: list[Need] = []
    for line in spec.projections:
        required = line.level is Level.MUST and line.min_images > 0
        words = describe_selector(line.selector())
        found.append(
            Need(
                "projection",
                line.check_id,
                f"{words} {'required' if required else 'wanted'}",
                required,
                amount=line.min_images,
                views=tuple(view for view in View if line.view.covers(view.value)),
                portable=line.portable,
            )
        )
    if any(line.portable for line in spec.projections) or any(cell.portable for cell in spec.quotas):
        found.append(Need("portable", "portable", "portable images wanted", must=False))
    if spec.cohort.images.min:
        found.append(
            Need("amount", "cohort.images", f"{spec.cohort.images.min:,} images", False, spec.cohort.images.min)
        )
    if spec.image.modality.allowed:
        allowed = spec.image.modality.allowed
        must = spec.image.modality.level is Level.MUST
        found.append(
            Need("modality", "image.modality", f"{' or '.join(allowed)} required", must, values=frozenset(allowed))
        )
    years = spec.cohort.years
    if years is not None and (years.first or years.last):
        words = f"acquired {years.first or '…'} to {years.last or 'now'}"
        found.append(Need("years", "cohort.years", words, years.level is Level.MUST, low=years.first, high=years.last))
    age = spec.cohort.age
    if age is not None and (age.min is not None or age.max is not None):
        words = ages(age.min, age.max)
        found.append(Need("age", "cohort.age", words, age.level is Level.MUST, low=age.min, high=age.max))
    found += [*_label_needs(spec), *_report_needs(spec), *_vendor_needs(spec)]
    found.append(
        Need("legal", "deid.policy", _legal_words(spec), True, values=hipaa_classes(spec) | {LegalClass.GDPR.value})
    )
    places = frozenset(spec.terms.countries) or (frozenset({recipient_country}) if recipient_country else frozenset())
    if places:
        found.append(Need("countries", "terms.countries", f"used in {', '.join(sorted(places))}", True, values=places))
    return Needs(tuple(found), years.first if years else None, years.last if years else None)


def _label_needs(spec: DatasetSpec) -> list[Need]:
    found: list[Need] = []
    must_kinds: dict[AnnotationType, bool] = {}
    methods: dict[LabelMethod, bool] = {}
    readers = certified = 0
    for line in spec.labels.findings:
        required = line.level is Level.MUST
        if line.annotation is not AnnotationType.IMAGE:
            must_kinds[line.annotation] = must_kinds.get(line.annotation, False) or required
        if line.source.method is not LabelMethod.ANY:
            methods[line.source.method] = methods.get(line.source.method, False) or required
        readers = max(readers, line.source.min_readers)
        certified = max(certified, line.source.min_readers if line.source.board_certified else 0)
    for kind, required in must_kinds.items():
        words = f"{kind.plain} {'required' if required else 'wanted'}"
        found.append(Need("annotation", f"annotation.{kind.value}", words, required, values=frozenset({kind.value})))
    for method, required in methods.items():
        found.append(
            Need(
                "labels", f"labels.{method.value}", f"labels {method.plain}", required, values=frozenset({method.value})
            )
        )
    if readers > 1 or LabelMethod.IMAGE_READ in methods:
        words = f"{readers} reader{'s' if readers > 1 else ''}"
        found.append(Need("readers", "readers", words, False, amount=readers))
    if certified:
        words = f"{certified} board-certified reader{'s' if certified > 1 else ''}"
        found.append(
            Need("readers", "readers.certified", words, False, amount=certified, values=frozenset({"certified"}))
        )
    return found


def _report_needs(spec: DatasetSpec) -> list[Need]:
    if spec.reports.linkage is ReportLinkage.NONE:
        return []
    required = spec.reports.linkage is ReportLinkage.REQUIRED and spec.reports.level is Level.MUST
    found = [Need("reports", "reports.linkage", f"reports {'required' if required else 'wanted'}", required)]
    if spec.reports.languages:
        words = f"reports in {' or '.join(spec.reports.languages)}"
        found.append(Need("languages", "reports.languages", words, required, values=frozenset(spec.reports.languages)))
    return found


def _vendor_needs(spec: DatasetSpec) -> list[Need]:
    named = {cell.vendor for cell in spec.quotas if cell.vendor and cell.min}
    makers = frozenset((canonical_vendor(name) or name).casefold() for name in named)
    if not makers:
        return []
    return [Need("vendor", "vendors", f"equipment of {', '.join(sorted(named))}", must=False, values=makers)]


def _legal_words(spec: DatasetSpec) -> str:
    return {
        DatesHandling.KEPT: "limited data set (dates are kept)",
        DatesHandling.SHIFTED: "expert determination or limited data set (dates are shifted)",
    }.get(spec.deidentification.dates, "de-identified data")
