"""The training scenes: what is taught as text, what is left unjudged, and what is drawn that is not text."""

from __future__ import annotations

import cv2
import numpy as np

from deid.pixels.training import scenes
from deid.pixels.training.devices import draw_device
from deid.pixels.training.scenes import BORDER, CROP, STRIDE, Background, SceneMaker

SIDE = CROP + 2 * BORDER


def ground() -> Background:
    rows, columns = np.mgrid[0:1, 0:900].astype(np.float32)
    values = np.repeat(0.5 + 0.3 * np.sin(columns / 90) + rows, 900, axis=0)
    return Background(values.astype(np.float32), np.zeros((900, 900), np.float32), traps=[(400.0, 500.0)])


def test_a_scene_is_drawn_alike_from_the_same_seed_and_holds_text_to_find() -> None:
    made = [SceneMaker([ground()], {}, 5) for _ in range(2)]
    found = 0.0
    for _ in range(6):
        (image, target, weight), (again, _, _) = (maker.make() for maker in made)
        assert image.shape == (SIDE, SIDE) and target.shape == weight.shape == (CROP // STRIDE,) * 2
        assert np.array_equal(image, again) and np.isfinite(image).all()
        found += float((target * weight).sum())
    assert found > 50


def test_a_small_string_weighs_more_than_a_large_one() -> None:
    area = np.zeros((CROP, CROP), np.float32)
    area[16:28, 16:96], area[120:240, 16:300] = 1, 1
    target, weight = scenes._targets(area, np.zeros_like(area))
    small, large = float(weight[5, 10]), float(weight[45, 40])
    assert target[5, 10] == target[45, 40] == 1
    assert small > 2 * large > 0


def test_text_that_compression_wiped_out_is_neither_text_nor_not_text() -> None:
    rng = np.random.default_rng(1)
    bare = cv2.GaussianBlur(rng.normal(0.5, 0.02, (SIDE, SIDE)).astype(np.float32), (0, 0), 1.0)
    faint, plain = np.zeros((2, SIDE, SIDE), np.uint8)
    cv2.putText(faint, "FAINT 1962", (30, 100), 0, 0.3, 255, 1, cv2.LINE_AA)
    cv2.putText(plain, "PLAIN 1962", (30, 250), 0, 1.0, 255, 2, cv2.LINE_AA)
    image = bare + (faint / np.float32(255)) * 0.02 + (plain / np.float32(255)) * 0.5
    area, ignored = np.zeros_like(image), np.zeros_like(image)
    area[90:105, 25:110], area[220:260, 25:215] = 1, 1
    drawn = image - bare
    scenes._forget_erased(drawn, scenes._compressed(image, 30) - scenes._compressed(bare, 30), area, ignored)
    assert ignored[90:105, 25:110].mean() > 0.5 and not ((area > 0) & (ignored > 0)).any()
    assert area[220:260, 30:210].mean() > 0.95


def test_devices_are_drawn_within_the_picture_and_are_bright() -> None:
    rng = np.random.default_rng(3)
    changed = 0
    for _ in range(20):
        image = np.full((SIDE, SIDE), 0.4, np.float32)
        draw_device(image, rng)
        assert image.min() > 0.39 and image.max() < 1.2
        changed += bool((image > 0.45).sum() > 40)
    assert changed >= 12
