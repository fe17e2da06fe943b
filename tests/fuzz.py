"""Generated input against every reader of what strangers send, for a time:

    python -m tests.fuzz            every reader, FUZZ_SECONDS (default 120) in all, then a summary
    python -m tests.fuzz NAME ...   some of them
    python -m tests.fuzz FILE       one input again

Hypothesis makes the input: good seeds with bytes changed, cut, doubled and put in, and bytes of its own. A reader may refuse in
its own words and do nothing else: any other exception, a broken rule or more than ten processor seconds is a failure. Its
smallest input goes to a file whose name says the reader, in FUZZ_FOLDER (default var/fuzz).
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

SECONDS = 10.0
Check = Callable[[bytes], None]


# --- input -------------------------------------------------------------------------------------------------------------


@st.composite
def damaged(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A seed after a few accidents, or bytes of no origin."""
    if not seeds or draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=600))
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(("set", "set", "put", "cut", "twice", "end", "number"))):
            case "set":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "put":
                data[at:at] = draw(st.binary(max_size=12))
            case "cut":
                del data[at : at + draw(st.integers(1, 64))]
            case "twice":
                data[at:at] = data[at : at + draw(st.integers(1, 200))]
            case "end":
                del data[at:]
            case "number":
                size = draw(st.sampled_from((1, 2, 4, 8)))
                data[at : at + size] = draw(st.sampled_from((0, 1, 2, -1, -2, 127, 128, 255, 1 << 14))).to_bytes(
                    8, "little", signed=True
                )[:size]
    return bytes(data)


# --- readers -----------------------------------------------------------------------------------------------------------


def _dicom(data: bytes) -> None:
    """The engine, and what reads the facts behind it."""
    import io

    import pydicom

    from deid import REASONS, Quarantined
    from fulfillment.conformance import read_facts
    from tests.deid.objects import clean

    outcome = clean(data)
    if isinstance(outcome, Quarantined):
        assert outcome.reason in REASONS and outcome.reason != "engine-error", outcome.record.detail
        return
    assert b"Featherstone" not in outcome.data and outcome.data[:132] == b"\0" * 128 + b"DICM"
    read_facts(pydicom.dcmread(io.BytesIO(outcome.data), stop_before_pixels=True))


def _index(data: bytes) -> None:
    """The map of a disc, and the kind of a file."""
    from fulfillment.intake.discs import listed_files
    from fulfillment.verdict.kinds import kind_of

    listed_files(data)
    for name in ("DICOMDIR", "a", "labels.csv", "x/INDEX.HTM"):
        kind_of(data[:65536], name, pictures=True)


def _archives(data: bytes) -> None:
    from fulfillment.unpacking import ArchiveLimits, ArchiveRefused, Member, archive_format, members
    from fulfillment.verdict.names import one_spelling

    if archive_format(data[:512]) is None:
        return
    with tempfile.TemporaryDirectory(prefix="files-fuzz-") as folder:
        place = Path(folder)
        (place / "archive").write_bytes(data)
        kept = set()
        with suppress(ArchiveRefused):
            for item in members(place / "archive", place / "in", ArchiveLimits(total_bytes=1 << 28), name="a.gz"):
                if isinstance(item, Member):
                    assert one_spelling(item.path) == item.path
                    content = (place / "in" / item.staged).read_bytes()
                    assert hashlib.sha256(content).hexdigest() == item.sha256 and len(content) == item.size > 0
                    kept.add(item.staged)
                else:
                    assert item.message and (item.remedy or item.harmless)
        left = {path.name for path in (place / "in").iterdir()} if (place / "in").exists() else set()
        assert left == kept and {path.name for path in place.iterdir()} <= {"archive", "in"}


def _pictures(data: bytes) -> None:
    from fulfillment.pictures import PictureRefused, PictureRow, is_picture, to_dicom

    if is_picture(data):
        with suppress(PictureRefused):
            to_dicom(data, PictureRow(1, "a.png", "P", "S", view="PA", age=5))


def _picture_tables(data: bytes) -> None:
    from fulfillment.pictures import is_picture_table, read_picture_table

    is_picture_table(data)
    rows, problems = read_picture_table(data)
    assert all(problem.cause and problem.remedy for problem in problems)
    assert len({row.file for row in rows}) == len(rows)


