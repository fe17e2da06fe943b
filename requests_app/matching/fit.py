"""The fit of a hospital to a request, in per cent, with its reasons.

The arithmetic, all of it: each need has a weight (``needs.WEIGHTS``) and, where the profile speaks about it, a score from
0 to 1. The fit is the weighted mean of the scores of the needs that are stated, rounded down to a whole per cent. A need
that the profile is silent about is "not stated": it neither raises nor lowers the fit and is listed as unknown. A *must*
that the profile says it cannot meet (score 0) removes the hospital, whatever the rest says. Amounts are images a year
times the years held within the years asked (one year where the years are not stated), against the minimum asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from requests_app.matching.capability import Capability
from requests_app.matching.needs import Need, Needs
from requests_app.spec import View


class Verdict(StrEnum):
    MEETS = "meets"
    PART = "part"
    LACKS = "lacks"
    REMOVES = "removes"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """What one need comes to: ``score`` is None where it is not stated."""

    need: Need
    verdict: Verdict
    score: float | None
    said: str


@dataclass(frozen=True, slots=True)
class Fit:
    """``percent`` is None where nothing that is asked is stated. ``removed`` are the needs that rule the hospital out."""

    percent: int | None
    reasons: tuple[Reason, ...]

    @property
    def removed(self) -> tuple[Need, ...]:
        return tuple(reason.need for reason in self.reasons if reason.verdict is Verdict.REMOVES)

    @property
    def is_match(self) -> bool:
        return not self.removed

    @property
    def stated(self) -> int:
        return sum(reason.verdict is not Verdict.UNKNOWN for reason in self.reasons)

    @property
    def asked(self) -> int:
        return len(self.reasons)

    @property
    def sort_key(self) -> tuple[int, int]:
        """Best first when sorted descending: fit, then how much of it is stated."""
        return (-1 if self.percent is None else self.percent, self.stated)


def fit(needs: Needs, capability: Capability) -> Fit:
    """Compare one profile with one request's needs."""
    years = _years(needs, capability)
    reasons = []
    weighed = total = 0.0
    for need in needs.needs:
        score, said = _RULES[need.kind](need, capability, years)
        if score is None:
            reasons.append(Reason(need, Verdict.UNKNOWN, None, "not stated"))
            continue
        weighed += need.weight * score
        total += need.weight
        verdict = Verdict.MEETS if score >= 1 else Verdict.PART if score > 0 else Verdict.LACKS
        if verdict is Verdict.LACKS and need.must:
            verdict = Verdict.REMOVES
        reasons.append(Reason(need, verdict, score, said))
    return Fit(int(100 * weighed / total + 1e-9) if total else None, tuple(reasons))


Answer = tuple[float | None, str]


def _years(needs: Needs, capability: Capability) -> int:
    """Years of the archive within the years asked; 1 where the archive's years are not stated."""
    if capability.first_year is None or capability.last_year is None:
        return 1
    first = max(capability.first_year, needs.first_year or capability.first_year)
    last = min(capability.last_year, needs.last_year or capability.last_year)
    return max(0, last - first + 1)


def _share(have: float, need: int, words: str) -> Answer:
    if have <= 0:
        return 0.0, f"none{words}"
    return (1.0 if not need else min(1.0, have / need)), f"about {int(have):,}{words}"


def _projection(need: Need, capability: Capability, years: int) -> Answer:
    have = _of_views(need.views, capability)
    if have is None:
        return None, ""
    if need.portable is not None and capability.portable_percent is not None:
        share = capability.portable_percent / 100
        return _share(have * (share if need.portable else 1 - share) * max(years, 1), need.amount, " held")
    return _share(float(have * max(years, 1)), need.amount, " held")


def _of_views(views: tuple[View, ...], capability: Capability) -> int | None:
    """Images a year of the views. A stated lateral holds both sides, so "no laterals" is said of each side too."""
    said = capability.views
    lateral = said.get(View.LATERAL)
    if View.LATERAL in views:
        sides = [said[side] for side in (View.LL, View.RL) if side in said]
        if lateral is None and len(sides) < 2 and not any(sides):
            return None
        return max(lateral or 0, sum(sides))
    stated = [said[view] for view in views if view in said]
    if stated:
        return sum(stated)
    return 0 if lateral == 0 and set(views) <= {View.LL, View.RL} else None


