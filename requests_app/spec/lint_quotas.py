"""Contradictions between the counts of a request. Every blocking note here is certain (see `arithmetic`)."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from requests_app.spec.arithmetic import (
    Demand,
    axis_value,
    demands,
    effective,
    images_needed,
    largest_disjoint_family,
    share_nothing,
)
from requests_app.spec.document import DatasetSpec
from requests_app.spec.notes import LintNote
from requests_app.spec.selector import Selector, contains, disjoint
from requests_app.spec.vocabulary import CountUnit, Level, QuotaCounting, Sex, ShareAxis
from requests_app.spec.wording import describe_selector, join, plural


def _name(demand: Demand) -> str:
    if demand.kind == "total":
        return "the whole request" if demand.unit is CountUnit.IMAGES else "the request"
    return f"'{demand.text}'"


def _asked(demand: Demand, other: Demand) -> str:
    """A minimum with its unit where the two lines do not count the same, or the line's name does not tell it."""
    plain = demand.unit is other.unit is CountUnit.IMAGES
    return f"{demand.min:,}" if plain else plural(demand.min, demand.unit.value)


def _severity(*levels: Level) -> str:
    """A contradiction blocks only if every line in it binds; otherwise one of them simply gives way."""
    return "blocking" if all(level is Level.MUST for level in levels) else "advice"


def _note(code: str, severity: str, path: str, message: str, remedy: str) -> LintNote:
    said = message[:1].upper() + message[1:]
    return LintNote(code, "blocking" if severity == "blocking" else "advice", path, said, remedy)


def lint_quotas(spec: DatasetSpec) -> Iterator[LintNote]:
    """Notes on counts, selections and share caps."""
    all_demands = demands(spec)
    yield from _unreachable(spec, all_demands)
    yield from _over_maximum(spec, all_demands)
    yield from _more_than_the_whole(spec, all_demands)
    yield from _patients(spec, all_demands)
    yield from _caps(spec, all_demands)
    yield from _total(spec)
    yield from _duplicates(spec)


def _unreachable(spec: DatasetSpec, all_demands: list[Demand]) -> Iterator[LintNote]:
    """Selections that the rest of the document shuts out."""
    taxonomy = spec.taxonomy()
    binding = [line for line in spec.projections if line.level is Level.MUST]
    for demand in all_demands:
        if demand.min == 0:
            continue
        if effective(demand.selector, spec) is None:
            yield _note(
                "OUTSIDE_COHORT",
                _severity(demand.level),
                demand.path,
                f"{_name(demand)} asks for {plural(demand.min, demand.unit.value)}, but the cohort's own sex or "
                "age limits leave none.",
                "Change this line, or widen the cohort.",
            )
        elif (
            binding
            and len(binding) == len(spec.projections)
            and demand.kind == "cell"
            and all(disjoint(demand.selector, line.selector(), taxonomy) for line in binding)
        ):
            accepted = join([describe_selector(line.selector()) for line in binding], "or")
            yield _note(
                "OUTSIDE_PROJECTIONS",
                _severity(demand.level),
                demand.path,
                f"{_name(demand)} asks for {plural(demand.min, demand.unit.value)}, but only {accepted} are accepted.",
                "Add the projection to the accepted ones, or change this line.",
            )


def _over_maximum(spec: DatasetSpec, all_demands: list[Demand]) -> Iterator[LintNote]:
    """Minimums that do not fit under a maximum that holds them all."""
    taxonomy = spec.taxonomy()
    narrowed = {d.check_id: effective(d.selector, spec) for d in all_demands}
    for outer in all_demands:
        if outer.max is None or outer.unit is not CountUnit.IMAGES:
            continue
        inside = []
        for d in all_demands:
            inner = narrowed[d.check_id]
            if (
                d.check_id != outer.check_id
                and d.min > 0
                and inner is not None
                and contains(outer.selector, inner, taxonomy)
                and _bound_by(d, outer, all_demands, spec)
            ):
                inside.append(d)
        single = next((d for d in sorted(inside, key=lambda d: -d.min) if d.min > outer.max), None)
        if single is not None:
            yield _note(
                "OVER_MAXIMUM",
                _severity(single.level, outer.level),
                single.path,
                f"{_name(single)} asks for {_asked(single, outer)}, but {_name(outer)} allows at most "
                f"{outer.max:,}{'' if single.unit is outer.unit else ' images, and each needs one'}.",
                f"Ask for at most {outer.max:,} here, or raise the other to at least {single.min:,}.",
            )
            continue
        for severity, items in (
            ("blocking", [d for d in inside if d.level is Level.MUST]),
            ("advice", inside),
        ):
            family = largest_disjoint_family(items, spec)
            total = sum(d.min for d in family)
            if total > outer.max:
                yield _note(
                    "SUM_OVER_MAXIMUM",
                    severity if outer.level is Level.MUST else "advice",
                    outer.path,
                    f"{join([f'{_name(d)} ({d.min:,})' for d in family])} {_apart(spec)} and together ask for "
                    f"{total:,}, but {_name(outer)} allows at most {outer.max:,}.",
                    f"Raise the maximum to at least {total:,}, or ask for less in its parts.",
                )
                break


