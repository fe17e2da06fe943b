"""Everything that a request can ask of one de-identified image, as plain JSON-able values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from fulfillment.labels.consensus import settle
from fulfillment.labels.statement import Statement

FACTS_VERSION = "1"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image. None means not known; a placeholder in the header (zero, blank) is not known.

    Lengths are in mm, ages in years (fractions under two years), angles absent. `*_source` names the DICOM
    attribute a value came from. `site`, `labels`, `statements` and `report_linked` are not in the image: the portal
    adds them with `with_context`. `labels` has one state for each finding; `statements` says who stated what and how,
    and where it is given the counts follow from it alone.
    """

    sop_instance_uid: str | None = None
    study_uid: str | None = None
    series_uid: str | None = None
    patient: str | None = None
    sop_class_uid: str | None = None
    sop_class: str | None = None
    modality: str | None = None
    transfer_syntax_uid: str | None = None
    body_part: str | None = None

    view: str | None = None
    view_source: str | None = None
    view_conflict: tuple[str, ...] = ()
    position: str | None = None
    position_source: str | None = None
    portable: bool | None = None
    portable_source: str | None = None

    sex: str | None = None
    age_years: float | None = None

    manufacturer: str | None = None
    vendor: str | None = None
    model: str | None = None

    rows: int | None = None
    columns: int | None = None
    frames: int = 1
    samples_per_pixel: int | None = None
    bits_allocated: int | None = None
    bits_stored: int | None = None
    pixel_representation: int | None = None
    photometric: str | None = None
    spacing_mm: tuple[float, float] | None = None
    spacing_source: str | None = None
    slice_thickness_mm: float | None = None
    lossy: bool | None = None
    lossy_source: str | None = None
    window_present: bool = False
    presentation_intent: str | None = None
    burned_in_annotation: str | None = None

    kvp: float | None = None
    exposure_index: float | None = None
    acquisition_year: int | None = None
    year_source: str | None = None

    site: str | None = None
    labels: Mapping[str, str] | None = field(default=None, hash=False)
    statements: Mapping[str, tuple[Statement, ...]] | None = field(default=None, hash=False)
    report_linked: bool | None = None

    @property
    def short_side(self) -> int | None:
        """The smaller of Rows and Columns, in pixels."""
        if self.rows is None or self.columns is None:
            return None
        return min(self.rows, self.columns)

    @property
    def scanner(self) -> str | None:
        """Maker and model together; None if either is missing."""
        return f"{self.vendor} {self.model}" if self.vendor and self.model else None

    def with_context(
        self,
        *,
        site: str | None = None,
        labels: Mapping[str, str] | None = None,
        report_linked: bool | None = None,
        statements: Mapping[str, Iterable[Statement]] | None = None,
    ) -> ImageFacts:
        """A copy with what the portal knows beside the image; None leaves a value as it is.

        `labels` maps a finding's name (or key) to a label state; an empty mapping says that the labels
        have come and name nothing for this image. `statements` maps it to what each reader or source said; `labels` then
        follow from them by the rule of consensus, unless they are given too.
        """
        if statements is not None and labels is None:
            labels = {finding: settle(said).state.value for finding, said in statements.items()}
        return replace(
            self,
            site=self.site if site is None else site,
            labels=self.labels if labels is None else dict(labels),
            statements=self.statements
            if statements is None
            else {finding: tuple(said) for finding, said in statements.items()},
            report_linked=self.report_linked if report_linked is None else report_linked,
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it back to an equal value."""
        plain: dict[str, Any] = {"facts_version": FACTS_VERSION}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "statements" and value is not None:
                value = {finding: [one.as_dict() for one in said] for finding, said in value.items()}
            if isinstance(value, tuple):
                value = list(value)
            elif isinstance(value, Mapping):
                value = dict(value)
            plain[item.name] = value
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ImageFacts:
        """Read what `as_dict` wrote; fields of a later version are ignored. Raises TypeError if not a mapping."""
        if not isinstance(data, Mapping):
            raise TypeError("image facts are read from a mapping, as ImageFacts.as_dict() writes it")
        known: dict[str, Any] = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        spacing = known.get("spacing_mm")
        if spacing is not None:
            known["spacing_mm"] = (float(spacing[0]), float(spacing[1]))
        said = known.get("statements")
        if said is not None:
            known["statements"] = {
                finding: tuple(Statement.from_dict(one) for one in several) for finding, several in said.items()
            }
        known["view_conflict"] = tuple(known.get("view_conflict") or ())
        return cls(**known)
