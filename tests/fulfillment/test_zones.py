"""A device that writes in one corner: what three of its images show makes a faint hint in the fourth count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from deid.pixels.detector import Region
from fulfillment import pipeline
from fulfillment.models import Batch, Image, SourceFile
from fulfillment.zones import flag_hints_in_zones, zones_of
from tests import factories
from tests.fulfillment.test_pipeline import SPEC
from tests.support.staging import small_radiograph, stage

pytestmark = pytest.mark.django_db

CORNER = Region(40, 30, 300, 40, 0.95)


class CornerDetector:
    """Sees text in one corner, as surely as it is told."""

    name = "corner"
    score = 0.95

    def find(self, image: NDArray[np.float32], near: Sequence[Region] | None = None) -> list[Region]:
        return [] if near is not None else [Region(CORNER.x, CORNER.y, CORNER.width, CORNER.height, self.score)]


class Silent:
    """Can read nothing."""

    def read(self, image: NDArray[np.float32], region: Region) -> tuple[str, float]:
        return "", 0.0


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> CornerDetector:
    made = CornerDetector()
    monkeypatch.setattr("deid.engine._shipped_detector", lambda: made)
    monkeypatch.setattr("deid.engine._shipped_reader", Silent)
    return made


@pytest.fixture
def batch() -> Batch:
    from requests_app.spec import DatasetSpec

    request = factories.open_request(draft=DatasetSpec.model_validate(SPEC).model_dump(mode="json"))
    return factories.batch(factories.fulfillment(request=request))


def image_of(batch: Batch, seed: int, **header: object) -> Image:
    file: SourceFile = stage(batch, small_radiograph(seed, **header), f"{seed}.dcm")
    pipeline.process(file.pk)
    return Image.objects.get(source=file)


def test_a_hint_where_the_device_writes_is_masked_once_three_images_have_shown_it(
    batch: Batch, detector: CornerDetector
) -> None:
    detector.score = 0.5
    early = image_of(batch, 1)
    assert early.masks == [] and len(early.deid_record["hints"]) == 1
    detector.score = 0.95
    assert all(image_of(batch, seed).masks for seed in (2, 3, 4))
    detector.score = 0.5
    late = image_of(batch, 5)
    assert late.masks, "the device's habit is known by now"
    other = image_of(batch, 6, Manufacturer="Another maker")
    assert other.masks == [], "another device has habits of its own"

    assert flag_hints_in_zones(batch) == 1
    early.refresh_from_db()
    other.refresh_from_db()
    assert "text-possible" in early.review_reasons and "text-possible" not in other.review_reasons
    assert flag_hints_in_zones(batch) == 0, "an image is flagged once"


def test_a_batch_without_masks_has_no_zones(batch: Batch) -> None:
    assert zones_of(batch, None, None) == ()
