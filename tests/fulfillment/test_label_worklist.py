"""A batch's labels against its reports: what each role sees, what is told, and what settling does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fulfillment.label_worklist import batch_rate, checked, release_rate
from fulfillment.models import Annotation, Batch, Image, Label, Release, ReleaseItem
from fulfillment.services.labels import confirm_label, correct_label
from getdata.accounts.models import Role, User
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from tests import factories
from tests.fulfillment.test_label_passport import box, cxr_request, report
from tests.support.images import image, label, sealed_batch, signed_fulfillment
from tests.support.pages import problems

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch() -> Batch:
    """Open; file 1: the report denies a pneumothorax that is marked; file 3: the report agrees."""
    made = sealed_batch(signed_fulfillment(request=cxr_request()), images=0, status="open")
    for text in ("FINDINGS: No pneumothorax.", "FINDINGS: Small right apical pneumothorax."):
        shown = image(made)
        for reader in ("reader-a", "reader-b"):
            box(label(shown, "Pneumothorax", method="single_reader", reader=reader), [2, 3, 4, 5])
        report(shown, text)
    return made


def manager(batch: Batch) -> User:
    return batch.created_by


def get(user: User, batch: Batch, query: str = "") -> Any:
    client = Client()
    client.force_login(user)
    return client.get(reverse("batch_labels", args=[batch.pk]) + query)


def test_the_hospital_and_staff_see_the_worklist_and_the_researcher_a_figure(batch: Batch) -> None:
    delivery = batch.fulfillment
    people = {
        "hospital": (factories.member(delivery.hospital, Role.READER), 200),
        "reviewer": (factories.ReviewerFactory.create(), 200),
        "researcher": (factories.member(delivery.request.organization, Role.OWNER), 404),
        "another hospital": (factories.member(factories.HospitalFactory.create()), 404),
    }
    for state in ("open", "accepted"):
        Batch.objects.filter(pk=batch.pk).update(status=state)
        for who, (user, status) in people.items():
            answer = get(user, batch)
            assert answer.status_code == status, (state, who)
            if status == 200:
                html = answer.content.decode()
                assert problems(html) == []
                assert '<mark class="said">' in html and "The report denies it" in html
                assert "Confirm as it is" not in html, "neither may deliver"
    client = Client()
    client.force_login(people["researcher"][0])
    page = client.get(reverse("batch_detail", args=[batch.pk])).content.decode()
    assert "<b>1 of 2 images</b> with labels and a report (50.0 %)" in page
    assert reverse("batch_labels", args=[batch.pk]) not in page
    assert "<mark" not in page


def test_findings_are_counted_with_their_sources_and_the_agreement_of_readers(batch: Batch) -> None:
    (row,) = checked(batch).findings
    assert (row.name, row.states, row.sources, row.marked, row.readers) == (
        "Pneumothorax",
        {"present": 2},
        {"one radiologist": 4},
        2,
        2,
    )
    assert row.agreement is not None and row.agreement.value is None
    assert row.overlap is not None
    assert (row.overlap.matched, row.overlap.iou.value, row.overlap.found.value) == (2, 1.0, 1.0)
    third = image(batch)
    label(third, "Pneumothorax", "absent", method="single_reader", reader="reader-a")
    label(third, "Pneumothorax", "present", method="single_reader", reader="reader-b")
    (row,) = checked(batch).findings
    assert row.states == {"present": 2, "possible": 1}
    assert row.agreement is not None
    assert (row.agreement.n, row.agreement.value) == (3, pytest.approx(0.0))


def test_a_confirmed_label_is_settled_and_a_corrected_one_agrees(batch: Batch) -> None:
    actor = manager(batch)
    (doubt,) = checked(batch).open
    assert (doubt.kind, doubt.contradiction) == ("report_denies", True)
    first = Image.objects.get(pk=doubt.image)
    one, other = Label.objects.standing().filter(image=first).order_by("reader")
    confirmed = confirm_label(label=one, reason="Seen on the lateral view.", actor=actor)
    assert (confirmed.state, confirmed.origin, confirmed.reader) == ("present", "confirmed", "reader-a")
    assert [shape.box for shape in confirmed.annotations.all()] == [[2, 3, 4, 5]], "its marks go with it"
    assert (checked(batch).open, checked(batch).confirmed) == ([], 1)
    assert batch_rate(batch).contradicted == 1, "the report still says otherwise"
    for wrong in (one, other):
        standing = Label.objects.standing().get(image=first, reader=wrong.reader)
        correct_label(label=standing, state="absent", reason="A skin fold.", actor=actor)
    assert batch_rate(batch).contradicted == 0
    assert not Annotation.objects.filter(label__in=Label.objects.standing().filter(image=first)).exists()
    events = AuditEvent.objects.filter(verb__startswith="label.")
    assert [event.verb for event in events] == ["label.confirmed", "label.corrected", "label.corrected"]
    assert "skin fold" not in str([event.data for event in events])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason": "  "}, "reason_needed"),
        ({"reason": "x" * 501}, "reason_needed"),
        ({"state": "maybe"}, "unknown_state"),
        ({"state": "present"}, "state_unchanged"),
    ],
)
def test_what_cannot_be_corrected_is_told(batch: Batch, change: dict[str, str], code: str) -> None:
    row = Label.objects.standing()[0]
    with pytest.raises(CannotDo) as refusal:
        correct_label(**{"label": row, "state": "absent", "reason": "Read again.", "actor": manager(batch), **change})
    assert refusal.value.code == code and refusal.value.remedy
    assert Label.objects.filter(supersedes__isnull=False).count() == 0


def test_two_people_at_once_and_batches_that_are_closed(batch: Batch) -> None:
    row = Label.objects.standing()[0]
    confirm_label(label=row, reason="Yes.", actor=manager(batch))
    with pytest.raises(CannotDo) as refusal:
        confirm_label(label=row, reason="Yes too.", actor=manager(batch))
    assert refusal.value.code == "superseded_meanwhile"
    Batch.objects.filter(pk=batch.pk).update(status="sealed")
    with pytest.raises(CannotDo) as refusal:
        confirm_label(label=Label.objects.standing().last(), reason="Yes.", actor=manager(batch))  # type: ignore[arg-type]
    assert refusal.value.code == "batch_not_writable"


def test_settling_on_the_page_and_who_may_not(batch: Batch) -> None:
    row = Label.objects.standing()[0]
    address = reverse("label_settle", args=[row.pk])
    for user, status in (
        (factories.member(batch.fulfillment.hospital, Role.READER), 302),
        (factories.member(batch.fulfillment.request.organization, Role.OWNER), 404),
        (factories.member(factories.HospitalFactory.create()), 404),
    ):
        client = Client()
        client.force_login(user)
        answer = client.post(address, {"act": "correct", "state": "absent", "reason": "A skin fold."})
        assert answer.status_code == status
        assert Label.objects.standing().filter(pk=row.pk).exists()
    client = Client()
    client.force_login(manager(batch))
    assert "Confirm as it is" in client.get(reverse("batch_labels", args=[batch.pk])).content.decode()
    answer = client.post(
        address, {"act": "correct", "state": "absent", "reason": "A skin fold.", "kind": "report_denies"}
    )
    assert answer["Location"].endswith("?kind=report_denies#doubts")
    assert not Label.objects.standing().filter(pk=row.pk).exists()
    assert client.post(address, {"act": "confirm", "reason": "Yes."}).status_code == 404, "it no longer stands"


def test_kinds_filter_and_empty_states_are_said(batch: Batch) -> None:
    user = factories.ReviewerFactory.create()
    assert "It is settled." in get(user, batch, "?kind=side_differs").content.decode()
    assert get(user, batch, "?kind=nonsense").status_code == 404
    empty = sealed_batch(batch.fulfillment, images=1)
    assert "No labels yet" in get(user, empty).content.decode()


def test_the_figure_of_a_release_is_of_what_one_may_know(batch: Batch) -> None:
    release = Release.objects.create(
        request=batch.fulfillment.request, number=1, prepared_by=factories.ReviewerFactory.create(), status="published"
    )
    for shown in Image.objects.all():
        ReleaseItem.objects.create(release=release, image=shown, path=f"{shown.pk}.dcm", sha256="0")
    Batch.objects.filter(pk=batch.pk).update(status="accepted")
    researcher = factories.member(batch.fulfillment.request.organization, Role.OWNER)
    rate = release_rate(release, researcher)
    assert (rate.contradicted, rate.images, rate.percent) == (1, 2, 50.0)
    client = Client()
    client.force_login(researcher)
    assert "1 of 2 images" in client.get(reverse("release_detail", args=[release.pk])).content.decode()
    stranger = factories.member(factories.HospitalFactory.create())
    assert release_rate(release, stranger).images == 0
