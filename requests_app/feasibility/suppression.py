"""Suppression of small cells, so that no count under 11 can be read or worked out (the CMS cell size policy's threshold).

Primary: a count of 0 to 10 becomes "<11" (none is not told apart from few). Complementary: where lines of a request may add
up to another line ("PA + AP + lateral = all"), further cells are withheld until nothing that is shown narrows a suppressed
one. Which lines may add up: for every line, each largest set of lines within it that certainly do not overlap is taken as
an equation, whether it is exhaustive or not; a sum that the shown numbers contradict is dropped. An equation is safe when
every unknown in it can still be anything from 0 to 10 (a withheld one: has eleven or more possible values), judged with what
the other equations leave of the unknowns, and when no unknown follows from all equations together by elimination.
The smallest shown line of an unsafe equation is withheld first, the sum itself last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from requests_app.feasibility.document import SMALL, WITHHELD, Count
from requests_app.spec import CountUnit, DatasetSpec, Demand, Level, Selector, demands
from requests_app.spec.selector import contains, disjoint

#: Counts under this are suppressed.
THRESHOLD = 11
#: The search for sets of lines that do not overlap stops here, per line.
MAX_SETS = 300


@dataclass(frozen=True, slots=True)
class Equation:
    """``total`` may be the sum of ``parts``: check ids."""

    total: str
    parts: tuple[str, ...]


def equations(spec: DatasetSpec) -> list[Equation]:
    """Every sum that the lines of a request may form."""
    taxonomy = spec.taxonomy()
    everything = Selector()
    lines = [d for d in demands(spec) if d.kind != "total"]
    for check_id, unit in (("cohort.images", CountUnit.IMAGES), ("cohort.patients", CountUnit.PATIENTS)):
        lines.append(Demand(check_id, "total", "", everything, unit, 0, None, Level.MUST))
    found = []
    for whole in lines:
        within = [
            line
            for line in lines
            if line is not whole
            and line.unit is whole.unit
            and line.selector != whole.selector
            and contains(whole.selector, line.selector, taxonomy)
        ]
        apart = {
            i: {j for j in range(len(within)) if j != i and disjoint(within[i].selector, within[j].selector, taxonomy)}
            for i in range(len(within))
        }
        for group in _largest_sets(apart):
            if len(group) > 1:
                found.append(Equation(whole.check_id, tuple(within[i].check_id for i in sorted(group))))
        same = [line for line in lines if line is not whole and line.unit is whole.unit]
        found += [Equation(whole.check_id, (s.check_id,)) for s in same if s.selector == whole.selector]
    return found


def _largest_sets(apart: dict[int, set[int]]) -> list[frozenset[int]]:
    """Largest sets whose members are all apart from each other (Bron and Kerbosch 1973, with a pivot)."""
    found: list[frozenset[int]] = []

    def search(chosen: frozenset[int], open_: set[int], done: set[int]) -> None:
        if len(found) >= MAX_SETS:
            return
        if not open_ and not done:
            found.append(chosen)
            return
        pivot = max(open_ | done, key=lambda i: len(apart[i] & open_))
        for i in sorted(open_ - apart[pivot]):
            search(chosen | {i}, open_ & apart[i], done & apart[i])
            open_ = open_ - {i}
            done = done | {i}

    search(frozenset(), set(apart), set())
    return found


def suppress(counts: Mapping[str, Count], sums: list[Equation]) -> dict[str, Count]:
    """The counts that may be shown. Cells that come suppressed already stay so."""
    shown: dict[str, Count] = {
        key: SMALL if isinstance(count, int) and count < THRESHOLD else count for key, count in counts.items()
    }
    known = [sum_ for sum_ in sums if sum_.total in shown and all(part in shown for part in sum_.parts)]
    # Lines that were not counted are missing from their sums: what is left is still a sum that could be complete.
    for sum_ in sums:
        parts = tuple(part for part in sum_.parts if part in shown)
        if sum_.total in shown and parts and len(parts) < len(sum_.parts):
            known.append(Equation(sum_.total, parts))
    while (unsafe := _unsafe(shown, known)) is not None and (victim := _victim(shown, known, unsafe)) is not None:
        shown[victim] = WITHHELD
    return shown


def _victim(shown: Mapping[str, Count], sums: list[Equation], unsafe: Equation) -> str | None:
    """What to withhold next: the smallest shown part, else the sum; where all is suppressed, of the sums next to it."""
    reached, ring = {unsafe}, [unsafe]
    while ring:
        parts = sorted({(shown[part], part) for s in ring for part in s.parts if isinstance(shown[part], int)})  # type: ignore[type-var]
        totals = sorted({(shown[s.total], s.total) for s in ring if isinstance(shown[s.total], int)})  # type: ignore[type-var]
        if parts or totals:
            return (parts or totals)[0][1]
        keys = {key for s in ring for key in (s.total, *s.parts)}
        ring = [s for s in sums if s not in reached and keys & {s.total, *s.parts}]
        reached.update(ring)
    return None


Bounds = dict[str, tuple[float, float]]


def _unsafe(shown: Mapping[str, Count], sums: list[Equation]) -> Equation | None:
    """An equation that narrows an unknown, or None."""
    free: Bounds = {SMALL: (0, THRESHOLD - 1), WITHHELD: (THRESHOLD, inf)}
    start: Bounds = {k: (float(v), float(v)) if isinstance(v, int) else free[v] for k, v in shown.items()}
    possible = [s for s in sums if _feasible(s, start)]
    bounds = dict(start)
    for _ in range(20):
        before = dict(bounds)
        for sum_ in possible:
            terms = [(sum_.total, -1), *((part, 1) for part in sum_.parts)]
            for key, sign in terms:
                if isinstance(shown[key], int):
                    continue
                # key * sign = -(sum of the others)
                low = sum(_end(bounds[k], s, low=True) for k, s in terms if k != key)
                high = sum(_end(bounds[k], s, low=False) for k, s in terms if k != key)
                low, high = (-high, -low) if sign > 0 else (low, high)
                bounds[key] = (max(bounds[key][0], low), min(bounds[key][1], high))
                if _narrow(shown[key], bounds[key]):
                    return sum_
        if bounds == before:
            break
    return _determined(shown, possible)


def _end(bound: tuple[float, float], sign: int, *, low: bool) -> float:
    return sign * bound[0 if low == (sign > 0) else 1]


def _narrow(count: Count, bound: tuple[float, float]) -> bool:
    if count == SMALL:
        return bound[0] > 0 or bound[1] < THRESHOLD - 1
    return bound[1] - bound[0] < THRESHOLD - 1


def _feasible(sum_: Equation, bounds: Bounds) -> bool:
    low, high = sum(bounds[p][0] for p in sum_.parts), sum(bounds[p][1] for p in sum_.parts)
    return low <= bounds[sum_.total][1] and high >= bounds[sum_.total][0]


def _determined(shown: Mapping[str, Count], sums: list[Equation]) -> Equation | None:
    """An equation with an unknown that elimination over all equations fixes, or None."""
    unknown = sorted({k for s in sums for k in (s.total, *s.parts) if not isinstance(shown[k], int)})
    column = {key: i for i, key in enumerate(unknown)}
    rows = []
    for sum_ in sums:
        row = [Fraction(0)] * len(unknown)
        for key, sign in ((sum_.total, -1), *((part, 1) for part in sum_.parts)):
            if key in column:
                row[column[key]] += sign
        if any(row):
            rows.append(row)
    for row in _reduced(rows):
        if sum(value != 0 for value in row) == 1:
            key = unknown[next(i for i, value in enumerate(row) if value)]
            holding = [s for s in sums if key in (s.total, *s.parts)]
            open_ = [s for s in holding if any(isinstance(shown[k], int) for k in (s.total, *s.parts))]
            if open_:
                return open_[0]
    return None


def _reduced(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """Reduced row echelon form: an unknown is fixed exactly when a row holds it alone."""
    rows = [list(row) for row in rows]
    done = 0
    for col in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(done, len(rows)) if rows[i][col]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        lead = rows[done][col]
        rows[done] = [value / lead for value in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[col]:
                factor = row[col]
                rows[i] = [a - factor * b for a, b in zip(row, rows[done], strict=True)]
        done += 1
    return rows[:done]
