"""Figures of a network on pictures that it did not learn from, with confidence intervals.

`python -m fulfillment.quality.truth.training.judge POOL --only SOURCE... --model ONNX --likeness NPZ`
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fulfillment.quality.truth.look import judge, read
from fulfillment.quality.truth.model import Array, Likeness, Network
from fulfillment.quality.truth.result import Truth


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as the network sees it and what it truly is; `view` is "frontal", "lateral" or "no chest"."""

    picture: Array
    view: str
    turns: int = 0
    inverted: bool = False
    mirrored: bool = False


def variants(picture: Array, view: str) -> Iterator[Shown]:
    """An upright picture in its sixteen orientations; what is no chest comes as it is."""
    if view == "no chest":
        yield Shown(picture, view)
        return
    for index in range(16):
        turns, inverted, mirrored = index % 4, bool(index // 4 % 2), bool(index // 8)
        shown = picture[:, :, ::-1] if mirrored else picture
        yield Shown(
            np.rot90(shown, -turns, (1, 2)) * np.float32(-1 if inverted else 1), view, turns, inverted, mirrored
        )


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if count == 0:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, middle - reach), min(1.0, middle + reach)


class Tally:
    """Counts of what was asked and what came."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}

    def note(self, name: str, hit: bool) -> None:
        kept = self.counts.setdefault(name, [0, 0])
        kept[0] += hit
        kept[1] += 1

    def add(self, shown: Shown, said: Truth) -> None:
        if shown.view == "no chest":
            self.note("no chest: seen as such", said.not_chest)
            self.note(
                "no chest: taken for an inverted or turned chest", said.polarity == "inverted" or bool(said.rotation)
            )
            return
        self.note(f"{shown.view}: taken for no chest", said.not_chest)
        self.note(f"{shown.view}: view right", said.view == shown.view)
        self.note(f"{shown.view}: view wrong", said.view not in {shown.view, "unknown"})
        if said.not_chest:
            return
        self.note(f"{shown.view}: polarity said", said.polarity != "unknown")
        if said.polarity != "unknown":
            self.note(f"{shown.view}: polarity right, where said", (said.polarity == "inverted") == shown.inverted)
        self.note(f"{shown.view}: rotation said", said.rotation is not None)
        if said.rotation is not None:
            self.note(f"{shown.view}: rotation right, where said", said.rotation == 90 * shown.turns)
        if shown.view == "frontal" and said.mirrored is not None:
            self.note("frontal: mirrored right, where said", said.mirrored == shown.mirrored)

    def lines(self) -> Iterable[str]:
        for name, (hits, count) in self.counts.items():
            low, high = wilson(hits, count)
            yield f"{name:56s} {hits:6d} / {count:<6d} {100 * hits / max(count, 1):7.3f} %  [{100 * low:.2f}, {100 * high:.2f}]"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fulfillment.quality.truth.training.judge", description=__doc__)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--only", nargs="+", required=True, help="sources to judge on")
    parser.add_argument("--most", type=int, default=600, help="pictures a source")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--likeness", type=Path, required=True)
    options = parser.parse_args()
    network = Network(options.model.read_bytes())
    with np.load(options.likeness) as kept:
        likeness = Likeness(*(kept[name].astype(np.float32) for name in ("middles", "bases", "limits")))
    pool, rng = np.load(options.pool), np.random.default_rng(1)
    pictures, sources, classes = pool["pictures"], pool["sources"], pool["classes"]
    for source in options.only:
        for kind in (0, 1, 2):
            places = np.flatnonzero((sources == source) & (classes == kind))[: options.most]
            if not len(places):
                continue
            tally = Tally()
            for place in places:
                view = ("frontal", "lateral", "no chest")[kind]
                every = list(variants(pictures[place].astype(np.float32), view))
                shown = every[int(rng.integers(len(every)))]
                tally.add(shown, judge(read(np.ascontiguousarray(shown.picture), network, likeness)))
            print(f"-- {source}")
            print("\n".join(tally.lines()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
