"""Where a device writes, learnt from the images of a batch that came through already; used to look again at later ones."""

from __future__ import annotations

from functools import partial
from typing import Any

from deid import Released, Zone
from fulfillment.models import Batch, Image
from fulfillment.verdict.zones import CONSIDERED, share, zones_from, zones_where_hinted


def zones_of(batch: Batch, manufacturer: str | None, model: str | None) -> tuple[Zone, ...]:
    """Zones of one kind of device in a batch, from the masks of its images (the newest 500)."""
    return zones_from(
        Image.objects.live()
        .filter(source__batch=batch, facts__manufacturer=manufacturer, facts__model=model)
        .order_by("-created_at")
        # As the engine found them: where the portal turned an image afterwards, the device still wrote where it writes.
        .values_list("deid_record__masks", "deid_record__rows", "deid_record__columns")[:CONSIDERED]
    )


def zones_with_hints(batch: Batch, outcome: Released) -> tuple[Zone, ...]:
    """The device's zones when something faint was left in one of them, so that the file is worth a second look; else none."""
    return zones_where_hinted(outcome, partial(zones_of, batch))


def flag_hints_in_zones(batch: Batch) -> int:
    """Ask for a look at images that came before the zone was known; returns how many. Called when a batch is sealed."""
    known: dict[tuple[Any, Any], tuple[Zone, ...]] = {}
    flagged = 0
    for image in Image.objects.live().filter(source__batch=batch).exclude(deid_record__hints=[]).iterator():
        facts = image.facts
        device = (facts.get("manufacturer"), facts.get("model"))
        if device not in known:
            known[device] = zones_of(batch, *device)
        rows, columns = image.deid_record.get("rows"), image.deid_record.get("columns")
        hints = [share(hint, rows, columns) for hint in image.deid_record.get("hints", [])] if rows and columns else []
        if "text-possible" in image.review_reasons or not any(z.meets(h) for h in hints for z in known[device]):
            continue
        Image.objects.filter(pk=image.pk).update(review_reasons=[*image.review_reasons, "text-possible"])
        flagged += 1
    return flagged
