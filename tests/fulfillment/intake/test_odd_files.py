"""Archives in archives, discs, pictures with a table and the virus scanner, through the pipeline."""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.conf import settings as configured
from django.test import Client
from PIL import Image as Picture
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet

from fulfillment import ledger, pipeline
from fulfillment.intake import originals
from fulfillment.models import Batch, Image, SourceFile
from fulfillment.services import batches
from getdata.accounts.models import Role
from requests_app.spec import DatasetSpec
from tests import factories
from tests.support.archives import by_hand, central_header, local_header, nested_zip, tarred, zipped
from tests.support.staging import small_radiograph, stage

pytestmark = pytest.mark.django_db
SMALL = small_radiograph(7, side=64)


def new_batch(**delivery: Any) -> Batch:
    spec = {
        "title": "Any",
        "delivery": delivery,
        "image": {"modality": {"allowed": ["CR", "DX"]}, "short_side": {"min_px": 300}},
    }
    document = DatasetSpec.model_validate(spec).model_dump(mode="json")
    return factories.batch(factories.fulfillment(request=factories.open_request(draft=document)))


def processed(batch: Batch, data: bytes, name: str) -> SourceFile:
    file = stage(batch, data, name)
    pipeline.process(file.pk)
    file.refresh_from_db()
    return file


def codes(file: SourceFile) -> list[str]:
    return [finding["code"] for finding in file.findings]


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> None:
    settings.STAGING = tmp_path / "staging"
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)


def test_archives_are_opened_three_deep_and_go_with_what_was_in_them() -> None:
    batch = new_batch()
    outer = processed(batch, zipped({"a.tgz": tarred({"in.zip": nested_zip(b"x" * 400, 2)}, "w:gz")}), "outer.zip")
    ledger.drain()
    by_kind = SourceFile.objects.filter(batch=batch).order_by("number").values_list("kind", "status", "reason")
    assert list(by_kind) == [
        ("archive", "passed", ""),
        ("archive", "passed", ""),
        ("archive", "passed", ""),
        ("archive", "rejected", "ARCHIVE_TOO_DEEP"),
    ]
    assert "3 others" in SourceFile.objects.get(reason="ARCHIVE_TOO_DEEP").findings[0]["message"]
    batches.withdraw_file(file=outer, actor=factories.member(batch.fulfillment.hospital, Role.OWNER))
    assert set(SourceFile.objects.values_list("status", flat=True)) == {"withdrawn"}


def test_archives_inside_share_the_limits_of_the_outermost(settings: Any) -> None:
    settings.MAX_ARCHIVE_FILES = 5
    batch = new_batch()
    inner = {f"{n}.zip": zipped({f"{n}-{m}.dcm": b"%d-%d" % (n, m) * 9 for m in range(2)}) for n in range(3)}
    processed(batch, zipped(inner), "outer.zip")
    ledger.drain()
    assert [file.reason for file in SourceFile.objects.filter(kind="archive").order_by("number")] == [
        "", "", "ARCHIVE_TOO_MANY_FILES", "ARCHIVE_TOO_MANY_FILES",
    ]  # fmt: skip


def test_a_partly_broken_archive_gives_what_can_be_read_and_names_entries_by_number() -> None:
    batch = new_batch()
    broken = by_hand(
        [local_header(b"SMITH_JANE.dcm", b"one"), local_header(b"b.dcm", b"two" * 99)],
        [central_header(b"SMITH_JANE.dcm", b"one", 0, crc=1), central_header(b"b.dcm", b"two" * 99, 47)],
    )
    file = processed(batch, broken, "a.zip")
    assert (file.status, file.reason) == ("rejected", "ARCHIVE_PARTLY_READ")
    assert file.members.count() == 1
    assert codes(file) == ["ARCHIVE_PARTLY_READ", "ARCHIVE_CONTRADICTS_ITSELF"]
    assert file.findings[1]["message"].startswith("Entry 1 is described in two ways")
    assert "SMITH" not in json.dumps(file.findings)
    mended = processed(batch, zipped({"SMITH_JANE.dcm": b"one", "b.dcm": b"two" * 99}), "a.zip")
    assert (mended.status, codes(mended)) == ("passed", ["ARCHIVE_OPENED"])
    assert "1 were already here" in mended.findings[0]["message"]
    file.refresh_from_db()
    assert file.status == "withdrawn"


