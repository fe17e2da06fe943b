"""A radiograph is found again after what export does to it; two radiographs are not taken for one."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fulfillment.duplicates.fingerprint import Query, as_bytes, fingerprint, from_bytes
from fulfillment.duplicates.folder import between
from fulfillment.duplicates.index import NEAR_ANCHOR, NEAR_CROP, HashIndex
from fulfillment.duplicates.picture import NoPicture, small_picture
from fulfillment.duplicates.processes import shared_out
from fulfillment.duplicates.verify import features, verify
from tests.fulfillment.duplicates.pictures import chest
from tests.fulfillment.duplicates.transforms import TRANSFORMS

pytestmark = pytest.mark.pure

# Drawn chests have one skeleton, so these are harder than real ones; measure.py measures the real ones.
LOOKED_AT = [
    "crop 20 %, off centre", "JPEG quality 40", "narrow window", "text burned in",
    "rotation 5 degrees", "inverted", "mirrored", "quarter turn", "CLAHE", "screenshot", "masks of de-identification",
]  # fmt: skip


@pytest.mark.parametrize("name", LOOKED_AT)
def test_the_same_radiograph_is_found_and_confirmed(name: str) -> None:
    changed = TRANSFORMS[name](chest(1), np.random.default_rng(3))
    kept, _ = fingerprint(small_picture(chest(1)))
    _, query = fingerprint(small_picture(changed))
    near = between(query, kept)
    assert near <= min(NEAR_CROP, NEAR_ANCHOR)
    seen = verify(features(small_picture(chest(1))), features(small_picture(changed)))
    assert seen.same(near)
    assert seen.negative == (name == "inverted")
    assert seen.mirrored == (name == "mirrored")


def test_the_map_says_where_the_second_lies_in_the_first() -> None:
    whole = chest(1)
    seen = verify(features(small_picture(whole)), features(small_picture(whole[96:, 80:])))
    assert seen.matrix is not None
    # The crop's upper left corner is the whole picture's place (0.2, 0.2); trimming moves it by a few pixels at most.
    assert np.allclose(seen.matrix @ [0.2, 0.2, 1], [0, 0], atol=0.03)
    assert np.allclose(seen.matrix @ [1, 1, 1], [1, 1], atol=0.03)


@pytest.mark.parametrize("framed", [False, True], ids=["plain", "in the same viewer, with the same words"])
def test_two_chests_are_not_one(framed: bool) -> None:
    pictures = [chest(1), chest(2)]
    if framed:
        pictures = [TRANSFORMS["screenshot"](p, np.random.default_rng(0)) for p in pictures]
        pictures = [TRANSFORMS["text burned in"](p, np.random.default_rng(0)) for p in pictures]
    one, other = (small_picture(p) for p in pictures)
    near = between(fingerprint(one)[1], fingerprint(other)[0])
    assert not verify(features(one), features(other)).same(near)


def test_a_picture_without_structure_is_confirmed_by_nothing() -> None:
    plain = np.tile(np.linspace(0, 255, 300, dtype=np.uint8), (300, 1))
    assert not verify(features(small_picture(plain)), features(small_picture(chest(1)))).same(0)


def test_margins_window_and_type_do_not_matter() -> None:
    plain = small_picture(chest(1))
    padded = np.pad(chest(1).astype(np.int16) * 16 - 3000, 40, constant_values=-3000)
    assert abs(small_picture(padded).shape[0] - plain.shape[0]) <= 3
    kept, _ = fingerprint(plain)
    assert between(fingerprint(small_picture(padded))[1], kept) <= 12


@pytest.mark.parametrize(
    "plane", [np.zeros((99, 99)), np.full((99, 99), np.nan), np.ones((10, 99)), np.ones((9, 9, 3))]
)
def test_where_there_is_no_picture_the_reason_is_said(plane: np.ndarray) -> None:
    with pytest.raises(NoPicture, match=r"it is|every pixel"):
        small_picture(plane)


def test_fingerprints_go_to_bytes_and_back_and_damage_is_noticed() -> None:
    kept, _ = fingerprint(small_picture(chest(2)))
    again = from_bytes(as_bytes(kept))
    assert np.array_equal(again.crops, kept.crops) and np.array_equal(again.anchors, kept.anchors)
    for damaged in (b"", as_bytes(kept)[:-1], as_bytes(kept)[:96], bytes(32 * 40)):
        with pytest.raises(ValueError, match="no fingerprint"):
            from_bytes(damaged)


def _made_up(seed: int, anchors: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (5 + anchors, 32), dtype=np.uint8)


def test_the_index_finds_what_comparing_with_each_finds(tmp_path: Path) -> None:
    kept = {key * 7: from_bytes(_made_up(key, key % 17).tobytes()) for key in range(60)}
    near = kept[21].anchors.copy()
    near[0, :6] ^= 255  # 48 bits
    far = kept[28].crops.copy()
    far[:, :8] ^= 255  # 64 bits
    asked = [Query(kept[14].crops, near), Query(far, kept[0].anchors)]
    index = HashIndex()
    assert index.search(asked) == [[], []]
    index.add(list(kept.items())[:30])
    index.add(list(kept.items())[30:])
    found = index.search(asked)
    for query, answers in zip(asked, found, strict=True):
        wanted = {key for key, one in kept.items() if between(query, one) <= NEAR_CROP}
        assert {each.key for each in answers if each.distance <= NEAR_CROP} == wanted
    assert [(one.key, one.distance) for one in found[0]] == [(14, 0), (21, 0)]
    assert found[0][1].agreeing == len(kept[21].anchors)  # one of them 48 bits away
    index.save(tmp_path / "cache" / "index.npz", 413)
    loaded = HashIndex.load(tmp_path / "cache" / "index.npz")
    assert loaded is not None
    assert (len(loaded[0]), loaded[1], loaded[0].search(asked)) == (60, 413, found)


@pytest.mark.parametrize("damage", ["absent", "cut", "other"])
def test_a_damaged_cache_is_no_index(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "index.npz"
    index = HashIndex()
    index.add([(1, from_bytes(_made_up(1).tobytes()))])
    index.save(path, 1)
    if damage == "absent":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        path.write_bytes(b"something else")
    assert HashIndex.load(path) is None


def _work(number: int) -> int:
    if number == 3:
        os._exit(11)  # as a decoder that crashes
    return number * 10


def test_a_task_that_kills_its_process_costs_only_itself() -> None:
    assert list(shared_out(_work, range(2, 6), jobs=1)) == [(n, None if n == 3 else n * 10) for n in range(2, 6)]


def test_opencv_draws_the_same_lots_each_time() -> None:
    one = features(small_picture(chest(1)))
    other = features(small_picture(np.asarray(cv2.GaussianBlur(chest(1), (0, 0), 1.5))))
    first, again = verify(one, other), verify(one, other)
    assert (first.inliers, first.detail) == (again.inliers, again.detail)
