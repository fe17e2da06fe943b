"""Files of labels become rows: provenance in our words, shapes with them, images found by UID, path or name, nothing in the clear."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.serializers import serialize

from deid import Keyring
from fulfillment.intake import tables
from fulfillment.intake.linking import adopt_labels
from fulfillment.label_facts import consensus, labels_of
from fulfillment.meter import facts_of
from fulfillment.models import Annotation, Batch, Image, Label, SourceFile
from fulfillment.uploads import names
from getdata.common import storage
from requests_app.spec import DatasetSpec
from tests.support.images import image, sealed_batch, source_file

pytestmark = pytest.mark.django_db
KEYRING = Keyring(secret=b"k" * 32, key_id="test")


@pytest.fixture
def batch() -> Batch:
    return sealed_batch(images=0)


def sent_as(batch: Batch, path: str, **fields: Any) -> Image:
    """An image of 24 rows and 20 columns under the name it was sent by."""
    made = image(batch, store=False, **fields)
    SourceFile.objects.filter(pk=made.source_id).update(
        name_digest=names.name_digest(batch, path),
        stem_digest=names.stem_digest(batch, path),
        sealed_name=names.seal_name(batch, path),
    )
    made.source.refresh_from_db()
    return made


def taken(batch: Batch, text: str | bytes, name: str = "labels.csv", **more: Any) -> tuple[SourceFile, list[Any]]:
    file = source_file(batch, kind="labels")
    file.sealed_name = names.seal_name(batch, name)
    file.save()
    data = text if isinstance(text, bytes) else text.encode()
    spec = DatasetSpec.model_validate({"title": "T", "labels": {"taxonomy": "getdata-cxr"}})
    findings, _ = tables.take_labels(file, data, spec, KEYRING, **more)
    return file, findings


def codes(findings: list[Any]) -> set[str]:
    return {finding["code"] for finding in findings}


TABLE = """file,finding,state,method,reader,readers,board_certified,blind_to_report,adjudication,tool,tool_version,\
laterality,x,y,width,height
DOE_JANE/1.dcm,Pneumothorax,present,single reader,Dr Hall,,yes,no,,,,left,2,3,5,6
DOE_JANE/1.dcm,Pneumothorax,present,single reader,Dr Hall,,yes,no,,,,left,10,3,5,6
DOE_JANE/1.dcm,Mass,absent,consensus,,3,yes,,consensus,CheXbert,v1.0,,,,,
DOE_JANE/1.dcm,Nodule,likely,software,,,,,,Dr Hall's own,Hall,,,,,
"""


def test_a_table_says_how_each_label_was_made_and_where(batch: Batch) -> None:
    shown = sent_as(batch, "DOE_JANE/1.dcm")
    _, findings = taken(batch, TABLE)
    assert codes(findings) == {"LABELS_TAKEN"}, findings
    assert findings[0]["message"] == "The portal's own table: 3 labels taken in, 2 marks."
    one, mass, nodule = Label.objects.order_by("row")
    assert {row.image for row in (one, mass, nodule)} == {shown}
    assert (one.method, one.readers, one.board_certified, one.blind_to_report) == ("single_reader", 1, True, False)
    assert (one.laterality, one.is_consensus) == ("L", False)
    assert [a.box for a in one.annotations.all()] == [[2, 3, 5, 6], [10, 3, 5, 6]]
    assert (mass.readers, mass.is_consensus, mass.adjudication) == (3, True, "consensus")
    assert (mass.tool, mass.tool_version) == ("CheXbert", "v1.0")
    assert (nodule.tool, nodule.tool_version) == ("other software", ""), "a tool that we do not know may be a person"
    kept = serialize("json", Label.objects.all()) + json.dumps(findings)
    assert "Hall" not in kept
    assert "DOE" not in kept
    verdict = consensus(shown)["Pneumothorax"]
    assert (verdict.state, verdict.rule) == ("present", "single")
    assert verdict.agreed[0].shapes == {"box"}
    assert [row.finding for row in labels_of(shown)] == ["Mass", "Nodule", "Pneumothorax"]


def test_taking_the_same_file_in_twice_changes_nothing(batch: Batch) -> None:
    sent_as(batch, "DOE_JANE/1.dcm")
    file, _ = taken(batch, TABLE)
    before = (set(Label.objects.values_list("pk")), set(Annotation.objects.values_list("pk")))
    spec = DatasetSpec.model_validate({"title": "T", "labels": {"taxonomy": "getdata-cxr"}})
    tables.take_labels(file, TABLE.encode(), spec, KEYRING)
    assert (set(Label.objects.values_list("pk")), set(Annotation.objects.values_list("pk"))) == before


def test_a_source_that_contradicts_itself_is_not_used_and_readers_may_differ(batch: Batch) -> None:
    head = "file,finding,state,reader\n"
    _, findings = taken(batch, head + "a.dcm,Mass,present,r\na.dcm,Mass,absent,r\na.dcm,Nodule,present,r\n")
    assert [row.finding for row in Label.objects.all()] == ["Nodule"]
    told = [finding for finding in findings if finding["code"] == "CONTRADICTION"]
    assert [finding["message"].split(":")[0] for finding in told] == ["Row 2", "Row 3"]
    taken(batch, head + "a.dcm,Mass,present,r1\na.dcm,Mass,absent,r2\na.dcm,Mass,absent,r2\n")
    assert Label.objects.filter(finding="Mass").count() == 2


def test_marks_outside_the_image_are_told_and_do_not_count(batch: Batch) -> None:
    shown = sent_as(batch, "1.dcm")
    head = "file,finding,state,x,y,width,height\n"
    _, findings = taken(batch, head + "1.dcm,Mass,present,500,400,30,30\n1.dcm,Nodule,present,1,1,5,5\n")
    assert "BOX_OUTSIDE" in codes(findings)
    (facts,) = facts_of([shown])
    assert facts.statements is not None
    assert facts.statements["Mass"][0].astray
    assert facts.statements["Nodule"][0].shapes == {"box"}


COCO = {
    "images": [{"id": 1, "file_name": "7.png", "height": 24, "width": 20}],
    "categories": [{"id": 1, "name": "Mass"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 8], "segmentation": [[1, 1, 9, 1, 9, 9]]},
        {"id": 3, "image_id": 1, "category_id": 1, "segmentation": {"size": [24, 20], "counts": [100, 30, 350]}},
    ],
}


def test_coco_needs_no_mapping_and_finds_its_image_by_the_name_alone(batch: Batch) -> None:
    _, findings = taken(batch, json.dumps(COCO), "boxes.json")
    assert Label.objects.get().image is None
    assert findings[0]["message"].endswith("1 labels taken in, 3 marks; 1 wait for their images.")
    shown = sent_as(batch, "export/7.dcm")
    adopt_labels(shown.source, shown, shown.sop_instance_uid)
    label = Label.objects.get()
    assert label.image == shown
    assert sorted(label.annotations.values_list("kind", flat=True)) == ["box", "mask", "polygon"]
    mask = label.annotations.get(kind="mask")
    assert (mask.rows, mask.columns) == (24, 20)
    assert storage.get(storage.released(), mask.mask).startswith(b"\x89PNG")
    assert label.annotations.get(kind="polygon").points == [[[1, 1], [9, 1], [9, 9]]]


@pytest.mark.parametrize("labels_first", [True, False])
def test_a_name_that_two_images_have_is_nobodys(batch: Batch, labels_first: bool) -> None:
    if labels_first:
        taken(batch, json.dumps(COCO), "boxes.json")
    for folder in ("a", "b"):
        shown = sent_as(batch, f"{folder}/7.dcm")
        adopt_labels(shown.source, shown, shown.sop_instance_uid)
    if not labels_first:
        taken(batch, json.dumps(COCO), "boxes.json")
    assert Label.objects.get().image is None
    taken(batch, "file,finding,state\nb/7.dcm,Nodule,present\n")
    assert Label.objects.get(finding="Nodule").image == shown, "with its folder it is one image's"


def test_a_name_with_folders_is_not_cut_down_to_its_end(batch: Batch) -> None:
    sent_as(batch, "patient2/study1/view1_frontal.dcm")
    taken(batch, "Path,Pneumothorax,Edema\npatient1/study1/view1_frontal.jpg,1.0,0.0\n")
    assert set(Label.objects.values_list("image", flat=True)) == {None}


def test_a_mapping_takes_names_that_are_not_ours(batch: Batch) -> None:
    text = "file,finding,state\n1.dcm,Erguss,present\n"
    _, findings = taken(batch, text)
    assert "FINDING_UNKNOWN" in codes(findings)
    assert not Label.objects.exists()
    taken(batch, text, mapping={"Erguss": "Pleural effusion"})
    assert Label.objects.get().finding == "Pleural effusion"


def test_a_study_is_not_an_image(batch: Batch) -> None:
    _, findings = taken(batch, "accession_number,finding,state\nA77,Mass,present\n")
    assert "IMAGE_BY_ACCESSION" in codes(findings)
    assert "A77" not in json.dumps(findings)
