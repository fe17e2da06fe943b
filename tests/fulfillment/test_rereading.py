"""The blind second reading of a batch's labels: drawn once, read without sight of what was submitted, weighted back."""

from __future__ import annotations

import pytest
from django.test import Client

from fulfillment.models import Batch, Rereading, RereadingAnswer
from fulfillment.rereading_results import result_of
from fulfillment.services.rereading import answer_image, begin_rereading, next_image
from getdata.accounts.models import Role, User
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from tests.factories import ReviewerFactory, member
from tests.support import images

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer() -> User:
    return ReviewerFactory.create()


@pytest.fixture
def batch() -> Batch:
    """Four images; the first two with an effusion, the others without, and one word on cardiomegaly."""
    made = images.sealed_batch(images=4)
    for number, file in enumerate(made.files.filter(kind="instance").select_related("image")):
        images.label(file.image, "Effusion", "present" if number < 2 else "absent")
        if number == 0:
            images.label(file.image, "Cardiomegaly", "possible")
    return made


def read_all(found: Rereading, reviewer: User, states: dict[int, str]) -> None:
    """Answer as submitted, but for the files named by number."""
    while (image := next_image(found)) is not None:
        answers = {
            str(item.pk): states.get(image.source.number, item.submitted)
            for item in found.items.filter(image=image, answer=None)
        }
        assert answer_image(rereading=found, image=image, answers=answers, actor=reviewer) == len(answers)


def test_a_sample_is_drawn_once_and_its_arithmetic_is_kept(batch: Batch, reviewer: User) -> None:
    found = begin_rereading(batch=batch, precision=0.05, actor=reviewer)
    assert (found.items.count(), sum(size for _, _, size in found.strata)) == (5, 5)
    assert found.arithmetic[0].startswith("n0 = 1.96^2 x 0.05 x 0.95 / 0.05^2 = 73.0")
    with pytest.raises(CannotDo, match="drawn already"):
        begin_rereading(batch=batch, precision=0.03, actor=reviewer)
    event = AuditEvent.objects.get(verb="rereading.begun")
    assert (event.data["chosen"], event.data["seed"]) == (5, found.seed)


def test_what_contradicts_is_counted_and_possible_makes_nothing_wrong(batch: Batch, reviewer: User) -> None:
    found = begin_rereading(batch=batch, precision=0.05, actor=reviewer)
    read_all(found, reviewer, {1: "absent", 3: "cannot_tell"})
    result = result_of(found)
    assert (result.total, result.read, result.unclear, result.images_left) == (5, 5, 1, 0)
    # Of five labels one is contradicted: the effusion of file 1. Its possible cardiomegaly is not.
    assert [(each.item.image.source.number, each.item.finding) for each in result.disagreements] == [(1, "Effusion")]
    assert {finding: (read, wrong) for finding, read, wrong in result.by_finding} == {
        "Effusion": (3, 1),
        "Cardiomegaly": (1, 0),
    }
    # Present: one of two wrong; absent: none of the one told, which stands for two; possible: none.
    assert result.rate.value == pytest.approx(1 / 5)


def test_nobody_judges_what_they_delivered_and_a_hospital_sees_none_of_it(batch: Batch, client: Client) -> None:
    sender = batch.created_by
    client.force_login(sender)
    assert client.get(f"/review/batches/{batch.pk}/re-reading/").status_code == 404
    assert client.post(f"/review/batches/{batch.pk}/re-reading/begin/", {"precision": "0.05"}).status_code == 404
    sender.staff_role = User.StaffRole.REVIEWER
    sender.save()
    with pytest.raises(CannotDo):
        begin_rereading(batch=batch, precision=0.05, actor=sender)
    other = member(batch.fulfillment.request.organization, Role.OWNER)
    client.force_login(other)
    assert client.get(f"/review/batches/{batch.pk}/re-reading/read/").status_code == 404


def test_the_page_shows_the_image_and_nothing_that_was_said_of_it(batch: Batch, reviewer: User, client: Client) -> None:
    client.force_login(reviewer)
    place = f"/review/batches/{batch.pk}/re-reading/"
    assert "Draw and begin" in client.get(place).content.decode()
    assert client.post(f"{place}begin/", {"precision": "0.05"}).url == f"{place}read/"
    page = client.get(f"{place}read/").content.decode()
    assert page.count("Effusion") == 1 and " checked" not in page
    assert "submitted</th>" not in page and "/labels/" not in page

    image = next_image(Rereading.objects.get())
    assert image is not None
    half = client.post(f"{place}read/", {"image": str(image.pk)})
    assert "Not answered" in half.content.decode() and not RereadingAnswer.objects.exists()
    items = Rereading.objects.get().items.filter(image=image)
    form = {"image": str(image.pk)} | {f"item-{item.pk}": "absent" for item in items}
    assert client.post(f"{place}read/", form).status_code == 302
    assert RereadingAnswer.objects.count() == items.count()
    client.post(f"{place}read/", {name: "present" if name != "image" else value for name, value in form.items()})
    assert set(RereadingAnswer.objects.values_list("state", flat=True)) == {"absent"}  # the first answer counts
    assert "Reading is not finished" in client.get(place).content.decode()


def test_a_batch_without_labels_says_so(reviewer: User, client: Client) -> None:
    batch = images.sealed_batch(images=1)
    client.force_login(reviewer)
    assert "No labels to read" in client.get(f"/review/batches/{batch.pk}/re-reading/").content.decode()
    with pytest.raises(CannotDo, match="has a label"):
        begin_rereading(batch=batch, precision=0.05, actor=reviewer)