def _bound_by(part: Demand, outer: Demand, all_demands: list[Demand], spec: DatasetSpec) -> bool:
    """True if what counts for a part certainly presses on the maximum of a line whose selection holds it.

    Where each image counts in one quota only, it does not press on another quota; and images that any other quota
    could take need not count for this one.
    """
    if spec.quota_counting is QuotaCounting.EVERY or outer.kind != "cell":
        return True
    if share_nothing(part, outer, spec):
        return False
    others = [d for d in all_demands if share_nothing(d, outer, spec)]
    return all(disjoint(part.selector, other.selector, spec.taxonomy()) for other in others)


def _apart(spec: DatasetSpec) -> str:
    return "share no image" if spec.quota_counting is QuotaCounting.ONCE else "do not overlap"


def _more_than_the_whole(spec: DatasetSpec, all_demands: list[Demand]) -> Iterator[LintNote]:
    """A part that asks for more than the whole it belongs to: possible, but rarely what was meant."""
    taxonomy = spec.taxonomy()
    for part in all_demands:
        for whole in all_demands:
            if (
                part.check_id != whole.check_id
                and part.unit is whole.unit
                and not share_nothing(part, whole, spec)
                and 0 < whole.min < part.min
                and (whole.max is None or whole.max >= part.min)
                and contains(whole.selector, part.selector, taxonomy)
                and not contains(part.selector, whole.selector, taxonomy)
            ):
                yield _note(
                    "PART_OVER_WHOLE",
                    "advice",
                    part.path,
                    f"{_name(part)} asks for {part.min:,}, but {_name(whole)} asks for only {whole.min:,} in all.",
                    f"Lower this line, or raise the other to at least {part.min:,}: as it stands the other "
                    "adds nothing.",
                )
                break


def _patients(spec: DatasetSpec, all_demands: list[Demand]) -> Iterator[LintNote]:
    taxonomy = spec.taxonomy()
    for outer in all_demands:
        if outer.max is None or outer.unit is CountUnit.IMAGES:
            continue
        for inner in all_demands:
            if (
                inner.unit is outer.unit
                and inner.check_id != outer.check_id
                and inner.min > outer.max
                and contains(outer.selector, inner.selector, taxonomy)
                and _bound_by(inner, outer, all_demands, spec)
            ):
                yield _note(
                    "OVER_MAXIMUM",
                    _severity(inner.level, outer.level),
                    inner.path,
                    f"{_name(inner)} asks for {plural(inner.min, inner.unit.value)}, but {_name(outer)} allows at "
                    f"most {outer.max:,}{'' if outer.kind == 'cell' else f' {outer.unit.value}'}.",
                    f"Ask for at most {outer.max:,} here, or raise the other.",
                )
    people = spec.cohort.patients
    yield from _people_apart(spec, all_demands)
    each = spec.cohort.per_patient
    if each is not None and people.max is not None:
        needed, _ = images_needed(spec)
        if needed > each.max * people.max:
            yield _note(
                "TOO_FEW_PATIENTS",
                _severity(each.level, people.level),
                "cohort.per_patient",
                f"At most {plural(people.max, 'patients')} with at most {plural(each.max, 'images')} each give "
                f"{each.max * people.max:,} images, but {needed:,} are asked for.",
                f"Allow at least {ceil(needed / people.max)} images of one patient, or at least "
                f"{ceil(needed / each.max):,} patients.",
            )


def _people_apart(spec: DatasetSpec, all_demands: list[Demand]) -> Iterator[LintNote]:
    """Quotas of different patients that together ask for more patients than are wanted."""
    people = spec.cohort.patients
    if people.max is None:
        return
    once = spec.quota_counting is QuotaCounting.ONCE
    cells = [d for d in all_demands if d.unit is CountUnit.PATIENTS and d.kind == "cell" and d.min]
    families = [cells] if once else []
    # A person has one sex, and one pseudonym at each hospital: such quotas share no patient. Projections and ages may.
    for axis in ("sex", "site"):
        best: dict[object, Demand] = {}
        for cell in cells:
            value = getattr(cell.selector, axis)
            if value is not None and (value not in best or best[value].min < cell.min):
                best[value] = cell
        families.append(list(best.values()))
    for family in families:
        total = sum(d.min for d in family)
        if len(family) > 1 and total > people.max and all(d.min <= people.max for d in family):
            yield _note(
                "SUM_OVER_MAXIMUM",
                _severity(people.level, *(d.level for d in family)),
                "cohort.patients",
                f"{join([f'{_name(d)} ({d.min:,})' for d in family])} share no patient and together ask for {total:,}, "
                f"but at most {people.max:,} patients are wanted.",
                f"Raise the maximum to at least {total:,} patients, or ask for fewer in the parts.",
            )
            return


