"""The import screen: sealed, read, mapped, looked at, confirmed; for the hospital's data managers alone."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.serializers import serialize
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fulfillment.intake.originals import pseudonym_secret
from fulfillment.models import (
    Annotation,
    Batch,
    Image,
    Label,
    LabelImport,
    LabelMapping,
    SourceFile,
    SourceFileStatus,
    Study,
)
from fulfillment.services import label_imports
from fulfillment.uploads import names
from getdata.accounts.models import Role, User
from getdata.audit.models import AuditEvent
from getdata.common import storage
from tests import factories
from tests.fulfillment.test_label_passport import cxr_request
from tests.support.images import image, signed_fulfillment
from tests.support.pages import problems
from tests.support.staging import ensure_key

pytestmark = pytest.mark.django_db
PATHS = ("DOE_JANE/1.dcm", "DOE_JANE/2.dcm", "ROE_RICHARD/3.dcm")
TABLE = """file,finding,state,reader,x,y,width,height
DOE_JANE/1.dcm,Pneumothorax,present,Dr Quentin Vasari,2,3,5,6
DOE_JANE/2.dcm,Pleural Effusion,absent,Dr Quentin Vasari,,,,
ROE_RICHARD/3.dcm,Pneumothorax,present,Dr Quentin Vasari,90,90,5,6
ROE_RICHARD/3.dcm,Hazy whatnot,present,Dr Quentin Vasari,,,,
SMITH_ALAN/9.dcm,Pneumothorax,present,Dr Quentin Vasari,,,,
DOE_JANE/2.dcm,Nodule,present,Dr Quentin Vasari,,,,
DOE_JANE/2.dcm,Nodule,absent,Dr Quentin Vasari,,,,
"""
SECRETS = ("DOE_JANE", "SMITH_ALAN", "Vasari", "Hazy whatnot")


class Chosen(HTMLParser):
    """What a browser would send of a page's selects and ticked boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "select":
            self._select = given["name"] or ""
        elif tag == "option" and ("selected" in given or self._select not in self.values):
            self.values[self._select] = given["value"] or ""
        elif tag == "input" and given.get("type") == "checkbox" and "checked" in given and given.get("name"):
            self.values[given["name"] or ""] = "on"


