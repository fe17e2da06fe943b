"""The quality score: gates, robustness, direction under degradation, speed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fulfillment.conformance import ImageFacts
from fulfillment.quality import WEIGHTS, QualityResult, check_quality, score_image
from getdata.demo.phantom import make_phantom
from requests_app.spec import QualityComponent
from tests.fulfillment.quality.measure_score import twelve_bits
from tests.requests_app.spec.builders import complete

IMAGES = Path(__file__).resolve().parents[4] / "shared" / "data" / "images" / "nih"
FACTS = ImageFacts(photometric="MONOCHROME2", bits_stored=12, spacing_mm=(0.14, 0.14), view="PA", frames=1)
Pixels = NDArray[np.uint16]


def picture(side: int = 1024, seed: int = 0) -> Pixels:
    """Soft and sharp structures with a little noise over 12 bits: enough of a radiograph for the measures."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    image = 1800 + 900 * np.cos(3 * x) * np.sin(4 * y)
    for _ in range(60):
        cx, cy, radius, height = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.01, 0.1), rng.uniform(-500, 500)
        image += height / (1 + np.exp(np.clip((np.hypot(x - cx, y - cy) - radius) * side, -50, 50)))
    image += rng.normal(0, 6, image.shape)
    return np.clip(image, 0, 4095).astype(np.uint16)


def score(pixels: NDArray[np.generic], *, frontal: bool = False) -> QualityResult:
    return score_image(pixels, FACTS, frontal=frontal)


def test_the_components_are_those_a_request_can_set_minimums_for() -> None:
    assert set(WEIGHTS) == set(score(picture(), frontal=True).components)
    assert set(WEIGHTS) == {component.value for component in QualityComponent}


def test_the_coverage_of_what_is_no_frontal_view_is_not_assessed() -> None:
    assert set(WEIGHTS) - set(score(picture()).components) == {"coverage"}


def test_a_chest_scores_less_the_more_of_it_is_cropped_away() -> None:
    chest = make_phantom(3, view="PA", size=(1400, 1200)).pixels
    rows, columns = chest.shape
    parts = [
        chest[int(rows * k) : rows - int(rows * k), int(columns * k) : columns - int(columns * k)]
        for k in (0, 0.1, 0.2)
    ]
    whole, less, least = (score(part, frontal=True) for part in parts)
    assert whole.components["coverage"] > less.components["coverage"] > least.components["coverage"]
    assert whole.technical > less.technical > least.technical
    assert least.weakest == "coverage"


def test_a_result_names_its_version_its_weakest_component_and_survives_json() -> None:
    result = score(picture())
    assert result.version == "GetDATA-Q 2.0"
    assert result.gate and result.gate_reason == ""
    assert result.weakest == min(result.components, key=lambda name: result.components[name])
    assert 0 < result.total <= 100
    assert QualityResult.from_dict(json.loads(json.dumps(result.as_dict()))) == result


def test_polarity_window_and_storage_type_do_not_move_the_score() -> None:
    pixels = picture()
    wanted = score(pixels).total
    assert score(4095 - pixels).total == pytest.approx(wanted, abs=1)
    assert score(pixels * 8).total == pytest.approx(wanted, abs=1)
    assert score(pixels.astype(np.int16) - 1024).total == wanted
    assert score(pixels.astype(np.int32)).total == wanted
    assert score(np.asfortranarray(pixels)).total == wanted


