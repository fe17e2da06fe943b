"""PDQ against hashes that the published implementation gives for the same pictures."""

from __future__ import annotations

import numpy as np
import pytest

from fulfillment.duplicates.pdq import (
    DIHEDRAL,
    as_hex,
    bits,
    coefficients,
    distance,
    from_hex,
    laid,
    pdq,
    sample,
    turned,
)

pytestmark = pytest.mark.pure

# rows, columns, variant, quality, hash: computed by the reference C++ code over ``pattern``
PUBLISHED = [
    (64, 64, 0, 70, "7ee36efca54358fcb143dffc6503e9fc0003bffc0003fffc0003fffd00031402"),
    (100, 130, 1, 100, "555baaa5d55b200f555baaa5555baaa5555baaa55553aaa5aaab111e000cfff0"),
    (128, 128, 2, 100, "8aad55512aad55512aad5551aaad5551aaad5551aaa5ffea000e002eff58ffe1"),
    (300, 517, 3, 100, "1e383c787878f0f861f0c3f103e0fff7fff13f81ff817a01f8030003800f01ff"),
    (513, 77, 4, 100, "afd45003ad51caac552beb5ad6d26db69326e66619cce71c5c38e1f00fc1f803"),
]
WAYS = {
    "upright": "1e383c787878f0f861f0c3f103e0fff7fff13f81ff817a01f8030003800f01ff",
    "quarter turn left": "15aac24771f80e07e1f03e1f03e0f81f1fc1807fff8102fef003fefc010ffe40",
    "half turn": "496d96d22d2d5a5a14a56b5a54b5555faa8495abaa54d2aba554aaa9d55aaa95",
    "quarter turn right": "40ff68ed24ada4adb4a594b556b55ab54ad52ad5aa54a8d4b5565456555254ea",
    "upside down": "1c38c38778780f0f41f03e0f03e0000affd1c0ffff0187fef001fffc800fffc0",
    "mirrored": "496d692d2d2da5ad15a594a556b5aaa2aab46ad5aa542d54a5565556d55a55ea",
    "transposed": "15aa3db879f8f1f8e1f8c1e087f00fe11fe17f81ff81fd81f0030103010f05ff",
    "transposed across": "40ff971224ad5b52b4a56b4a54b5a54a4ad5d52aaa54572bb556aba95552ab55",
}


def pattern(rows: int, columns: int, variant: int) -> np.ndarray:
    y, x = np.mgrid[0:rows, 0:columns]
    return ((np.sin(x / (7 + variant)) * np.cos(y / 11) + np.sin(x * y / 900) + 2) * 63).astype(np.uint8)


@pytest.mark.parametrize(("rows", "columns", "variant", "quality", "value"), PUBLISHED)
def test_hash_and_quality_are_those_of_the_published_implementation(
    rows: int, columns: int, variant: int, quality: int, value: str
) -> None:
    made = pdq(pattern(rows, columns, variant))
    assert (as_hex(made.hash), made.quality) == (value, quality)


@pytest.mark.parametrize("way", DIHEDRAL)
def test_the_eight_positions_come_from_the_coefficients_as_published(way: str) -> None:
    block = coefficients(sample(pattern(300, 517, 3)))
    assert as_hex(bits(turned(block, way))) == WAYS[way]


@pytest.mark.parametrize("way", DIHEDRAL)
def test_turning_coefficients_is_turning_the_picture(way: str) -> None:
    picture = pattern(64, 64, 1)  # every pixel is a sample: nothing but rounding may differ
    assert distance(bits(turned(coefficients(sample(picture)), way)), pdq(laid(picture, way)).hash) <= 2


def test_half_of_the_bits_are_set_and_a_negative_turns_them_over() -> None:
    picture = pattern(200, 240, 2)
    made, negative = pdq(picture).hash, pdq(255 - picture).hash
    assert np.bitwise_count(made).sum() == 128
    assert distance(made, negative) == 256


def test_a_featureless_picture_has_no_quality() -> None:
    assert pdq(np.full((90, 70), 9, np.uint8)).quality == 0


@pytest.mark.parametrize("shape", [(3, 3, 3), (0, 5), (7,)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rows, columns"):
        pdq(np.zeros(shape, np.uint8))


def test_hexadecimal_digits_go_back_and_forth() -> None:
    value = pdq(pattern(100, 130, 1)).hash
    assert distance(from_hex(as_hex(value)), value) == 0
    with pytest.raises(ValueError, match="64"):
        from_hex("ab")
