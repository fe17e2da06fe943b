"""A batch from its first day to the reviewer's desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fulfillment.models import (
    Batch,
    BatchStatus,
    Fulfillment,
    FulfillmentStatus,
    PseudonymKey,
    SourceFile,
    SourceFileStatus,
    Upload,
)
from fulfillment.services.batches import (
    create_batch,
    retry_all,
    retry_file,
    seal_batch,
    what_hinders_sealing,
    withdraw_file,
    working_days_after,
)
from fulfillment.services.fulfillments import complete_fulfillment, terminate_fulfillment
from fulfillment.services.reviews import RETURNED
from fulfillment.uploads.names import UNREADABLE, seal_name
from getdata.accounts.models import Organization, Role, User
from getdata.audit.models import AuditEvent
from getdata.common import crypto
from getdata.common.problems import CannotDo
from getdata.common.states import IllegalTransition, StaleState, transition
from getdata.notifications.models import Notification
from requests_app.models import SpecVersion
from tests.factories import AdministratorFactory, ReviewerFactory, batch, fulfillment, member
from tests.fulfillment.uploads.imaging import add_image

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery() -> Fulfillment:
    return fulfillment()


@pytest.fixture
def manager(delivery: Fulfillment) -> User:
    return member(delivery.hospital, Role.DATA_MANAGER)


@pytest.fixture
def open_batch(delivery: Fulfillment, manager: User) -> Batch:
    return create_batch(fulfillment=delivery, name="Spring", actor=manager)


def file_in(where: Batch, status: str = "received", **fields: Any) -> SourceFile:
    number = where.files.count() + 1
    return SourceFile.objects.create(
        batch=where,
        number=number,
        sealed_name=seal_name(where, f"folder/IM{number}.dcm"),
        name_digest=f"{number:064x}",
        content_digest=f"{number:064x}",
        size=5,
        status=status,
        **fields,
    )


def code_of(act: Any) -> str:
    with pytest.raises(CannotDo) as refusal:
        act()
    assert refusal.value.message
    assert refusal.value.remedy
    return refusal.value.code


# --- beginning ------------------------------------------------------------------------------------


def test_batches_are_numbered_and_pinned_to_the_current_specification(delivery: Fulfillment, manager: User) -> None:
    first = create_batch(fulfillment=delivery, name="One", actor=manager)
    old = delivery.request.current_version
    assert old is not None
    SpecVersion.objects.create(
        request=delivery.request, number=2, document=old.document, sha256="x", created_by=old.created_by
    )
    second = create_batch(fulfillment=delivery, name="Two", actor=manager)
    assert (first.number, second.number) == (1, 2)
    assert (first.spec_version.number, second.spec_version.number) == (1, 2)


def test_the_first_batch_makes_one_sealed_pseudonym_key_and_the_next_keeps_it(
    delivery: Fulfillment, manager: User
) -> None:
    create_batch(fulfillment=delivery, name="One", actor=manager)
    key = PseudonymKey.objects.get()
    secret = crypto.unseal(bytes(key.sealed_secret), scope=f"pseudonym:{delivery.hospital_id}")
    assert len(secret) == 32
    assert secret not in bytes(key.sealed_secret)
    create_batch(fulfillment=delivery, name="Two", actor=manager)
    assert PseudonymKey.objects.get().pk == key.pk


def test_a_destroyed_key_ends_deliveries_to_the_request(delivery: Fulfillment, manager: User) -> None:
    create_batch(fulfillment=delivery, name="One", actor=manager)
    PseudonymKey.objects.update(destroyed_at=timezone.now())
    code = code_of(lambda: create_batch(fulfillment=delivery, name="Two", actor=manager))
    assert code == "pseudonym_key_destroyed"
    assert Batch.objects.count() == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.READER, Role.SIGNATORY, Role.PRIVACY_OFFICER])
def test_only_those_who_upload_begin_a_batch(delivery: Fulfillment, role: str) -> None:
    person = member(delivery.hospital, role)
    code = code_of(lambda: create_batch(fulfillment=delivery, name="x", actor=person))
    assert code == "role_lacks_capability"


def test_a_suspended_hospital_begins_nothing(delivery: Fulfillment, manager: User) -> None:
    Organization.objects.filter(pk=delivery.hospital_id).update(status="suspended")
    delivery = Fulfillment.objects.get()
    assert code_of(lambda: create_batch(fulfillment=delivery, name="x", actor=manager)) == "organization_not_verified"


def test_a_cancelled_request_gets_nothing_more(delivery: Fulfillment, manager: User) -> None:
    type(delivery.request).objects.filter(pk=delivery.request_id).update(status="cancelled")
    assert code_of(lambda: create_batch(fulfillment=delivery, name="x", actor=manager)) == "request_cancelled"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_batch_needs_a_name(delivery: Fulfillment, manager: User, name: str) -> None:
    assert code_of(lambda: create_batch(fulfillment=delivery, name=name, actor=manager)) == "bad_name"


# --- sealing --------------------------------------------------------------------------------------


def test_sealing_records_who_when_and_the_verdict_and_tells_the_reviewers(open_batch: Batch, manager: User) -> None:
    reviewer = ReviewerFactory.create()
    add_image(file_in(open_batch))
    sealed = seal_batch(batch=open_batch, actor=manager)
    assert sealed.status == BatchStatus.SEALED
    assert sealed.sealed_by == manager
    assert sealed.sealed_at is not None
    assert sealed.review_due_at == working_days_after(sealed.sealed_at, 5)
    assert "COUNT_SHORT" in {finding["code"] for finding in sealed.findings}
    assert AuditEvent.objects.get(verb="batch.sealed").data["images"] == 1
    assert Notification.objects.filter(user=reviewer, event="batch.sealed").count() == 1


@pytest.mark.parametrize("status", ["received", "processing"])
def test_a_batch_with_work_in_progress_is_not_sealed(open_batch: Batch, manager: User, status: str) -> None:
    add_image(file_in(open_batch))
    file_in(open_batch, status)
    assert code_of(lambda: seal_batch(batch=open_batch, actor=manager)) == "files_in_progress"


def test_a_batch_with_an_unfinished_upload_is_not_sealed(open_batch: Batch, manager: User) -> None:
    add_image(file_in(open_batch))
    Upload.objects.create(
        batch=open_batch,
        created_by=manager,
        sealed_name=b"",
        length=5,
        expires_at=timezone.now() + timedelta(hours=1),
    )
    assert code_of(lambda: seal_batch(batch=open_batch, actor=manager)) == "uploads_unfinished"


@pytest.mark.parametrize("status", ["rejected", "quarantined", "failed", "withdrawn"])
def test_a_batch_without_a_passed_image_is_not_sealed(open_batch: Batch, manager: User, status: str) -> None:
    file_in(open_batch, status)
    assert code_of(lambda: seal_batch(batch=open_batch, actor=manager)) == "nothing_passed"


def test_an_empty_batch_is_not_sealed(open_batch: Batch, manager: User) -> None:
    assert code_of(lambda: seal_batch(batch=open_batch, actor=manager)) == "nothing_passed"


def test_refused_files_do_not_hinder_sealing(open_batch: Batch, manager: User) -> None:
    add_image(file_in(open_batch))
    file_in(open_batch, "quarantined")
    assert what_hinders_sealing(open_batch) is None


def test_a_sealed_batch_is_not_sealed_again(open_batch: Batch, manager: User) -> None:
    add_image(file_in(open_batch))
    seal_batch(batch=open_batch, actor=manager)
    with pytest.raises(StaleState):
        seal_batch(batch=open_batch, actor=manager)


def test_a_returned_batch_is_repaired_and_sealed_again(open_batch: Batch, manager: User) -> None:
    add_image(file_in(open_batch))
    Batch.objects.filter(pk=open_batch.pk).update(
        status="returned", reviewer=ReviewerFactory.create(), decided_at=timezone.now()
    )
    sealed = seal_batch(batch=open_batch, actor=manager)
    assert (sealed.status, sealed.reviewer, sealed.decided_at) == ("sealed", None, None)


def test_only_those_who_upload_seal(open_batch: Batch, delivery: Fulfillment) -> None:
    add_image(file_in(open_batch))
    viewer = member(delivery.hospital, Role.VIEWER)
    assert code_of(lambda: seal_batch(batch=open_batch, actor=viewer)) == "role_lacks_capability"


@pytest.mark.parametrize(
    ("start", "due"),
    [("2026-03-02", "2026-03-09"), ("2026-03-06", "2026-03-13"), ("2026-03-07", "2026-03-13")],
)
def test_review_is_due_five_working_days_later(start: str, due: str) -> None:
    begun = datetime.fromisoformat(f"{start}T10:00").replace(tzinfo=UTC)
    assert working_days_after(begun, 5).date().isoformat() == due


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["failed", "quarantined", "rejected"])
def test_a_retried_file_starts_afresh_and_is_announced(
    open_batch: Batch,
    manager: User,
    status: str,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rung: list[tuple[str, ...]] = []
    monkeypatch.setattr("getdata.common.queue.ring", lambda *args: rung.append(args))
    file = file_in(open_batch, status, stored="k", attempts=3, reason="X", findings=[{"code": "X"}])
    with django_capture_on_commit_callbacks(execute=True):
        moved = retry_file(file=file, actor=manager)
    assert (moved.status, moved.attempts, moved.reason, moved.findings) == ("received", 0, "", [])
    assert rung == [("fulfillment.process_task",)]


@pytest.mark.parametrize("status", ["received", "processing", "passed", "withdrawn"])
def test_a_file_that_did_not_fail_is_not_retried(open_batch: Batch, manager: User, status: str) -> None:
    with pytest.raises(StaleState):
        retry_file(file=file_in(open_batch, status, stored="k"), actor=manager)


def test_a_file_whose_bytes_are_gone_is_sent_again_instead(open_batch: Batch, manager: User) -> None:
    assert code_of(lambda: retry_file(file=file_in(open_batch, "failed"), actor=manager)) == "original_gone"


def test_a_file_a_reviewer_set_aside_is_not_processed_back_in(open_batch: Batch, manager: User) -> None:
    file = file_in(open_batch, "quarantined", stored="k", reason=RETURNED)
    assert code_of(lambda: retry_file(file=file, actor=manager)) == "returned_by_reviewer"


def test_all_files_with_one_cause_are_retried_together(open_batch: Batch, manager: User) -> None:
    for reason in ("A", "A", "B"):
        file_in(open_batch, "failed", stored="k", reason=reason)
    assert retry_all(batch=open_batch, reason="A", actor=manager) == 2
    assert sorted(SourceFile.objects.values_list("status", flat=True)) == ["failed", "received", "received"]


@pytest.mark.parametrize("status", ["received", "passed", "rejected", "quarantined", "failed"])
def test_a_settled_file_can_be_withdrawn(open_batch: Batch, manager: User, status: str) -> None:
    assert withdraw_file(file=file_in(open_batch, status), actor=manager).status == "withdrawn"


def test_a_file_in_work_cannot_be_withdrawn(open_batch: Batch, manager: User) -> None:
    file = file_in(open_batch, "processing")
    assert code_of(lambda: withdraw_file(file=file, actor=manager)) == "file_in_progress"


def test_an_archive_goes_with_what_was_in_it(open_batch: Batch, manager: User) -> None:
    archive = file_in(open_batch, "passed", kind="archive")
    file_in(open_batch, "passed", archive=archive)
    busy = file_in(open_batch, "processing", archive=archive)
    assert code_of(lambda: withdraw_file(file=archive, actor=manager)) == "file_in_progress"
    SourceFile.objects.filter(pk=busy.pk).update(status="rejected")
    withdraw_file(file=archive, actor=manager)
    assert set(SourceFile.objects.values_list("status", flat=True)) == {"withdrawn"}


@pytest.mark.parametrize("state", ["sealed", "in_review", "accepted", "rejected"])
def test_nothing_is_changed_in_a_batch_that_is_not_open(open_batch: Batch, manager: User, state: str) -> None:
    file = file_in(open_batch, "failed", stored="k")
    Batch.objects.filter(pk=open_batch.pk).update(status=state)
    file = SourceFile.objects.get(pk=file.pk)
    assert code_of(lambda: withdraw_file(file=file, actor=manager)) == "batch_not_writable"
    assert code_of(lambda: retry_file(file=file, actor=manager)) == "batch_not_writable"


# --- the end of a delivery ------------------------------------------------------------------------


def test_the_organization_that_asked_completes_a_delivery(delivery: Fulfillment) -> None:
    asker = member(delivery.request.organization, Role.DATA_MANAGER)
    assert code_of(lambda: complete_fulfillment(fulfillment=delivery, actor=asker)) == "nothing_accepted"
    accepted = batch(delivery, status="accepted")
    undecided = batch(delivery, status="in_review")
    assert code_of(lambda: complete_fulfillment(fulfillment=delivery, actor=asker)) == "batches_undecided"
    Batch.objects.filter(pk=undecided.pk).update(status="rejected")
    batch(delivery)  # open and empty: it hinders nothing
    done = complete_fulfillment(fulfillment=delivery, actor=asker)
    assert done.status == FulfillmentStatus.COMPLETED
    assert done.ended_at is not None
    assert accepted.status == "accepted"
    with pytest.raises(StaleState):
        complete_fulfillment(fulfillment=delivery, actor=asker)


def test_the_hospital_does_not_complete_its_own_delivery(delivery: Fulfillment, manager: User) -> None:
    batch(delivery, status="accepted")
    code = code_of(lambda: complete_fulfillment(fulfillment=delivery, actor=manager))
    assert code == "role_lacks_capability"


def test_a_signatory_of_either_party_or_an_administrator_ends_it_early(delivery: Fulfillment, manager: User) -> None:
    def end(actor: User, reason: str = "The study was stopped.") -> Fulfillment:
        return terminate_fulfillment(fulfillment=delivery, actor=actor, reason=reason)

    for person in (manager, ReviewerFactory.create(), member(fulfillment().hospital, Role.OWNER)):
        assert code_of(lambda person=person: end(person)) == "role_lacks_capability"
    for actor in (
        member(delivery.hospital, Role.SIGNATORY),
        member(delivery.request.organization, Role.OWNER),
        AdministratorFactory.create(),
    ):
        assert code_of(lambda actor=actor: end(actor, "  ")) == "no_reason"
        ended = end(actor)
        assert (ended.status, ended.status_note) == ("terminated", "The study was stopped.")
        Fulfillment.objects.filter(pk=delivery.pk).update(status="active")


def test_an_ended_delivery_takes_no_more(delivery: Fulfillment, manager: User, open_batch: Batch) -> None:
    Fulfillment.objects.filter(pk=delivery.pk).update(status="terminated")
    add_image(file_in(open_batch))
    ended, there = Fulfillment.objects.get(), Batch.objects.get()
    assert code_of(lambda: create_batch(fulfillment=ended, name="x", actor=manager)) == "fulfillment_not_active"
    assert code_of(lambda: seal_batch(batch=there, actor=manager)) == "fulfillment_not_active"


# --- states ---------------------------------------------------------------------------------------


def _pairs(model: Any) -> list[tuple[str, str]]:
    return [(source, target) for source in model.Status.values for target in model.Status.values]


@pytest.mark.parametrize(("source", "target"), _pairs(Batch))
def test_every_pair_of_batch_states(open_batch: Batch, source: str, target: str) -> None:
    _try(open_batch, source, target)


@pytest.mark.parametrize(("source", "target"), _pairs(SourceFile))
def test_every_pair_of_file_states(open_batch: Batch, source: str, target: str) -> None:
    _try(file_in(open_batch), source, target)


@pytest.mark.parametrize(("source", "target"), _pairs(Fulfillment))
def test_every_pair_of_fulfillment_states(delivery: Fulfillment, source: str, target: str) -> None:
    _try(delivery, source, target)


def _try(row: Any, source: str, target: str) -> None:
    model = type(row)
    model.objects.filter(pk=row.pk).update(status=source)
    if target in model.TRANSITIONS[source]:
        assert transition(model, row.pk, source, target, actor=None).status == target
        assert AuditEvent.objects.filter(verb=f"{model._meta.model_name}.{target}", target_id=str(row.pk)).exists()
        with pytest.raises(StaleState):
            transition(model, row.pk, source, target, actor=None)
    else:
        with pytest.raises(IllegalTransition):
            transition(model, row.pk, source, target, actor=None)
        assert model.objects.get(pk=row.pk).status == source


# --- pages ----------------------------------------------------------------------------------------


def test_a_hospital_goes_from_its_delivery_to_a_sealed_batch(client: Client, delivery: Fulfillment) -> None:
    owner = member(delivery.hospital, Role.OWNER)
    client.force_login(owner)
    assert delivery.request.title in client.get("/deliveries/").content.decode()
    answer = client.post(f"/deliveries/{delivery.pk}/batches/new/", {"name": "Spring"}, follow=True)
    made = Batch.objects.get()
    assert "Add files" in answer.content.decode()
    add_image(file_in(made))
    page = client.get(f"/batches/{made.pk}/").content.decode()
    assert f"/batches/{made.pk}/seal/" in page
    assert "Seal and submit" in client.get(f"/batches/{made.pk}/seal/").content.decode()
    answer = client.post(f"/batches/{made.pk}/seal/", follow=True)
    assert Batch.objects.get().status == "sealed"
    assert "With the reviewers" in answer.content.decode()


def test_a_batch_that_cannot_be_sealed_says_why_and_what_to_do(
    client: Client, open_batch: Batch, manager: User
) -> None:
    client.force_login(manager)
    page = client.get(f"/batches/{open_batch.pk}/seal/").content.decode()
    assert "No image of this batch has passed" in page
    assert "disabled" in page
    answer = client.post(f"/batches/{open_batch.pk}/seal/", follow=True)
    assert "No image of this batch has passed" in answer.content.decode()
    assert Batch.objects.get().status == "open"


def test_the_page_polls_while_files_are_in_work_and_stops_when_they_are_settled(
    client: Client, open_batch: Batch, manager: User
) -> None:
    client.force_login(manager)
    file = file_in(open_batch)
    add_image(file_in(open_batch))
    url = f"/batches/{open_batch.pk}/progress/"
    working = client.get(url, headers={"HX-Request": "true"})
    assert "every 2s" in working.content.decode()
    assert "<b>1</b> of <b>2</b>" in working.content.decode() or "1</b> of 2" in working.content.decode()
    assert "HX-Trigger" not in working
    SourceFile.objects.filter(pk=file.pk).update(status="rejected")
    settled = client.get(url, headers={"HX-Request": "true"})
    assert "every 2s" not in settled.content.decode()
    assert settled["HX-Trigger"] == "batch-settled"


def test_files_are_grouped_by_cause_and_filtered_by_state(client: Client, open_batch: Batch, manager: User) -> None:
    client.force_login(manager)
    finding = {"code": "VIEW", "severity": "must", "message": "It is a lateral view.", "remedy": "Leave it out."}
    for _ in range(3):
        file_in(open_batch, "rejected", stored="k", reason="VIEW", findings=[finding])
    page = client.get(f"/batches/{open_batch.pk}/").content.decode()
    assert "3 files" in page
    assert "It is a lateral view." in page
    assert "Leave it out." in page
    empty = client.get(f"/batches/{open_batch.pk}/?state=failed").content.decode()
    assert "No file here" in empty
    client.post(f"/batches/{open_batch.pk}/causes/", {"reason": "VIEW", "act": "withdraw"})
    assert set(SourceFile.objects.values_list("status", flat=True)) == {SourceFileStatus.WITHDRAWN}


def test_a_name_that_does_not_open_does_not_take_the_page_with_it(
    client: Client, open_batch: Batch, manager: User
) -> None:
    client.force_login(manager)
    file = file_in(open_batch)
    SourceFile.objects.filter(pk=file.pk).update(sealed_name=crypto.seal(b"a.dcm", scope="originals:another"))
    answer = client.get(f"/batches/{open_batch.pk}/")
    assert answer.status_code == 200
    assert UNREADABLE in answer.content.decode()


def test_a_long_list_of_files_costs_a_fixed_number_of_queries(
    client: Client, open_batch: Batch, manager: User, django_assert_max_num_queries: Any
) -> None:
    client.force_login(manager)
    for _ in range(60):
        file_in(open_batch, "rejected", reason="VIEW")
    with django_assert_max_num_queries(40):
        assert client.get(f"/batches/{open_batch.pk}/").status_code == 200


@pytest.mark.parametrize("path", ["/deliveries/", "/batches/"])
def test_an_empty_list_says_what_comes_next(client: Client, path: str) -> None:
    client.force_login(ReviewerFactory.create())
    assert 'class="empty"' in client.get(path).content.decode()
