"""Write labels as CheXpert's wide table, under a request's uncertainty policy."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import IO

from requests_app.spec.document import UncertaintyPolicy
from requests_app.taxonomy import LabelState, Taxonomy, map_taxonomy

# CheXpert: 1 present, 0 absent, -1 uncertain, blank not mentioned (Irvin 2019).
_CHEXPERT = {"present": "1.0", "absent": "0.0", "uncertain": "-1.0", "blank": ""}
# A spreadsheet runs a cell that starts like this as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _safe(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) else text


def write_chexpert_csv(
    labels: Mapping[str, Mapping[str, str]],
    taxonomy: Taxonomy,
    policy: UncertaintyPolicy,
    *,
    target: Taxonomy | None = None,
) -> str:
    """One row an image, one column a finding: 1.0, 0.0, -1.0 or blank; first column `Path`.

    `labels` is what `labels_by_image` gives, by keys of `taxonomy`. With `target` (such as
    `get_taxonomy("chexpert-14")`) the findings are mapped onto its columns: a child makes its parent present,
    a parent never makes a child present, and what has no place is left out (`unmapped` lists it).
    """
    out = io.StringIO()
    table = ChexpertTable(out, taxonomy, policy, target=target)
    for image in sorted(labels):
        table.add(image, labels[image])
    return out.getvalue()


class ChexpertTable:
    """CheXpert's wide table, written image by image as ``write_chexpert_csv`` says."""

    def __init__(
        self, out: IO[str], taxonomy: Taxonomy, policy: UncertaintyPolicy, *, target: Taxonomy | None = None
    ) -> None:
        self._columns = target or taxonomy
        self._links = map_taxonomy(taxonomy, target) if target is not None else None
        self._policy = policy
        self._writer = csv.writer(out, lineterminator="\n")
        self._writer.writerow(["Path", *self._columns.names])

    def add(self, image: str, labels: Mapping[str, str]) -> None:
        """The row of one image; ``labels`` are its states by key."""
        states = {key: LabelState(state) for key, state in labels.items()}
        if self._links is not None:
            carried: dict[str, list[LabelState]] = {}
            for link in self._links:
                if link.source in states:
                    carried.setdefault(link.target, []).append(link.carry(states[link.source]))
            states = {key: strongest(found) for key, found in carried.items()}
        cells = (chexpert_cell(states.get(key, LabelState.NOT_MENTIONED), self._policy) for key in self._columns.keys)
        self._writer.writerow([_safe(image), *cells])


def chexpert_cell(state: LabelState, policy: UncertaintyPolicy) -> str:
    """1.0, 0.0, -1.0 or nothing."""
    return _CHEXPERT[policy.resolve(state)]


def strongest(states: Iterable[LabelState]) -> LabelState:
    """Of several statements that reach one column, the one that claims most: present before absent."""
    order = list(LabelState)
    return min(states, key=order.index)
