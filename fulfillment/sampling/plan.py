"""The acceptance-sampling plan of the contact sheet: every image that asks for it, and a sample of the others.

A single-sampling plan for attributes with acceptance number 0, without replacement, so the count of defects in a sample is
hypergeometric (Duncan 1986, chapter 8; ISO 2859-2 for isolated lots has the same form): of R images of which D show an identity, n
drawn by lot show none with probability C(R - D, n) / C(R, n). The sample is the smallest n that makes this at most the risk that is
tolerated. House rule beside it (docs/deid.md): 1 % of the images without a mask, and 30 in all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: The share of the unmarked images that must not go unnoticed, and the risk that it does.
TOLERATED: Final = 0.03
RISK: Final = 0.05
#: At least this share of the unmarked images, and so many images in all.
SHARE: Final = 0.01
LEAST: Final = 30


@dataclass(frozen=True)
class SamplePlan:
    """``certain`` images are all looked at; of the other ``rest``, ``drawn`` by lot. ``arithmetic`` says why, in words.

    ``defects``: how many of the rest are the tolerated share; ``miss``: probability that none of so many is drawn.
    """

    population: int
    certain: int
    rest: int
    drawn: int
    defects: int
    miss: float
    arithmetic: tuple[str, ...]

    @property
    def total(self) -> int:
        return self.certain + self.drawn


def miss_probability(population: int, defects: int, sample: int) -> float:
    """Probability that ``sample`` of ``population``, drawn without replacement, hold none of ``defects``."""
    if sample > population - defects:
        return 0.0
    found = 1.0
    for taken in range(sample):
        found *= (population - defects - taken) / (population - taken)
    return found


def smallest_sample(population: int, defects: int, *, risk: float = RISK) -> int:
    """The fewest images that, drawn by lot, miss all ``defects`` with at most this probability. Raises ValueError for no defect."""
    if defects < 1:
        raise ValueError("there is nothing to find")
    found, taken = 1.0, 0
    while found > risk and taken < population:
        found *= max(0, population - defects - taken) / (population - taken)
        taken += 1
    return taken


def plan_sample(population: int, certain: int) -> SamplePlan:
    """The plan for ``population`` images of which ``certain`` are looked at in any case.

    Raises ValueError where ``certain`` is negative or above the population.
    """
    if not 0 <= certain <= population:
        raise ValueError("certain must lie between 0 and the population")
    rest = population - certain
    words = [f"{_images(population)} passed."]
    if certain:
        words.append(
            f"{certain:,} of them {'carries' if certain == 1 else 'carry'} a mask, {'asks' if certain == 1 else 'ask'} for a look or"
            f" came since the last decision: each is looked at. {_left(rest)}"
        )
    if not rest:
        words.append(f"To look at: {_images(certain)}, all there are.")
        return SamplePlan(population, certain, 0, 0, 0, 0.0, tuple(words))
    defects = math.ceil(rest * TOLERATED - 1e-9)
    by_risk = smallest_sample(rest, defects)
    by_share = math.ceil(rest * SHARE - 1e-9)
    by_least = min(rest, max(0, LEAST - certain))
    drawn = max(by_risk, by_share, by_least)
    miss = miss_probability(rest, defects, drawn)
    words += [
        f"{TOLERATED:.0%} of {rest:,}, rounded up, is D = {defects:,}: so many pictures that show an identity must not go unnoticed.",
        f"n pictures drawn by lot hold none of the {defects:,} with probability C({rest - defects:,}, n) / C({rest:,}, n). "
        f"The smallest n that makes it {RISK:.0%} or less is {by_risk:,} ({miss_probability(rest, defects, by_risk):.2%}).",
        f"At least {SHARE:.0%} of {rest:,} is {by_share:,}, and {LEAST} in all leaves {by_least:,} to draw: "
        f"the largest of the three is n = {drawn:,}.",
        f"To look at: {certain:,} + {drawn:,} = {_images(certain + drawn)}. None may show an identity (acceptance number 0): one that"
        " does is returned with a note.",
        f"So a batch in which {TOLERATED:.0%} or more of the unmarked pictures show an identity is accepted with a probability of at"
        f" most {_percent(miss)}, as far as whoever looks sees what there is to see.",
    ]
    return SamplePlan(population, certain, rest, drawn, defects, miss, tuple(words))


def draw(keys: Iterable[str], count: int, seed: str) -> list[str]:
    """``count`` of the keys by lot: those whose SHA-256 with the seed before them is smallest. The same seed gives the same draw."""
    return sorted(keys, key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())[:count]


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


def _left(rest: int) -> str:
    return "None remains." if not rest else "1 remains." if rest == 1 else f"{rest:,} remain."


def _percent(share: float) -> str:
    return "0 %" if share == 0 else f"{100 * share:.1f} %"
