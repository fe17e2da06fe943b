"""How well the component model does on pictures that did not teach it: every third picture left out, then each source."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fulfillment.quality.components import COMPONENTS, ComponentModel, squashed

if TYPE_CHECKING:
    from fulfillment.quality.training.fit import Table

SYNTHETIC = "leaves"


def technical(model: ComponentModel, table: Table) -> NDArray[np.float64]:
    """The total without coverage of every row, 0 to 100."""
    components = squashed(model.raw(model.standard(table.values))).astype(np.float64)
    return np.asarray(100 * np.exp(2 / len(COMPONENTS) * np.log(np.maximum(components, 1e-4)).sum(axis=1)))


def print_card(table: Table) -> None:
    from fulfillment.quality.training.fit import fit

    everyone = {row.picture for row in table.rows}
    real = {row.picture for row in table.rows if row.source != SYNTHETIC}
    sources = sorted({row.source for row in table.rows} - {SYNTHETIC})
    by_source = {name: {row.picture for row in table.rows if row.source == name} for name in sources}
    for title, groups in (
        ("pictures left out by thirds", [{n for n in real if n % 3 == third} for third in range(3)]),
        ("sources left out one by one", list(by_source.values())),
    ):
        totals = np.zeros(len(table.rows))
        for left_out in groups:
            model = fit(table, everyone - left_out)
            chosen = np.array([row.picture in left_out for row in table.rows])
            totals[chosen] = technical(model, table)[chosen]
        print(f"== {title}")
        _print(table, totals, real)


def _print(table: Table, totals: NDArray[np.float64], real: set[int]) -> None:
    falls: dict[tuple[str, str], list[bool]] = defaultdict(list)
    near: dict[tuple[str, str], list[bool]] = defaultdict(list)
    clean: dict[str, list[float]] = defaultdict(list)
    worse: dict[str, list[float]] = defaultdict(list)
    for (picture, rendition), faults in table.chains().items():
        if picture not in real:
            continue
        start = faults["clean"][0]
        for fault, steps in faults.items():
            if fault == "clean":
                continue
            change = np.diff(totals[[start, *steps]])
            for group in (rendition, "all"):
                falls[fault, group].append(bool(np.all(change <= 0)))
                near[fault, group].append(bool(np.all(change <= 0.5)))
            clean[fault].append(totals[start])
            worse[fault].append(totals[steps[min(1, len(steps) - 1)]])
    groups = ["all", *sorted({group for _, group in falls} - {"all"})]
    for fault in sorted(clean):
        cells = [
            f"{group} {np.mean(falls[fault, group]):.3f} ({np.mean(near[fault, group]):.3f})"
            for group in groups
            if (fault, group) in falls
        ]
        rank = float((np.array(clean[fault])[:, None] > np.array(worse[fault])[None, :]).mean())
        print(f"{fault:17} n={len(clean[fault]):3} AUC at step 2: {rank:.3f}; falls (within 0.5): " + ", ".join(cells))
    starts = [faults["clean"][0] for (picture, _), faults in table.chains().items() if picture in real]
    spread = np.percentile(totals[starts], (5, 25, 50, 75, 95)).round(0)
    print("totals of untouched pictures at 5, 25, 50, 75, 95 %:", *spread)
