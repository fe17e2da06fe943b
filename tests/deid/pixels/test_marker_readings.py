"""What the reader makes of markers: a stray sign beside a word and a lost gap are no other text."""

from __future__ import annotations

import pytest

from deid.pixels.markers import is_marker
from deid.text.identifiers import Identifiers


@pytest.mark.parametrize("text", ['"PORTABLE', "PORTABLE“", "PORTABLE↑", "RSUPINE", "APERECT", "'L'"])
def test_a_marker_read_with_a_stray_sign_or_without_its_gap_stays(text: str) -> None:
    assert is_marker(text, 0.99, Identifiers())


@pytest.mark.parametrize("text", ['"SMITH', "PORTABLEX", "PAL", "LAP", "RAL", "“”", "PORTABLE↑7", "RPORTMAN"])
def test_what_only_resembles_a_marker_goes(text: str) -> None:
    assert not is_marker(text, 0.99, Identifiers())


def test_the_patients_own_name_run_together_with_a_marker_goes() -> None:
    assert not is_marker("RPORT", 0.99, Identifiers.of(names=["Port^Anna"]))
