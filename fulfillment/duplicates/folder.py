"""The duplicates in a folder: read, find candidates, look twice, complete the clusters."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Final, Literal

import numpy as np

from fulfillment.duplicates.exact import pixel_sha256
from fulfillment.duplicates.files import Unreadable, read_pixels
from fulfillment.duplicates.fingerprint import Fingerprint, Query, fingerprint
from fulfillment.duplicates.index import HashIndex
from fulfillment.duplicates.picture import NoPicture, small_picture
from fulfillment.duplicates.processes import shared_out
from fulfillment.duplicates.verify import Features, features, verify

#: After so many candidates of one image that proved different, farther ones are not looked at.
_PATIENCE: Final = 8
_SURELY_LOOKED_AT: Final = 40
#: Clusters up to this size are completed: every pair in them is looked at.
_LARGEST_CLUSTER: Final = 48
_KEPT_FEATURES: Final = 96
_BATCH: Final = 128

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Entry:
    """One file of the folder. ``print_`` and ``query`` are None where there is nothing to compare but the pixels."""

    name: str
    pixel_sha256: str
    print_: Fingerprint | None
    query: Query | None
    note: str = ""


@dataclass(frozen=True)
class BadFile:
    name: str
    cause: str


@dataclass(frozen=True, order=True)
class Pair:
    """Two files with one picture; ``file_a < file_b``. ``distance``: bits of 256 of the nearest hashes; 0 where exact."""

    file_a: str
    file_b: str
    kind: Literal["exact", "near"] = field(compare=False)
    distance: int = field(compare=False)
    inliers: int = field(compare=False)
    verified: bool = field(compare=False)


def files_in(folder: Path) -> list[str]:
    """Every file below the folder, as paths relative to it with forward slashes, in order. Links to folders are not followed."""
    names = []
    for root, folders, files in os.walk(folder):
        folders.sort()
        names += [(Path(root) / name).relative_to(folder).as_posix() for name in files]
    return sorted(names)


def _nothing(stage: str, done: int, of: int) -> None:
    """Where nobody watches."""


class Comparison:
    """The comparison of a folder's files in three steps: ``read``, then ``pairs``; ``entries`` and ``bad`` in between."""

    def __init__(self, folder: Path, *, jobs: int = 1, progress: Progress = _nothing) -> None:
        self.folder, self.jobs, self.progress = folder, max(1, jobs), progress
        self.entries: list[Entry] = []
        self.bad: list[BadFile] = []

    def read(self, names: list[str]) -> None:
        """Hash the files."""
        tasks = [(str(self.folder), name) for name in names]
        for number, ((_, name), found) in enumerate(shared_out(read_entry, tasks, jobs=self.jobs), 1):
            if found is None:
                found = BadFile(name, "Its decoder crashed: it is damaged. Copy it again, or leave it out.")
            if isinstance(found, BadFile):
                self.bad.append(found)
            else:
                self.entries.append(found)
            self.progress("reading", number, len(tasks))

    def pairs(self, *, doubtful: bool = False) -> Iterator[Pair]:
        """Every pair, in order of names. ``doubtful``: also candidates that the second look did not confirm."""
        groups: dict[str, list[int]] = {}
        for number, entry in enumerate(self.entries):
            groups.setdefault(entry.pixel_sha256, []).append(number)
        first = [members[0] for members in groups.values()]
        found = self._near(first, {members[0] for members in groups.values() if len(members) > 1})
        rows: list[Pair] = []
        for members in groups.values():
            counted = found.get((members[0], members[0]))
            for a, b in combinations(members, 2):
                rows.append(self._pair(a, b, "exact", 0, counted.inliers if counted else 0, True))
        for (one, other), seen in found.items():
            if one == other or not (seen.same or doubtful):
                continue
            for a in groups[self.entries[one].pixel_sha256]:
                for b in groups[self.entries[other].pixel_sha256]:
                    rows.append(self._pair(a, b, "near", seen.distance, seen.inliers, seen.same))
        yield from sorted(rows)

    def _pair(
        self, one: int, other: int, kind: Literal["exact", "near"], distance: int, inliers: int, verified: bool
    ) -> Pair:
        a, b = sorted((self.entries[one].name, self.entries[other].name))
        return Pair(a, b, kind, distance, inliers, verified)

    def _near(self, first: list[int], exact: set[int]) -> dict[tuple[int, int], Seen]:
        comparable = [number for number in first if self.entries[number].query is not None]
        candidates = self._candidates(comparable)
        seen = self._looked_at(candidates, exact & set(comparable))
        missing = _gaps(seen)
        distances = {pair: self._distance(*pair) for pair in missing}
        more: dict[int, list[tuple[int, int]]] = {}
        for (one, other), near in distances.items():
            more.setdefault(one, []).append((near, other))
        return seen | self._looked_at(more, set(), patient=True)

    def _candidates(self, numbers: list[int]) -> dict[int, list[tuple[int, int]]]:
        """For each image the later ones that are near it, nearest first."""
        index = HashIndex()
        index.add((n, print_) for n in numbers if (print_ := self.entries[n].print_) is not None)
        near: dict[tuple[int, int], int] = {}
        for start in range(0, len(numbers), _BATCH):
            batch = numbers[start : start + _BATCH]
            asked = [query for n in batch if (query := self.entries[n].query) is not None]
            for number, answers in zip(batch, index.search(asked), strict=True):
                for found in answers:
                    if found.key != number:
                        pair = (min(number, found.key), max(number, found.key))
                        near[pair] = min(near.get(pair, found.distance), found.distance)
            self.progress("searching", min(start + _BATCH, len(numbers)), len(numbers))
        grouped: dict[int, list[tuple[int, int]]] = {}
        for (one, other), distance in near.items():
            grouped.setdefault(one, []).append((distance, other))
        return {one: sorted(others) for one, others in sorted(grouped.items())}

    def _looked_at(
        self, candidates: dict[int, list[tuple[int, int]]], exact: set[int], *, patient: bool = False
    ) -> dict[tuple[int, int], Seen]:
        tasks = []
        for one in sorted(set(candidates) | exact):
            others = [(distance, n, self.entries[n].name) for distance, n in candidates.get(one, [])]
            tasks.append(_Look(str(self.folder), one, self.entries[one].name, others, one in exact, patient))
        seen: dict[tuple[int, int], Seen] = {}
        for number, (_, found) in enumerate(shared_out(_look, tasks, jobs=self.jobs), 1):
            seen.update(found or {})
            self.progress("comparing", number, len(tasks))
        return seen

    def _distance(self, one: int, other: int) -> int:
        a, b = self.entries[one], self.entries[other]
        if a.print_ is None or b.print_ is None or a.query is None or b.query is None:
            return 256
        return min(between(a.query, b.print_), between(b.query, a.print_))


