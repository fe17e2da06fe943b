"""Which images a line of the request is about, and the algebra of such selections.

A selector is a conjunction; an attribute left out is not restricted. `contains` and `disjoint` answer only
what is certain from the two selectors, so that the arithmetic built on them never raises a false alarm.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from requests_app.spec.vendors import canonical_vendor
from requests_app.spec.vocabulary import Position, Sex, View
from requests_app.taxonomy import Taxonomy, normalise_name

MAX_AGE_YEARS = 130

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


def _kinds(annotation: Any) -> set[Any]:
    """The plain types in an annotation, such as int and NoneType in `int | None`; values of a Literal by their type."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return {type(value) for value in parts}
    if origin is Annotated:
        return _kinds(parts[0])
    return set().union(*(_kinds(part) for part in parts)) if parts else {annotation}


class Strict(BaseModel):
    """Base of every part of the document: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Python counts True as 1; a document that says "at least: true" means something else."""
        if isinstance(value, bool) and bool not in _kinds(cls.model_fields[info.field_name or ""].annotation):
            raise PydanticCustomError("no_bool", "yes or no where something else is meant")
        return value

    #: Fields that came after version 1.0: the canonical form leaves them out at their default, so that the hash of an
    #: older document holds. What their absence means may therefore never change.
    added_later: ClassVar[frozenset[str]] = frozenset()


class Selector(Strict):
    """A selection of images. Ages are completed years, both ends included."""

    finding: Name | None = Field(default=None, title="Finding", description="By its name in the taxonomy.")
    finding_state: Literal["present", "absent"] = Field(default="present", title="Finding is")
    view: View | None = Field(default=None, title="Projection")
    position: Position | None = Field(default=None, title="Patient position")
    portable: bool | None = Field(default=None, title="Portable", description="True asks for bedside images.")
    sex: Sex | None = Field(default=None, title="Sex")
    age_min: int | None = Field(default=None, ge=0, le=MAX_AGE_YEARS, title="Youngest age (years)")
    age_max: int | None = Field(default=None, ge=0, le=MAX_AGE_YEARS, title="Oldest age (years)")
    vendor: Name | None = Field(default=None, title="Manufacturer")
    site: Name | None = Field(default=None, title="Hospital", description="The hospital's public short name.")

    @model_validator(mode="after")
    def _ages_in_order(self) -> Selector:
        if self.age_min is not None and self.age_max is not None and self.age_min > self.age_max:
            raise ValueError(
                f"The youngest age ({self.age_min}) is above the oldest age ({self.age_max}). "
                "Swap them or leave one out."
            )
        return self

    def selector(self) -> Selector:
        """The selection alone, without what a subclass adds."""
        return Selector(**{name: getattr(self, name) for name in Selector.model_fields})


def slug(text: str) -> str:
    """A text as part of a check id: lower case letters, digits and hyphens."""
    return normalise_name(text).replace(" ", "-") or "x"


def selector_slug(selector: Selector) -> str:
    """A readable identifier made from the selection, e.g. `pneumothorax.ap.supine.f.age-66-plus`."""
    parts: list[str] = []
    if selector.finding:
        parts.append(slug(selector.finding) + ("-absent" if selector.finding_state == "absent" else ""))
    if selector.view:
        parts.append(slug(selector.view))
    if selector.position:
        parts.append(slug(selector.position))
    if selector.portable is not None:
        parts.append("portable" if selector.portable else "not-portable")
    if selector.sex:
        parts.append(slug(selector.sex))
    if selector.age_min is not None and selector.age_max is not None:
        parts.append(f"age-{selector.age_min}-{selector.age_max}")
    elif selector.age_min is not None:
        parts.append(f"age-{selector.age_min}-plus")
    elif selector.age_max is not None:
        parts.append(f"age-to-{selector.age_max}")
    if selector.vendor:
        parts.append("vendor-" + slug(selector.vendor))
    if selector.site:
        parts.append("site-" + slug(selector.site))
    return ".".join(parts) or "all"


def _finding_key(selector: Selector, taxonomy: Taxonomy) -> str | None:
    if selector.finding is None:
        return None
    found = taxonomy.find(selector.finding)
    return found.key if found else normalise_name(selector.finding)


def _vendor_key(name: str) -> str:
    return (canonical_vendor(name) or name).casefold()


def contains(outer: Selector, inner: Selector, taxonomy: Taxonomy) -> bool:
    """True if every image that `inner` selects is certainly selected by `outer` too."""
    key = _finding_key(outer, taxonomy)
    if key is not None and (key != _finding_key(inner, taxonomy) or outer.finding_state != inner.finding_state):
        return False
    if outer.view is not None and (inner.view is None or not outer.view.covers(inner.view.value)):
        return False
    for name in ("position", "portable", "sex"):
        wanted = getattr(outer, name)
        if wanted is not None and wanted != getattr(inner, name):
            return False
    if outer.vendor is not None and (inner.vendor is None or _vendor_key(outer.vendor) != _vendor_key(inner.vendor)):
        return False
    if outer.site is not None and (inner.site is None or outer.site.casefold() != inner.site.casefold()):
        return False
    if outer.age_min is not None and (inner.age_min is None or inner.age_min < outer.age_min):
        return False
    return outer.age_max is None or (inner.age_max is not None and inner.age_max <= outer.age_max)


def disjoint(first: Selector, second: Selector, taxonomy: Taxonomy) -> bool:
    """True if certainly no image is selected by both."""
    if first.view and second.view:
        overlap = first.view.covers(second.view.value) or second.view.covers(first.view.value)
        if not overlap:
            return True
    for name in ("position", "portable", "sex"):
        one, other = getattr(first, name), getattr(second, name)
        if one is not None and other is not None and one != other:
            return True
    if first.vendor and second.vendor and _vendor_key(first.vendor) != _vendor_key(second.vendor):
        return True
    if first.site and second.site and first.site.casefold() != second.site.casefold():
        return True
    lowest = max(first.age_min or 0, second.age_min or 0)
    highest = min(
        MAX_AGE_YEARS if first.age_max is None else first.age_max,
        MAX_AGE_YEARS if second.age_max is None else second.age_max,
    )
    if lowest > highest:
        return True
    one_key, other_key = _finding_key(first, taxonomy), _finding_key(second, taxonomy)
    if one_key is None or other_key is None:
        return False
    if one_key == other_key:
        return first.finding_state != second.finding_state
    both_present = first.finding_state == second.finding_state == "present"
    return both_present and taxonomy.excludes(one_key, other_key)
