"""Every way a table goes wrong gives its row and the cure, and never an exception."""

from __future__ import annotations

import pytest

from fulfillment.labels.formats import ImageRef, Imported, Problem, check_against, read
from requests_app.taxonomy import get_taxonomy
from tests.fulfillment.labels.formats.malformed_tables import SAMPLES, ways, worse

pytestmark = pytest.mark.pure
TAXONOMY = {"rsna": "vindr-cxr", "padchest": "padchest-subset"}
IMAGES = {ImageRef("file", "one.png"): (64, 48), ImageRef("file", "two.png"): (64, 48)}
SIIM = {ImageRef("file", "one.png"): (1024, 1024), ImageRef("file", "two.png"): (1024, 1024)}
#: Problems of a file as a whole.
WHOLE = {"EMPTY_FILE"}


def problems_of(data: bytes, format: str) -> tuple[Imported, list[Problem]]:
    imported = read(data, format=format, taxonomy=get_taxonomy(TAXONOMY.get(format, "getdata-cxr")))
    images = SIIM if format == "siim" else IMAGES
    return imported, [*imported.problems, *check_against(imported.entries, images, unmapped=False)]


@pytest.mark.parametrize("format", SAMPLES)
def test_the_sample_itself_is_good_and_is_recognised(format: str) -> None:
    imported, problems = problems_of(SAMPLES[format].good(), format)
    assert imported.entries
    assert problems == []
    assert read(SAMPLES[format].good(), taxonomy=get_taxonomy("getdata-cxr")).format == format


@pytest.mark.parametrize("format", SAMPLES)
def test_there_are_at_least_twenty_ways(format: str) -> None:
    assert len(ways(format)) >= 20


@pytest.mark.parametrize(("format", "way"), [(format, way) for format in SAMPLES for way in ways(format)])
def test_what_is_wrong_is_told_with_its_row_and_the_cure(format: str, way: str) -> None:
    data = worse(format, way)
    imported, problems = problems_of(data, format)
    expected = ways(format)[way][1].split("|")
    found = [problem for problem in problems if problem.code in expected]
    assert found, (expected, problems)
    for problem in problems:
        assert problem.cause
        assert problem.remedy
        assert problem.row > 0 or problem.code in WHOLE
    # The good rows of a table with one bad row are kept.
    if all(problem.row > 1 for problem in found):
        assert imported.entries or len(imported.problems) > 1, way