def between(asked: Query, kept: Fingerprint) -> int:
    """Bits of 256 in which the nearest hashes of like kind differ."""
    nearest = 256
    for mine, yours in ((asked.crops, kept.crops), (asked.anchors, kept.anchors)):
        if len(mine) and len(yours):
            differing = np.bitwise_count(mine[:, None, :] ^ yours[None, :, :]).sum(axis=-1, dtype=np.int32)
            nearest = min(nearest, int(differing.min()))
    return nearest


def read_entry(task: tuple[str, str]) -> Entry | BadFile:
    """Hash one file; for ``shared_out``."""
    folder, name = task
    try:
        pixels = read_pixels(Path(folder) / name)
        digest = pixel_sha256(pixels.stored)
    except Unreadable as error:
        return BadFile(name, str(error))
    try:
        print_, query = fingerprint(small_picture(pixels.plane))
    except NoPicture as error:
        return Entry(name, digest, None, None, f"Only its exact pixels are compared: {error}.")
    return Entry(name, digest, print_, query)


@dataclass(frozen=True)
class Seen:
    """The second look at a pair."""

    distance: int
    inliers: int
    same: bool


@dataclass(frozen=True)
class _Look:
    """One image and those it may be the same as: (distance, number, name), nearest first."""

    folder: str
    number: int
    name: str
    others: list[tuple[int, int, str]]
    exact: bool
    patient: bool


_features: OrderedDict[str, Features] = OrderedDict()


def _features_of(folder: str, name: str) -> Features | None:
    """Of the last images looked at, features are kept."""
    key = f"{folder}\n{name}"
    if key in _features:
        _features.move_to_end(key)
        return _features[key]
    try:
        made = features(small_picture(read_pixels(Path(folder) / name).plane))
    except (Unreadable, NoPicture):  # gone since it was read
        return None
    _features[key] = made
    if len(_features) > _KEPT_FEATURES:
        _features.popitem(last=False)
    return made


def _look(task: _Look) -> dict[tuple[int, int], Seen]:
    mine = _features_of(task.folder, task.name)
    seen: dict[tuple[int, int], Seen] = {}
    if mine is None:
        return seen
    if task.exact:
        seen[task.number, task.number] = Seen(0, len(mine.places), True)
    failed = 0
    for distance, number, name in task.others:
        if failed >= _PATIENCE and distance > _SURELY_LOOKED_AT and not task.patient:
            break
        yours = _features_of(task.folder, name)
        if yours is None:
            continue
        found = verify(mine, yours)
        seen[task.number, number] = Seen(distance, found.inliers, found.same(distance))
        failed = 0 if found.same(distance) else failed + 1
    return seen


def _gaps(seen: dict[tuple[int, int], Seen]) -> list[tuple[int, int]]:
    """Pairs that nobody looked at between images of one cluster: what is the same as the same."""
    parent: dict[int, int] = {}

    def root(n: int) -> int:
        while parent.setdefault(n, n) != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for (one, other), found in seen.items():
        if found.same and one != other:
            parent[root(other)] = root(one)
    clusters: dict[int, list[int]] = {}
    for n in sorted(parent):
        clusters.setdefault(root(n), []).append(n)
    return [
        pair
        for members in clusters.values()
        if 2 < len(members) <= _LARGEST_CLUSTER
        for pair in combinations(members, 2)
        if pair not in seen
    ]