def _amount(need: Need, capability: Capability, years: int) -> Answer:
    said = capability.views
    sides = max(said.get(View.LATERAL, 0), said.get(View.LL, 0) + said.get(View.RL, 0))
    total = said.get(View.PA, 0) + said.get(View.AP, 0) + sides if said else sum(capability.modalities.values())
    if not said and not capability.modalities:
        return None, ""
    return _share(float(total * max(years, 1)), need.amount, " held")


def _modality(need: Need, capability: Capability, years: int) -> Answer:
    stated = {name: count for name, count in capability.modalities.items() if name in need.values}
    if any(stated.values()):
        return 1.0, ", ".join(sorted(name for name, count in stated.items() if count))
    return (0.0, "none of these") if len(stated) == len(need.values) else (None, "")


def _overlap(need: Need, low: int | None, high: int | None, floor: int, ceiling: int) -> Answer:
    if low is None and high is None:
        return None, ""
    have = (floor if low is None else low, ceiling if high is None else high)
    want = (floor if need.low is None else need.low, ceiling if need.high is None else need.high)
    common = min(have[1], want[1]) - max(have[0], want[0]) + 1
    said = f"{have[0]} to {have[1]}"
    return (0.0, said) if common <= 0 else (min(1.0, common / (want[1] - want[0] + 1)), said)


def _held_years(need: Need, capability: Capability, years: int) -> Answer:
    if capability.first_year is None or capability.last_year is None:
        return None, ""
    newest = max(capability.last_year, need.low or 0)
    return _overlap(need, capability.first_year, capability.last_year, capability.first_year, newest)


def _age(need: Need, capability: Capability, years: int) -> Answer:
    return _overlap(need, capability.youngest, capability.oldest, 0, 100)


def _portable(need: Need, capability: Capability, years: int) -> Answer:
    if capability.portable_percent is None:
        return None, ""
    return (1.0 if capability.portable_percent else 0.0), f"{capability.portable_percent} % portable"


def _reports(need: Need, capability: Capability, years: int) -> Answer:
    if capability.reports is None:
        return None, ""
    return (1.0, "can be linked") if capability.reports else (0.0, "cannot be linked")


def _languages(need: Need, capability: Capability, years: int) -> Answer:
    if not capability.languages:
        return None, ""
    return float(bool(need.values & set(capability.languages))), ", ".join(capability.languages)


def _annotation(need: Need, capability: Capability, years: int) -> Answer:
    if capability.annotations is None:
        return None, ""
    kinds = {kind.value for kind in capability.annotations}
    # A mask or a polygon holds the box around it.
    able = bool(need.values & kinds) or ("box" in need.values and bool(kinds & {"polygon", "mask"}))
    return float(able), "can be made" if able else "cannot be made"


def _labels(need: Need, capability: Capability, years: int) -> Answer:
    if capability.label_methods is None:
        return None, ""
    able = bool(need.values & {method.value for method in capability.label_methods})
    return float(able), "possible" if able else "not possible"


def _readers(need: Need, capability: Capability, years: int) -> Answer:
    have = capability.board_certified if "certified" in need.values else capability.readers
    if have is None:
        return None, ""
    return min(1.0, have / need.amount), f"{have} stated"


def _legal(need: Need, capability: Capability, years: int) -> Answer:
    if not capability.legal_classes:
        return None, ""
    able = [one.plain for one in capability.legal_classes if one.value in need.values]
    return (1.0, ", ".join(able)) if able else (0.0, "none of these can be signed")


def _countries(need: Need, capability: Capability, years: int) -> Answer:
    if capability.any_country:
        return 1.0, "any country the law allows"
    if not capability.countries:
        return None, ""
    outside = sorted(need.values - set(capability.countries))
    return (0.0, f"not {', '.join(outside)}") if outside else (1.0, ", ".join(sorted(need.values)))


def _vendor(need: Need, capability: Capability, years: int) -> Answer:
    if not capability.devices:
        return None, ""
    have = need.values & capability.vendors
    return len(have) / len(need.values), f"{len(have)} of {len(need.values)}"


_RULES = {
    "projection": _projection,
    "amount": _amount,
    "modality": _modality,
    "years": _held_years,
    "age": _age,
    "portable": _portable,
    "reports": _reports,
    "languages": _languages,
    "annotation": _annotation,
    "labels": _labels,
    "readers": _readers,
    "legal": _legal,
    "countries": _countries,
    "vendor": _vendor,
}
