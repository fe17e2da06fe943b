"""C-STORE and C-ECHO: who is let in, what is confirmed is in the ledger, what is not leaves nothing, and no log says who it was."""

from __future__ import annotations

import io
import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import ComputedRadiographyImageStorage, Verification  # type: ignore[attr-defined]

from fulfillment.dicomweb import listener as listening
from fulfillment.dicomweb.listener import Listener
from fulfillment.models import Batch, DicomSender, SourceFile
from fulfillment.services import dicom_senders
from fulfillment.services.batches import create_batch
from fulfillment.uploads import staging
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from tests.fulfillment.uploads.conftest import Scene
from tests.support.images import tiny_dicom

pytestmark = pytest.mark.django_db(transaction=True)
TITLE, PATIENT = "PACS_CANARY", "CANARY^PATIENT"


@pytest.fixture(autouse=True)
def _no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)


@pytest.fixture
def sender(scene: Scene) -> DicomSender:
    return dicom_senders.add_sender(
        hospital=scene.hospital, ae_title=TITLE, address="127.0.0.1", delivery=None, actor=scene.manager
    )


@pytest.fixture
def port(scene: Scene, settings: Any) -> Iterator[int]:
    settings.DICOM_IDLE_SECONDS = 5
    listener = Listener(host="127.0.0.1", port=0)
    yield listener.start()
    listener.stop()


def instance(number: int) -> Dataset:
    dataset = dcmread(io.BytesIO(tiny_dicom(number)))
    dataset.PatientName = PATIENT
    return dataset


