"""One file through every stage, and each way it can end."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pydicom
import pytest
from django.conf import settings

from fulfillment import pipeline
from fulfillment.intake import originals
from fulfillment.models import Batch, DuplicateHit, Image, Label, Patient, QualityScore, SourceFile
from getdata.audit.models import AuditEvent
from getdata.common import storage
from tests import factories
from tests.support.staging import small_radiograph, stage

pytestmark = pytest.mark.django_db

SPEC = {
    "title": "Any frontal",
    "projections": [{"view": "PA"}, {"view": "AP"}],
    "labels": {"taxonomy": "getdata-cxr", "findings": [{"finding": "Pneumothorax"}]},
    "image": {"short_side": {"min_px": 1024}, "bits_stored": {"min": 10}},
}
IDENTITY = ("SMITH", "JANE", "000007", "1.2.826.0.1.99.7")


@pytest.fixture
def batch() -> Batch:
    from requests_app.spec import DatasetSpec

    document = DatasetSpec.model_validate(SPEC).model_dump(mode="json")
    request = factories.open_request(draft=document)
    return factories.batch(factories.fulfillment(request=request))


def processed(batch: Batch, data: bytes, name: str = "SMITH_JANE/image.dcm") -> SourceFile:
    file = stage(batch, data, name)
    pipeline.process(file.pk)
    file.refresh_from_db()
    return file


def test_a_good_image_passes_and_leaves_no_identity_outside_quarantine(batch: Batch) -> None:
    file = processed(batch, small_radiograph(7))
    assert (file.status, file.reason) == ("passed", ""), file.findings
    image = Image.objects.get(source=file)
    clean = storage.get(storage.released(), image.stored)
    dataset = pydicom.dcmread(io.BytesIO(clean))
    assert dataset.PatientIdentityRemoved == "YES"
    assert image.sop_instance_uid == dataset.SOPInstanceUID
    assert (image.view, image.sex, image.age_years) == ("PA", "F", 51)
    assert QualityScore.objects.get(image=image).total > 0
    assert storage.get(storage.previews(), image.preview).startswith(b"\x89PNG")
    kept = json.dumps([image.facts, image.findings, image.deid_record, file.findings])
    trail = json.dumps([event.data for event in AuditEvent.objects.all()])
    for text in IDENTITY:
        assert text not in kept
        assert text not in trail
        assert text.encode() not in clean


def test_the_original_is_sealed_in_quarantine_and_gone_from_staging(batch: Batch) -> None:
    data = small_radiograph(7)
    file = processed(batch, data)
    sealed = storage.get(storage.quarantine(), file.stored)
    assert b"SMITH" not in sealed
    assert originals.read_original(file) == data
    assert originals.name_of(file) == "SMITH_JANE/image.dcm"
    assert file.staged == ""
    assert list(Path(settings.STAGING).glob("*")) == []


def test_what_would_match_originals_is_not_kept_with_the_image(batch: Batch) -> None:
    record = Image.objects.get(source=processed(batch, small_radiograph(7))).deid_record
    assert "input_sha256" not in record and "pixel_sha256_in" not in record
    assert record["output_sha256"]


def test_a_file_that_is_not_dicom_is_rejected_with_cause_and_remedy(batch: Batch) -> None:
    file = processed(batch, b"hello, this is no image", "notes.txt")
    assert file.status == "rejected"
    assert file.findings[0]["message"] and file.findings[0]["remedy"]
    assert not Image.objects.exists()


def test_an_image_the_request_does_not_want_is_rejected_and_not_stored(batch: Batch) -> None:
    file = processed(batch, small_radiograph(7, ViewPosition="LL"))
    assert (file.status, file.reason) == ("rejected", "VIEW_MISMATCH")
    assert not Image.objects.exists()


def test_an_image_below_the_asked_size_says_how_to_mend_it(batch: Batch) -> None:
    file = processed(batch, small_radiograph(7, side=512))
    assert file.status == "rejected"
    assert file.reason == "TOO_SMALL"
    assert len({finding["code"] for finding in file.findings}) == len(file.findings), "nothing is said twice"


def test_the_same_picture_under_a_new_uid_is_refused_as_a_duplicate(batch: Batch) -> None:
    processed(batch, small_radiograph(7))
    again = processed(batch, small_radiograph(7, SOPInstanceUID="1.2.826.0.1.99.77"), "copy.dcm")
    assert (again.status, again.reason) == ("rejected", "DUPLICATE_IMAGE")
    assert "file 1" in again.findings[0]["message"]
    assert Image.objects.count() == 1


def test_a_resend_makes_no_second_patient_and_no_second_image(batch: Batch) -> None:
    processed(batch, small_radiograph(7))
    again = processed(batch, small_radiograph(7), "another/folder.dcm")
    assert (again.status, again.reason) == ("rejected", "DUPLICATE_INSTANCE")
    assert (Patient.objects.count(), Image.objects.count()) == (1, 1)


def test_the_same_uid_with_other_pixels_is_quarantined(batch: Batch) -> None:
    processed(batch, small_radiograph(7))
    uids = {f"{level}InstanceUID": f"1.2.826.0.1.99.7.{n}" for n, level in enumerate(("Study", "Series", "SOP"), 1)}
    other = processed(batch, small_radiograph(8, PatientID="00000007", **uids), "other.dcm")
    assert (other.status, other.reason) == ("quarantined", "SAME_UID_OTHER_PIXELS")


def test_one_study_under_two_patients_is_quarantined(batch: Batch) -> None:
    processed(batch, small_radiograph(7))
    other = processed(batch, small_radiograph(8, StudyInstanceUID="1.2.826.0.1.99.7.1"), "other.dcm")
    assert (other.status, other.reason) == ("quarantined", "STUDY_HAS_TWO_PATIENTS")


def test_a_duplicate_in_another_hospital_is_for_reviewers_only(batch: Batch) -> None:
    first = processed(batch, small_radiograph(7))
    elsewhere = factories.batch(factories.fulfillment(request=batch.fulfillment.request))
    second = processed(elsewhere, small_radiograph(7))
    assert second.status == "passed"
    hit = DuplicateHit.objects.get()
    assert (hit.image.source, hit.other.source) == (second, first)
    assert "file" not in json.dumps(second.findings)


def test_two_hospitals_get_different_pseudonyms_for_one_patient(batch: Batch) -> None:
    elsewhere = factories.batch(factories.fulfillment(request=batch.fulfillment.request))
    processed(batch, small_radiograph(7))
    processed(elsewhere, small_radiograph(7))
    assert len(set(Patient.objects.values_list("pseudonym", flat=True))) == 2


def test_processing_twice_gives_the_same_bytes(batch: Batch) -> None:
    file = processed(batch, small_radiograph(7))
    first = Image.objects.get(source=file).output_sha256
    SourceFile.objects.filter(pk=file.pk).update(status="received")
    pipeline.process(file.pk)
    assert Image.objects.get(source=file).output_sha256 == first


def test_an_archive_becomes_its_files(batch: Batch) -> None:
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as out:
        out.writestr("a/one.dcm", small_radiograph(7))
        out.writestr("a/two.dcm", small_radiograph(8))
        out.writestr("__MACOSX/a/._one.dcm", b"noise")
    archive = processed(batch, bundle.getvalue(), "delivery.zip")
    assert archive.status == "passed"
    members = SourceFile.objects.filter(archive=archive)
    assert members.count() == 2
    for member in members:
        pipeline.process(member.pk)
    assert Image.objects.count() == 2


def test_an_archive_that_would_burst_is_refused_before_it_is_opened(batch: Batch) -> None:
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("bomb.dcm", b"\0" * (80 * 1024**2))
    archive = processed(batch, bundle.getvalue(), "bomb.zip")
    assert (archive.status, archive.reason) == ("rejected", "ARCHIVE_EXPANDS_TOO_FAR")
    assert SourceFile.objects.filter(archive=archive).count() == 0


def test_labels_find_their_images_whichever_comes_first(batch: Batch) -> None:
    table = (
        b"sop_instance_uid,finding,state,source,reader\n1.2.826.0.1.99.7.3,Pneumothorax,present,read by Dr Hall,dr-a\n"
    )
    table += b"1.2.826.0.1.99.8.3,Pneumothorax,absent,,dr-a\n"
    processed(batch, small_radiograph(7), "first.dcm")
    labels = processed(batch, table, "labels.csv")
    assert labels.status == "passed", labels.findings
    processed(batch, small_radiograph(8), "second.dcm")
    rows = Label.objects.order_by("row")
    assert [row.image is not None for row in rows] == [True, True]
    assert [row.state for row in rows] == ["present", "absent"]
    assert "1.2.826.0.1.99" not in json.dumps(list(rows.values_list("sop_instance_uid", flat=True)))
    assert "dr-a" not in {row.reader for row in rows}
    assert [row.method for row in rows] == ["other", ""], "a hospital's free text is not kept"


def test_a_label_table_without_a_usable_row_is_rejected_with_its_problems(batch: Batch) -> None:
    labels = processed(batch, b"sop_instance_uid,finding,state\n1.2.3,Gout,present\n", "labels.csv")
    assert (labels.status, labels.reason) == ("rejected", "LABELS_UNUSABLE")
    assert "Row 2" in labels.findings[0]["message"]


@pytest.mark.parametrize("labels_first", [True, False])
def test_labels_that_name_the_duplicate_go_to_the_image_that_was_kept(batch: Batch, labels_first: bool) -> None:
    table = b"sop_instance_uid,finding,state\n1.2.826.0.1.99.77,Pneumothorax,present\n"
    if labels_first:
        processed(batch, table, "labels.csv")
    processed(batch, small_radiograph(7))
    processed(batch, small_radiograph(7, SOPInstanceUID="1.2.826.0.1.99.77"), "copy.dcm")
    if not labels_first:
        processed(batch, table, "labels.csv")
    assert Label.objects.get().image == Image.objects.get()
