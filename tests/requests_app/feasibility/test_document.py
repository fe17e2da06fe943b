"""The count-only file: JSON and CSV, there and back, and what cannot be read."""

from __future__ import annotations

import pytest

from requests_app.feasibility import SMALL, Counts, CountsProblem, count_lines, read_counts, write_csv, write_json
from requests_app.spec import example_specs

SHA = "ab" * 32
SPEC = example_specs()["cxr-pneumothorax-bedside"]


def test_json_and_csv_say_the_same() -> None:
    counts = Counts(spec_sha256=SHA, counts={"cohort.images": 1200, "projection.ap": SMALL})
    assert read_counts(write_json(counts).encode()) == counts
    assert read_counts(write_csv(counts, count_lines(SPEC)).encode()) == counts


def test_the_template_names_every_line_and_counts_nothing() -> None:
    template = write_csv(Counts(spec_sha256=SHA, counts={}), count_lines(SPEC))
    assert read_counts(template.encode()).counts == {}
    assert "projection.ap,,AP (images)" in template


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b"{" + b'"a":{' * 50_000,
        b"name,number\na,1\n",
        b'{"format": "getdata-feasibility", "version": 2, "spec_sha256": "x", "counts": {}}',
        f'{{"spec_sha256": "{SHA}", "counts": {{"a": 1.5}}}}'.encode(),
        f'{{"spec_sha256": "{SHA}", "counts": {{"a": true}}}}'.encode(),
        f'{{"spec_sha256": "{SHA}", "counts": {{"a": -1}}}}'.encode(),
        f"check_id,count\nspec_sha256,{SHA}\na,1\na,2\n".encode(),
        f"check_id,count\nspec_sha256,{SHA}\na,Doe^Jane\n".encode(),
        b"check_id,count\na,1\n",
        b"x" * 300_000,
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_what_to_do(data: bytes) -> None:
    with pytest.raises(CountsProblem) as caught:
        read_counts(data)
    assert caught.value.remedy
    assert "Doe" not in str(caught.value) + caught.value.remedy