def associate(port: int, *, title: str = TITLE, called: str = "GETDATA") -> Any:
    entity = AE(ae_title=title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    entity.add_requested_context(Verification)
    entity.add_requested_context(ComputedRadiographyImageStorage)
    return entity.associate("127.0.0.1", port, ae_title=called)


def store(port: int, *datasets: Dataset) -> list[Dataset]:
    association = associate(port)
    assert association.is_established
    answers = [association.send_c_store(dataset) for dataset in datasets]
    association.release()
    return answers


def staged() -> int:
    """Files in staging, those that are still arriving among them."""
    place = staging.folder()
    return sum(1 for entry in place.rglob("*") if entry.is_file())


def settle(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


def test_what_is_confirmed_is_in_the_ledger_and_a_resend_is_success(
    scene: Scene, sender: DicomSender, port: int
) -> None:
    assert [answer.Status for answer in store(port, instance(1), instance(2), instance(1))] == [0, 0, 0]
    files = SourceFile.objects.filter(batch=scene.batch, status="received")
    assert files.count() == staged() == 2
    sent = dcmread(staging.path(files.get(number=1).staged))
    assert sent.PatientName == PATIENT and sent.pixel_array.shape == (24, 20)
    assert [answer.Status for answer in store(port, instance(1))] == [0]
    assert SourceFile.objects.count() == staged() == 2
    settle(lambda: AuditEvent.objects.filter(verb="dicomsender.delivered").count() == 2)
    first = AuditEvent.objects.filter(verb="dicomsender.delivered").earliest("id")
    assert first.data == {"stored": 3, "refused": 0} and first.organization_id == str(scene.hospital.pk)
    sender.refresh_from_db()
    assert sender.last_seen_at is not None


def test_only_a_listed_title_from_its_address_is_let_in(scene: Scene, sender: DicomSender, port: int) -> None:
    echo = associate(port)
    assert echo.send_c_echo().Status == 0
    echo.release()
    assert associate(port, title="SOMEBODY").is_rejected
    assert associate(port, called="OTHER").is_rejected
    dicom_senders.change_sender(
        sender=sender, ae_title=TITLE, address="192.0.2.0/24", delivery=None, actor=scene.manager
    )
    assert associate(port).is_rejected
    dicom_senders.change_sender(
        sender=sender, ae_title=TITLE, address="127.0.0.0/16", delivery=None, actor=scene.manager
    )
    open_one = associate(port)
    assert open_one.is_established
    dicom_senders.switch_sender(sender=sender, enabled=False, actor=scene.manager)
    assert open_one.send_c_store(instance(1)).Status == 0x0124, "one under way is refused its next instance"
    open_one.release()
    assert associate(port).is_rejected
    assert not SourceFile.objects.exists() and staged() == 0


def test_a_look_up_that_fails_keeps_the_door_shut(
    sender: DicomSender, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(PATIENT)

    monkeypatch.setattr(listening, "who_calls", broken)
    assert associate(port).is_rejected


def test_what_cannot_be_taken_is_said_and_leaves_nothing(
    scene: Scene, sender: DicomSender, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    nameless = instance(1)
    del nameless.StudyInstanceUID
    assert store(port, nameless, instance(2))[0].Status == 0xC000
    assert SourceFile.objects.count() == staged() == 1
    create_batch(fulfillment=scene.fulfillment, name="A second one", actor=scene.manager)
    answer = store(port, instance(3))[0]
    assert (answer.Status, "Several batches" in answer.ErrorComment) == (0xA700, True)
    dicom_senders.change_sender(
        sender=sender, ae_title=TITLE, address="127.0.0.1", delivery=scene.fulfillment, actor=scene.manager
    )
    Batch.objects.update(status="sealed")
    assert store(port, instance(3))[0].Status == 0xA700
    Batch.objects.filter(pk=scene.batch.pk).update(status="open")
    assert store(port, instance(3))[0].Status == 0

    def broken(**_: object) -> None:
        raise OSError(28, PATIENT)

    monkeypatch.setattr(listening, "enter_instance", broken)
    assert store(port, instance(4))[0].Status == 0xA700
    assert SourceFile.objects.count() == 2


def test_an_instance_without_end_is_cut_off(
    scene: Scene, sender: DicomSender, port: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_INSTANCE_BYTES = 1000
    monkeypatch.setattr(listening, "_ROOM", 4000)
    large = instance(1)
    large.PixelData = b"\0" * 3_000_000
    association = associate(port)
    association.send_c_store(large)
    settle(lambda: association.is_aborted)
    assert not SourceFile.objects.exists()
    assert [answer.Status for answer in store(port, instance(2))] == [0xA700], "larger than one image may be here"
    settings.MAX_INSTANCE_BYTES = 10_000
    assert [answer.Status for answer in store(port, instance(2))] == [0]


def test_noise_and_a_giant_unit_end_and_the_next_sender_gets_in(sender: DicomSender, port: int) -> None:
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\xff\xff\xff\xff" + b"x" * 100, b"\x04\0\0\0\0\x04\0\0\0\x02"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(noise)
            try:
                while raw.recv(1000):
                    continue
            except OSError:
                pass
    echo = associate(port)
    assert echo.is_established
    echo.release()


def test_no_log_line_names_anybody(
    scene: Scene, sender: DicomSender, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from getdata.common.logs import JsonFormatter

    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    ours = logging.getLogger("getdata")
    for place in (root, ours, logging.getLogger("pynetdicom")):
        place.addHandler(handler)
    before, level = ours.level, ours.setLevel
    level(logging.INFO)
    try:
        store(port, instance(1))
        associate(port, title="STRANGER_CANARY")
        monkeypatch.setattr(listening, "open_batch", _raise_with_values)
        store(port, instance(2))
        settle(lambda: AuditEvent.objects.filter(verb="dicomsender.delivered").count() == 2)
    finally:
        level(before)
        for place in (root, ours, logging.getLogger("pynetdicom")):
            place.removeHandler(handler)
    text = lines.getvalue()
    assert "an association was refused" in text and "could not be taken in" in text
    for secret in ("CANARY", "2.25.", "127.0.0.1"):
        assert secret not in text


def _raise_with_values(*_: object) -> None:
    raise RuntimeError(f"{PATIENT} 2.25.7001")


def test_what_a_broken_connection_left_is_swept(settings: Any, tmp_path: Any) -> None:
    settings.STAGING = tmp_path / "staging"
    old, new = listening._landing() / "tmpa.dcm", listening._landing() / "tmpb.dcm"
    for path in (old, new):
        path.write_bytes(b"half")
    import os

    os.utime(old, (1, 1))
    assert Listener().sweep() == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_two_hospitals_with_one_title_are_told_apart_by_address_or_refused(scene: Scene, sender: DicomSender) -> None:
    from tests.factories import HospitalFactory, member

    other = HospitalFactory.create()
    owner = member(other)
    with pytest.raises(CannotDo) as refusal:
        dicom_senders.add_sender(hospital=other, ae_title=TITLE, address="127.0.0.1", delivery=None, actor=owner)
    assert refusal.value.code == "sender_taken"
    theirs = dicom_senders.add_sender(hospital=other, ae_title=TITLE, address="10.1.0.0/16", delivery=None, actor=owner)
    assert dicom_senders.who_calls(TITLE, "127.0.0.1") == sender
    assert dicom_senders.who_calls(TITLE, "::ffff:10.1.2.3") == theirs
    assert dicom_senders.who_calls(TITLE.lower(), "10.1.2.3") is None
    dicom_senders.change_sender(sender=theirs, ae_title=TITLE, address="127.0.0.0/24", delivery=None, actor=owner)
    assert dicom_senders.who_calls(TITLE, "127.0.0.1") is None
    with pytest.raises(CannotDo):
        dicom_senders.change_sender(sender=sender, ae_title="x", address="10.0.0.1", delivery=None, actor=owner)
    for title, address in (
        ("", "10.0.0.1"),
        ("A" * 17, "10.0.0.1"),
        ("A\\B", "10.0.0.1"),
        ("A", "pacs"),
        ("A", "0.0.0.0/0"),
    ):
        with pytest.raises(CannotDo):
            dicom_senders.add_sender(
                hospital=scene.hospital, ae_title=title, address=address, delivery=None, actor=scene.manager
            )
