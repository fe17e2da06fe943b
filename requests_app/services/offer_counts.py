"""What an offer may say: its counts, line by line, and where it deviates. Refused where it cannot be meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from getdata.common.problems import CannotDo
from requests_app.spec import CountUnit, DatasetSpec, Demand, QuotaCounting, check_lines, demands

#: Above this a count is a typing mistake, not an archive.
MAX_IMAGES = 10_000_000
MAX_DEVIATION_LETTERS = 500


def offerable(spec: DatasetSpec) -> list[Demand]:
    """The lines of a specification that an offer counts: all demands but the totals, which it states itself."""
    return [demand for demand in demands(spec) if demand.kind != "total" and demand.min > 0]


def sensible_counts(*, spec: DatasetSpec, images: int, patients: int, cells: dict[str, int]) -> dict[str, int]:
    """The counts of an offer, or ``CannotDo`` for those that cannot be meant. Zero cells are left out."""
    ceiling = min(MAX_IMAGES, spec.cohort.images.max or MAX_IMAGES)
    if not 1 <= images <= ceiling:
        raise CannotDo(
            f"The number of images must be between 1 and {ceiling:,}.",
            remedy="Offer what you can deliver; the request takes no more than its maximum.",
            code="images_out_of_range",
        )
    if not 0 <= patients <= images:
        raise CannotDo(
            f"{patients:,} patients cannot have {images:,} images between them.",
            remedy="Enter at most as many patients as images.",
            code="patients_out_of_range",
        )
    lines = {demand.check_id: demand for demand in offerable(spec)}
    counted: dict[str, int] = {}
    for check_id, count in cells.items():
        if check_id not in lines:
            raise CannotDo(
                "The offer counts a line that this request does not have.",
                remedy="Use the check ids of the request's specification.",
                code="unknown_line",
            )
        line = lines[check_id]
        most = (patients or images) if line.unit is not CountUnit.IMAGES else images
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= most:
            raise CannotDo(
                f"“{line.text}” must be between 0 and {most:,}: it counts part of what you offer.",
                remedy="Correct the line, or offer more images in all.",
                code="cell_out_of_range",
            )
        if count:
            counted[check_id] = count
    _count_once(spec, lines, counted, images=images, patients=patients or images)
    return counted


def _count_once(
    spec: DatasetSpec, lines: Mapping[str, Demand], counted: Mapping[str, int], *, images: int, patients: int
) -> None:
    """Where an image counts in one quota only, an offer cannot promise it to two."""
    if spec.quota_counting is not QuotaCounting.ONCE:
        return
    for unit, whole in ((CountUnit.IMAGES, images), (CountUnit.PATIENTS, patients), (CountUnit.STUDIES, images)):
        promised = sum(n for key, n in counted.items() if lines[key].kind == "cell" and lines[key].unit is unit)
        if promised > whole:
            raise CannotDo(
                f"The quotas of this offer add up to {promised:,} {unit.value}, more than the {whole:,} offered: "
                "in this request each counts in one quota only.",
                remedy="Count each one in a single quota, or offer more in all.",
                code="counted_twice",
            )


def sensible_deviations(spec: DatasetSpec, said: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """``check_id -> {"text", "percent"}`` for lines of the request, or ``CannotDo``. Percent None: of everything."""
    known = {line.check_id for line in check_lines(spec)} | {demand.check_id for demand in demands(spec)}
    kept: dict[str, dict[str, Any]] = {}
    for check_id, deviation in said.items():
        text = str(deviation.get("text") or "").strip()
        percent = deviation.get("percent")
        if check_id not in known:
            raise CannotDo(
                "The offer deviates from a line that this request does not have.",
                remedy="Use the check ids of the request's specification.",
                code="unknown_line",
            )
        if not text or len(text) > MAX_DEVIATION_LETTERS:
            raise CannotDo(
                "A deviation must say what differs, in at most 500 characters.",
                remedy="Write it in a sentence, or take the deviation away.",
                code="deviation_text",
            )
        if percent is not None and (
            isinstance(percent, bool) or not isinstance(percent, int) or not 1 <= percent <= 100
        ):
            raise CannotDo(
                "The share a deviation concerns is 1 to 100 per cent.",
                remedy="Enter a whole number, or leave it empty when it concerns everything.",
                code="deviation_percent",
            )
        kept[check_id] = {"text": text, "percent": percent}
    return kept


def sensible_part(
    spec: DatasetSpec, *, offered: tuple[int, int, Mapping[str, int]], part: tuple[int, int, Mapping[str, int]]
) -> dict[str, Any]:
    """The part of an offer that is accepted: (images, patients, cells), nowhere more than offered. Or ``CannotDo``."""
    images, patients, cells = part
    for check_id, count in cells.items():
        if count > offered[2].get(check_id, 0):
            raise CannotDo(
                f"“{check_id}” would take more than is offered ({offered[2].get(check_id, 0):,}).",
                remedy="Accept at most what the hospital offers in each line.",
                code="more_than_offered",
            )
    if images > offered[0] or patients > offered[1]:
        raise CannotDo(
            f"The hospital offers {offered[0]:,} images of {offered[1]:,} patients.",
            remedy="Accept at most that.",
            code="more_than_offered",
        )
    return {
        "images": images,
        "patients": patients,
        "cells": sensible_counts(spec=spec, images=images, patients=patients, cells=dict(cells)),
    }
