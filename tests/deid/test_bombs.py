"""Streams and data sets that say more than they hold: refused before anything is decoded."""

from __future__ import annotations

import pytest

from tests.deid.objects import withheld
from tests.deid.zoo import animals


@pytest.mark.parametrize(
    ("animal", "reason"),
    [
        ("baseline-both-say-12000-x-4000", "pixel-length"),
        ("lossless-both-say-12000-x-4000", "pixel-length"),
        ("deflate-bomb-element", "file-too-large"),
        ("deflate-bomb-pixels", "file-too-large"),
    ],
)
def test_a_bomb_is_told_by_its_length(animal: str, reason: str) -> None:
    assert withheld(animals()[animal]()) == reason
