"""The index of fingerprints: which images have hashes near those asked for. Exact search in faiss, nothing approximate.

It is a cache: it can always be made again from the stored fingerprints, and two indexes of the same fingerprints give the same
answers.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from fulfillment.duplicates.fingerprint import CROPS, VERSION, Fingerprint, Query
from fulfillment.duplicates.pdq import BITS, BYTES

#: An image is a candidate when one of its crops or anchors is this near; the second look decides. docs/duplicates.md has the
#: distributions they were set on.
NEAR_CROP: Final = 60
NEAR_ANCHOR: Final = 64

Hashes = NDArray[np.uint8]


@dataclass(frozen=True, order=True, slots=True)
class Candidate:
    """``distance``: bits of 256 in which the nearest of the hashes differ. ``agreeing``: how many hashes asked for are near."""

    distance: int
    key: int
    agreeing: int


class _Rows:
    """Hashes of one kind and the image each belongs to."""

    def __init__(self) -> None:
        self.index: Any = faiss.IndexBinaryFlat(BITS)
        self._owners: list[NDArray[np.int64]] = []
        self._count = 0

    def add(self, hashes: Hashes, owners: NDArray[np.int64]) -> None:
        if len(hashes):
            self.index.add(np.ascontiguousarray(hashes))
            self._owners.append(owners)
            self._count += len(owners)

    @property
    def owners(self) -> NDArray[np.int64]:
        if len(self._owners) != 1:
            self._owners = [np.concatenate(self._owners)] if self._owners else [np.zeros(0, np.int64)]
        return self._owners[0]

    @property
    def hashes(self) -> Hashes:
        if not self._count:
            return np.zeros((0, BYTES), np.uint8)
        return np.asarray(faiss.vector_to_array(self.index.xb).reshape(-1, BYTES))

    def near(self, asked: Hashes, radius: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Row of the question, image and distance of every hash at most ``radius`` away."""
        none = np.zeros(0, np.int64)
        if not self._count or not len(asked):
            return none, none, none
        limits, distances, rows = self.index.range_search(np.ascontiguousarray(asked), radius + 1)
        question = np.repeat(np.arange(len(asked), dtype=np.int64), np.diff(limits.astype(np.int64)))
        return question, self.owners[rows], distances.astype(np.int64)


class HashIndex:
    """Fingerprints by key (any whole number up to 63 bits). Not for several threads at once."""

    def __init__(self) -> None:
        self._crops, self._anchors = _Rows(), _Rows()
        self._images = 0

    def __len__(self) -> int:
        return self._images

    @property
    def nbytes(self) -> int:
        """Bytes of hashes and owners."""
        return sum(rows._count * (BYTES + 8) for rows in (self._crops, self._anchors))

    def add(self, entries: Iterable[tuple[int, Fingerprint]]) -> int:
        """Add fingerprints; says how many."""
        keys: list[int] = []
        crops: list[Hashes] = []
        anchors: list[Hashes] = []
        for key, print_ in entries:
            keys.append(key)
            crops.append(print_.crops)
            anchors.append(print_.anchors)
        if not keys:
            return 0
        owners = np.array(keys, np.int64)
        self._crops.add(np.concatenate(crops), np.repeat(owners, [len(each) for each in crops]))
        self._anchors.add(np.concatenate(anchors), np.repeat(owners, [len(each) for each in anchors]))
        self._images += len(keys)
        return len(keys)

    def holds(self, key: int, print_: Fingerprint) -> bool:
        """Whether exactly these crops are kept under the key."""
        return bool(np.array_equal(self._crops.hashes[self._crops.owners == key], print_.crops))

    def keys_above(self, key: int) -> set[int]:
        """The keys beyond this one."""
        owners = self._crops.owners
        return set(np.unique(owners[owners > key]).tolist())

    def search(
        self, asked: Sequence[Query], *, crop: int = NEAR_CROP, anchor: int = NEAR_ANCHOR
    ) -> list[list[Candidate]]:
        """For each question its candidates, nearest first. A stored image finds itself: leave its key out."""
        answers: list[dict[int, tuple[int, int]]] = [{} for _ in asked]
        for rows, hashes, radius in (
            (self._crops, [each.crops for each in asked], crop),
            (self._anchors, [each.anchors for each in asked], anchor),
        ):
            if not hashes:
                continue
            whose = np.repeat(np.arange(len(asked)), [len(each) for each in hashes])
            question, keys, distances = rows.near(np.concatenate(hashes), radius)
            _collect(answers, whose[question], question, keys, distances)
        return [sorted(Candidate(near, key, many) for key, (near, many) in found.items()) for found in answers]

    def save(self, path: Path, mark: int) -> None:
        """Write everything and a mark of the caller's to one file, in one step: a reader sees the old file or the new one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(
                    stream, version=VERSION, mark=mark, images=self._images,
                    crops=self._crops.hashes, crop_owners=self._crops.owners,
                    anchors=self._anchors.hashes, anchor_owners=self._anchors.owners,
                )  # fmt: skip
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: Path) -> tuple[HashIndex, int] | None:
        """The index and its mark; None where there is no file, or one that is damaged or of another version."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                if str(kept["version"]) != VERSION:
                    return None
                made = cls()
                made._crops.add(kept["crops"], kept["crop_owners"])
                made._anchors.add(kept["anchors"], kept["anchor_owners"])
                made._images = int(kept["images"])
                if made._crops._count != made._images * len(CROPS):
                    return None
                return made, int(kept["mark"])
        except (OSError, ValueError, KeyError, EOFError, AssertionError):
            return None
        except Exception as error:  # a cut zip archive
            if type(error).__name__ in ("BadZipFile", "error"):
                return None
            raise


def _collect(
    answers: list[dict[int, tuple[int, int]]],
    whose: NDArray[np.int64],
    question: NDArray[np.int64],
    keys: NDArray[np.int64],
    distances: NDArray[np.int64],
) -> None:
    """Nearest distance and number of agreeing questions for each image found."""
    if not len(keys):
        return
    order = np.lexsort((distances, question, keys, whose))
    whose, question, keys, distances = whose[order], question[order], keys[order], distances[order]
    first = np.ones(len(keys), bool)  # the nearest of an image's hashes for one question
    first[1:] = (np.diff(whose) != 0) | (np.diff(keys) != 0) | (np.diff(question) != 0)
    whose, keys, distances = whose[first], keys[first], distances[first]
    for person, key, near in zip(whose.tolist(), keys.tolist(), distances.tolist(), strict=True):
        old = answers[person].get(key)
        answers[person][key] = (near, 1) if old is None else (min(old[0], near), old[1] + 1)
