"""Write labels as CheXpert's wide table, under a request's uncertainty policy."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

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
    columns = target or taxonomy
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["Path", *columns.names])
    links = map_taxonomy(taxonomy, columns) if target is not None else ()
    for image in sorted(labels):
        states = {key: LabelState(state) for key, state in labels[image].items()}
        if target is not None:
            carried: dict[str, list[LabelState]] = {}
            for link in links:
                if link.source in states:
                    carried.setdefault(link.target, []).append(link.carry(states[link.source]))
            states = {key: strongest(found) for key, found in carried.items()}
        writer.writerow(
            [
                _safe(image),
                *(chexpert_cell(states.get(key, LabelState.NOT_MENTIONED), policy) for key in columns.keys),
            ]
        )
    return out.getvalue()


def chexpert_cell(state: LabelState, policy: UncertaintyPolicy) -> str:
    """1.0, 0.0, -1.0 or nothing."""
    return _CHEXPERT[policy.resolve(state)]


def strongest(states: Iterable[LabelState]) -> LabelState:
    """Of several statements that reach one column, the one that claims most: present before absent."""
    order = list(LabelState)
    return min(states, key=order.index)
