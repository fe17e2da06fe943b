"""Reports find their study by UID, accession number or file, are cleaned with its headers, and never hold identity."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta

import pydicom
import pytest

from fulfillment import pipeline
from fulfillment.intake.report_files import is_report_table, is_text_report, read_report_file
from fulfillment.meter import facts_of
from fulfillment.models import Batch, Image, Report, SourceFile, SourceKind
from getdata.common import storage
from requests_app.spec import DatasetSpec
from tests import factories
from tests.support.staging import small_radiograph, stage

SPEC = {
    "title": "Frontal with reports",
    "projections": [{"view": "PA"}],
    "reports": {"linkage": "required"},
    "image": {"short_side": {"min_px": 512}},
}
TEXT = "51-year-old woman. Mrs. Smith (ID 000007) was seen by Dr. Okafor.\nFINDINGS: Small left pleural effusion."
UID = "1.2.826.0.1.99.7.1"


def image(**header: object) -> bytes:
    return small_radiograph(7, side=600, AccessionNumber="A-5501", **header)


@pytest.fixture
def batch() -> Batch:
    document = DatasetSpec.model_validate(SPEC).model_dump(mode="json")
    return factories.batch(factories.fulfillment(request=factories.open_request(draft=document)))


def sent(batch: Batch, data: bytes | str, name: str) -> SourceFile:
    file = stage(batch, data.encode() if isinstance(data, str) else data, name)
    pipeline.process(file.pk)
    file.refresh_from_db()
    return file


def table(column: str, value: str, text: str = TEXT) -> str:
    return f'{column},text\n{value},"{text}"\n'


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "name"),
    [
        (table("study_instance_uid", UID), "reports.csv"),
        (table("accession_number", "A-5501"), "reports.csv"),
        (table("file", "SMITH_JANE/image.dcm"), "reports.csv"),
        (table("file", "image.dcm"), "reports.csv"),
        (json.dumps({"StudyInstanceUID": UID, "report": TEXT}) + "\n", "reports.jsonl"),
        (TEXT, f"reports/{UID}.txt"),
        (TEXT, "reports/A-5501.txt"),
        (TEXT, "SMITH_JANE/image.txt"),
    ],
)
@pytest.mark.parametrize("first", ["image", "report"])
def test_a_report_is_cleaned_with_its_studys_headers_whichever_comes_first(
    batch: Batch, data: str, name: str, first: str
) -> None:
    if first == "image":
        sent(batch, image(), "SMITH_JANE/image.dcm")
        file = sent(batch, data, name)
    else:
        file = sent(batch, data, name)
        waiting = Report.objects.current().get()
        assert (waiting.state, waiting.text, waiting.reason) == ("waiting", "", "STUDY_NOT_HERE")
        assert b"Smith" not in storage.get(storage.quarantine(), waiting.sealed)
        sent(batch, image(), "SMITH_JANE/image.dcm")
    assert (file.kind, file.status) == (SourceKind.REPORTS, "passed"), file.findings
    report = Report.objects.linked().get()
    assert report.study == Image.objects.get().series.study
    assert "pleural effusion" in report.text and report.removed["NAME"] == 2
    assert [name for name, _, _ in report.sections][-1] == "findings"
    for secret in ("Smith", "000007", "Okafor", "A-5501", UID):
        assert secret not in json.dumps(
            [list(Report.objects.values_list("text", "accession", "study_instance_uid", "findings"))]
        )
    assert facts_of(Image.objects.all())[0].report_linked is True


@pytest.mark.django_db
@pytest.mark.parametrize("first", ["image", "report"])
def test_dates_of_a_report_move_with_those_of_its_images(batch: Batch, first: str) -> None:
    text = "EXAM: 03/10/2023. Compared with 02/28/2023, the effusion is smaller. Born 05/06/1971. Called on 3/10."
    steps = [(image(StudyDate="20230310"), "a/image.dcm"), (table("accession_number", "A-5501", text), "reports.csv")]
    for data, name in steps if first == "image" else steps[::-1]:
        sent(batch, data, name)
    released = pydicom.dcmread(io.BytesIO(storage.get(storage.released(), Image.objects.get().stored)))
    moved = datetime.strptime(released.StudyDate, "%Y%m%d")
    assert 0 < (datetime(2023, 3, 10) - moved).days <= 730
    said = Report.objects.linked().get().text
    assert f"EXAM: {moved:%m/%d/%Y}." in said
    assert f"Compared with {moved - timedelta(days=10):%m/%d/%Y}" in said
    assert "1971" not in said and "3/10" not in said.replace(f"{moved:%m/%d/%Y}", "")


@pytest.mark.django_db
def test_what_leaves_a_doubt_quarantines_the_report_and_not_the_batch(batch: Batch) -> None:
    sent(batch, image(), "SMITH_JANE/image.dcm")
    sent(batch, table("study_instance_uid", UID, "45-year-old man. No effusion."), "a.csv")
    sent(batch, table("study_instance_uid", UID, "A 20-year-old woman. No effusion."), "b.csv")
    found = list(Report.objects.current().order_by("source__number"))
    assert [report.reason for report in found] == ["REPORT_OF_ANOTHER_SEX", "REPORT_OF_ANOTHER_AGE"]
    assert all(report.state == "quarantined" and not report.text and report.findings[0]["remedy"] for report in found)
    assert facts_of(Image.objects.all())[0].report_linked is False
    sent(batch, table("study_instance_uid", UID), "c.csv")
    sent(batch, table("accession_number", "A-5501"), "d.csv")
    assert Report.objects.linked().count() == 1
    assert Report.objects.current().order_by("-source__number")[0].reason == "STUDY_HAS_REPORT"


@pytest.mark.django_db
def test_a_later_image_of_the_study_takes_out_whom_it_names(batch: Batch) -> None:
    sent(batch, image(), "SMITH_JANE/image.dcm")
    sent(batch, table("study_instance_uid", UID, "No effusion. Fell from a ladder at noon."), "a.csv")
    assert "ladder" in Report.objects.linked().get().text
    second = small_radiograph(
        8, side=600, StudyInstanceUID=UID, PatientID="00000007", OperatorsName="LADDER^ANN", PatientName="SMITH^JANE"
    )
    assert sent(batch, second, "SMITH_JANE/second.dcm").status == "passed"
    report = Report.objects.linked().get()
    assert "ladder" not in report.text and report.supersedes is not None


@pytest.mark.pure
def test_files_of_reports_are_told_by_what_they_hold() -> None:
    assert is_report_table(b"accession_number;report_text\n1;no\n")
    assert is_report_table(b'{"accession": "1", "text": "no"}\n')
    assert not is_report_table(b"file,finding,state\n") and not is_report_table(b"file,text,finding\n")
    assert is_text_report(b"Lungs clear.", "a/1.txt") and not is_text_report(b"\0\0binary", "a.txt")


@pytest.mark.pure
@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("accession_number,other\n1,x\n", "COLUMN_MISSING"),
        ("study_instance_uid,text\n1.2E+05,No effusion.\n", "UID_MALFORMED"),
        ("accession_number,text\n,No effusion.\n", "STUDY_MISSING"),
        ("accession_number,text\n7,\n", "TEXT_MISSING"),
        ("accession_number,text\n7,a\n7,b\n", "REPORT_TWICE"),
        ('{"accession": 1, "text": "a"}\nnot json\n', "NOT_JSON"),
        ("accession_number,text\n7," + "a" * 100_001 + "\n", "TEXT_TOO_LONG"),
    ],
)
def test_every_unusable_row_says_its_number_its_cause_and_its_cure(data: str, code: str) -> None:
    _, problems = read_report_file(data.encode(), "reports.csv")
    assert [problem.code for problem in problems] == [code]
    assert problems[0].row >= 1 and problems[0].cause and problems[0].remedy
