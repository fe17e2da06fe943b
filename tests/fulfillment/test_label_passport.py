"""The passport of a label: what each role sees of it, and that nobody sees more than pictures of the same image."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image as Picture

from fulfillment.label_passport import passport_of
from fulfillment.models import (
    AccessGrant,
    Annotation,
    Image,
    Label,
    Release,
    ReleaseItem,
    Report,
    SourceFile,
    SourceKind,
)
from fulfillment.selectors import release_samples
from getdata.accounts.models import Role, User
from getdata.common import storage
from tests import factories
from tests.support.access import downloader
from tests.support.images import accepted_batch, image, label, sealed_batch, signed_fulfillment, source_file
from tests.support.pages import problems

pytestmark = pytest.mark.django_db
TEXT = """INDICATION: Cough, pneumothorax?
FINDINGS: Small right apical pneumothorax. No pleural effusion.
IMPRESSION: Right pneumothorax."""


def cxr_request() -> Any:
    from requests_app.spec import example_specs

    spec = next(spec for spec in example_specs().values() if spec.taxonomy().name == "getdata-cxr")
    return factories.open_request(draft=spec.model_dump(mode="json"))


def report(of: Image, text: str = TEXT, **fields: Any) -> Report:
    source = source_file(of.source.batch, kind=SourceKind.REPORTS)
    return Report.objects.create(
        **{
            "batch": of.source.batch,
            "study": of.series.study,
            "source": source,
            "row": 2,
            "state": "linked",
            "text": text,
            "language": "en",
            **fields,
        }
    )


def box(of: Label, numbers: list[float]) -> Annotation:
    return Annotation.objects.create(label=of, kind="box", box=numbers, row=of.row)


def page(user: User, of: Label) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(reverse("label_passport", args=[of.pk]))


def people(of: Image) -> dict[str, User]:
    delivery = of.source.batch.fulfillment
    return {
        "hospital": factories.member(delivery.hospital, Role.READER),
        "reviewer": factories.ReviewerFactory.create(),
        "researcher": factories.member(delivery.request.organization, Role.READER),
        "another hospital": factories.member(factories.HospitalFactory.create()),
        "nobody": factories.UserFactory.create(),
    }


def test_before_acceptance_the_researcher_sees_no_label_and_afterwards_the_whole_of_it() -> None:
    under = signed_fulfillment(request=cxr_request())
    seen = {}
    for state, batch in (("sealed", sealed_batch(under, images=0)), ("accepted", accepted_batch(under, images=0))):
        shown = image(batch)
        given = label(shown, "Pneumothorax", reader="reader-3f", method="single_reader")
        box(given, [2, 3, 8, 9])
        report(shown)
        for who, user in people(shown).items():
            answer = page(user, given)
            seen[state, who] = answer.status_code
            if answer.status_code == 200:
                html = answer.content.decode()
                assert problems(html) == []
                assert "M2 3h8v9h-8Z" in html and "Small right" in html and "reader-3f" in html
                assert answer["Cache-Control"] == "private, no-store"
    refused = {key for key, status in seen.items() if status == 404}
    assert refused == {
        ("sealed", "researcher"),
        *((state, who) for state in ("sealed", "accepted") for who in ("another hospital", "nobody")),
    }
    assert Client().get(reverse("label_passport", args=[given.pk])).status_code == 302


@pytest.mark.parametrize("what", ["table", "image", "organization"])
def test_the_researcher_loses_sight_of_what_is_withdrawn(what: str) -> None:
    batch = accepted_batch(signed_fulfillment(request=cxr_request()), images=0)
    shown = image(batch)
    given = label(shown, "Pneumothorax")
    researcher = factories.member(batch.fulfillment.request.organization, Role.OWNER)
    hospital = factories.member(batch.fulfillment.hospital, Role.READER)
    assert page(researcher, given).status_code == 200
    if what == "organization":
        organization = batch.fulfillment.request.organization
        type(organization).objects.filter(pk=organization.pk).update(status="suspended")
    else:
        pk = given.table_id if what == "table" else shown.source_id
        SourceFile.objects.filter(pk=pk).update(status="withdrawn")
    assert page(researcher, given).status_code == 404
    kept = page(hospital, given)
    assert kept.status_code == 200
    if what == "image":
        assert reverse("image_preview", args=[shown.pk]) not in kept.content.decode()


def test_the_phrase_is_marked_in_its_section_and_the_question_is_no_evidence() -> None:
    shown = image(accepted_batch(signed_fulfillment(request=cxr_request()), images=0))
    given = label(shown, "Pneumothorax")
    report(shown)
    (evidence,) = passport_of(given, factories.ReviewerFactory.create()).evidence
    assert [part.name for part in evidence.speaking] == ["Findings", "Impression"]
    marked = [piece.text for part in evidence.passages for piece in part.pieces if piece.marked]
    assert len(marked) == 2 and all("pneumothorax" in words for words in marked)
    whole = "".join(piece.text for part in evidence.passages for piece in part.pieces)
    assert all(words in whole for words in ("Cough, pneumothorax?", "No pleural effusion."))
    assert evidence.state == "present" and evidence.agrees is True


def test_a_report_that_says_otherwise_is_told() -> None:
    shown = image(accepted_batch(signed_fulfillment(request=cxr_request()), images=0))
    given = label(shown, "Pleural effusion")
    report(shown)
    answer = page(factories.ReviewerFactory.create(), given)
    assert "The report says otherwise" in answer.content.decode()


def test_readers_consensus_and_shapes_of_others_are_shown_together() -> None:
    shown = image(accepted_batch(signed_fulfillment(request=cxr_request()), images=0))
    first = label(shown, "Pneumothorax", reader="r1", method="single_reader", board_certified=True)
    second = label(shown, "Pneumothorax", reader="r2", method="single_reader", blind_to_report=False)
    third = label(shown, "Pneumothorax", "absent", reader="r3", method="single_reader")
    other = label(shown, "Nodule", reader="r1", method="single_reader")
    box(first, [1, 1, 4, 4])
    Annotation.objects.create(
        label=second, kind="polygon", box=[2, 2, 6, 6], points=[[[2, 2], [8, 2], [8, 8]]], row=second.row
    )
    mask = np.zeros((24, 20), dtype=np.uint8)
    mask[5:9, 6:10] = 255
    out = io.BytesIO()
    Picture.fromarray(mask).save(out, "PNG")
    storage.put(storage.released(), "masks/one.png", out.getvalue())
    Annotation.objects.create(label=third, kind="mask", box=[6, 5, 4, 4], mask="masks/one.png", row=third.row)
    found = passport_of(first, factories.ReviewerFactory.create())
    assert [row.reader for row in found.statements] == ["r1", "r2", "r3"]
    assert (found.verdict.state, found.rule) == ("present", "majority of the readers")
    assert [mark.path for mark in found.own_marks] == ["M1 1h4v4h-4Z"]
    assert [mark.path for mark in found.other_marks] == ["M2 2L8 2L8 8Z", "M6 5h4v4h-4Z"]
    assert {found.previous, found.following} & {other, second, third} and found.total == 4
    assert found.codes and all(row.code != "-" for row in found.codes)


def test_a_correction_names_a_role_and_gives_its_reason_to_the_hospital_alone() -> None:
    batch = accepted_batch(signed_fulfillment(request=cxr_request()), images=0)
    shown = image(batch)
    manager = factories.member(batch.fulfillment.hospital, Role.DATA_MANAGER, name="Quentin Vasari")
    old = label(shown, "Pneumothorax")
    new = label(
        shown, "Pneumothorax", "absent", row=old.row, supersedes=old, origin="corrected", reason="Skin fold of bed 7.",
        entered_by=manager,
    )  # fmt: skip
    researcher = factories.member(batch.fulfillment.request.organization, Role.OWNER)
    told = page(manager, new).content.decode()
    assert "Skin fold of bed 7." in told and "a data manager of the hospital" in told
    for given in (old, new):
        html = page(researcher, given).content.decode()
        assert "a data manager of the hospital" in html and "Skin fold" not in html and "Vasari" not in html
    assert "This row no longer counts" in page(researcher, old).content.decode()


def test_a_label_that_waits_for_its_image_has_a_page_for_the_hospital() -> None:
    batch = sealed_batch(signed_fulfillment(request=cxr_request()), images=1)
    shown = Image.objects.get()
    waiting = label(shown, "Pneumothorax")
    Label.objects.filter(pk=waiting.pk).update(image=None)
    hospital = factories.member(batch.fulfillment.hospital, Role.READER)
    assert "The label waits for it" in page(hospital, waiting).content.decode()


def test_the_pages_of_review_and_release_lead_to_it() -> None:
    batch = accepted_batch(signed_fulfillment(request=cxr_request()), images=0)
    shown = image(batch)
    given = label(shown, "Pneumothorax")
    label(image(batch), "Nodule", "not_mentioned")
    item = Release.objects.create(
        request=batch.fulfillment.request, number=1, status="published", prepared_by=batch.reviewer, archive="r/x.zip"
    )
    for one in Image.objects.all():
        ReleaseItem.objects.create(release=item, image=one, path=one.path_in_release, sha256=one.output_sha256)
    address = reverse("label_passport", args=[given.pk])
    reviewer = factories.ReviewerFactory.create()
    AccessGrant.objects.create(
        release=item,
        organization=batch.fulfillment.request.organization,
        granted_by=reviewer,
        expires_at=timezone.now() + timedelta(days=1),
    )
    researcher = downloader(item, Role.OWNER)
    for user, name, pk in (
        (reviewer, "batch_sheet", batch.pk),
        (reviewer, "release_detail", item.pk),
        (researcher, "release_detail", item.pk),
    ):
        client = Client()
        client.force_login(user)
        html = client.get(reverse(name, args=[pk])).content.decode()
        assert problems(html) == [] and address in html, name
    assert len(release_samples(item, researcher)) == 1


def test_agreement_on_the_finding_in_this_batch_has_an_interval_and_a_count() -> None:
    batch = accepted_batch(signed_fulfillment(request=cxr_request()), images=0)
    reviewer = factories.ReviewerFactory.create()
    pairs = (("present", "present"), ("absent", "absent"), ("present", "absent"), ("absent", "absent"))
    for pair in pairs * 3:
        shown = image(batch, store=False)
        for reader, said in zip(("r1", "r2"), pair, strict=True):
            given = label(shown, "Pneumothorax", said, reader=reader, method="single_reader")
    found = passport_of(given, reviewer).agreement
    assert found is not None and (found.measure, found.readers) == ("Cohen’s kappa", 2)
    assert found.estimate.n == 12 and found.estimate.value == pytest.approx(0.5)
    assert found.estimate.low is not None and found.estimate.low <= 0.5 <= found.estimate.high  # type: ignore[operator]
    assert "Cohen’s kappa 0.50" in page(reviewer, given).content.decode()
    label(shown, "Pneumothorax", "present", reader="r3", method="single_reader")
    third = passport_of(given, reviewer).agreement
    assert third is not None and (third.measure, third.readers) == ("Krippendorff’s alpha", 3)
    alone = label(image(batch, store=False), "Nodule", reader="r1", method="single_reader")
    assert passport_of(alone, reviewer).agreement is None
