"""Giving each thing to one line only: a maximum flow from kinds of things to lines. Pure arithmetic, no images.

Where a request counts each image once, an image that matches several quotas must be given to one of them, and well:
the wrong choice leaves a quota short that could have been filled. That is a bipartite b-matching. Things that match
exactly the same lines are interchangeable, so they are one node with a supply, and what is left is small: at most a few
thousand kinds against some dozens of lines, however many images there are.

**The rule.** The places of the lines are ranked: what the "must" lines need, in the order of the document, then what the
"should" lines need; then, in the same order, what is between a line's need and its maximum; then what is beyond a maximum.
Places are filled in that order, each by an augmenting path (Berge 1957; Ford and Fulkerson 1956) that moves what was given
before to other lines, never away from a filled place. Sets of places that can be filled together are the independent sets
of a transversal matroid (Edmonds and Fulkerson 1965), so this greedy is exact:

- as much of the needs is filled as any allocation can fill, and of those allocations it is the one that fills the
  lines first in rank most;
- the counts do not depend on the order in which things come, nor on which paths are found;
- one more thing never lowers a count: a larger supply only makes more sets of places independent;
- a thing goes above a line's maximum only if every line that it matches is at its maximum.

One thing may come to match more lines, as a patient does with every further image; then a line that ranks first may take it
over from another, and no rule without a memory can prevent that. `held` is that memory: what was granted is filled before
everything else. It stays possible as long as nothing is taken away, and the needs are still filled as far as they can be,
because every independent set of a matroid can be extended to a largest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Places:
    """One line's places: how many it needs, how many it takes at most (None: any number), whether it binds."""

    need: int
    most: int | None
    binding: bool = True


def allocate(supply: Mapping[int, int], lines: Iterable[Places], held: Sequence[int] = ()) -> list[int]:
    """How many things each line gets, everything that matches any line being given to exactly one.

    ``supply`` maps a set of lines, as bits (bit i is line i), to how many things match exactly those. ``held`` is what
    each line was granted before. Raises ValueError for a negative supply.
    """
    places = list(lines)
    flow = _Flow(supply, len(places))
    rank = sorted(range(len(places)), key=lambda line: (not places[line].binding, line))
    for line in rank if held else ():
        flow.fill(line, held[line])
    for line in rank:
        flow.fill(line, places[line].need)
    for line in rank:
        most = places[line].most
        flow.fill(line, flow.total if most is None else max(most, places[line].need))
    for line in rank:
        flow.fill(line, flow.total)
    return flow.filled


class _Flow:
    """Things given to lines so far, by kind; ``fill`` gives a line more without taking a place from any other."""

    def __init__(self, supply: Mapping[int, int], lines: int) -> None:
        inside = (1 << lines) - 1
        self.spare: dict[int, int] = {}
        for kind, count in sorted(supply.items()):
            if count < 0:
                raise ValueError("a supply cannot be negative")
            if count and kind & inside:
                self.spare[kind & inside] = self.spare.get(kind & inside, 0) + count
        self.total = sum(self.spare.values())
        self.given: list[dict[int, int]] = [{} for _ in range(lines)]
        self.filled = [0] * lines
        self._reach = [0] * lines  # the lines that something given to a line could be given to instead

    def fill(self, line: int, upto: int) -> None:
        """Give the line more until it has ``upto`` or nothing can be given to it."""
        bit = 1 << line
        for kind in [kind for kind in self.spare if kind & bit]:
            self._give(kind, line, min(self.spare[kind], upto - self.filled[line]))
        while self.filled[line] < upto:
            way = self._way(line)
            if way is None:
                return
            self._push(way, upto - self.filled[line])

    def _give(self, kind: int, line: int, count: int) -> None:
        if count <= 0:
            return
        self.spare[kind] -= count
        if not self.spare[kind]:
            del self.spare[kind]
        self._put(kind, line, count)

    def _put(self, kind: int, line: int, count: int) -> None:
        self.given[line][kind] = self.given[line].get(kind, 0) + count
        self.filled[line] += count
        self._reach[line] |= kind

    def _take(self, kind: int, line: int, count: int) -> None:
        self.given[line][kind] -= count
        self.filled[line] -= count
        if not self.given[line][kind]:
            del self.given[line][kind]
            reach = 0
            for other in self.given[line]:
                reach |= other
            self._reach[line] = reach

    def _way(self, line: int) -> list[int] | None:
        """Lines from one that can take a spare thing, each passing one on to the next, to ``line``; shortest first."""
        spare = 0
        for kind in self.spare:
            spare |= kind
        towards: dict[int, int | None] = {line: None}
        waiting = [line]
        for here in waiting:
            if spare >> here & 1:
                way: list[int] = []
                step: int | None = here
                while step is not None:
                    way.append(step)
                    step = towards[step]
                return way
            for other, reach in enumerate(self._reach):
                if other not in towards and reach >> here & 1:
                    towards[other] = here
                    waiting.append(other)
        return None

    def _push(self, way: list[int], wanted: int) -> None:
        first = 1 << way[0]
        fresh = _largest(self.spare, first)
        moved = [_largest(self.given[here], 1 << there) for here, there in pairwise(way)]
        count = min(
            wanted,
            self.spare[fresh],
            *(self.given[here][kind] for (here, _), kind in zip(pairwise(way), moved, strict=True)),
        )
        for (here, there), kind in zip(pairwise(way), moved, strict=True):
            self._take(kind, here, count)
            self._put(kind, there, count)
        self._give(fresh, way[0], count)


def _largest(kinds: Mapping[int, int], bit: int) -> int:
    """The kind with the bit of which there is most, so that one path moves much."""
    return max((kind for kind in kinds if kind & bit), key=lambda kind: (kinds[kind], kind))