def _disc(folder: Path) -> bytes:
    disc = FileSet()
    for seed in range(3):
        disc.add(pydicom.dcmread(io.BytesIO(small_radiograph(seed, side=64, AccessionNumber="1", StudyID="1"))))
    disc.write(folder)
    return (folder / "DICOMDIR").read_bytes()


def test_what_lies_beside_images_on_a_disc_is_left_aside_with_a_reason_and_not_kept(
    tmp_path: Path, client: Client
) -> None:
    index = _disc(tmp_path / "disc")
    images = [path for path in sorted((tmp_path / "disc").rglob("*")) if path.is_file() and path.name != "DICOMDIR"]
    batch = new_batch()
    for path in images[:2]:
        stage(batch, path.read_bytes(), f"CD/{path.relative_to(tmp_path / 'disc')}")
    read = processed(batch, index, "CD/DICOMDIR")
    viewer = processed(batch, b"MZ\x90\0" + b"\0" * 400, "CD/VIEWER.EXE")
    page = processed(batch, b"<html><script>alert(1)</script></html>", "CD/INDEX.HTM")
    assert [(file.status, codes(file)[0]) for file in (read, viewer, page)] == [
        ("passed", "DISC_INDEX"), ("passed", "VIEWER_PROGRAM"), ("passed", "WEB_PAGE"),
    ]  # fmt: skip
    assert "lists 3 files; 2 of them were in the batch" in read.findings[1]["message"]
    assert {file.stored or file.staged for file in (read, viewer, page)} == {""}
    assert not list(Path(configured.STAGING).glob(viewer.staged or "no-such-file"))
    assert ledger.progress(batch).total == 2, "they do not count"
    client.force_login(factories.member(batch.fulfillment.hospital, Role.OWNER))
    shown = client.get(f"/batches/{batch.pk}/").content.decode()
    assert "3 files left aside: no images" in shown and "A program, such as the viewer" in shown


def _picture(seed: int, side: int = 400) -> tuple[np.ndarray, bytes]:
    dataset = pydicom.dcmread(io.BytesIO(small_radiograph(seed, side=side)))
    pixels = (dataset.pixel_array * 16).astype(np.uint16)
    out = io.BytesIO()
    Picture.fromarray(pixels).save(out, "PNG")
    return pixels, out.getvalue()


def test_a_picture_with_its_row_becomes_an_image_and_one_without_waits_for_the_table() -> None:
    batch = new_batch(pictures=True)
    _, png = _picture(3)
    file = processed(batch, png, "export/SMITH_JANE.png")
    assert (file.status, file.reason) == ("rejected", "PICTURE_ROW_MISSING")
    assert "patient_id" in file.findings[0]["remedy"]
    table = b"file,patient_id,study_id,view,sex,age,pixel_spacing_mm,modality\nSMITH_JANE.png,P-99,S-1,PA,F,51,0.3,DX\n"
    named = processed(batch, table, "pictures.csv")
    assert (named.kind, named.status) == ("pictures", "passed"), named.findings
    file.refresh_from_db()
    assert file.status == "received", "looked at again by itself"
    pipeline.process(file.pk)
    file.refresh_from_db()
    assert (file.status, file.reason) == ("passed", ""), file.findings
    image = Image.objects.get(source=file)
    assert (image.view, image.sex, image.age_years, image.facts["modality"]) == ("PA", "F", 51, "DX")
    from getdata.common import storage

    kept = storage.get(storage.released(), image.stored)
    assert b"P-99" not in kept and b"SMITH" not in kept
    dataset = pydicom.dcmread(io.BytesIO(kept))
    assert (dataset.ConversionType, dataset.SOPClassUID.name) == ("WSD", "Secondary Capture Image Storage")
    progress = ledger.progress(batch)
    assert (progress.passed, progress.tables, progress.withheld) == (1, 1, 0)


