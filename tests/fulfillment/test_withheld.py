"""The hospital's board of withheld files: by cause with remedy, pictures for permitted roles, cleared by two and a reviewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from deid.pixels.detector import Region
from fulfillment import pipeline
from fulfillment.models import Batch, Clearance, Image, SourceFile
from fulfillment.services import clearances, destruction
from fulfillment.services.contact_sheet import sheet_files
from fulfillment.withheld import board_of
from fulfillment.withheld_pictures import picture_key
from getdata.accounts.models import Role
from getdata.audit.models import AuditEvent
from getdata.common import storage
from getdata.common.problems import CannotDo
from tests import factories
from tests.deid.objects import SilentReader
from tests.factories import HospitalFactory, ReviewerFactory, member
from tests.fulfillment.test_pipeline import batch as _batch
from tests.support.images import source_file
from tests.support.pages import problems
from tests.support.staging import small_radiograph, stage

pytestmark = pytest.mark.django_db
batch = _batch
TEXT = {
    "code": "text-left",
    "severity": "must",
    "message": "Text remained.",
    "remedy": "Mask it.",
    "place": "lower left",
}


class Stubborn:
    """Sees text at the lower left, elsewhere each time it looks: masking never ends it."""

    name = "stubborn"

    def __init__(self) -> None:
        self.looks = 0

    def find(self, image: Any, near: Any = None) -> list[Region]:
        self.looks += 1
        return [Region(40 + 60 * self.looks, 1000 - 40 * self.looks, 40, 20, 0.99)]


@pytest.fixture
def stubborn(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    settings.STAGING = tmp_path / "staging"
    monkeypatch.setattr("deid.engine._shipped_detector", Stubborn)
    monkeypatch.setattr("deid.engine._shipped_reader", SilentReader)


def text_left(batch: Batch, count: int = 1) -> list[SourceFile]:
    return [source_file(batch, status="quarantined", reason="text-left", findings=[TEXT]) for _ in range(count)]


def test_files_are_grouped_by_cause_and_place_with_remedy_and_the_harmless_come_last(batch: Batch) -> None:
    text_left(batch, 3)
    for _ in range(5):
        source_file(batch, status="rejected", reason="DUPLICATE_INSTANCE")
    source_file(batch, status="rejected", reason="not-dicom")
    board = board_of(batch, member(batch.fulfillment.hospital, Role.DATA_MANAGER))
    assert [(group.reason, group.place, len(group.files)) for group in board.groups] == [
        ("text-left", "lower left", 3),
        ("not-dicom", "", 1),
        ("DUPLICATE_INSTANCE", "", 5),
    ]
    assert [group.clearable for group in board.groups] == [True, False, False]
    assert board.groups[0].remedy == "Mask it."


def test_the_board_says_how_many_where_and_that_the_others_are_safe(batch: Batch, client: Client) -> None:
    text_left(batch, 37)
    client.force_login(member(batch.fulfillment.hospital, Role.DATA_MANAGER))
    page = client.get(f"/batches/{batch.pk}/withheld/")
    text = page.content.decode()
    assert "37 files hold readable text at lower left" in text
    assert "Mask at source and resend" in text
    assert "no-store" in page["Cache-Control"]
    assert problems(text) == []
    assert text.count('name="file"') == 24, "tiles are few, the group is whole"


def test_an_empty_board_says_so(batch: Batch, client: Client) -> None:
    client.force_login(member(batch.fulfillment.hospital, Role.PRIVACY_OFFICER))
    assert "Nothing is withheld" in client.get(f"/batches/{batch.pk}/withheld/").content.decode()


def test_the_board_is_for_the_hospitals_permitted_roles_alone(batch: Batch, client: Client) -> None:
    hospital = batch.fulfillment.hospital
    people = {
        member(hospital, Role.OWNER): 200,
        member(hospital, Role.PRIVACY_OFFICER): 200,
        member(hospital, Role.DATA_MANAGER): 200,
        member(hospital, Role.VIEWER): 404,
        member(HospitalFactory.create()): 404,
        member(batch.fulfillment.request.organization): 404,
        ReviewerFactory.create(): 404,
    }
    for person, status in people.items():
        client.force_login(person)
        assert client.get(f"/batches/{batch.pk}/withheld/").status_code == status


def test_a_whole_group_is_withdrawn_at_once_and_nothing_else(batch: Batch, client: Client) -> None:
    text_left(batch, 30)
    other = source_file(batch, status="rejected", reason="not-dicom")
    client.force_login(member(batch.fulfillment.hospital, Role.DATA_MANAGER))
    client.post(f"/batches/{batch.pk}/withheld/act/", {"act": "withdraw:text-left|lower left"})
    assert SourceFile.objects.filter(status="withdrawn").count() == 30
    other.refresh_from_db()
    assert other.status == "rejected"


def test_a_file_of_another_batch_is_not_touched(batch: Batch, client: Client) -> None:
    foreign = text_left(factories.batch())[0]
    client.force_login(member(batch.fulfillment.hospital, Role.DATA_MANAGER))
    client.post(f"/batches/{batch.pk}/withheld/act/", {"act": "withdraw", "file": str(foreign.pk)})
    foreign.refresh_from_db()
    assert foreign.status == "quarantined"


def test_a_doubtful_text_is_cleared_by_two_people_and_goes_marked_to_the_reviewer(
    batch: Batch, stubborn: None, client: Client
) -> None:
    hospital = batch.fulfillment.hospital
    manager, officer = member(hospital, Role.DATA_MANAGER), member(hospital, Role.PRIVACY_OFFICER)
    file = stage(batch, small_radiograph(8), "SMITH/1.dcm")
    pipeline.process(file.pk)
    file.refresh_from_db()
    assert (file.status, file.reason) == ("quarantined", "text-left")
    assert file.findings[0]["place"] == "lower left"
    sealed = storage.get(storage.quarantine(), picture_key(file.stored))
    assert b"PNG" not in sealed[:200], "sealed like its original"
    picture = f"/files/{file.pk}/withheld.png"
    for person in (member(hospital, Role.VIEWER), ReviewerFactory.create(), member(HospitalFactory.create())):
        client.force_login(person)
        assert client.get(picture).status_code == 404
    client.force_login(officer)
    shown = client.get(picture)
    assert shown.content.startswith(b"\x89PNG")
    assert shown["Cache-Control"] == "no-store"
    assert AuditEvent.objects.get(verb="original.viewed").actor_id == str(officer.pk)
    clearances.ask_clearance(batch=batch, files=[file], reason="A lead marker, no name.", actor=manager)
    owner_too = member(hospital, Role.OWNER)
    Clearance.objects.update(asked_by=owner_too)
    with pytest.raises(CannotDo) as refusal:
        clearances.confirm_clearances(batch=batch, files=[file], actor=owner_too)
    assert refusal.value.code == "second_person"
    Clearance.objects.update(asked_by=manager)
    client.post(f"/batches/{batch.pk}/withheld/act/", {"act": "confirm", "file": str(file.pk)})
    pipeline.process(file.pk)
    file.refresh_from_db()
    assert file.status == "passed", file.findings
    image = Image.objects.get(source=file)
    assert "cleared-by-hospital" in image.review_reasons
    assert image.masks, "what looked like text is masked all the same"
    assert list(sheet_files(batch, "look")) == [file], "a reviewer must look"


def test_what_is_no_doubt_about_text_cannot_be_cleared(batch: Batch) -> None:
    manager = member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    for reason in ("identifier-left", "two-patient-ids", "not-dicom"):
        file = source_file(batch, status="quarantined", reason=reason)
        with pytest.raises(CannotDo) as refusal:
            clearances.ask_clearance(batch=batch, files=[file], reason="It is quite harmless.", actor=manager)
        assert refusal.value.code == "not_clearable"


def test_a_viewer_can_neither_ask_nor_confirm_and_a_decline_ends_it(batch: Batch) -> None:
    hospital = batch.fulfillment.hospital
    files = text_left(batch)
    viewer, manager = member(hospital, Role.VIEWER), member(hospital, Role.DATA_MANAGER)
    for act in (clearances.confirm_clearances, clearances.decline_clearances):
        with pytest.raises(CannotDo):
            act(batch=batch, files=files, actor=viewer)
    clearances.ask_clearance(batch=batch, files=files, reason="A lead marker, no name.", actor=manager)
    with pytest.raises(CannotDo):
        clearances.confirm_clearances(batch=batch, files=files, actor=manager)
    assert clearances.decline_clearances(batch=batch, files=files, actor=manager) == 1
    assert not Clearance.objects.exists()
    assert not clearances.is_cleared(files[0])


def test_the_picture_is_destroyed_with_its_original(batch: Batch, stubborn: None) -> None:
    file = stage(batch, small_radiograph(9), "SMITH/1.dcm")
    pipeline.process(file.pk)
    file.refresh_from_db()
    assert storage.quarantine().exists(picture_key(file.stored))
    Batch.objects.filter(pk=batch.pk).update(status="rejected", decided_at=batch.created_at.replace(year=2020))
    destruction.destroy_due()
    assert not storage.quarantine().exists(picture_key(file.stored))
