"""Lists of fingerprints: written and read in both formats, refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fulfillment.duplicates.fingerprint import VERSION, as_bytes, from_bytes
from fulfillment.duplicates.folder import Entry
from fulfillment.duplicates.hashlist import BadList, read_list, write_list

pytestmark = pytest.mark.pure
PRINT = from_bytes(np.random.default_rng(1).integers(0, 256, (9, 32), dtype=np.uint8).tobytes())
SHA = "ab" * 32
ENTRIES = [Entry("a/näme, 1.png", SHA, PRINT, None), Entry("blank.png", SHA, None, None)]
HEAD = "image,version,pixel_sha256,fingerprint\n"
HEX = as_bytes(PRINT).hex()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_list_is_read_as_it_was_written(ending: str, tmp_path: Path) -> None:
    write_list(path := tmp_path / f"set.{ending}", ENTRIES)
    listed = read_list(path.read_bytes())
    assert not isinstance(listed, BadList)
    assert [(one.image, one.pixel_sha256) for one in listed] == [(e.name, SHA) for e in ENTRIES]
    assert listed[0].print_ is not None and as_bytes(listed[0].print_) == as_bytes(PRINT)
    assert listed[1].print_ is None


@pytest.mark.parametrize(
    ("text", "row", "cause"),
    [
        ("", 0, "no column"),
        (HEAD, 0, "no rows"),
        ("image,version\nx,y\n", 0, "pixel_sha256, fingerprint"),
        (HEAD + f"x,pdq/0,{SHA},{HEX}\n", 1, "another version"),
        (HEAD + f"x,{VERSION},{SHA},{HEX}\nx,{VERSION},{SHA},{HEX[:-2]}\n", 2, "damaged"),
        (HEAD + f"x,{VERSION},{SHA},zz{HEX[2:]}\n", 1, "damaged"),
        (HEAD + f"x,{VERSION},beef,{HEX}\n", 1, "64 hexadecimal digits"),
        (HEAD + f",{VERSION},{SHA},{HEX}\n", 1, "name is empty"),
        ("PAR1" + HEAD, 0, "parquet"),
        ("\udcff\udcfe", 0, "not CSV in UTF-8"),
    ],
)
def test_what_is_no_list_is_refused_with_row_cause_and_cure(text: str, row: int, cause: str) -> None:
    refused = read_list(text.encode("utf-8", "surrogateescape"))
    assert isinstance(refused, BadList)
    assert (refused.row, cause in refused.message, bool(refused.remedy)) == (row, True, True)


def test_a_list_that_is_too_long_is_refused() -> None:
    refused = read_list((HEAD + f"x,{VERSION},{SHA},{HEX}\n" * 3).encode(), most=2)
    assert isinstance(refused, BadList) and "more than 2 rows" in refused.message
