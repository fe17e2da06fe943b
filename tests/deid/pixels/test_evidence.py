"""What makes a faint hint text: a reader, the header's identifiers, and the zones of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deid import Context, Keyring, Released, deidentify, load_policy
from deid.pixels.detector import Region
from deid.pixels.evidence import names_the_patient, reads_as_text
from deid.pixels.zones import Zone, find_zones
from deid.text.identifiers import Identifiers
from tests.deid.objects import SECRET, make_file, plain_chest

HINT = Region(40, 30, 60, 12, 0.45)


class Hinting:
    """Sees one faint thing until it is masked."""

    name = "hinting"

    def __init__(self, score: float = HINT.score) -> None:
        self.region = Region(HINT.x, HINT.y, HINT.width, HINT.height, score)

    def find(self, image: NDArray[np.float32], near: Sequence[Region] | None = None) -> list[Region]:
        return [self.region] if near is None else []


class Reading:
    """Reads the same words everywhere."""

    def __init__(self, text: str, confidence: float) -> None:
        self.answer = (text, confidence)

    def read(self, image: NDArray[np.float32], region: Region) -> tuple[str, float]:
        return self.answer


def outcome(reading: tuple[str, float], score: float = HINT.score, zones: tuple[Zone, ...] = ()) -> Released:
    data = make_file(plain_chest())
    result = deidentify(
        data,
        load_policy(),
        Keyring(SECRET, "test"),
        Context(zones=zones),
        detector=Hinting(score),
        reader=Reading(*reading),
    )
    assert isinstance(result, Released), result.reason
    return result


def test_a_hint_that_nobody_can_read_is_left_and_told() -> None:
    found = outcome(("", 0.0))
    assert not found.masks and len(found.record.hints) == 1 and found.record.pixel_passthrough
    assert "text-possible" not in found.review
    assert "text-possible" in outcome(("", 0.0), score=0.7).review


def test_a_hint_that_can_be_read_is_masked() -> None:
    assert outcome(("4471-882", 0.9)).masks
    assert not outcome(("iI", 0.9)).masks


def test_a_hint_that_resembles_the_patients_name_is_masked_however_badly_it_is_read() -> None:
    assert outcome(("FEATHERST0NE", 0.3)).masks
    assert not outcome(("ribcage", 0.3)).masks


def test_a_hint_where_the_device_writes_is_masked() -> None:
    assert outcome(("", 0.0), zones=(Zone(0.1, 0.1, 0.4, 0.1),)).masks
    assert not outcome(("", 0.0), zones=(Zone(0.6, 0.6, 0.3, 0.1),)).masks


def test_evidence_never_lowers_what_the_detector_is_sure_of() -> None:
    assert outcome(("", 0.0), score=0.9).masks


def test_likeness_needs_four_letters_and_most_of_them_right() -> None:
    identifiers = Identifiers()
    identifiers.add_name("Okonkwo^Amara")
    assert names_the_patient("OK0NKWO", identifiers) and names_the_patient("xx AMARA", identifiers)
    assert not names_the_patient("OKO", identifiers) and not names_the_patient("PORTABLE", identifiers)
    assert reads_as_text("A12", 0.9) and not reads_as_text("A-1", 0.99) and not reads_as_text("ABC", 0.5)


def test_a_zone_is_where_a_fifth_and_at_least_three_of_a_devices_images_are_written_on() -> None:
    corner = Zone(0.02, 0.03, 0.25, 0.04)
    images: list[list[Zone]] = [[corner], [corner, corner], [], [], [], [corner], []]
    (zone,) = find_zones(images)
    assert zone.x <= corner.x and zone.x + zone.width >= corner.x + corner.width
    assert find_zones([[corner], [corner], []]) == ()
    assert find_zones([[corner]] * 3 + [[]] * 20) == ()
    assert find_zones([[Zone(0, 0, 0.9, 0.9)]] * 5) == (), "masks everywhere are no habit"
