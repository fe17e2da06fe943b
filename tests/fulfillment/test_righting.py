"""An image that stands wrong in the delivery: set right where the request permits it, sent back where not."""

from __future__ import annotations

import hashlib
import io
from functools import cache
from typing import Any

import numpy as np
import pydicom
import pytest
from django.test import Client

from deid import Context, Keyring, Released, deidentify, load_policy
from deid.outcome import MaskBox
from fulfillment import pipeline
from fulfillment.conformance import read_facts
from fulfillment.models import Batch, Image, SourceFile
from fulfillment.quality.truth import Correction, Truth, undo
from fulfillment.righting import set_right
from fulfillment.services.as_it_came import keep_as_it_came
from getdata.accounts.models import Role
from getdata.common import storage
from getdata.common.problems import CannotDo
from getdata.demo.dicomize import encode
from getdata.demo.phantom import make_phantom
from requests_app.spec import DatasetSpec
from tests import factories
from tests.factories import ReviewerFactory, member
from tests.support.staging import stage

HEADER = {"PatientName": "SMITH^JANE", "PatientID": "7", "PatientSex": "F", "PatientAge": "051Y", "ViewPosition": "PA",
          "BodyPartExamined": "CHEST", "PixelSpacing": [0.6, 0.7], "StudyDate": "20240612", "Modality": "CR"}  # fmt: skip


@cache
def upright() -> np.ndarray:
    return make_phantom(11, view="PA", size=(640, 540)).pixels


@cache
def wrong() -> bytes:
    """Turned a quarter clockwise, and inverted without a word in the header."""
    return encode(np.ascontiguousarray(4095 - np.rot90(upright(), -1)), HEADER)


def delivered(**upright_rule: Any) -> SourceFile:
    document = {
        "title": "Frontal",
        "projections": [{"view": "PA"}],
        "image": {"short_side": None, "bits_stored": None, "upright": upright_rule},
    }
    request = factories.open_request(draft=DatasetSpec.model_validate(document).model_dump(mode="json"))
    batch: Batch = factories.batch(factories.fulfillment(request=request))
    file = stage(batch, wrong())
    pipeline.process(file.pk)
    file.refresh_from_db()
    return file


@pytest.mark.django_db
def test_it_is_set_right_told_and_can_be_taken_back() -> None:
    file = delivered()
    assert file.status == "passed", file.findings
    assert {"POLARITY_CORRECTED", "ROTATION_CORRECTED"} <= {finding["code"] for finding in file.findings}
    image = Image.objects.get(source=file)
    clean = storage.get(storage.released(), image.stored)
    assert hashlib.sha256(clean).hexdigest() == image.output_sha256 == image.deid_record["output_sha256"]
    ds = pydicom.dcmread(io.BytesIO(clean))
    assert ds.PhotometricInterpretation == "MONOCHROME1" and ds.pixel_array.shape == (640, 540)
    changed = 4095 - ds.pixel_array != upright()
    for box in image.masks:  # the lead marker, masked before the turn: its places turned with the picture
        changed[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]] = False
    assert not changed.any()
    assert [float(v) for v in ds.PixelSpacing] == [0.7, 0.6]
    assert (image.truth["rotation"], image.truth["polarity"]) == (0, "normal")
    before = pydicom.dcmread(io.BytesIO(undo(clean, [Correction.from_dict(one) for one in image.corrections])))
    np.testing.assert_array_equal(before.pixel_array, np.rot90(ds.pixel_array, -1))
    assert [float(v) for v in before.PixelSpacing] == [0.6, 0.7]
    assert before.PhotometricInterpretation == "MONOCHROME2"


@pytest.mark.django_db
def test_where_the_request_does_not_permit_it_the_file_goes_back_with_a_remedy() -> None:
    file = delivered(correct=False)
    assert (file.status, file.reason) == ("rejected", "POLARITY_INVERTED")
    assert {finding["code"]: finding["severity"] for finding in file.findings}["ROTATED"] == "must"
    assert not Image.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("correct", [True, False])
def test_a_hospital_that_says_it_stood_right_gets_it_back_as_it_came_and_a_reviewer_looks(
    correct: bool, client: Client
) -> None:
    file = delivered(correct=correct)
    manager = member(file.batch.fulfillment.hospital, Role.DATA_MANAGER)
    client.force_login(manager)
    if correct:
        page = client.get(f"/images/{Image.objects.get().pk}/")
        assert "It stood right as it came" in page.content.decode()
    assert client.post(f"/files/{file.pk}/as-it-came/").status_code == 302
    pipeline.process(file.pk)
    file.refresh_from_db()
    assert (file.status, file.as_it_came) == ("passed", True), file.findings
    severities = {finding["code"]: finding["severity"] for finding in file.findings}
    assert severities["POLARITY_INVERTED"] == severities["ROTATED"] == "should"
    image = Image.objects.get()
    assert (image.corrections, image.review_reasons[-1]) == ([], "as-it-came")
    ds = pydicom.dcmread(io.BytesIO(storage.get(storage.released(), image.stored)))
    assert ds.PhotometricInterpretation == "MONOCHROME2" and ds.pixel_array.shape == (540, 640)
    with pytest.raises(CannotDo, match="Nothing of file"):
        keep_as_it_came(file=file, actor=manager)


@pytest.mark.django_db
def test_only_the_hospital_takes_back_what_was_set_right(client: Client) -> None:
    file = delivered()
    for person in (ReviewerFactory.create(), member(file.batch.fulfillment.request.organization, Role.OWNER)):
        client.force_login(person)
        client.post(f"/files/{file.pk}/as-it-came/")
    file.refresh_from_db()
    assert (file.status, file.as_it_came) == ("passed", False)


@pytest.mark.pure
def test_masks_and_digests_belong_to_the_bytes_that_are_kept() -> None:
    outcome = deidentify(wrong(), load_policy("cxr-research"), Keyring(b"k" * 32, "k"), Context())
    assert isinstance(outcome, Released)
    box = MaskBox(0, 600, 10, 40, 20, 0.9, 0.9)
    outcome = Released(outcome.data, outcome.record, (box,), ())
    facts = read_facts(pydicom.dcmread(io.BytesIO(outcome.data)))
    turned = Truth("frontal", 1, "normal", 1, 90, 1, assessed=True)
    spec = DatasetSpec(title="x")
    after, made = set_right(outcome, turned, facts, spec)
    assert [one.turns for one in made] == [1]
    assert after.record.output_sha256 == hashlib.sha256(after.data).hexdigest() != outcome.record.output_sha256
    assert after.record.pixel_sha256_out != outcome.record.pixel_sha256_out
    assert (after.masks[0].x, after.masks[0].y, after.masks[0].width, after.masks[0].height) == (10, 0, 20, 40)
    boxes = {"findings": [{"finding": "Pneumothorax", "annotation": "box"}]}
    assert set_right(outcome, turned, facts, DatasetSpec.model_validate({"title": "x", "labels": boxes})) == (
        outcome,
        (),
    )
    sure = Truth("frontal", 1, "normal", 1, 0, 1, assessed=True)
    doubtful = Truth("frontal", 1, assessed=True)
    for truth in (sure, doubtful, Truth()):
        assert set_right(outcome, truth, facts, spec) == (outcome, ())
