"""Originals end on schedule: the bytes are gone, a certificate says so, and a resend still finds its patient and its image."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from deid.proof import check_certificate
from deid.proof.command import run_subcommand
from fulfillment.intake import originals, sealing
from fulfillment.models import Batch, Image, OriginalsDestruction, Patient, Report, SealingKey, SourceFile
from fulfillment.services import certificates, destruction
from fulfillment.services.batches import retry_file
from fulfillment.uploads import staging
from getdata.accounts.models import Role
from getdata.audit.models import AuditEvent
from getdata.common import crypto, storage
from getdata.common.models import ImmutableRow
from getdata.common.problems import CannotDo
from requests_app.models import SpecVersion
from tests import factories
from tests.factories import ReviewerFactory, member
from tests.fulfillment.test_certificates import batch as _batch_of_images
from tests.fulfillment.test_certificates import quick as _quick
from tests.fulfillment.test_pipeline import processed
from tests.support.images import source_file
from tests.support.staging import small_radiograph

pytestmark = pytest.mark.django_db
images, quick = _batch_of_images, _quick
NOW = timezone.now()


def held(batch: Batch, *, data: bytes = b"an original of somebody", **fields: Any) -> SourceFile:
    """A settled file whose original lies sealed, with a clear leftover in staging."""
    file = source_file(batch, **fields)
    hospital = batch.fulfillment.hospital_id
    key = f"{hospital}/{batch.pk}/{file.pk}"
    sealing.put(hospital, key, data)
    staged = str(file.pk)
    staging.create(staged)
    staging.path(staged).write_bytes(data)
    SourceFile.objects.filter(pk=file.pk).update(stored=key, staged=staged)
    file.refresh_from_db()
    return file


def decide(batch: Batch, status: str, days_ago: float) -> Batch:
    Batch.objects.filter(pk=batch.pk).update(status=status, decided_at=NOW - timedelta(days=days_ago))
    batch.refresh_from_db()
    return batch


@pytest.fixture(autouse=True)
def _own_staging(settings: Any, tmp_path: Path) -> None:
    settings.STAGING = tmp_path / "staging"


@pytest.fixture
def batch() -> Batch:
    return factories.batch()


def test_nothing_is_destroyed_before_its_day(batch: Batch, settings: Any) -> None:
    file = held(batch)
    assert destruction.destroy_due(now=NOW) == 0
    decide(batch, "accepted", settings.ORIGINALS_DAYS - 1)
    assert destruction.destroy_due(now=NOW) == 0
    assert originals.read_original(SourceFile.objects.get(pk=file.pk)) == b"an original of somebody"


def test_on_its_day_the_bytes_and_every_leftover_are_gone_and_a_certificate_says_so(
    batch: Batch, settings: Any, tmp_path: Path
) -> None:
    passed, refused = held(batch), held(batch, status="rejected", reason="not-dicom", data=b"other")
    report = Report.objects.create(batch=batch, source=passed, row=1, state="waiting", sealed=f"{passed.stored}-1")
    sealing.put(batch.fulfillment.hospital_id, report.sealed, b"a text")
    decide(batch, "accepted", settings.ORIGINALS_DAYS)
    assert destruction.destroy_due(now=NOW) == 1
    for key in (passed.stored, refused.stored, report.sealed):
        assert not storage.quarantine().exists(key)
    assert list((tmp_path / "staging").iterdir()) == []
    assert set(SourceFile.objects.values_list("stored", "staged", "destroyed_at")) == {("", "", NOW)}
    with pytest.raises(originals.StagingMissing):
        originals.read_original(SourceFile.objects.get(pk=passed.pk))
    certificate = OriginalsDestruction.objects.get()
    verdict = check_certificate(certificate.text.encode(), certificates.signing_key().public)
    assert verdict.genuine and verdict.trusted
    statement = verdict.document["statement"]
    assert statement["counts"] == {"originals": 3, "bytes": 2000, "by_kind": {"DICOM instance": 2, "Sealed report": 1}}
    assert statement["occasion"]["kept_days"] == settings.ORIGINALS_DAYS
    assert statement["method"]["key_ids"] == [SealingKey.objects.get().ident]
    assert ["file 1", passed.content_digest, "1000"] in verdict.document["manifest"]
    event = AuditEvent.objects.get(verb="originals.destroyed")
    assert event.data["objects"] == 3
    assert destruction.destroy_due(now=NOW) == 0, "once"
    with pytest.raises(ImmutableRow):
        certificate.save()


def test_a_changed_certificate_is_not_genuine(batch: Batch, tmp_path: Path, capsys: Any) -> None:
    held(batch)
    decide(batch, "rejected", 400)
    destruction.destroy_due(now=NOW)
    text = OriginalsDestruction.objects.get().text
    key = tmp_path / "key.pub"
    key.write_bytes(certificates.signing_key().public_pem())
    whole, changed = tmp_path / "a.json", tmp_path / "b.json"
    whole.write_text(text)
    changed.write_text(text.replace('"originals": 1', '"originals": 2'))
    assert run_subcommand(["verify-certificate", str(whole), "--public-key", str(key)]) == 0
    assert "originals were destroyed" in capsys.readouterr().out
    assert run_subcommand(["verify-certificate", str(changed), "--public-key", str(key)]) == 3


def test_a_withdrawn_file_goes_alone_and_the_rest_stays(batch: Batch, settings: Any) -> None:
    late = NOW - timedelta(days=settings.ORIGINALS_REFUSED_DAYS, minutes=1)
    gone, young, stays = held(batch, status="withdrawn"), held(batch, status="withdrawn"), held(batch)
    SourceFile.objects.filter(pk=gone.pk).update(settled_at=late)
    assert destruction.destroy_due(now=NOW) == 1
    assert not storage.quarantine().exists(gone.stored)
    assert storage.quarantine().exists(young.stored)
    assert storage.quarantine().exists(stays.stored)
    assert OriginalsDestruction.objects.get().occasion == "withdrawn"


def test_the_days_of_the_agreement_come_before_the_portals_own(batch: Batch) -> None:
    document = {**batch.spec_version.document}
    document["terms"] = {**document["terms"], "originals_days": 3}
    SpecVersion.objects.filter(pk=batch.spec_version_id).update(document=document)
    held(batch)
    decide(batch, "accepted", 2)
    assert destruction.destroy_due(now=NOW) == 0
    decide(batch, "accepted", 4)
    assert destruction.destroy_due(now=NOW) == 1


def test_a_delivery_that_ended_keeps_no_originals_of_its_open_batches_but_waits_for_work(batch: Batch) -> None:
    done, working = held(batch), held(batch, status="processing")
    type(batch.fulfillment).objects.update(status="terminated", ended_at=NOW - timedelta(days=30))
    assert destruction.destroy_due(now=NOW) == 1
    assert not storage.quarantine().exists(done.stored)
    assert storage.quarantine().exists(working.stored)


def test_a_storage_that_keeps_an_object_gets_no_certificate_and_holds_up_no_other_batch(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn, other = held(batch), held(factories.batch())
    decide(batch, "rejected", 400)
    decide(other.batch, "rejected", 400)
    store = storage.quarantine()
    delete = type(store).delete

    def keep_one(self: Any, name: str) -> None:
        if name != stubborn.stored:
            delete(self, name)

    monkeypatch.setattr(type(store), "delete", keep_one)
    assert destruction.destroy_due(now=NOW) == 1
    assert OriginalsDestruction.objects.get().batch == other.batch
    stubborn.refresh_from_db()
    assert stubborn.stored and stubborn.destroyed_at is None
    monkeypatch.undo()
    assert destruction.destroy_due(now=NOW) == 1, "the next sweep does it"


def test_a_resend_after_destruction_finds_its_patient_and_its_image(images: Batch, quick: None) -> None:
    data = small_radiograph(1)
    first = processed(images, data, "SMITH_JANE/1.dcm")
    assert first.status == "passed"
    decide(images, "accepted", 400)
    assert destruction.destroy_due(now=NOW) == 1
    again = factories.batch(images.fulfillment)
    same = processed(again, data, "elsewhere/other.dcm")
    assert (same.status, same.reason) == ("rejected", "DUPLICATE_INSTANCE")
    sibling = small_radiograph(2, PatientID="00000001", StudyInstanceUID="1.2.826.0.1.99.1.1")
    assert processed(again, sibling, "elsewhere/2.dcm").status == "passed"
    assert (Patient.objects.count(), Image.objects.live().count()) == (1, 2)


def test_a_file_whose_original_is_destroyed_cannot_be_processed_again(batch: Batch) -> None:
    file = held(batch, status="rejected", reason="not-dicom")
    SourceFile.objects.filter(pk=file.pk).update(stored="", staged="", destroyed_at=NOW)
    actor = member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    with pytest.raises(CannotDo) as refusal:
        retry_file(file=SourceFile.objects.get(pk=file.pk), actor=actor)
    assert refusal.value.code == "original_gone"


# --- sealing ----------------------------------------------------------------------------------------------------------


def test_originals_from_before_envelopes_are_still_read(batch: Batch) -> None:
    file = source_file(batch)
    storage.put(storage.quarantine(), "old/one", crypto.seal(b"old bytes", scope=originals.scope(batch)))
    SourceFile.objects.filter(pk=file.pk).update(stored="old/one")
    assert originals.read_original(SourceFile.objects.get(pk=file.pk)) == b"old bytes"


def test_a_new_key_seals_what_comes_and_the_old_one_still_opens(batch: Batch) -> None:
    hospital = batch.fulfillment.hospital_id
    sealing.put(hospital, "k/1", b"first")
    call_command("new_sealing_key", batch.fulfillment.hospital.slug)
    sealing.put(hospital, "k/2", b"second")
    heads = {storage.get(storage.quarantine(), f"k/{number}")[3:11].hex() for number in (1, 2)}
    assert heads == set(SealingKey.objects.values_list("ident", flat=True))
    assert (sealing.get(hospital, "k/1"), sealing.get(hospital, "k/2")) == (b"first", b"second")


def test_another_hospital_cannot_open_an_original(batch: Batch) -> None:
    sealing.put(batch.fulfillment.hospital_id, "k/1", b"first")
    other = factories.HospitalFactory.create()
    sealing.put(other.pk, "k/2", b"of the other")
    with pytest.raises(crypto.CannotOpen):
        sealing.get(other.pk, "k/1")


# --- pages ------------------------------------------------------------------------------------------------------------


def test_the_page_says_what_is_held_until_when_and_gives_the_certificates(batch: Batch, client: Client) -> None:
    held(batch)
    other = factories.batch(batch.fulfillment)
    held(other)
    decide(other, "rejected", 400)
    destruction.destroy_due(now=NOW)
    client.force_login(member(batch.fulfillment.hospital, Role.VIEWER))
    page = client.get("/originals/").content.decode()
    assert "30 days after acceptance" in page
    one = OriginalsDestruction.objects.get()
    assert client.get(f"/originals/{one.pk}/certificate.json").content.decode() == one.text
    assert client.get(f"/originals/{one.pk}/certificate.pdf").content.startswith(b"%PDF")
    json.loads(one.text)


def test_a_stranger_and_the_researcher_see_neither_list_nor_certificate(batch: Batch, client: Client) -> None:
    held(batch)
    decide(batch, "rejected", 400)
    destruction.destroy_due(now=NOW)
    one = OriginalsDestruction.objects.get()
    for person, status in (
        (member(batch.fulfillment.request.organization), 404),
        (member(factories.HospitalFactory.create()), 404),
        (ReviewerFactory.create(), 200),
    ):
        client.force_login(person)
        assert client.get(f"/originals/{one.pk}/certificate.json").status_code == status
        assert (str(one.pk) in client.get("/originals/").content.decode()) == (status == 200)
