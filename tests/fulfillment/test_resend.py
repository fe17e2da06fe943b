"""Sent again: no second patient, no second image, whatever its name, header or wrapping; and a replaced file keeps its history."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from fulfillment import pipeline
from fulfillment.models import Batch, Image, Patient, SourceFile, Study
from fulfillment.uploads import staging, take_in
from getdata.accounts.models import Role, User
from getdata.common.states import transition
from tests.factories import HospitalFactory, member
from tests.fulfillment.test_certificates import quick as _quick
from tests.fulfillment.test_pipeline import batch as _batch
from tests.fulfillment.test_pipeline import processed
from tests.support.staging import ensure_key, small_radiograph, stage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick")]
quick, batch = _quick, _batch


@pytest.fixture(autouse=True)
def _own_staging(settings: Any, tmp_path: Path) -> None:
    settings.STAGING = tmp_path / "staging"


def send(batch: Batch, data: bytes, name: str, actor: User) -> SourceFile:
    """As an upload of a person does."""
    ensure_key(batch)
    staged = staging.create()
    staging.path(staged).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return take_in(batch=batch, name=name, staged=staged, size=len(data), sha256=digest, actor=actor)[0]


def test_one_study_sent_in_every_way_is_one_patient_and_one_image(batch: Batch) -> None:
    data = small_radiograph(3)
    assert processed(batch, data, "a/1.dcm").status == "passed"
    renamed = processed(batch, data, "b/other name.dcm")
    exported_again = processed(
        batch, small_radiograph(3, StudyDescription="Thorax", ReferringPhysicianName="X"), "c/1.dcm"
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a/1.dcm", data)
        packed.writestr("deep/er/1.dcm", data)
    sent = stage(batch, archive.getvalue(), "all.zip")
    pipeline.process(sent.pk)
    for member_file in sent.members.all():
        pipeline.process(member_file.pk)
    again = [renamed, exported_again, *sent.members.all()]
    for file in again:
        file.refresh_from_db()
    assert {(file.status, file.reason) for file in again} == {("rejected", "DUPLICATE_INSTANCE")}
    assert (Patient.objects.count(), Study.objects.count(), Image.objects.live().count()) == (1, 1, 1)


def test_a_file_whose_work_broke_is_worked_on_again_when_it_is_sent_again(batch: Batch) -> None:
    actor = member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    data = small_radiograph(4)
    first = send(batch, data, "a.dcm", actor)
    transition(SourceFile, first.pk, "received", "processing", actor=None)
    transition(SourceFile, first.pk, "processing", "failed", actor=None, changes={"reason": "STAGING_MISSING"})
    staging.discard(first.staged)
    again = send(batch, data, "a.dcm", actor)
    assert (again.pk, again.status, again.reason) == (first.pk, "received", "")
    pipeline.process(again.pk)
    again.refresh_from_db()
    assert again.status == "passed"
    assert SourceFile.objects.count() == 1


def test_the_page_of_a_replaced_file_tells_who_when_why_and_what_came_of_it(batch: Batch, client: Client) -> None:
    actor = member(batch.fulfillment.hospital, Role.DATA_MANAGER, name="Dana Manager")
    old = send(batch, b"no image at all", "SMITH/1.dcm", actor)
    pipeline.process(old.pk)
    new = send(batch, small_radiograph(5), "SMITH/1.dcm", actor)
    pipeline.process(new.pk)
    old.refresh_from_db()
    assert (old.status, old.reason, old.replaced_by_id) == ("withdrawn", "REPLACED", new.pk)
    assert [finding["code"] for finding in old.findings] == ["REPLACED", "not-dicom"], "what was said stays"
    client.force_login(actor)
    page = client.get(f"/files/{old.pk}/").content.decode()
    assert "SMITH/1.dcm" in page
    assert f"/files/{new.pk}/" in page
    for words in ("Dana Manager", "sent it", "refused it", "not-dicom", "took its place", "passed"):
        assert words in page, words
    assert f"/files/{old.pk}/" in client.get(f"/files/{new.pk}/").content.decode()


def test_outside_the_hospital_the_page_names_neither_file_nor_person(batch: Batch, client: Client) -> None:
    actor = member(batch.fulfillment.hospital, Role.DATA_MANAGER, name="Dana Manager")
    file = send(batch, b"no image at all", "SMITH/1.dcm", actor)
    Batch.objects.filter(pk=batch.pk).update(status="sealed")
    client.force_login(member(batch.fulfillment.request.organization))
    page = client.get(f"/files/{file.pk}/").content.decode()
    assert "The hospital" in page
    assert "SMITH" not in page
    assert "Dana" not in page
    client.force_login(member(HospitalFactory.create()))
    assert client.get(f"/files/{file.pk}/").status_code == 404