def test_eight_bit_exports_in_a_larger_file_are_named_as_what_they_are() -> None:
    pixels = (picture() // 16 * 16).astype(np.uint16)
    result = score(pixels)
    assert result.weakest == "depth"
    assert "8-bit exports" in result.remedy
    assert result.gain > 0
    assert result.headline.startswith("Depth ")
    assert score(picture()).components["depth"] > result.components["depth"] + 20


def degraded() -> Iterator[tuple[str, Callable[[Pixels], Pixels], str]]:
    def blur(p: Pixels) -> Pixels:
        return cv2.GaussianBlur(p, (0, 0), 2.5)

    def noise(p: Pixels) -> Pixels:
        return np.clip(p + np.random.default_rng(3).normal(0, 150, p.shape), 0, 4095).astype(np.uint16)

    def jpeg(p: Pixels) -> Pixels:
        coded = cv2.imencode(".jpg", (p // 16).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
        return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE).astype(np.uint16) * 16

    def clip(p: Pixels) -> Pixels:
        low, high = np.percentile(p, (10, 90))
        return np.clip(p, low, high).astype(np.uint16)

    def quantise(p: Pixels) -> Pixels:
        return (p // 128 * 128).astype(np.uint16)

    def enlarge(p: Pixels) -> Pixels:
        small = cv2.resize(p, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (p.shape[1], p.shape[0]), interpolation=cv2.INTER_CUBIC)

    yield "blur", blur, "sharpness"
    yield "noise", noise, "noise"
    yield "jpeg", jpeg, "blockiness"
    yield "clip", clip, "clipping"
    yield "quantise", quantise, "depth"
    yield "enlarge", enlarge, "resolution"


@pytest.mark.parametrize(
    ("name", "spoil", "component"), list(degraded()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_spoiling_an_image_lowers_its_score_and_the_component_that_is_meant(
    name: str, spoil: Callable[[Pixels], Pixels], component: str
) -> None:
    clean = picture()
    before, after = score(clean), score(spoil(clean))
    assert after.total < before.total
    assert after.components[component] < before.components[component] - 5
    assert all(after.components[name] <= value + 3 for name, value in before.components.items())


@pytest.mark.real_data
@pytest.mark.skipif(not IMAGES.is_dir(), reason="../shared/data is not on this machine")
@pytest.mark.parametrize(
    ("name", "spoil", "component"), list(degraded()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_spoiling_a_real_radiograph_lowers_its_score(
    name: str, spoil: Callable[[Pixels], Pixels], component: str
) -> None:
    for path in sorted(IMAGES.glob("*.png"))[::8]:
        clean = twelve_bits(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), 0)
        before, after = score(clean, frontal=True), score(spoil(clean), frontal=True)
        assert after.technical < before.technical, path.name


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (ImageFacts(bits_stored=12, spacing_mm=(0.1, 0.1), view="PA"), "PHOTOMETRIC_MISSING"),
        (ImageFacts(photometric="RGB", bits_stored=12, spacing_mm=(0.1, 0.1), view="PA"), "PHOTOMETRIC_NOT_GREY"),
        (ImageFacts(photometric="MONOCHROME1", bits_stored=8, spacing_mm=(0.1, 0.1), view="PA"), "BITS_STORED"),
        (ImageFacts(photometric="MONOCHROME1", bits_stored=12, view="PA"), "SPACING"),
        (ImageFacts(photometric="MONOCHROME1", bits_stored=12, spacing_mm=(0.1, 0.1)), "VIEW"),
    ],
)
def test_a_gate_that_fails_gives_no_points_and_says_why(facts: ImageFacts, reason: str) -> None:
    result = score_image(picture(), facts)
    assert (result.gate, result.gate_reason, result.total) == (False, reason, 0.0)
    assert result.technical > 0
    assert result.gates[0].message and result.remedy


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((1200, 1200), np.uint16), "EMPTY_IMAGE"),
        (np.zeros((1200, 1200), np.float32), "NOT_DECODED"),
        (np.zeros((1200, 1200, 3), np.uint8), "NOT_GREY"),
        (np.ones((8, 1200), np.uint16), "TOO_SMALL_TO_MEASURE"),
    ],
)
def test_what_cannot_be_measured_is_a_failed_gate_and_not_a_crash(pixels: NDArray[np.generic], reason: str) -> None:
    result = score(pixels)
    assert (result.gate, result.gate_reason, result.total) == (False, reason, 0.0)


@pytest.mark.parametrize("shape", [(64, 64), (64, 3000), (100, 65)])
def test_odd_shapes_and_nearly_empty_images_are_measured(shape: tuple[int, int]) -> None:
    pixels = np.zeros(shape, np.uint16)
    pixels[10:12, 10:12] = 4000
    result = score(pixels)
    assert result.gate_reason == "SHORT_SIDE"
    assert all(0 <= value <= 100 for value in result.components.values())


def test_a_request_may_accept_less_than_the_portals_gates() -> None:
    small = picture(800)
    assert score(small).gate_reason == "SHORT_SIDE"
    spec = complete(image={"short_side": {"min_px": 512}, "bits_stored": {"min": 8}, "pixel_spacing": None})
    facts = ImageFacts(photometric="MONOCHROME2", bits_stored=8)
    assert score_image(small, facts, spec).gate


def test_flat_margins_and_a_frame_round_a_frame_do_not_change_the_score() -> None:
    pixels = picture()
    padded = np.pad(pixels, ((0, 0), (200, 300)), constant_values=0)
    framed = np.pad(np.pad(padded, 30, constant_values=900), ((5, 60), (0, 9)), constant_values=4095)
    assert score(padded).total == score(pixels).total
    assert score(framed).total == score(pixels).total


def test_minimums_of_a_request_become_findings_with_a_remedy() -> None:
    spec = complete(
        quality={"total": {"min": 99}, "components": [{"component": "depth", "min": 90, "level": "should"}]}
    )
    findings = {finding.check_id: finding for finding in check_quality(score(picture() // 32 * 32), spec)}
    assert findings["quality.total"].severity == "must"
    assert findings["quality.depth"].severity == "should"
    assert "8-bit export" in findings["quality.depth"].remedy
    assert check_quality(score(picture()), complete()) == []


def test_a_failed_gate_is_a_finding_of_the_line_it_belongs_to() -> None:
    (finding,) = check_quality(score(picture(800)), complete())
    assert (finding.code, finding.severity, finding.check_id) == ("QUALITY_SHORT_SIDE", "must", "image.short_side")
