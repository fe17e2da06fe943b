"""`DatasetSpec`: the executable request, one versioned document.

The same JSON is the form, the public page, the contract annex, the offline checker's input and the server's
validator. Every part has a default, so a draft is valid from its title on; `lint` says what blocks posting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from requests_app.spec.lines import (
    CheckId,
    Cohort,
    FindingLine,
    ImageRules,
    ProjectionLine,
    QualityRules,
    QuotaCell,
    ReportLine,
    ShareCap,
)
from requests_app.spec.selector import Name, Strict, slug
from requests_app.spec.vocabulary import (
    Category,
    CharacteristicsHandling,
    DatesHandling,
    DeidPolicyName,
    DeviceHandling,
    ImageFormat,
    IntendedUse,
    LabelFormat,
    Level,
    NotMentionedAs,
    QuotaCounting,
    Sharing,
    UncertainAs,
)
from requests_app.taxonomy import (
    Finding,
    FindingKind,
    LabelState,
    Relation,
    Taxonomy,
    concepts,
    get_taxonomy,
    normalise_name,
)

SPEC_VERSION: Literal["1.0"] = "1.0"
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class Purpose(Strict):
    """Why the data are wanted."""

    intended_use: IntendedUse | None = Field(default=None, title="Intended use")
    description: Text = Field(default="", title="What the data will be used for")


class CustomFinding(Strict):
    """A finding that the request defines itself."""

    key: CheckId = Field(title="Key")
    name: Name = Field(title="Name")
    definition: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)] = Field(
        title="Definition", description="What a reader must see to call it present."
    )
    kind: FindingKind = Field(default=FindingKind.FINDING, title="Kind")
    concept: str | None = Field(default=None, title="Nearest shared concept")
    concept_relation: Relation = Field(
        default=Relation.EXACT, title="The shared concept is", description="exact, broader or narrower"
    )

    @model_validator(mode="before")
    @classmethod
    def _key_from_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("key") and isinstance(data.get("name"), str):
            return {**data, "key": slug(data["name"])}
        return data

    @model_validator(mode="after")
    def _known_concept(self) -> CustomFinding:
        if self.concept is not None and self.concept not in concepts():
            raise ValueError(
                f"There is no shared concept {self.concept!r}. Choose one of the portal's concepts or leave it out."
            )
        return self


class CustomTaxonomy(Strict):
    """A label list of the request's own, with definitions."""

    name: Name = Field(default="custom", title="Name")
    version: str = Field(default="1", min_length=1, max_length=40, title="Version")
    findings: tuple[CustomFinding, ...] = Field(min_length=1, title="Findings")

    @model_validator(mode="after")
    def _different_names(self) -> CustomTaxonomy:
        seen: set[str] = set()
        for finding in self.findings:
            for text in {normalise_name(finding.name), normalise_name(finding.key)}:
                if text in seen:
                    raise ValueError(f"Two findings are called {finding.name!r}. Rename one.")
                seen.add(text)
        return self

    def as_taxonomy(self) -> Taxonomy:
        """This list in the form that the shipped taxonomies have."""
        return Taxonomy(
            name=self.name,
            title=self.name,
            version=self.version,
            custom=True,
            findings=tuple(
                Finding(
                    key=f.key,
                    name=f.name,
                    definition=f.definition,
                    kind=f.kind,
                    concept=f.concept or "",
                    concept_relation=f.concept_relation,
                    codes=concepts()[f.concept].codes if f.concept and f.concept_relation is Relation.EXACT else (),
                )
                for f in self.findings
            ),
        )


class UncertaintyPolicy(Strict):
    """What becomes of labels that are not plainly present or absent, in counting and in exports."""

    likely: UncertainAs = Field(default=UncertainAs.PRESENT, title='"Likely" counts as')
    possible: UncertainAs = Field(default=UncertainAs.UNCERTAIN, title='"Possible" counts as')
    not_mentioned: NotMentionedAs = Field(default=NotMentionedAs.BLANK, title='"Not mentioned" is exported as')

    def resolve(self, state: LabelState) -> Literal["present", "absent", "uncertain", "blank"]:
        """What a state counts as: for quotas only "present" and "absent" count."""
        match state:
            case LabelState.PRESENT:
                return "present"
            case LabelState.ABSENT:
                return "absent"
            case LabelState.NOT_MENTIONED:
                return "absent" if self.not_mentioned is NotMentionedAs.ABSENT else "blank"
            case LabelState.LIKELY:
                chosen = self.likely
            case _:
                chosen = self.possible
        match chosen:
            case UncertainAs.PRESENT:
                return "present"
            case UncertainAs.ABSENT:
                return "absent"
            case UncertainAs.UNCERTAIN:
                return "uncertain"
            case _:
                return "blank"


