"""Every way a file of labels goes wrong gives its place and the cure, and never an exception."""

from __future__ import annotations

from functools import cache

import pytest

from fulfillment.labels.formats import ImageRef, Problem, check_against, read
from tests.fulfillment.labels.formats.malformed import WAYS
from tests.fulfillment.labels.formats.malformed_files import Way, good
from tests.fulfillment.labels.formats.samples import COLUMNS, OWN, ROWS

pytestmark = [pytest.mark.pure, pytest.mark.filterwarnings("ignore::UserWarning")]
IMAGES = {ImageRef("sop_instance_uid", "2.25.71"): (ROWS, COLUMNS)}
#: Problems of a file as a whole, which is named where there are several.
WHOLE = {"EMPTY_FILE", "CLASSES_MISSING", "MASK_EMPTY"}


@cache
def ways(format: str) -> dict[str, Way]:
    return WAYS[format]()


def problems_of(files: dict[str, bytes], format: str) -> list[Problem]:
    imported = read(files, format=format, taxonomy=OWN, image_sizes=IMAGES)
    return [*imported.problems, *check_against(imported.entries, IMAGES, stated=imported.image_sizes, unmapped=False)]


@pytest.mark.parametrize("format", WAYS)
def test_the_sample_itself_is_good_and_is_recognised(format: str) -> None:
    files = dict(good(format))
    assert problems_of(files, format) == []
    assert read(files, taxonomy=OWN, image_sizes=IMAGES).format == format
    assert len(ways(format)) >= 20


@pytest.mark.parametrize(("format", "way"), [(format, way) for format in WAYS for way in ways(format)])
def test_what_is_wrong_is_told_with_its_place_and_the_cure(format: str, way: str) -> None:
    make, codes = ways(format)[way]
    problems = problems_of(make(), format)
    assert {problem.code for problem in problems} & set(codes.split("|")), (codes, problems)
    for problem in problems:
        assert problem.cause
        assert problem.remedy
        assert problem.row or problem.place or problem.code in WHOLE, problem
