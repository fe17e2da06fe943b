"""Bytes that mean harm, or mean nothing: never an exception, never more memory or time than the limits."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from fulfillment.labels.formats import FORMATS, Entry, ImageRef, Shape, check_against, members, read, write
from tests.fulfillment.labels.formats.malformed import WAYS
from tests.fulfillment.labels.formats.malformed_files import good
from tests.fulfillment.labels.formats.malformed_tables import SAMPLES
from tests.fulfillment.labels.formats.samples import COLUMNS, OWN, ROWS

pytestmark = [pytest.mark.pure, pytest.mark.filterwarnings("ignore::UserWarning")]
IMAGES = {ImageRef("sop_instance_uid", "2.25.71"): (ROWS, COLUMNS)}
TABLE = b"file,finding,state\na.png,Mass,present\n"
MASS = Entry(ImageRef("file", "a.png"), "Mass", key="mass")
_SEASONING = [
    b'"',
    b"'",
    b",",
    b"\n",
    b"[",
    b"}",
    b"-1",
    b"1e308",
    b"nan",
    b"\0",
    b"\xff",
    b"9" * 12,
    b"<",
    b"&",
    b"\xff\xfe",
]


def seed_files(format: str) -> dict[str, bytes]:
    if format in SAMPLES:
        return {"x.csv": SAMPLES[format].good()}
    if format in WAYS:
        return dict(good(format))
    if format == "chestx-det":
        return {
            "x.json": b'[{"file_name":"a.png","syms":["Mass"],"boxes":[[1,2,3,4]],"polygons":[[[1,2],[3,4],[9,1]]]}]'
        }
    return dict(write([replace(MASS, shape=Shape.of_box(1, 2, 3, 4))], format=format, taxonomy=OWN).files)


def mutated(data: bytes, luck: random.Random) -> bytes:
    worse = bytearray(data)
    for _ in range(luck.choice((1, 2, 5))):
        at = luck.randrange(len(worse) + 1)
        match luck.randrange(5):
            case 0:
                worse[at : at + 1] = bytes([luck.randrange(256)])
            case 1:
                del worse[at : at + luck.randrange(20)]
            case 2:
                worse[at:at] = luck.choice(_SEASONING)
            case 3:
                worse[at : at + 4] = luck.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"))
            case _:
                worse[at:at] = worse[at // 2 : at // 2 + 40]
    return bytes(worse)


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_changed_at_random_never_raise(format: str) -> None:
    luck = random.Random(format)
    files = seed_files(format)
    for _ in range(25):
        name = luck.choice(list(files))
        worse = {**files, name: mutated(files[name], luck)}
        imported = read(worse, format=luck.choice((format, "auto")), taxonomy=OWN, image_sizes=IMAGES)
        problems = [*imported.problems, *check_against(imported.entries, IMAGES, stated=imported.image_sizes)]
        assert all(problem.cause and problem.remedy for problem in problems)


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def codes(data: bytes, name: str = "x.zip") -> list[str]:
    return [problem.code for problem in read(data, name=name, taxonomy=OWN).problems]


def test_archives_are_opened_once_and_within_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(read(zipped(**{"a/labels.csv": TABLE, "__MACOSX/x": b"?"}), taxonomy=OWN).entries) == 1
    assert len(read(gzip.compress(TABLE), name="x.csv.gz", taxonomy=OWN).entries) == 1
    assert "ZIP_IN_ZIP" in codes(zipped(inner=zipped(x=TABLE), y=TABLE))
    assert codes(zipped(x=TABLE)[:60]) == ["ZIP_BROKEN"]
    assert codes(gzip.compress(TABLE)[:-9], "x.csv.gz") == ["GZIP_BROKEN"]
    monkeypatch.setattr(members, "BOMB_BYTES", 500_000)
    assert codes(zipped(x=TABLE, y=bytes(800_000)))[:1] == ["ZIP_BOMB"]
    monkeypatch.setattr(members, "MAX_MEMBER_BYTES", 1_000_000)
    assert codes(gzip.compress(bytes(2_000_000)), "x.csv.gz") == ["GZIP_BROKEN"]
    assert codes(zipped(x=bytes(1_500_000))) == ["TOO_MUCH"]


def test_a_mask_of_noise_is_longer_than_a_csv_cell_may_be_and_is_read_all_the_same() -> None:
    noise = np.random.default_rng(3).random((700, 700)) < 0.5
    label = replace(MASS, shape=Shape.of_mask(noise))
    for format in ("table", "parquet", "coco"):
        files = write([label, MASS], format=format, taxonomy=OWN).files
        assert format == "parquet" or max(map(len, files.values())) > 131_072
        imported = read(dict(files), taxonomy=OWN)
        assert imported.problems == ()
        assert {entry.shape for entry in imported.entries} == {label.shape, None}


def test_nothing_there_and_formats_mixed_are_told() -> None:
    assert [p.code for p in read("/no/such/file", taxonomy=OWN).problems] == ["NOT_READABLE"]
    mixed = read({"a.csv": TABLE, "b.csv": SAMPLES["chexpert"].good()}, taxonomy=OWN)
    assert mixed.problems[0].code == "FORMATS_MIXED"
    assert [p.code for p in read(TABLE, format="none", taxonomy=OWN).problems] == ["FORMAT_UNKNOWN"]
