"""Judging a page as it was sent."""

from __future__ import annotations

from collections import Counter

from tests.common.markup import Balance


def problems(page: str) -> list[str]:
    """What is wrong with the markup: unbalanced tags, repeated ids, anything inline. Empty for a sound page."""
    reader = Balance()
    try:
        reader.feed(page)
    except AssertionError as error:
        return [str(error)]
    repeated = [f"id {name} {count} times" for name, count in Counter(reader.ids).items() if count > 1]
    left = [f"<{tag}> never closed" for tag in reader.stack]
    return [*repeated, *left, *(f"inline {name}" for name in reader.inline)]