def test_a_picture_that_the_request_does_not_take_is_refused_with_a_remedy() -> None:
    batch = new_batch()
    out = io.BytesIO()
    Picture.fromarray(np.zeros((8, 8), np.uint8)).save(out, "JPEG")
    file = processed(batch, out.getvalue(), "a.jpg")
    assert (file.status, file.reason) == ("rejected", "PICTURE_NOT_PERMITTED")
    table = processed(batch, b"file,patient_id,study_id\na.jpg,P,S\n", "pictures.csv")
    assert (table.status, table.reason) == ("rejected", "PICTURE_NOT_PERMITTED")


class Clamd(threading.Thread):
    """Answers INSTREAM as clamd does: EICAR's mark is found, more than ``most`` bytes are an error."""

    def __init__(self, most: int = 1_000_000) -> None:
        super().__init__(daemon=True)
        self.most, self.scanned = most, 0
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.door.getsockname()[1]}"

    def run(self) -> None:
        while True:
            try:
                line, _ = self.door.accept()
            except OSError:
                return
            with line, line.makefile("rb") as source:
                assert source.read(10) == b"zINSTREAM\0"
                data = b""
                while size := struct.unpack(">I", source.read(4))[0]:
                    data += source.read(size)
                    if len(data) > self.most:
                        break
                self.scanned += 1
                answer = b"stream: Win.Test.EICAR_HDB-1 FOUND" if b"EICAR" in data else b"stream: OK"
                line.sendall((b"INSTREAM size limit exceeded. ERROR" if len(data) > self.most else answer) + b"\0")


@contextmanager
def clamd(settings: Any, **how: Any) -> Iterator[Clamd]:
    server = Clamd(**how)
    server.start()
    settings.CLAMD, settings.CLAMD_SECONDS = server.address, 5
    try:
        yield server
    finally:
        server.door.close()


def test_what_the_scanner_finds_is_deleted_and_never_sealed(settings: Any) -> None:
    batch = new_batch()
    with clamd(settings) as server:
        bad = processed(batch, b"X5O!P%@AP EICAR" * 30, "a.dcm")
        good = processed(batch, SMALL, "b.dcm")
    assert (bad.status, bad.reason, bad.stored, bad.staged) == ("rejected", "MALWARE_FOUND", "", "")
    assert "Win.Test.EICAR_HDB-1" in bad.findings[0]["message"]
    assert good.status != "failed" and good.attempts == 1
    assert server.scanned == 2


@pytest.mark.parametrize("how", ["SCANNER_DOWN", "SCANNER_REFUSES"])
def test_nothing_passes_unscanned_while_the_scanner_cannot_be_asked(settings: Any, how: str) -> None:
    batch = new_batch()
    settings.MAX_OUTAGES = 3
    with clamd(settings, most=100):
        if how == "SCANNER_DOWN":
            settings.CLAMD = "tcp://127.0.0.1:9"
        file = processed(batch, SMALL, "a.dcm")
        assert (file.status, file.stored) == ("received", ""), "it waits and is tried again"
        while file.status == "received":
            SourceFile.objects.update(lease_until=None)
            pipeline.process(file.pk)
            file.refresh_from_db()
    assert (file.status, file.reason) == ("failed", how)
    assert file.findings[0]["remedy"]
    assert not Image.objects.exists()
    assert originals.staged_path(file) is not None, "its bytes wait for a retry"


def test_an_index_that_cannot_be_followed_is_left_aside_all_the_same() -> None:
    index = Dataset()
    index.FileSetID = "X"
    out = io.BytesIO()
    index.file_meta = pydicom.dataset.FileMetaDataset()
    index.file_meta.MediaStorageSOPClassUID, index.file_meta.MediaStorageSOPInstanceUID = "1.2.840.10008.1.3.10", "1.2"
    index.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    pydicom.dcmwrite(out, index, enforce_file_format=True)
    file = processed(new_batch(), out.getvalue()[:-3] + b"\xff\xff\xff", "DICOMDIR")
    assert (file.status, codes(file)) == ("passed", ["DISC_INDEX"])
