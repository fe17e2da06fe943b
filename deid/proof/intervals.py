"""Confidence intervals of a recall, in whole hundredths of a percent, so that every machine writes the same."""

from __future__ import annotations

from math import comb, sqrt

_Z95 = 1.959963984540054
_EXACT_UP_TO = 1000


def percent(found: int, planted: int) -> str:
    """found/planted in percent with two digits ("99.50"), rounded down so that nothing is called 100 that is not."""
    hundredths = 10_000 * found // planted
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def wilson(found: int, planted: int) -> tuple[str, str]:
    """Wilson's 95 % score interval (Wilson 1927), in percent, rounded outwards."""
    n, p, z = planted, found / planted, _Z95
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if found == 0 else middle - half
    high = 1.0 if found == planted else middle + half
    return _down(low), _up(high)


def clopper_pearson(found: int, planted: int) -> tuple[str, str]:
    """The exact 95 % interval (Clopper and Pearson 1934), in percent, rounded outwards.

    Above 1,000 strings the sums cost more than they tell; Wilson's interval is then given in its place.
    """
    if planted > _EXACT_UP_TO:
        return wilson(found, planted)
    low = 0.0 if found == 0 else _solve(lambda p: _tail(found, planted, p), 0.025)
    high = 1.0 if found == planted else 1 - _solve(lambda p: _tail(planted - found, planted, p), 0.025)
    return _down(low), _up(high)


def _tail(least: int, n: int, p: float) -> float:
    """P(X >= least) for X binomial (n, p), summed over the shorter side."""
    if least > n // 2:
        return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(least, n + 1))
    return 1 - sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(least))


def _solve(tail, wanted: float) -> float:  # type: ignore[no-untyped-def]
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) < wanted else (low, middle)
    return (low + high) / 2


def _down(share: float) -> str:
    # A millionth of slack: two machines' last bits must not decide the second digit.
    hundredths = max(0, int(10_000 * share - 1e-6))
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _up(share: float) -> str:
    exact = 10_000 * share + 1e-6
    hundredths = min(10_000, int(exact) + (exact - int(exact) > 2e-6))
    return f"{hundredths // 100}.{hundredths % 100:02d}"
