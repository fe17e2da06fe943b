"""Leave-one-site-out folds in which no patient and no group of duplicates is on both sides. Also the release builder's splits.

An image is held back from training when somebody it is of, or a picture it is a copy of, has an image at the site that is tested.
Patients and duplicate groups are joined first: a copy under another patient's name ties the two patients together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fulfillment.audits.thresholds import LEAST_IN_FOLD, LEAST_SITES

Role = Literal["train", "test", "left_out"]
IMPOSSIBLE = "external validation impossible"
COLUMNS = ("image_id", "fold", "role")


@dataclass(frozen=True, slots=True)
class Item:
    """One image. ``patient`` and ``site`` "" are not known; ``clusters`` are the groups of duplicates it is in."""

    image_id: str
    patient: str
    site: str
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fold:
    """Test on one site, train on the others. ``test``, ``train``, ``left_out``: places of images in the order they were given.

    Left out are images whose site is not known (it may be this one), and those tied to an image of the site by patient or copy.
    """

    site: str
    test: NDArray[np.intp]
    train: NDArray[np.intp]
    left_out: NDArray[np.intp]


@dataclass(frozen=True)
class Splits:
    """``why`` says what cannot be done; then there is no fold."""

    folds: tuple[Fold, ...]
    sites: tuple[str, ...]
    why: str = ""


def leave_one_site_out(items: Iterable[Item]) -> Splits:
    """A fold for each site, in their order. Under three sites there is none: with two, what differs between them is all there is."""
    rows = list(items)
    sites = tuple(sorted({row.site for row in rows if row.site}))
    if len(sites) < LEAST_SITES:
        known = f"{len(sites)} site{'' if len(sites) == 1 else 's'} known"
        return Splits((), sites, f"{IMPOSSIBLE}: {known}, {LEAST_SITES} are needed")
    groups = tied(rows)
    number = {site: place for place, site in enumerate(sites)}
    at = np.array([number.get(row.site, -1) for row in rows], dtype=np.intp)
    touches = np.zeros((int(groups.max()) + 1, len(sites)), dtype=bool)
    touches[groups[at >= 0], at[at >= 0]] = True
    folds = []
    for site, place in number.items():
        test = at == place
        train = (at >= 0) & ~test & ~touches[groups, place]
        folds.append(Fold(site, np.flatnonzero(test), np.flatnonzero(train), np.flatnonzero(~test & ~train)))
    return Splits(tuple(folds), sites)


def tied(items: Sequence[Item]) -> NDArray[np.intp]:
    """A number for each image; images tied by patient or by copy, also through others, have the same."""
    parent = list(range(len(items)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[tuple[str, str], int] = {}
    for place, item in enumerate(items):
        names = [("cluster", cluster) for cluster in item.clusters if cluster]
        if item.patient:
            names.append(("patient", item.patient))
        for name in names:
            other = root(first.setdefault(name, place))
            parent[root(place)] = other
    roots = np.array([root(at) for at in range(len(items))], dtype=np.intp)
    return np.unique(roots, return_inverse=True)[1].astype(np.intp) if len(roots) else roots


def rows_of(splits: Splits, items: Sequence[Item]) -> Iterator[tuple[str, str, Role]]:
    """``COLUMNS`` of a table of the splits, the images of a fold in the order they were given."""
    for fold in splits.folds:
        role: dict[int, Role] = dict.fromkeys(fold.test.tolist(), "test")
        role.update(dict.fromkeys(fold.train.tolist(), "train"))
        for place, item in enumerate(items):
            yield item.image_id, f"test_{fold.site}", role.get(place, "left_out")


def describe(splits: Splits, labels: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """The folds as a document: sizes, and for each finding whether both sides have enough of both kinds."""
    folds: list[dict[str, Any]] = []
    for fold in splits.folds:
        found = []
        for name, y in labels.items():
            counts = {
                side: (int((y[places] == 1).sum()), int((y[places] == 0).sum()))
                for side, places in (("test", fold.test), ("train", fold.train))
            }
            short = [
                f"{side} has {count:,} {kind}"
                for side, pair in counts.items()
                for count, kind in zip(pair, ("with it", "without it"), strict=True)
                if count < LEAST_IN_FOLD
            ]
            found.append(
                {
                    "finding": name,
                    "test_positives": counts["test"][0],
                    "test_negatives": counts["test"][1],
                    "train_positives": counts["train"][0],
                    "train_negatives": counts["train"][1],
                    "usable": not short,
                    "why": "" if not short else f"{', '.join(short)}; {LEAST_IN_FOLD} are needed",
                }
            )
        folds.append(
            {
                "site": fold.site,
                "test": len(fold.test),
                "train": len(fold.train),
                "left_out": len(fold.left_out),
                "findings": found,
            }
        )
    usable = {
        name: sum(one["usable"] for fold in folds for one in fold["findings"] if one["finding"] == name)
        for name in labels
    }
    return {
        "possible": not splits.why,
        "message": splits.why or _message(usable, len(folds)),
        "sites": list(splits.sites),
        "usable_folds": usable,
        "folds": folds,
    }


def _message(usable: Mapping[str, int], folds: int) -> str:
    if not usable:
        return "There are no labels to validate."
    whole = sum(count == folds for count in usable.values())
    none = sum(count == 0 for count in usable.values())
    words = f"{folds} folds; {whole} of {len(usable)} findings have enough images in every fold"
    return f"{words}, {none} in none." if none else f"{words}."
