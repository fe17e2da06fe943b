"""Quota arithmetic: what a request asks of which images, and what that implies.

Every count in a document (totals, projections, findings, quota cells) becomes a `Demand`. An image counts in
every demand it matches, so demands overlap freely and only demands that certainly do not overlap add up. Where
the document counts each image in one quota only, quotas counted in the same unit never overlap.
All conclusions here are sound and none is complete: a contradiction that is reported is real; a request that
passes may still be impossible for reasons that counts alone do not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from requests_app.spec.document import DatasetSpec
from requests_app.spec.selector import Selector, contains, disjoint
from requests_app.spec.vocabulary import CountUnit, Level, QuotaCounting, ShareAxis
from requests_app.spec.wording import describe_selector

# The search for the best family of non-overlapping demands stops here; what it has found is still true.
MAX_SEARCH_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Demand:
    """One count asked for. `kind` is total, projection, finding or cell; `path` is the field that says it."""

    check_id: str
    kind: str
    path: str
    selector: Selector
    unit: CountUnit
    min: int
    max: int | None
    level: Level

    @property
    def text(self) -> str:
        """The selection in words."""
        return describe_selector(self.selector)


def demands(spec: DatasetSpec) -> list[Demand]:
    """Every count in the document, in document order, lines that ask nothing left out."""
    found: list[Demand] = []

    def add(
        check_id: str,
        kind: str,
        path: str,
        selector: Selector,
        low: int,
        high: int | None,
        level: Level,
        unit: CountUnit = CountUnit.IMAGES,
    ) -> None:
        if low > 0 or high is not None:
            found.append(Demand(check_id, kind, path, selector, unit, low, high, level))

    images, patients = spec.cohort.images, spec.cohort.patients
    everything = Selector()
    add(images.check_id, "total", "cohort.images", everything, images.min, images.max, images.level)
    add(
        patients.check_id,
        "total",
        "cohort.patients",
        everything,
        patients.min,
        patients.max,
        patients.level,
        CountUnit.PATIENTS,
    )
    for i, line in enumerate(spec.projections):
        path = f"projections.{i}"
        add(line.check_id, "projection", path, line.selector(), line.min_images, None, line.level)
    for i, wanted in enumerate(spec.labels.findings):
        for state, count in (("present", wanted.min_positive), ("absent", wanted.min_negative)):
            add(
                f"{wanted.check_id}.{state}",
                "finding",
                f"labels.findings.{i}",
                Selector.model_validate({"finding": wanted.finding, "finding_state": state}),
                count,
                None,
                wanted.level,
            )
    for i, cell in enumerate(spec.quotas):
        add(cell.check_id, "cell", f"quotas.{i}", cell.selector(), cell.min, cell.max, cell.level, cell.unit)
    return found


def effective(selector: Selector, spec: DatasetSpec) -> Selector | None:
    """The selector with the cohort's own limits written in; None if nothing can meet both.

    Only binding limits count, as a "should" may be broken.
    """
    changes: dict[str, object] = {}
    sexes = spec.cohort.sex
    if sexes is not None and sexes.level is Level.MUST:
        if selector.sex is not None and selector.sex not in sexes.allowed:
            return None
        if len(set(sexes.allowed)) == 1:
            changes["sex"] = sexes.allowed[0]
    age = spec.cohort.age
    if age is not None and age.level is Level.MUST:
        lows = [a for a in (selector.age_min, age.min) if a is not None]
        highs = [a for a in (selector.age_max, age.max) if a is not None]
        low, high = max(lows, default=None), min(highs, default=None)
        if low is not None and high is not None and low > high:
            return None
        changes |= {"age_min": low, "age_max": high}
    return selector.model_copy(update=changes)


def apart(first: Demand, second: Demand, spec: DatasetSpec) -> bool:
    """True if certainly no image counts for both: their selections do not overlap, or quotas share no image."""
    if share_nothing(first, second, spec):
        return True
    return disjoint(first.selector, second.selector, spec.taxonomy())


def share_nothing(first: Demand, second: Demand, spec: DatasetSpec) -> bool:
    """True for two quotas of a document that counts each image (patient, study) in one quota only."""
    return (
        spec.quota_counting is QuotaCounting.ONCE
        and first.kind == second.kind == "cell"
        and first.unit is second.unit
        and first.check_id != second.check_id
    )


def largest_disjoint_family(items: Sequence[Demand], spec: DatasetSpec) -> list[Demand]:
    """Demands that certainly share no image, with the largest sum of minimums that the search finds.

    Branch and bound over at most MAX_SEARCH_STEPS steps; a larger problem gets a good family, not always
    the best one.
    """
    ordered = sorted((d for d in items if d.min > 0), key=lambda d: (-d.min, d.check_id))
    separate = [[apart(a, b, spec) for b in ordered] for a in ordered]
    best: list[int] = []
    best_sum = 0
    steps = 0

    def search(candidates: list[int], chosen: list[int], total: int) -> None:
        nonlocal best, best_sum, steps
        steps += 1
        if total > best_sum:
            best, best_sum = list(chosen), total
        left = sum(ordered[i].min for i in candidates)
        for place, index in enumerate(candidates):
            if steps > MAX_SEARCH_STEPS or total + left <= best_sum:
                return
            rest = [other for other in candidates[place + 1 :] if separate[index][other]]
            search(rest, [*chosen, index], total + ordered[index].min)
            left -= ordered[index].min

    search(list(range(len(ordered))), [], 0)
    return [ordered[i] for i in best]


def images_needed(spec: DatasetSpec, within: Selector | None = None) -> tuple[int, list[Demand]]:
    """The fewest images of a selection that can meet the document, and the demands that make it so.

    A demand for so many patients or studies needs at least as many images.
    """
    taxonomy = spec.taxonomy()
    scope = Selector() if within is None else within
    inside: list[Demand] = []
    for demand in demands(spec):
        narrowed = effective(demand.selector, spec)
        if narrowed is not None and contains(scope, narrowed, taxonomy):
            inside.append(demand)
    family = largest_disjoint_family(inside, spec)
    return sum(d.min for d in family), family


def smallest_total(spec: DatasetSpec) -> int:
    """The fewest images that can meet the whole document, share caps on one axis included."""
    total, _ = images_needed(spec)
    for cap in spec.share_caps:
        if cap.within != Selector() or cap.level is not Level.MUST:
            continue
        for demand in demands(spec):
            if axis_value(demand.selector, cap.axis) is not None:
                total = max(total, ceil(demand.min * 100 / cap.max_percent - 1e-9))
    return total


def axis_value(selector: Selector, axis: ShareAxis) -> str | None:
    """The one value of an axis that a selector fixes, or None."""
    match axis:
        case ShareAxis.SITE:
            return selector.site
        case ShareAxis.VENDOR:
            return selector.vendor
        case ShareAxis.SEX:
            return selector.sex.value if selector.sex else None
        case ShareAxis.VIEW:
            return selector.view.value if selector.view else None
        case _:
            return None