def _labels(data: bytes) -> None:
    from fulfillment.labels.formats import read
    from requests_app.taxonomy import get_taxonomy

    for name in ("labels.csv", "a.json", "a.xml", "a.txt", "a.nii.gz", "a__Edema.png"):
        for problem in read(data, taxonomy=get_taxonomy("getdata-cxr"), name=name).problems:
            assert problem.cause and problem.remedy


def _reports(data: bytes) -> None:
    from fulfillment.intake.report_files import is_report_table, is_text_report, read_report_file

    is_report_table(data), is_text_report(data, "a.txt")
    for name in ("a.csv", "1.2.3.txt"):
        _, problems = read_report_file(data, name)
        assert all(problem.cause and problem.remedy for problem in problems)


def _tus(data: bytes) -> None:
    from fulfillment.uploads import tus
    from getdata.common.problems import CannotDo

    text = data.decode("latin-1")
    for parse in (
        lambda: tus.name_in(tus.parse_metadata(text)),
        lambda: tus.parse_checksum(text),
        lambda: tus.parse_count("Upload-Length", text),
    ):
        try:
            parse()
        except CannotDo as refused:
            if not (refused.message and refused.remedy and tus.status_of(refused) < 500):
                raise RuntimeError("a refusal without words") from refused


def _names(data: bytes) -> None:
    from fulfillment.verdict.names import BadName, is_noise, one_spelling

    for text in (data.decode("utf-8", "surrogateescape"), data.decode("utf-16-le", "replace")):
        with suppress(BadName):
            name = one_spelling(text)
            assert ".." not in name.split("/") and not name.startswith("/") and "\0" not in name
            assert one_spelling(name) == name
            is_noise(name)


# --- seeds -------------------------------------------------------------------------------------------------------------


@cache
def _objects() -> tuple[bytes, ...]:
    from getdata.demo.dicomize import encode
    from tests.deid.objects import make_file, plain_chest
    from tests.deid.zoo import BASELINE, J2K, LOSSLESS, RLE, stream, with_stream

    small = make_file(plain_chest(16, 12))
    forms = [
        encode(plain_chest(16, 12), {"BodyPartExamined": "CHEST"}, syntax=s)
        for s in ("implicit", "big-endian", "deflated")
    ]
    return (small, *forms, forms[0][132:], *(with_stream(s, stream(s)) for s in (BASELINE, LOSSLESS, RLE, J2K)))


@cache
def _odd_archives() -> tuple[bytes, ...]:
    from tests.support.archives import odd_archives, tarred, zipped

    made = (
        maker()
        for name, maker in odd_archives(b"good" * 20, b"other" * 9).items()
        if "bomb" not in name and "many" not in name
    )
    both = {"a/1.dcm": b"good" * 20, "b.dcm": b"other" * 9}
    more = [zipped(both, method) for method in (0, 8, 12, 14)] + [
        tarred(both, mode) for mode in ("w", "w:gz", "w:bz2", "w:xz")
    ]
    return tuple(data for data in (*made, *more) if len(data) < 40_000)


_SMALL = ("labels-utf16", "labels-num", "labels-form", "coco-rle", "voc-", "nifti-lies", "hl7", "report-not", "parquet")


@cache
def _tables() -> tuple[bytes, ...]:
    from tests.support.zoo_tables import table_animals

    small = tuple(
        data for name, maker in table_animals().items() if name.startswith(_SMALL) and len(data := maker()) < 40_000
    )
    return (
        b"sop_instance_uid,finding,state,reader,x,y,width,height\n1.2.3,Edema,present,a,1,2,3,4\n",
        b"Image Index,Finding Labels,Patient Age\na.png,Edema|Mass,51\n",
        b"image_id,class_name,rad_id,x_min,y_min,x_max,y_max\na,Edema,R1,1,2,3,4\n",
        b"ImageId,EncodedPixels\na,1 2 3 4\n",
        b"0 0.5 0.5 0.1 0.1\n",
        b'{"images":[{"id":1,"file_name":"a","width":9,"height":9}],"categories":[{"id":1,"name":"Edema"}],"annotations":'
        b'[{"id":1,"image_id":1,"category_id":1,"bbox":[1,2,3,4],"segmentation":[[1,1,2,2,3,1]]}]}',
        b"file;patient_id;study_id;view;age;pixel_spacing_mm\na.png;P1;S1;PA;51;0.1x0.2\n",
        b"accession_number,report_text,language\n77,No pleural effusion.,en\n",
        b'{"study_uid": "1.2.3", "text": "No effusion."}\n',
        b"FINDINGS: pleural effusion, atelectasis. IMPRESSION: pneumonia.",
        *small,
    )


