"""What a hospital states of its archive. Everything is optional: what is left out is "not stated", never zero."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from requests_app.spec import AnnotationType, LabelMethod, View, canonical_vendor
from requests_app.spec.document import Country

Volume = Annotated[int, Field(ge=0, le=10_000_000)]
Year = Annotated[int, Field(ge=1970, le=2200)]
Age = Annotated[int, Field(ge=0, le=130)]
People = Annotated[int, Field(ge=0, le=10_000)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Modality = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,8}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class LegalClass(StrEnum):
    """What the data of an agreement are in law."""

    SAFE_HARBOR = "safe_harbor"
    LIMITED_DATA_SET = "limited_data_set"
    EXPERT_DETERMINATION = "expert_determination"
    GDPR = "gdpr"

    @property
    def plain(self) -> str:
        return {
            "safe_harbor": "HIPAA Safe Harbor",
            "limited_data_set": "HIPAA limited data set",
            "expert_determination": "HIPAA expert determination",
            "gdpr": "pseudonymised data under the GDPR",
        }[self.value]


class Device(BaseModel):
    """Equipment: maker as everybody calls it, model as it stands on the device."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor: Words
    model: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = ""

    @model_validator(mode="after")
    def _one_spelling(self) -> Device:
        known = canonical_vendor(self.vendor)
        return self if known in (None, self.vendor) else self.model_copy(update={"vendor": known})


class Capability(BaseModel):
    """One hospital's profile. Volumes are images a year; ages completed years; ``None`` and empty mean not stated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modalities: dict[Modality, Volume] = Field(default_factory=dict, title="Images a year by modality")
    views: dict[View, Volume] = Field(default_factory=dict, title="Images a year by projection")
    first_year: Year | None = Field(default=None, title="Held from (year)")
    last_year: Year | None = Field(default=None, title="Held to (year)")
    devices: tuple[Device, ...] = Field(default=(), max_length=200, title="Equipment")
    portable_percent: Annotated[int, Field(ge=0, le=100)] | None = Field(default=None, title="Portable (%)")
    youngest: Age | None = Field(default=None, title="Youngest patients (years)")
    oldest: Age | None = Field(default=None, title="Oldest patients (years)")
    reports: bool | None = Field(default=None, title="Reports can be linked")
    languages: tuple[Language, ...] = Field(default=(), max_length=30, title="Languages of the reports")
    readers: People | None = Field(default=None, title="Radiologists who can read")
    board_certified: People | None = Field(default=None, title="Of them board-certified")
    annotations: tuple[AnnotationType, ...] | None = Field(default=None, title="Annotations that can be made")
    label_methods: tuple[LabelMethod, ...] | None = Field(default=None, title="Where labels can come from")
    legal_classes: tuple[LegalClass, ...] = Field(default=(), title="Legal classes that can be signed")
    countries: tuple[Country, ...] = Field(default=(), title="Countries of recipients")
    any_country: bool = Field(default=False, title="Recipients of any country the law allows")
    notes: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""

    @model_validator(mode="after")
    def _in_order(self) -> Capability:
        if self.first_year and self.last_year and self.first_year > self.last_year:
            raise ValueError(f"The archive cannot begin in {self.first_year} and end in {self.last_year}.")
        if self.youngest is not None and self.oldest is not None and self.youngest > self.oldest:
            raise ValueError(f"The youngest age ({self.youngest}) is above the oldest ({self.oldest}).")
        if self.readers is not None and self.board_certified is not None and self.board_certified > self.readers:
            raise ValueError("More readers are board-certified than there are readers.")
        return self

    @property
    def vendors(self) -> frozenset[str]:
        """Makers in lower case."""
        return frozenset(device.vendor.casefold() for device in self.devices)

    @property
    def years_held(self) -> int | None:
        if self.first_year is None or self.last_year is None:
            return None
        return self.last_year - self.first_year + 1


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of the profile is stated, and the subjects that are not, the most useful first."""

    stated: int
    total: int
    missing: tuple[str, ...]

    @property
    def percent(self) -> int:
        return 100 * self.stated // self.total


def completeness(capability: Capability) -> Completeness:
    """Which subjects of matching a profile speaks about."""
    subjects = (
        ("images a year by projection", bool(capability.views)),
        ("images a year by modality", bool(capability.modalities)),
        ("the years held", capability.years_held is not None),
        ("the legal classes you can sign", bool(capability.legal_classes)),
        ("the countries you can deliver to", capability.any_country or bool(capability.countries)),
        ("whether reports can be linked", capability.reports is not None),
        ("the languages of your reports", capability.reports is False or bool(capability.languages)),
        ("the annotations you can make", capability.annotations is not None),
        ("where labels can come from", capability.label_methods is not None),
        ("how many radiologists read", capability.readers is not None),
        ("how many are board-certified", capability.board_certified is not None),
        ("your equipment", bool(capability.devices)),
        ("the share of portable images", capability.portable_percent is not None),
        ("the ages of your patients", capability.youngest is not None or capability.oldest is not None),
    )
    missing = tuple(name for name, stated in subjects if not stated)
    return Completeness(len(subjects) - len(missing), len(subjects), missing)
