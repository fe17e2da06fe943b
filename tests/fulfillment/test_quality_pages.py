"""The quality of a batch and of an image: who sees it, what it says, how many queries it takes, what the CSV holds."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fulfillment.batch_quality import BatchQuality, label_scores
from fulfillment.image_quality import ImageQuality
from fulfillment.models import Batch, DuplicateHit, Image, QualityScore, SourceFileStatus
from fulfillment.quality.completeness import Completeness, Item, State
from getdata.accounts.models import Role, User
from requests_app.spec import DatasetSpec
from tests import factories
from tests.factories import ReviewerFactory, UserFactory, member
from tests.support.images import accepted_batch, image, label, sealed_batch, source_file
from tests.support.pages import problems

pytestmark = pytest.mark.django_db
DEPTH = "these look like 8-bit exports in a larger file; send the original DICOM"
HEADER = Completeness(80.0, 1.0, (Item("ViewPosition", State.PRESENT), Item("KVP", State.PLACEHOLDER, "", 20.0)))


def scored(of: Image, total: float, **fields: Any) -> QualityScore:
    """A newer score, as the pipeline writes it now."""
    components = fields.pop("components", {"depth": total, "noise": 80.0})
    return QualityScore.objects.create(
        image=of,
        version="GetDATA-Q 2.0",
        gate=fields.pop("gate", True),
        total=total,
        components=components,
        weakest=fields.pop("weakest", min(components, key=lambda name: components[name])),
        remedy=fields.pop("remedy", DEPTH),
        gain=fields.pop("gain", 31.0),
        completeness=HEADER.as_dict(),
        **fields,
    )


def with_spec(batch: Batch, **changes: Any) -> Batch:
    """The batch under a specification of its own (the version's row is made in tests only)."""
    document = DatasetSpec.model_validate({"title": "Chest radiographs", **changes}).model_dump(mode="json")
    type(batch.spec_version).objects.filter(pk=batch.spec_version_id).update(document=document)
    batch.spec_version.refresh_from_db()
    return batch


def page(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, (address, response.status_code)
    text = response.content.decode()
    assert status != 200 or problems(text) == []
    return text


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def addresses(batch: Batch) -> list[str]:
    first = Image.objects.filter(source__batch=batch).first()
    assert first is not None
    return [f"/batches/{batch.pk}/quality/", f"/batches/{batch.pk}/quality.csv", f"/images/{first.pk}/"]


def test_the_hospital_and_reviewers_see_it_and_the_requester_once_it_is_accepted() -> None:
    waiting, done = sealed_batch(images=1), accepted_batch(images=1)
    for batch in (waiting, done):
        inside = [member(batch.fulfillment.hospital, Role.DATA_MANAGER), ReviewerFactory.create()]
        asker = member(batch.fulfillment.request.organization, Role.VIEWER)
        expected = {200} if batch is done else {404}
        for address in addresses(batch):
            assert {signed_in(person).get(address).status_code for person in inside} == {200}
            assert {signed_in(asker).get(address).status_code} == expected
            assert signed_in(UserFactory.create()).get(address).status_code == 404
            assert "/accounts/login/" in Client().get(address)["Location"]
    assert Batch.objects.pictured_for(AnonymousUser()).count() == 0
    asking = done.fulfillment.request.organization
    person = member(asking, Role.OWNER)
    type(asking).objects.filter(pk=asking.pk).update(status="suspended")
    assert {signed_in(person).get(address).status_code for address in addresses(done)} == {404}


def test_a_batch_page_says_what_would_raise_it_and_lists_the_worst_first() -> None:
    batch = with_spec(sealed_batch(images=0), quality={"components": [{"component": "depth", "min": 50}]})
    for total in (40.0, 42.0, 90.0):
        last = image(batch)
        scored(last, total, **({"remedy": "", "gain": 0.0} if total == 90.0 else {}))
    Image.objects.filter(pk=last.pk).update(
        findings=[{"code": "ROTATED", "severity": "should", "message": "It is turned.", "remedy": "Turn it."}]
    )
    source_file(batch, status=SourceFileStatus.REJECTED, reason="QUALITY_SHORT_SIDE")
    client = signed_in(ReviewerFactory.create())
    text = page(client, f"/batches/{batch.pk}/quality/")
    assert "Depth 41: 2 images" in text and "+31" in text and DEPTH[1:] in text
    assert "Depth below the 50" in text and "It is turned." in text and "A made-up cause." in text
    assert text.index("quality 40") < text.index("quality 42") < text.index("quality 90")
    found = BatchQuality(batch)
    assert (found.total.n, found.total.median, found.header.median) == (3, 42.0, 80.0)
    assert any("Coverage was not measured on 3 of 3" in line for line in found.not_assessed)
    for key, numbers in {
        found.raises[0].key: [1, 2],
        "below:depth": [1, 2],
        "remark:ROTATED": [3],
        "weakest:depth": [1, 2],
        found.devices[0].key: [1, 2, 3],
        "nonsense": [1, 2, 3],
    }.items():
        assert [row.number for row in found.chosen(key)[2]] == numbers, key
    narrowed = page(client, f"/batches/{batch.pk}/quality/?group=remark:ROTATED")
    assert "Turn it." in narrowed and "quality 90" in narrowed and "quality 40" not in narrowed


def test_the_newest_score_of_an_image_counts_and_a_failed_gate_has_its_group() -> None:
    batch = sealed_batch(images=1)
    first = Image.objects.get(source__batch=batch)
    scored(first, 0.0, gate=False, gate_reason="SHORT_SIDE", remedy="Send the original size.")
    found = BatchQuality(batch)
    assert [row.version for row in found.rows] == ["GetDATA-Q 2.0"]
    assert (found.groups[0].key, found.groups[0].remedy) == ("gate:SHORT_SIDE", "Send the original size.")
    assert found.raises == [], "a gate is not a component"
    text = page(signed_in(ReviewerFactory.create()), f"/images/{first.pk}/")
    assert "A gate refused this image" in text and "SHORT_SIDE" in text


def test_the_pages_take_as_many_queries_for_many_images_as_for_few() -> None:
    client, counts = signed_in(ReviewerFactory.create()), []
    page(client, "/dashboard/")  # a session notes that it lives, once a minute
    for number in (2, 9):
        batch = sealed_batch(images=0)
        spec = {"labels": {"findings": [{"finding": "Nodule"}, {"finding": "Pneumothorax", "annotation": "box"}]}}
        with_spec(batch, **spec)
        for made in (image(batch) for _ in range(number)):
            scored(made, 50.0)
            label(made, "Nodule")
        for address in addresses(batch):
            with CaptureQueriesContext(
                connection,
            ) as asked:
                page(client, address)
            counts.append(len(asked))
    assert counts[:3] == counts[3:]
    assert counts[0] < 40


def test_an_empty_batch_and_one_in_work_are_designed() -> None:
    client = signed_in(ReviewerFactory.create())
    empty = factories.batch()
    assert "Nothing to measure yet" in page(client, f"/batches/{empty.pk}/quality/")
    source_file(empty, status=SourceFileStatus.RECEIVED)
    text = page(client, f"/batches/{empty.pk}/quality/")
    assert "No image is through yet" in text and 'hx-trigger="every 10s"' in text
    refused = factories.batch()
    source_file(refused, status=SourceFileStatus.REJECTED, reason="NOT_DICOM")
    assert "No image passed" in page(client, f"/batches/{refused.pk}/quality/")
    assert page(client, f"/batches/{refused.pk}/quality.csv").count("\n") == 1


def test_the_csv_holds_our_own_ids_and_numbers_alone() -> None:
    batch = with_spec(sealed_batch(images=2), labels={"findings": [{"finding": "Nodule"}]})
    first = Image.objects.filter(source__batch=batch).order_by("source__number")[0]
    scored(first, 40.0)
    label(first, "Nodule", "absent")
    text = page(signed_in(member(batch.fulfillment.hospital)), f"/batches/{batch.pk}/quality.csv", 200)
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["total"] for row in rows] == ["40.0", "80.0"]
    assert (rows[0]["image"], rows[0]["depth"], rows[0]["coverage"]) == (str(first.pk), "40.0", "")
    assert [row["label_completeness"] for row in rows] == ["100.0", "0.0"]
    for value in (first.sop_instance_uid, "Maker", "GD-"):
        assert value not in text


def test_label_completeness_of_a_batch_is_that_of_its_images() -> None:
    batch = with_spec(
        sealed_batch(images=2),
        labels={"findings": [{"finding": "Nodule"}, {"finding": "Pneumothorax", "annotation": "box"}]},
    )
    first, second = Image.objects.filter(source__batch=batch).order_by("source__number")
    label(first, "Nodule", "absent")
    seen = label(first, "Pneumothorax", "present", reader="r1")
    label(first, "Pneumothorax", "absent", reader="r2")
    seen.annotations.create(kind="box", box=[1, 2, 3, 4], row=2)
    label(second, "Pneumothorax", "likely")
    label(second, "Nodule", "not_mentioned")
    spec = DatasetSpec.model_validate(batch.spec_version.document)
    person = ReviewerFactory.create()
    both = {made.pk: ImageQuality(made, person).label_score for made in (first, second)}
    assert label_scores(batch, spec) == {key: found.score for key, found in both.items() if found}
    assert sorted(found.score or 0 for found in both.values() if found) == [33.3, 100.0]


def test_an_image_page_shows_components_truth_completeness_labels_and_copies() -> None:
    batch = with_spec(sealed_batch(images=2), labels={"findings": [{"finding": "Nodule"}, {"finding": "Pneumothorax"}]})
    first, second = Image.objects.filter(source__batch=batch).order_by("source__number")
    scored(first, 40.0)
    passport = label(first, "Nodule")
    Image.objects.filter(pk=first.pk).update(masks=[{"frame": 0, "x": 2, "y": 3, "width": 8, "height": 5}])
    DuplicateHit.objects.create(image=first, other=second, kind="near", version="test")
    elsewhere = image(sealed_batch(images=0))
    DuplicateHit.objects.create(image=first, other=elsewhere, kind="near", version="test")
    source_file(batch, status=SourceFileStatus.REJECTED, reason="DUPLICATE_IMAGE", twin=first)
    text = page(signed_in(member(batch.fulfillment.hospital)), f"/images/{first.pk}/")
    for words in (
        "Depth 40",
        "+31",
        "Not measured",
        "KVP",
        "a placeholder",
        "+20",
        "Pneumothorax",
        "Not assessed",
        "1 of 2 images",
    ):
        assert words in text, words
    assert f"/labels/{passport.pk}/" in text and '<rect x="2" y="3" width="8" height="5"' in text
    assert f"/images/{second.pk}/" in text, "the twin and the next image"
    assert "was the same picture and was not kept" in text
    assert str(elsewhere.pk) not in text, "another hospital's image is nobody's business here"


def test_what_the_picture_shows_is_held_against_the_header() -> None:
    batch = sealed_batch(images=1)
    made = Image.objects.get(source__batch=batch)
    found = ImageQuality(made, ReviewerFactory.create())
    assert found.seen == [] and "not held against" in found.why_not_seen
    found.truth = {
        "assessed": True,
        "view": "lateral",
        "view_confidence": 0.99,
        "polarity": "inverted",
        "polarity_confidence": 1.0,
        "rotation": 90,
        "rotation_confidence": 1.0,
        "mirrored": False,
        "cut_off": ["top"],
    }
    assert {item.what: item.agrees for item in found.seen} == {
        "View": False,
        "Polarity": False,
        "Rotation": False,
        "Mirrored": True,
        "Cut off": False,
    }


def test_the_guide_is_public_and_every_component_has_its_picture() -> None:
    text = page(Client(), "/quality/")
    for name in ("resolution", "sharpness", "noise", "depth", "clipping", "blockiness", "contrast", "coverage"):
        assert f'id="{name}"' in text and f"pictures/quality/{name}.webp" in text