@cache
def _picture_files() -> tuple[bytes, ...]:
    from tests.support.zoo_tables import png_bomb, table_animals

    return (png_bomb(12)[:2000], table_animals()["picture-says-65500.jpg"](), *_pngs())


def _pngs() -> Iterator[bytes]:
    import io

    import numpy as np
    from PIL import Image

    for array in (np.arange(48, dtype=np.uint8).reshape(6, 8), np.arange(48, dtype=np.uint16).reshape(6, 8)):
        for form in ("PNG", "JPEG") if array.dtype == np.uint8 else ("PNG",):
            out = io.BytesIO()
            Image.fromarray(array).save(out, form)
            yield out.getvalue()


_HEADERS = (b"filename YS5kY20=,relativePath YS9iLmRjbQ==", b"sha256 " + b"A" * 43 + b"=", b"123456789")
_PATHS = (b"a/b/c.dcm", b"C:\\x\\y.dcm", "Größe/../x".encode(), b"\xe2\x80\xaeabc")
READERS: Mapping[str, tuple[Check, Callable[[], tuple[bytes, ...]]]] = {
    "dicom": (_dicom, _objects),
    "index": (_index, _objects),
    "archives": (_archives, _odd_archives),
    "pictures": (_pictures, _picture_files),
    "picture-tables": (_picture_tables, _tables),
    "labels": (_labels, _tables),
    "reports": (_reports, _tables),
    "tus": (_tus, lambda: _HEADERS),
    "names": (_names, lambda: _PATHS),
}


# --- running -----------------------------------------------------------------------------------------------------------


@dataclass
class Result:
    """What came of one reader."""

    name: str
    inputs: int = 0
    slowest: float = 0.0
    failed: str = ""
    smallest: bytes = field(default=b"", repr=False)


def fuzz(name: str, seconds: float, *, examples: int = 100, start: int = 1) -> Result:
    """Run one reader until the time is over or it fails; always at least one round of ``examples``."""
    check, seeds = READERS[name]
    result, until, number = Result(name), time.monotonic() + seconds, start

    def one(data: bytes) -> None:
        result.inputs += 1
        started = time.process_time()
        try:
            check(data)
            took = time.process_time() - started
            assert took < SECONDS, "too slow"
            result.slowest = max(result.slowest, took)
        except BaseException:
            result.smallest = data  # Hypothesis shrinks: the last one that fails is the smallest
            raise

    quick = settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink), report_multiple_bugs=False, print_blob=False,
    )  # fmt: skip
    while True:
        try:
            seed(number)(quick(given(damaged(seeds()))(one)))()
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # codecs in Rust panic with a BaseException
            result.failed = "".join(traceback.format_exception_only(problem)).strip()[:300]
            result.failed += f"  at {_place(problem)}"
            return result
        number += 1
        if time.monotonic() >= until:
            return result


def _place(problem: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if "site-packages" not in f.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def _again(path: Path) -> int:
    name = next((reader for reader in sorted(READERS, key=len, reverse=True) if path.name.startswith(reader)), None)
    if name is None:
        sys.exit(f"The name of the file does not begin with a reader: {', '.join(READERS)}")
    READERS[name][0](path.read_bytes())
    print(f"{name}: nothing is wrong with this input any more")
    return 0


def main(arguments: list[str]) -> int:
    """Fuzz and print a summary; 1 when a reader failed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")
    import django

    django.setup()
    logging.disable()  # what a library says of broken input
    if len(arguments) == 1 and Path(arguments[0]).is_file():
        return _again(Path(arguments[0]))
    chosen = arguments or list(READERS)
    budget = float(os.environ.get("FUZZ_SECONDS") or 120) / len(chosen)
    folder = Path(os.environ.get("FUZZ_FOLDER") or "var/fuzz")
    failed = 0
    for name in chosen:
        result = fuzz(name, budget, start=time.time_ns() % 1_000_000)
        print(
            f"{name:16} {result.inputs:8,} inputs, slowest {result.slowest:6.2f} s  {result.failed or 'good'}",
            flush=True,
        )
        if result.failed:
            failed += 1
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}-{hashlib.sha256(result.smallest).hexdigest()[:8]}.bin"
            path.write_bytes(result.smallest)
            print(f"{'':16} again with: python -m tests.fuzz {path}")
    print(f"{len(chosen) - failed} of {len(chosen)} readers held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