class Labels(Strict):
    """Which findings are labelled, in whose words, and how uncertainty is treated."""

    taxonomy: Literal["getdata-cxr", "chexpert-14", "nih-chestxray14", "vindr-cxr", "padchest-subset", "custom"] = (
        Field(default="getdata-cxr", title="Label list")
    )
    custom: CustomTaxonomy | None = Field(default=None, title="Own label list")
    uncertainty: UncertaintyPolicy = Field(default_factory=UncertaintyPolicy, title="Uncertainty")
    findings: tuple[FindingLine, ...] = Field(default=(), title="Findings")

    @model_validator(mode="after")
    def _custom_when_custom(self) -> Labels:
        if self.taxonomy == "custom" and self.custom is None:
            raise ValueError("The label list is 'custom' but no list is given. Add the findings with definitions.")
        if self.taxonomy != "custom" and self.custom is not None:
            raise ValueError(
                f"A list of your own is given, but the label list chosen is {self.taxonomy!r}. "
                "Choose 'custom' or remove your list."
            )
        return self


POLICY_OPTIONS: dict[DeidPolicyName, dict[str, str]] = {
    DeidPolicyName.CXR_RESEARCH: {"dates": "shifted", "device": "make_and_model", "patient_characteristics": "kept"},
    DeidPolicyName.SAFE_HARBOR: {"dates": "year_only", "device": "make_and_model", "patient_characteristics": "kept"},
    DeidPolicyName.LIMITED_DATA_SET: {"dates": "kept", "device": "make_and_model", "patient_characteristics": "kept"},
}


