"""The pages of a batch's reports: who sees the list, who reads the text, what a release holds of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fulfillment.models import Batch, Report, ReportState, SourceKind
from fulfillment.services.release_reports import report_table, report_texts
from getdata.accounts.models import Role
from requests_app.spec import DatasetSpec
from tests import factories
from tests.support.images import image, source_file

pytestmark = pytest.mark.django_db
TEXT = "FINDINGS: Seen by Dr. [NAME]. No effusion."


@pytest.fixture
def batch() -> Batch:
    made = factories.batch(status="sealed")
    picture = image(made)
    file = source_file(made, kind=SourceKind.REPORTS)
    Report.objects.create(
        batch=made,
        source=file,
        row=2,
        state=ReportState.LINKED,
        study=picture.series.study,
        text=TEXT,
        language="en",
        sections=[["findings", 10, len(TEXT)]],
        removed={"NAME": 1},
        engine="1",
    )
    finding = {"code": "STUDY_NOT_HERE", "message": "No image has arrived.", "remedy": "Send the images."}
    Report.objects.create(batch=made, source=file, row=3, state="waiting", reason="STUDY_NOT_HERE", findings=[finding])
    return made


def page(person: Any, name: str, pk: object, query: str = "") -> Any:
    client = Client()
    if person is not None:
        client.force_login(person)
    return client.get(reverse(name, args=[pk]) + query)


def test_the_hospital_sees_what_each_report_needs_and_reads_the_cleaned_text(batch: Batch) -> None:
    person = factories.member(batch.fulfillment.hospital, Role.VIEWER)
    listed = page(person, "batch_reports", batch.pk).content.decode()
    assert "Send the images." in listed and "row 3" in listed and "1 passage" in listed
    waiting = page(person, "batch_reports", batch.pk, "?state=waiting").content.decode()
    assert "row 3" in waiting and "row 2" not in waiting
    shown = page(person, "report_detail", Report.objects.linked().get().pk).content.decode()
    assert '<mark class="report-gone"><span class="sr-only">removed: </span>name</mark>' in shown
    assert "No effusion." in shown


def test_the_text_is_the_requesters_only_once_the_batch_is_accepted(batch: Batch) -> None:
    asker = factories.member(batch.fulfillment.request.organization, Role.OWNER)
    stranger = factories.member(factories.HospitalFactory.create(), Role.OWNER)
    report = Report.objects.linked().get()
    assert page(asker, "batch_reports", batch.pk).status_code == 200
    assert page(asker, "report_detail", report.pk).status_code == 404
    Batch.objects.filter(pk=batch.pk).update(status="accepted")
    assert page(asker, "report_detail", report.pk).status_code == 200
    assert page(stranger, "batch_reports", batch.pk).status_code == 404
    assert page(stranger, "report_detail", report.pk).status_code == 404
    assert page(None, "report_detail", report.pk).status_code == 302


def test_a_release_holds_the_reports_of_its_studies_where_the_request_asks_for_them(
    batch: Batch, tmp_path: Path
) -> None:
    from fulfillment.models import Image, Release, ReleaseItem

    Batch.objects.filter(pk=batch.pk).update(status="accepted")
    release = Release.objects.create(
        request=batch.fulfillment.request, number=1, prepared_by=factories.ReviewerFactory.create()
    )
    picture = Image.objects.get()
    ReleaseItem.objects.create(release=release, image=picture, path=picture.path_in_release, sha256="0" * 64)
    asked = DatasetSpec.model_validate(factories.spec_document(reports={"linkage": "required"}))
    table = report_table(release, asked, tmp_path)
    files = {entry.path: entry.read() for entry in report_texts(release, asked)}
    study = picture.series.study
    path = f"reports/{study.patient.pseudonym}/{study.study_instance_uid}.txt"
    assert files == {path: TEXT.encode()} and table is not None and path in table.read_text()
    unasked = DatasetSpec.model_validate(factories.spec_document())
    assert report_table(release, unasked, tmp_path) is None and list(report_texts(release, unasked)) == []
