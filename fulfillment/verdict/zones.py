"""Where a device writes, learnt from images that came through already; used to look again at later ones."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pydicom

from deid import Released, Zone, find_zones
from fulfillment.conformance.read import read_facts

#: So many of a device's images are looked at, the newest.
CONSIDERED = 500
#: An image's masks, or none, and its rows and columns.
Masked = tuple[Sequence[Mapping[str, Any]] | None, int | None, int | None]


def zones_from(images: Iterable[Masked]) -> tuple[Zone, ...]:
    """The zones of one device, from the masks of its images as the engine found them."""
    return find_zones(
        [[share(box, rows, columns) for box in masks or ()] for masks, rows, columns in images if rows and columns]
    )


def zones_where_hinted(
    outcome: Released, zones_of: Callable[[str | None, str | None], tuple[Zone, ...]]
) -> tuple[Zone, ...]:
    """The device's zones when something faint was left in one of them, so that the file is worth a second look; else none.

    ``zones_of``: the zones of a manufacturer and model.
    """
    if not outcome.record.hints:
        return ()
    facts = read_facts(pydicom.dcmread(io.BytesIO(outcome.data), stop_before_pixels=True))
    rows, columns = facts.rows, facts.columns
    if not rows or not columns:
        return ()
    zones = zones_of(facts.manufacturer, facts.model)
    return zones if any(zone.covers(hint, rows, columns) for hint in outcome.record.hints for zone in zones) else ()


def share(box: Mapping[str, Any], rows: int, columns: int) -> Zone:
    """A box in pixels as shares of the image."""
    return Zone(box["x"] / columns, box["y"] / rows, box["width"] / columns, box["height"] / rows)
