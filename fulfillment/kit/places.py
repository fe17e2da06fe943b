"""Where on a picture something lies, in words: "lower left"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_ROWS = ("upper", "middle", "lower")
_COLUMNS = ("left", "centre", "right")


def where(boxes: Iterable[Mapping[str, Any]], rows: int, columns: int) -> list[str]:
    """The ninths of the picture in which boxes (in pixels) have their centres, each once, from the upper left."""
    found = set()
    for box in boxes:
        if rows and columns:
            down = min(2, max(0, int(3 * (box["y"] + box["height"] / 2) / rows)))
            across = min(2, max(0, int(3 * (box["x"] + box["width"] / 2) / columns)))
            found.add((down, across))
    return ["centre" if spot == (1, 1) else f"{_ROWS[spot[0]]} {_COLUMNS[spot[1]]}" for spot in sorted(found)]
