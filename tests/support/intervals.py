"""The interval of a share that was measured."""

from __future__ import annotations

from math import sqrt

_Z95 = 1.959963984540054


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % score interval (Wilson 1927); 0 to 1 where nothing was counted."""
    if not total:
        return 0.0, 1.0
    share = hits / total
    middle = share + _Z95**2 / (2 * total)
    spread = _Z95 * sqrt(share * (1 - share) / total + _Z95**2 / (4 * total * total))
    scale = 1 + _Z95**2 / total
    return (middle - spread) / scale, (middle + spread) / scale
