"""How often the audit finds what was planted, and how often it cries wolf: ``python -m tests.fulfillment.audits.measure --seeds 20``.

Nulls: nothing is tied to anything. Plants: the first finding is tied to one thing; ``strength`` is the probability that the thing
follows the label instead of being drawn as everywhere. Power is the share of seeds in which one of the tests meant for the thing is
red (or red or amber). Prints a row when a line is done.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from typing import Any

import numpy as np

from fulfillment.audits import audit, picture_of
from tests.fulfillment.audits.cohorts import Made, Tie, make

#: The tests that are meant to see each plant.
MEANT: dict[Tie, tuple[str, ...]] = {
    "site": ("site", "metadata"),
    "view": ("view", "metadata"),
    "device": ("vendor", "model", "metadata"),
    "reader": ("reader",),
    "support_device": ("support_device",),
    "corner": ("corners", "marker"),
    "border": ("border",),
}
PIXELS = ("corner", "border")
NULLS: dict[str, dict[str, Any]] = {
    "null": {},
    "null, six images a patient": {"per_patient": 6.0},
    "null, finding in 7 %": {"prevalence": 0.07},
    "null, twelve sites": {"sites": 12},
    "null, pictures": {"pictures": True},
}


def audited(made: Made, seed: int) -> dict[str, Any]:
    pictures = {name: picture_of(picture) for name, picture in made.pictures.items()}
    return audit(made.images, made.labels, pictures=pictures, permutations=100, draws=200, seed=seed)


def noisy(made: Made, seed: int) -> Made:
    """Twenty further columns that mean nothing, some cells empty."""
    rng = np.random.default_rng((seed, 9))
    for column in range(20):
        kinds = int(rng.integers(2, 15))
        for row in made.images:
            row[f"column_{column}"] = "" if rng.random() < 0.1 else f"v{rng.integers(kinds)}"
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--first", type=int, default=1000, help="first seed")
    parser.add_argument("--strengths", type=float, nargs="*", default=[0.2, 0.3, 0.5])
    parser.add_argument("--only", nargs="*", default=[], help="names of nulls or plants")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    print(f"{options.images} images, {options.seeds} seeds from {options.first}")
    for name, changes in [*NULLS.items(), ("null, twenty columns", {})]:
        if not options.only or name in options.only:
            _null(name, changes, seeds, options.images)
    for tie in MEANT:
        for strength in options.strengths:
            if not options.only or tie in options.only:
                _plant(tie, strength, seeds, options.images)


def _null(name: str, changes: dict[str, Any], seeds: range, images: int) -> None:
    start, red, amber, tests = time.monotonic(), 0, 0, Counter()  # type: ignore[var-annotated]
    for seed in seeds:
        made = make(images, seed=seed, **changes)
        document = audited(noisy(made, seed) if name.endswith("columns") else made, seed)
        tests.update(document["verdicts"])
        red += document["verdicts"]["red"] > 0
        amber += document["verdicts"]["amber"] > 0
    each = (time.monotonic() - start) / len(seeds)
    print(
        f"{name}: a red in {red} of {len(seeds)} cohorts, an amber in {amber}; tests {dict(tests)}; {each:.1f} s a cohort",
        flush=True,
    )


def _plant(tie: Tie, strength: float, seeds: range, images: int) -> None:
    start, red, told, elsewhere, values = time.monotonic(), 0, 0, 0, []
    for seed in seeds:
        made = make(images, tie=tie, strength=strength, seed=seed, pictures=tie in PIXELS)
        tests = audited(made, seed)["tests"]
        meant = [test for test in tests if test["finding"] == "Pneumonia" and test["factor"] in MEANT[tie]]
        found = {test["verdict"] for test in meant}
        red += "red" in found
        told += bool(found & {"red", "amber"})
        elsewhere += any(
            test["verdict"] == "red" and test["finding"] in ("Cardiomegaly", "Pleural Effusion") for test in tests
        )
        values.append(next(test["value"] for test in meant if test["factor"] == MEANT[tie][0]))
    each = (time.monotonic() - start) / len(seeds)
    print(
        f"{tie} at {strength:g}: red {red}, red or amber {told} of {len(seeds)}; {MEANT[tie][0]} {np.mean(values):.2f} on average; "
        f"red for another finding {elsewhere}; {each:.1f} s a cohort",
        flush=True,
    )


if __name__ == "__main__":
    main()
