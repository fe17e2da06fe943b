"""A second look at some files of a batch: where a device writes is known once its other images were examined.

A file is looked at again when its first look left a hint in a zone of its device (`deid.pixels.zones`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from deid.batch.work import Done
from deid.pixels.regions import STRONG
from deid.pixels.zones import Zone, find_zones


class SecondLook:
    """Takes first results in, any order, and says in the end which files deserve another look and with which zones."""

    def __init__(self) -> None:
        self._shown: dict[str, list[list[Zone]]] = defaultdict(list)
        self._zones: dict[str, tuple[Zone, ...]] = {}

    def take(self, done: Done) -> bool:
        """Remember where the image shows text. True when the file left hints, so that its result has to wait.

        Only what the detector was sure of counts: what zones themselves made a mask of must not make zones.
        """
        if done.reason:
            return False
        sure = [box for box in done.record.get("masks", []) if box["detector"] >= STRONG]
        self._shown[str(done.record.get("device", ""))].append([_share(box, done.record) for box in sure])
        return bool(done.record.get("hints"))

    def zones_for(self, done: Done) -> tuple[Zone, ...]:
        """The device's zones when one of them holds a hint of this file, else none. Call when all results were taken in."""
        device = str(done.record.get("device", ""))
        if device not in self._zones:
            self._zones[device] = find_zones(self._shown[device])
        zones = self._zones[device]
        hints = [_share(box, done.record) for box in done.record.get("hints", [])]
        return zones if any(zone.meets(hint) for zone in zones for hint in hints) else ()


def _share(box: dict[str, Any], record: dict[str, Any]) -> Zone:
    """A box in pixels as shares of the image."""
    rows, columns = max(1, int(record["rows"])), max(1, int(record["columns"]))
    return Zone(box["x"] / columns, box["y"] / rows, box["width"] / columns, box["height"] / rows)