def _caps(spec: DatasetSpec, all_demands: list[Demand]) -> Iterator[LintNote]:
    ceiling = spec.cohort.images.max
    for index, cap in enumerate(spec.share_caps):
        path = f"share_caps.{index}"
        if cap.max_percent >= 100:
            yield _note("CAP_EMPTY", "advice", path, "A limit of 100 % limits nothing.", "Lower it or remove it.")
            continue
        if cap.axis in {ShareAxis.SITE, ShareAxis.SCANNER, ShareAxis.VENDOR}:
            needed = ceil(100 / cap.max_percent - 1e-9)
            yield _note(
                "CAP_NEEDS_SOURCES",
                "advice",
                path,
                f"At most {cap.max_percent:g} % from one {cap.axis.plain} needs at least {needed} of them.",
                "Keep it if you mean it: more hospitals must offer before the request can be filled.",
            )
        if cap.axis is ShareAxis.SEX:
            allowed = spec.cohort.sex.allowed if spec.cohort.sex else tuple(Sex)
            common = [s for s in set(allowed) if s is not Sex.OTHER]
            if cap.max_percent * len(common) < 100:
                yield _note(
                    "CAP_IMPOSSIBLE",
                    "blocking" if Sex.OTHER not in allowed and cap.level is Level.MUST else "advice",
                    path,
                    f"At most {cap.max_percent:g} % of one sex leaves "
                    f"{100 - cap.max_percent * len(common):g} % of the images with no sex to belong to.",
                    f"Raise the limit to at least {ceil(100 / max(1, len(common)))} %.",
                )
        if cap.axis is ShareAxis.VIEW and spec.projections:
            views = {line.view for line in spec.projections}
            if cap.max_percent * len(views) < 100 and cap.within.view is None:
                yield _note(
                    "CAP_IMPOSSIBLE",
                    _severity(cap.level),
                    path,
                    f"At most {cap.max_percent:g} % of one projection cannot be met with "
                    f"{plural(len(views), 'projections')}.",
                    f"Raise the limit to at least {ceil(100 / len(views))} %, or accept more projections.",
                )
        most = ceiling if cap.within == Selector() else _most_of(cap.within, all_demands)
        if most is None:
            continue
        for demand in all_demands:
            allowed_images = int(most * cap.max_percent / 100 + 1e-9)
            among = contains(cap.within, demand.selector, spec.taxonomy())
            if among and axis_value(demand.selector, cap.axis) is not None and demand.min > allowed_images:
                yield _note(
                    "CAP_AGAINST_CELL",
                    _severity(cap.level, demand.level),
                    demand.path,
                    f"{_name(demand)} asks for {demand.min:,}, but at most {cap.max_percent:g} % of at most "
                    f"{most:,} images, which is {allowed_images:,}, may come from one {cap.axis.plain}.",
                    f"Ask for at most {allowed_images:,} here, or raise the limit or the total.",
                )


def _most_of(within: Selector, all_demands: list[Demand]) -> int | None:
    """The most images of a selection that the document takes, where a binding line says it of just that selection."""
    said = [
        d.max
        for d in all_demands
        if d.selector == within and d.unit is CountUnit.IMAGES and d.max is not None and d.level is Level.MUST
    ]
    return min(said, default=None)


def _total(spec: DatasetSpec) -> Iterator[LintNote]:
    asked = spec.cohort.images.min
    needed, family = images_needed(spec)
    if asked and needed > asked and len(family) > 1:
        yield _note(
            "TOTAL_IMPLIED",
            "advice",
            "cohort.images",
            f"The lines that do not overlap ({join([f'{_name(d)} {d.min:,}' for d in family])}) already need "
            f"{needed:,} images, more than the {asked:,} asked for in all.",
            f"Set the total to at least {needed:,}, so that hospitals see the real size.",
        )
    patients = spec.cohort.patients.min
    if patients > asked > 0:
        yield _note(
            "PATIENTS_OVER_IMAGES",
            "advice",
            "cohort.patients",
            f"{patients:,} patients need at least {patients:,} images, more than the {asked:,} asked for.",
            "Raise the number of images, or lower the number of patients.",
        )


def _duplicates(spec: DatasetSpec) -> Iterator[LintNote]:
    seen: dict[tuple[Selector, CountUnit], int] = {}
    for index, cell in enumerate(spec.quotas):
        key = (cell.selector(), cell.unit)
        if key in seen:
            yield _note(
                "DUPLICATE_CELL",
                "advice",
                f"quotas.{index}",
                f"Quota {index + 1} selects the same images as quota {seen[key] + 1} ('{describe_selector(cell)}').",
                "Merge the two into one line.",
            )
        seen.setdefault(key, index)
        if cell.min == 0 and cell.max is None:
            yield _note(
                "EMPTY_CELL",
                "advice",
                f"quotas.{index}",
                f"'{describe_selector(cell)}' asks for no number, so it checks nothing.",
                "Enter a minimum or a maximum, or remove the line.",
            )