class Deidentification(Strict):
    """The de-identification policy (PS3.15 Annex E) and what it keeps. Options default to the policy's own."""

    level: Level = Field(default=Level.MUST, title="Level")
    check_id: Literal["deid.policy"] = "deid.policy"
    policy: DeidPolicyName = Field(default=DeidPolicyName.CXR_RESEARCH, title="Policy")
    dates: DatesHandling = Field(title="Dates")
    device: DeviceHandling = Field(title="Equipment")
    patient_characteristics: CharacteristicsHandling = Field(title="Sex, age, size, weight")
    safe_private: bool = Field(default=True, title="Keep private attributes known to be safe")

    @model_validator(mode="before")
    @classmethod
    def _policy_options(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        try:
            policy = DeidPolicyName(data.get("policy", DeidPolicyName.CXR_RESEARCH))
        except ValueError:
            policy = DeidPolicyName.CXR_RESEARCH  # the wrong value is reported by its own field
        return {**POLICY_OPTIONS[policy], **data}

    @property
    def legal_class(self) -> Literal["de-identified", "limited data set"]:
        """Keeping dates makes a HIPAA limited data set, which needs a data use agreement (45 CFR 164.514(e))."""
        return "limited data set" if self.dates is DatesHandling.KEPT else "de-identified"


class Delivery(Strict):
    """In what form, and by when."""

    added_later: ClassVar[frozenset[str]] = frozenset({"pictures"})

    image_formats: tuple[ImageFormat, ...] = Field(default=(ImageFormat.DICOM,), min_length=1, title="Images as")
    label_formats: tuple[LabelFormat, ...] = Field(default=(LabelFormat.GENERIC_CSV,), min_length=1, title="Labels as")
    deadline: date | None = Field(default=None, title="Deadline")
    partial_batches: bool = Field(default=True, title="Partial deliveries welcome")
    pictures: bool = Field(
        default=False,
        title="Pictures taken too",
        description="PNG and JPEG with a table of patient, study and view are taken beside DICOM.",
    )


class Terms(Strict):
    """What the researcher may do with the data, and how long the portal keeps what the hospital sent."""

    added_later: ClassVar[frozenset[str]] = frozenset({"originals_days"})

    commercial_use: bool = Field(default=False, title="Commercial use")
    sharing: Sharing = Field(default=Sharing.NAMED_TEAM, title="Shared with")
    countries: tuple[Country, ...] = Field(
        default=(), title="Used in (countries)", description="ISO 3166-1, two letters"
    )
    retention_months: Annotated[int, Field(ge=1, le=600)] | None = Field(default=None, title="Kept for (months)")
    destruction_certificate: bool = Field(default=True, title="Destruction is attested")
    originals_days: Annotated[int, Field(ge=0, le=3650)] | None = Field(
        default=None,
        title="Originals destroyed after (days)",
        description="Days after a batch is accepted; the portal's own rule where none is given.",
    )
    ethics_approval: Text = Field(default="", title="Ethics approval or exemption")
    attribution: Text = Field(default="", title="How the hospital is credited")
    no_reidentification: Literal[True] = Field(default=True, title="No attempt to identify anyone")
    other: Text = Field(default="", title="Other terms")


class DatasetSpec(Strict):
    """A request that a machine can check. Immutable; a change makes a new document."""

    added_later: ClassVar[frozenset[str]] = frozenset({"quota_counting"})

    spec_version: Literal["1.0"] = SPEC_VERSION
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=160)] = Field(title="Title")
    category: Category = Field(default=Category.CXR, title="Category")
    purpose: Purpose = Field(default_factory=Purpose, title="Purpose")
    cohort: Cohort = Field(default_factory=Cohort, title="Cohort")
    projections: tuple[ProjectionLine, ...] = Field(
        default=(), title="Projections", description="Only these are accepted; none listed means any."
    )
    labels: Labels = Field(default_factory=Labels, title="Labels")
    quotas: tuple[QuotaCell, ...] = Field(default=(), title="Quotas")
    quota_counting: QuotaCounting = Field(
        default=QuotaCounting.EVERY,
        title="Counting of quotas",
        description='"every": an image counts in every quota that it matches; "once": in one only.',
    )
    share_caps: tuple[ShareCap, ...] = Field(default=(), title="Share limits")
    reports: ReportLine = Field(default_factory=ReportLine, title="Reports")
    image: ImageRules = Field(default_factory=ImageRules, title="Image rules")
    deidentification: Deidentification = Field(
        default_factory=lambda: Deidentification.model_validate({}), title="De-identification"
    )
    quality: QualityRules = Field(default_factory=QualityRules, title="Quality")
    delivery: Delivery = Field(default_factory=Delivery, title="Delivery")
    terms: Terms = Field(default_factory=Terms, title="Terms")

    @model_validator(mode="after")
    def _check_ids_differ(self) -> DatasetSpec:
        seen: dict[str, str] = {}
        for line in check_lines(self):
            if line.check_id in seen:
                raise ValueError(
                    f"Two lines are the same check, {line.check_id!r} ({seen[line.check_id]} and {line.path}). "
                    "Merge them, or make them ask for different things."
                )
            seen[line.check_id] = line.path
        return self

    def taxonomy(self) -> Taxonomy:
        """The label list that this request uses."""
        if self.labels.custom is not None:
            return _custom_taxonomy(self.labels.custom)
        return get_taxonomy(self.labels.taxonomy)


@lru_cache(maxsize=64)
def _custom_taxonomy(custom: CustomTaxonomy) -> Taxonomy:
    return custom.as_taxonomy()


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One checkable line of a document: where it stands and how binding it is."""

    check_id: str
    level: Level
    path: str
    line: BaseModel


def _walk(value: object, path: str) -> Iterator[CheckLine]:
    if isinstance(value, BaseModel):
        check_id, level = getattr(value, "check_id", None), getattr(value, "level", None)
        if isinstance(check_id, str) and isinstance(level, Level):
            yield CheckLine(check_id, level, path, value)
        for name in type(value).model_fields:
            yield from _walk(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}.{index}")


def check_lines(spec: DatasetSpec) -> list[CheckLine]:
    """Every checkable line in document order. Paths are dotted: `quotas.2`, `image.bits_stored`."""
    return list(_walk(spec, ""))
