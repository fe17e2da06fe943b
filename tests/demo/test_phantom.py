"""The phantoms: repeatable, in range, and with an answer key that fits the picture."""

from __future__ import annotations

import time

import numpy as np
import pytest

from getdata.demo.devices import DEVICES
from getdata.demo.pathology import FINDINGS
from getdata.demo.phantom import VIEWS, Phantom, make_phantom

SIZE = (480, 400)


def displayed(phantom: Phantom) -> np.ndarray:
    """Brightness 0 to 1 as a reader sees it."""
    top = (1 << phantom.bits_stored) - 1
    shown = phantom.pixels.astype(np.float32) / top
    return 1 - shown if phantom.photometric == "MONOCHROME1" else shown


@pytest.mark.parametrize("view", VIEWS)
def test_the_same_arguments_give_the_same_pixels(view: str) -> None:
    one = make_phantom(11, view=view, size=SIZE, findings=["effusion"], devices=["pacemaker"])
    two = make_phantom(11, view=view, size=SIZE, findings=["effusion"], devices=["pacemaker"])
    assert np.array_equal(one.pixels, two.pixels)
    assert one.truth == two.truth


def test_another_seed_gives_another_patient() -> None:
    one, two = make_phantom(1, size=SIZE), make_phantom(2, size=SIZE)
    assert not np.array_equal(one.pixels, two.pixels)
    assert np.mean(one.pixels != two.pixels) > 0.9


@pytest.mark.parametrize("bits", [10, 12, 14, 15])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_values_use_the_bits_asked_for_and_no_more(bits: int, photometric: str) -> None:
    phantom = make_phantom(3, size=SIZE, bits_stored=bits, photometric=photometric)
    assert phantom.pixels.dtype == np.uint16
    assert phantom.pixels.shape == SIZE
    assert int(phantom.pixels.max()) < 1 << bits
    assert np.ptp(phantom.pixels) > 0.7 * (1 << bits)


def test_monochrome1_is_the_same_picture_inverted() -> None:
    one = make_phantom(4, size=SIZE, photometric="MONOCHROME1")
    two = make_phantom(4, size=SIZE, photometric="MONOCHROME2")
    assert np.abs(one.pixels.astype(int) + two.pixels.astype(int) - 4095).max() <= 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("view", ["PA", "AP"])
def test_lungs_are_darker_than_the_mediastinum_and_the_liver(seed: int, view: str) -> None:
    shown = displayed(make_phantom(seed, view=view, sex="M", size=SIZE))
    rows, cols = SIZE
    lung = np.median(shown[int(0.36 * rows) : int(0.50 * rows), int(0.24 * cols) : int(0.34 * cols)])
    middle = np.median(shown[int(0.45 * rows) : int(0.60 * rows), int(0.47 * cols) : int(0.53 * cols)])
    liver = np.median(shown[int(0.80 * rows) : int(0.90 * rows), int(0.25 * cols) : int(0.35 * cols)])
    assert lung + 0.15 < middle
    assert lung + 0.15 < liver


def test_portable_films_show_larger_hearts() -> None:
    upright = [make_phantom(s, view="PA", size=(96, 80)).truth for s in range(12)]
    portable = [make_phantom(s, view="AP", size=(96, 80)).truth for s in range(12)]
    ratio = "cardiothoracic_ratio"
    assert np.mean([t[ratio] for t in portable]) > np.mean([t[ratio] for t in upright]) + 0.02


def test_cardiomegaly_is_a_ratio_above_half() -> None:
    for seed in range(6):
        large = make_phantom(seed, view="PA", size=(96, 80), findings=["cardiomegaly"]).truth
        usual = make_phantom(seed, view="PA", size=(96, 80)).truth
        assert large["cardiothoracic_ratio"] > 0.55 > usual["cardiothoracic_ratio"]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("finding", [f for f in FINDINGS if f != "cardiomegaly"])
def test_a_finding_changes_the_picture_inside_its_box(view: str, finding: str) -> None:
    phantom = make_phantom(21, view=view, size=SIZE, findings=[finding])
    boxes = phantom.truth["boxes"]
    assert [b["name"] for b in boxes] == [finding]
    box = boxes[0]
    assert 0 <= box["x"] < box["x"] + box["width"] <= SIZE[1]
    assert 0 <= box["y"] < box["y"] + box["height"] <= SIZE[0]
    # Patient, noise, collimator and marker are the same; only the overall window may shift.
    bare = displayed(make_phantom(21, view=view, size=SIZE))
    change = np.abs(displayed(phantom) - bare)
    inside = np.zeros(SIZE, bool)
    x, y = int(box["x"]), int(box["y"])
    inside[y : y + int(box["height"]) + 1, x : x + int(box["width"]) + 1] = True
    assert np.percentile(change[inside], 98.5) > 0.02
    assert np.percentile(change[inside], 98.5) > 2.5 * np.percentile(change[~inside], 98.5)


@pytest.mark.parametrize("view", ["PA", "LL"])
@pytest.mark.parametrize("device", DEVICES)
def test_every_device_is_drawn_and_has_its_boxes(view: str, device: str) -> None:
    phantom = make_phantom(8, view=view, size=SIZE, devices=[device])
    assert {b["name"] for b in phantom.truth["boxes"]} == {device}
    assert phantom.truth["devices"] == [device]
    assert not np.array_equal(phantom.pixels, make_phantom(8, view=view, size=SIZE).pixels)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"view": "XX"}, "view"),
        ({"findings": ["plague"]}, "finding"),
        ({"devices": ["sword"]}, "device"),
        ({"bits_stored": 20}, "bits_stored"),
        ({"photometric": "RGB"}, "photometric"),
        ({"size": (10, 10)}, "size"),
        ({"sex": "?"}, "sex"),
    ],
)
def test_an_unknown_argument_is_named(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make_phantom(1, **arguments)  # type: ignore[arg-type]


def test_a_full_size_phantom_takes_seconds_not_minutes() -> None:
    make_phantom(1, size=SIZE)
    start = time.process_time()
    make_phantom(2, size=(2500, 2048), findings=["consolidation"], devices=["pacemaker"])
    assert time.process_time() - start < 5  # about 0.8 s on an idle core