class Desk:
    """A batch of three images, its data manager, and what they do on the screen."""

    def __init__(self) -> None:
        under = signed_fulfillment(request=cxr_request())
        self.batch: Batch = factories.batch(under)
        ensure_key(self.batch)
        self.images = [self.sent(path) for path in PATHS]
        self.manager = factories.member(under.hospital, Role.DATA_MANAGER)
        self.client = self.signed_in(self.manager)

    def signed_in(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def sent(self, path: str) -> Image:
        made = image(self.batch)
        SourceFile.objects.filter(pk=made.source_id).update(
            name_digest=names.name_digest(self.batch, path),
            stem_digest=names.stem_digest(self.batch, path),
            sealed_name=names.seal_name(self.batch, path),
        )
        return made

    def upload(self, text: str | bytes, name: str = "JANE labels.csv", **fields: Any) -> Any:
        data = text if isinstance(text, bytes) else text.encode()
        sent = {"file": SimpleUploadedFile(name, data), "format": "auto", **fields}
        return self.client.post(reverse("label_import_new", args=[self.batch.pk]), sent)

    def item(self) -> LabelImport:
        return LabelImport.objects.order_by("-created_at")[0]

    def get(self, name: str) -> str:
        answer = self.client.get(reverse(name, args=[self.item().pk]), follow=True)
        assert answer.status_code == 200
        html: str = answer.content.decode()
        assert problems(html) == []
        return html

    def chosen(self, html: str) -> dict[str, str]:
        """The mapping as the form offers it."""
        reader = Chosen()
        reader.feed(html)
        return reader.values

    def map(self, **changes: str) -> Any:
        given = self.chosen(self.get("label_import_mapping"))
        address = reverse("label_import_mapping", args=[self.item().pk])
        return self.client.post(address, {**given, **changes})

    def confirm(self) -> Any:
        return self.client.post(reverse("label_import_confirm", args=[self.item().pk]))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def run(desk: Desk, django_capture_on_commit_callbacks: Any, *acts: Any) -> Any:
    answer = None
    for act in acts:
        with django_capture_on_commit_callbacks(execute=True):
            answer = act()
    return answer


def test_a_file_is_read_mapped_looked_at_and_taken_in(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    commit = django_capture_on_commit_callbacks
    answer = run(desk, commit, lambda: desk.upload(TABLE))
    assert answer.status_code == 302 and desk.item().status == "ready"
    mapping = desk.get("label_import")
    assert "Hazy whatnot" in mapping and "Not in any list we know" in mapping
    assert "JANE labels.csv" in mapping  # to the hospital's own eyes
    run(desk, commit, desk.map)
    look = desk.get("label_import")
    for words in ("BOX_OUTSIDE", "IMAGE_UNMATCHED", "CONTRADICTION", "M2 3h5v6h-5Z"):
        assert words in look, words
    assert not any(secret in look for secret in ("SMITH_ALAN", "Vasari", "DOE_JANE", "ROE_"))
    assert Label.objects.count() == 0
    assert run(desk, commit, desk.confirm).status_code == 302
    file = SourceFile.objects.get(kind="labels")
    assert file.status == SourceFileStatus.PASSED, file.findings
    said = set(Label.objects.values_list("image", "finding", "state"))
    first, second, third = (one.pk for one in desk.images)
    assert said == {
        (first, "Pneumothorax", "present"),
        (second, "Pleural effusion", "absent"),
        (third, "Pneumothorax", "present"),
        (None, "Pneumothorax", "present"),
    }
    assert Annotation.objects.count() == 2
    done = desk.get("label_import")
    assert reverse("label_passport", args=[Label.objects.get(image=first).pk]) in done


def test_nothing_of_the_file_lies_about_in_the_clear(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    run(desk, django_capture_on_commit_callbacks, lambda: desk.upload(TABLE), desk.map, desk.confirm)
    rows = serialize("json", [*LabelImport.objects.all(), *LabelMapping.objects.all(), *Label.objects.all(),
                              *SourceFile.objects.all()])  # fmt: skip
    rows += "".join(str(event.data) for event in AuditEvent.objects.all())
    stored = storage.get(storage.quarantine(), SourceFile.objects.get(kind="labels").stored)
    for secret in SECRETS:
        assert secret not in rows and secret.encode() not in stored
    assert not list(Path(project.STAGING).glob("*"))


def test_a_mapping_is_remembered_for_the_next_file_of_its_shape(
    desk: Desk, django_capture_on_commit_callbacks: Any
) -> None:
    commit = django_capture_on_commit_callbacks
    run(desk, commit, lambda: desk.upload(TABLE))
    odd = next(place for place, row in enumerate(_names(desk)) if row["name"] == "Hazy whatnot")
    run(desk, commit, lambda: desk.map(**{f"name-{odd}": "mass"}), desk.confirm)
    assert Label.objects.filter(finding="Mass").count() == 1
    again = TABLE.replace("1.dcm", "4.dcm")
    run(desk, commit, lambda: desk.upload(again, "next.csv"))
    assert desk.item().remembered and "As you mapped the last file" in desk.get("label_import")
    assert desk.chosen(desk.get("label_import_mapping"))[f"name-{odd}"] == "mass"
    other = Desk()
    run(other, commit, lambda: other.upload(TABLE))
    assert not other.item().remembered  # of one hospital, not of another


def _names(desk: Desk) -> list[dict[str, Any]]:
    from fulfillment.intake.label_survey import opened

    found: list[dict[str, Any]] = opened(desk.item().sealed_survey, desk.batch)["names"]
    return found


def test_a_wider_finding_wants_a_tick(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    commit = django_capture_on_commit_callbacks
    table = "file,finding,state\nDOE_JANE/1.dcm,laminar atelectasis,present\n"
    run(desk, commit, lambda: desk.upload(table))
    (row,) = _names(desk)
    assert row["why"] == "crosswalk broader", row
    answer = desk.map()
    assert answer.status_code == 200 and "Confirm that the wider finding is meant" in answer.content.decode()
    run(desk, commit, lambda: desk.map(**{"confirm-0": "on"}), desk.confirm)
    assert Label.objects.get().state == "present"


def test_columns_of_another_naming_are_given_their_meaning(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    commit = django_capture_on_commit_callbacks
    table = "Bild;Diagnose;Wert;Arzt\n1.dcm;Pneumothorax;1;Dr Vasari\n2.dcm;Nodule;0;Dr Vasari\n"
    run(desk, commit, lambda: desk.upload(table))
    assert "The format was not recognised" in desk.get("label_import")
    meanings = {"column-0": "file", "column-1": "finding", "column-2": "state", "column-3": "reader"}
    run(desk, commit, lambda: desk.map(**meanings))
    assert desk.item().mapped_at is None  # names are there only now: they are looked at first
    run(desk, commit, desk.map, desk.confirm)
    assert set(Label.objects.values_list("image", "finding", "state")) == {
        (desk.images[0].pk, "Pneumothorax", "present"),
        (desk.images[1].pk, "Nodule", "absent"),
    }


@pytest.mark.parametrize("kind", ["sop_instance_uid", "accession_number"])
def test_images_are_found_by_what_the_archive_calls_them(
    desk: Desk, kind: str, django_capture_on_commit_callbacks: Any
) -> None:
    from deid import Keyring

    secret, key_id = pseudonym_secret(desk.batch)
    keyring = Keyring(secret=secret, key_id=key_id)
    shown, value = desk.images[0], {"sop_instance_uid": "1.2.840.99.7", "accession_number": "A-0012345"}[kind]
    if kind == "sop_instance_uid":
        Image.objects.filter(pk=shown.pk).update(sop_instance_uid=keyring.uid(value))
    else:
        Study.objects.filter(pk=shown.series.study_id).update(accession=keyring.accession(value))
    run(
        desk, django_capture_on_commit_callbacks, lambda: desk.upload(f"{kind},finding,state\n{value},Nodule,present\n")
    )
    assert "1 of 1 image found" in desk.get("label_import")
    run(desk, django_capture_on_commit_callbacks, desk.map, desk.confirm)
    assert Label.objects.get().image == shown


def test_problems_come_as_a_table_without_a_value_of_the_file(
    desk: Desk, django_capture_on_commit_callbacks: Any
) -> None:
    run(desk, django_capture_on_commit_callbacks, lambda: desk.upload(TABLE), desk.map)
    answer = desk.client.get(reverse("label_import_problems", args=[desk.item().pk]))
    text = answer.content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {"row": "6", "code": "IMAGE_UNMATCHED"}.items() <= rows[-3].items() or any(
        row["code"] == "IMAGE_UNMATCHED" and row["row"] == "6" for row in rows
    )
    assert all(row["cause"] and row["remedy"] for row in rows)
    assert not any(secret in text for secret in SECRETS)


def test_for_everybody_else_the_screen_does_not_exist(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    run(desk, django_capture_on_commit_callbacks, lambda: desk.upload(TABLE))
    delivery = desk.batch.fulfillment
    for user in (
        factories.member(delivery.hospital, Role.READER),
        factories.member(delivery.request.organization, Role.OWNER),
        factories.member(factories.HospitalFactory.create(), Role.OWNER),
        factories.ReviewerFactory.create(),
    ):
        client = desk.signed_in(user)
        assert client.get(reverse("label_import_new", args=[desk.batch.pk])).status_code == 404
        for name in ("label_import", "label_import_mapping", "label_import_preview", "label_import_problems"):
            assert client.get(reverse(name, args=[desk.item().pk])).status_code == 404, name
        for name in ("label_import_confirm", "label_import_discard", "label_import_again"):
            assert client.post(reverse(name, args=[desk.item().pk])).status_code == 404, name


@pytest.mark.parametrize("sent", ["nothing", "empty", "too large", "two", "sealed batch"])
def test_refusals_are_told_and_keep_nothing(
    desk: Desk, sent: str, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    address = reverse("label_import_new", args=[desk.batch.pk])
    if sent == "too large":
        settings.MAX_LABEL_IMPORT_BYTES = 10
    if sent == "sealed batch":
        Batch.objects.filter(pk=desk.batch.pk).update(status="sealed", sealed_at=timezone.now())
    files = {
        "nothing": {"format": "auto"},
        "empty": {"file": SimpleUploadedFile("a.csv", b"")},
        "two": {"file": [SimpleUploadedFile("a.csv", b"x"), SimpleUploadedFile("b.csv", b"x")]},
    }.get(sent, {"file": SimpleUploadedFile("a.csv", TABLE.encode())})
    answer = desk.client.post(address, files, follow=True)
    assert answer.status_code == 200 and LabelImport.objects.count() == 0
    assert not list(Path(project.STAGING).glob("*"))


def test_a_discarded_file_is_destroyed_and_so_is_a_forgotten_one(
    desk: Desk, django_capture_on_commit_callbacks: Any
) -> None:
    commit = django_capture_on_commit_callbacks
    for way in ("button", "time"):
        run(desk, commit, lambda: desk.upload(TABLE))
        item = desk.item()
        assert storage.quarantine().exists(item.stored)
        if way == "button":
            run(desk, commit, lambda pk=item.pk: desk.client.post(reverse("label_import_discard", args=[pk])))
        else:
            old = timezone.now() - label_imports.KEPT * 2
            LabelImport.objects.filter(pk=item.pk).update(created_at=old)
            run(desk, commit, label_imports.sweep_label_imports)
        now = LabelImport.objects.get(pk=item.pk)
        assert (now.status, now.stored, bytes(now.sealed_survey)) == ("discarded", "", b"")
        assert not storage.quarantine().exists(item.stored)


def test_the_same_file_is_not_taken_in_twice(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    commit = django_capture_on_commit_callbacks
    run(desk, commit, lambda: desk.upload(TABLE), desk.map, desk.confirm)
    run(desk, commit, lambda: desk.upload(TABLE), desk.map)
    answer = desk.client.post(reverse("label_import_confirm", args=[desk.item().pk]), follow=True)
    assert "This very file is already here" in answer.content.decode()
    assert SourceFile.objects.filter(kind="labels").count() == 1


def test_a_lost_bell_is_rung_again_and_a_second_worker_finds_nothing(
    desk: Desk, django_capture_on_commit_callbacks: Any
) -> None:
    desk.upload(TABLE)  # the bell is lost: nothing is sent after commit
    item = desk.item()
    assert item.status == "reading" and "is being read" in desk.get("label_import")
    LabelImport.objects.filter(pk=item.pk).update(created_at=timezone.now() - label_imports.PATIENCE * 2)
    run(desk, django_capture_on_commit_callbacks, label_imports.sweep_label_imports)
    assert desk.item().status == "ready"
    before = bytes(desk.item().sealed_survey)
    label_imports.read_import(item.pk)
    assert bytes(desk.item().sealed_survey) == before
