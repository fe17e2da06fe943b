"""How many labels to read again, blind, to know how many are wrong, and which: a plan with its arithmetic. Pure.

A simple random sample of a share p known to within d at confidence z needs n0 = z^2 p (1 - p) / d^2, and from N labels
n = n0 / (1 + (n0 - 1) / N) (Cochran 1977, 4.4). The sample is spread over strata of finding and state in proportion to their size,
with a least number from each, so that rare findings are looked at too; results are weighted back.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil, isfinite, sqrt

Z = 1.959963984540054
Stratum = tuple[str, str]


@dataclass(frozen=True)
class StratumPlan:
    """``chosen``: keys of the labels to read, of ``population`` there are."""

    finding: str
    state: str
    population: int
    chosen: tuple[Hashable, ...]


@dataclass(frozen=True)
class RereadingPlan:
    """``arithmetic`` says each step in words; ``precision`` and ``expected`` are what it was asked for."""

    strata: tuple[StratumPlan, ...]
    precision: float
    expected: float
    seed: str
    arithmetic: tuple[str, ...]

    @property
    def total(self) -> int:
        return sum(len(stratum.chosen) for stratum in self.strata)

    @property
    def population(self) -> int:
        return sum(stratum.population for stratum in self.strata)


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """The share of wrong labels, weighted back to all of them, with its 95 % interval; ``read`` of ``population`` were read."""

    value: float | None
    low: float | None
    high: float | None
    read: int
    population: int
    why: str = ""


def sample_size(population: int, *, precision: float, expected: float = 0.5) -> int:
    """Labels to read of ``population`` to know the share of wrong ones to within ``precision`` at 95 %. Raises ValueError."""
    if not (isfinite(precision) and 0 < precision < 1 and 0 <= expected <= 1):
        raise ValueError("precision lies between 0 and 1, the expected share from 0 to 1")
    if population <= 0:
        return 0
    first = max(1.0, Z**2 * expected * (1 - expected) / precision**2)
    return min(population, ceil(first / (1 + (first - 1) / population) - 1e-9))


def plan_rereading(
    labels: Iterable[tuple[Hashable, str, str]],
    *,
    precision: float = 0.03,
    expected: float = 0.05,
    least: int = 5,
    seed: str = "1",
) -> RereadingPlan:
    """Choose labels (key, finding, state) for a blind second reading.

    The same labels and seed give the same choice, in whatever order they come: each stratum's keys are ranked by SHA-256 of seed,
    finding, state and key. Raises ValueError for a key that comes twice in a stratum.
    """
    strata: defaultdict[Stratum, list[Hashable]] = defaultdict(list)
    for key, finding, state in labels:
        strata[finding, state].append(key)
    if any(len(set(map(str, keys))) < len(keys) for keys in strata.values()):
        raise ValueError("a label comes twice")
    population = sum(map(len, strata.values()))
    wanted = sample_size(population, precision=precision, expected=expected)
    shares = _spread({stratum: len(keys) for stratum, keys in strata.items()}, wanted, least)
    chosen = tuple(
        StratumPlan(finding, state, len(keys), tuple(_ranked(keys, seed, finding, state)[: shares[finding, state]]))
        for (finding, state), keys in sorted(strata.items())
    )
    return RereadingPlan(
        chosen, precision, expected, seed, _said(population, wanted, chosen, precision, expected, least)
    )


def error_rate(plan: RereadingPlan, wrong: Mapping[Hashable, bool]) -> ErrorRate:
    """What the second reading found. ``wrong``: for each label that was read, whether it is. Strata that nobody read are left out.

    The stratified estimate with finite population correction (Cochran 1977, 5.4). In each stratum the variance is that of
    (x + 1) / (m + 2), so that strata without an error do not claim to be certain; the interval ends at 0 and 1.
    """
    parts = []
    for stratum in plan.strata:
        read = [wrong[key] for key in stratum.chosen if key in wrong]
        if read:
            parts.append((stratum.population, len(read), sum(read)))
    population, read_all = sum(size for size, _, _ in parts), sum(count for _, count, _ in parts)
    if not parts:
        return ErrorRate(None, None, None, 0, plan.population, "No label of the plan was read again yet.")
    value = sum(size * bad / count for size, count, bad in parts) / population
    variance = 0.0
    for size, count, bad in parts:
        middle = (bad + 1) / (count + 2)
        variance += (size / population) ** 2 * (1 - count / size) * middle * (1 - middle) / count
    reach = Z * sqrt(variance)
    left_out = plan.population - population
    why = f"{left_out:,} labels are in strata that nobody read." if left_out else ""
    return ErrorRate(value, max(0.0, value - reach), min(1.0, value + reach), read_all, population, why)


def _spread(sizes: Mapping[Stratum, int], wanted: int, least: int) -> dict[Stratum, int]:
    """``wanted`` in proportion to the sizes (largest remainders), and at least ``least`` or all from each."""
    total = sum(sizes.values())
    exact = {stratum: wanted * size / total for stratum, size in sizes.items()} if total else {}
    whole = {stratum: int(share) for stratum, share in exact.items()}
    rest = wanted - sum(whole.values())
    for stratum in sorted(exact, key=lambda one: (whole[one] - exact[one], one))[:rest]:
        whole[stratum] += 1
    return {stratum: min(size, max(whole[stratum], least)) for stratum, size in sizes.items()}


def _ranked(keys: Iterable[Hashable], seed: str, finding: str, state: str) -> list[Hashable]:
    def rank(key: Hashable) -> str:
        return hashlib.sha256("\x1f".join((seed, finding, state, str(key))).encode()).hexdigest()

    return sorted(keys, key=rank)


def _said(
    population: int, wanted: int, strata: tuple[StratumPlan, ...], precision: float, expected: float, least: int
) -> tuple[str, ...]:
    if not population:
        return ("There are no labels to read.",)
    first = max(1.0, Z**2 * expected * (1 - expected) / precision**2)
    total = sum(len(stratum.chosen) for stratum in strata)
    return (
        f"n0 = 1.96^2 x {expected:g} x {1 - expected:g} / {precision:g}^2 = {first:.1f}",
        f"of {population:,} labels: n = {first:.1f} / (1 + {max(0.0, first - 1):.1f} / {population:,}), rounded up: {wanted:,}",
        f"spread over {len(strata):,} strata of finding and state in proportion to their size, at least {least} (or all) from each: "
        f"{total:,}",
    )
