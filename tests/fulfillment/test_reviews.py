"""Who may review a batch, and what each decision does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fulfillment.meter import facts_of
from fulfillment.models import (
    Batch,
    BatchStatus,
    Image,
    PendingNote,
    Review,
    ReviewNote,
    SourceFileStatus,
    Upload,
)
from fulfillment.selectors import withheld_reasons
from fulfillment.services import batches, reviews
from getdata.accounts.models import Membership, Role, User
from getdata.audit.chain import record
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from getdata.notifications.models import Notification
from tests.factories import AdministratorFactory, ReviewerFactory, UserFactory, member
from tests.support.images import image, label, looked_at, sealed_batch, source_file

pytestmark = pytest.mark.django_db
SUMMARY = "Looked at every image."


@pytest.fixture
def batch() -> Batch:
    return sealed_batch()


@pytest.fixture
def reviewer() -> User:
    return ReviewerFactory.create()


def claimed(batch: Batch, reviewer: User) -> Batch:
    return reviews.claim_batch(batch=batch, actor=reviewer)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(CannotDo) as refusal:
        call()
    assert refusal.value.remedy, "a refusal says what to do"
    return refusal.value.code


# --- who may -----------------------------------------------------------------------------------------------------------


def test_a_reviewer_claims_a_sealed_batch(batch: Batch, reviewer: User) -> None:
    after = claimed(batch, reviewer)
    assert (after.status, after.reviewer) == (BatchStatus.IN_REVIEW, reviewer)
    assert AuditEvent.objects.filter(
        verb="batch.in_review", target_id=str(batch.pk), actor_id=str(reviewer.pk)
    ).exists()


def test_a_batch_that_was_claimed_cannot_be_claimed_again(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    with pytest.raises(StaleState):
        claimed(batch, ReviewerFactory.create())


def test_people_who_are_not_staff_cannot_claim(batch: Batch) -> None:
    for person in (UserFactory.create(), member(batch.fulfillment.hospital), batch.sealed_by):
        assert refused(lambda person=person: claimed(batch, person)) == "staff_only"


@pytest.mark.parametrize("side", ["hospital", "asker"])
def test_a_reviewer_who_belongs_to_a_party_cannot_claim_or_decide(batch: Batch, reviewer: User, side: str) -> None:
    party = batch.fulfillment.hospital if side == "hospital" else batch.fulfillment.request.organization
    claimed(batch, reviewer)
    Membership.objects.create(user=reviewer, organization=party, role=Role.VIEWER)
    decide = [reviews.accept_batch, reviews.reject_batch]
    assert {refused(lambda act=act: act(batch=batch, actor=reviewer, summary=SUMMARY)) for act in decide} == {
        "conflict_of_interest"
    }
    batch.refresh_from_db()
    assert batch.status == BatchStatus.IN_REVIEW


@pytest.mark.parametrize("how", ["created", "sealed", "uploaded", "sent by a form"])
def test_who_delivered_never_reviews_even_after_leaving_the_hospital(batch: Batch, reviewer: User, how: str) -> None:
    match how:
        case "created":
            Batch.objects.filter(pk=batch.pk).update(created_by=reviewer)
        case "sealed":
            Batch.objects.filter(pk=batch.pk).update(sealed_by=reviewer)
        case "uploaded":
            Upload.objects.create(
                batch=batch, created_by=reviewer, sealed_name=b"", length=1, expires_at=batch.sealed_at
            )
        case _:
            record(
                verb="sourcefile.received",
                target=source_file(batch),
                actor=reviewer,
                organization_id=batch.fulfillment.hospital_id,
                data={"batch": str(batch.pk)},
            )
    batch.refresh_from_db()
    assert refused(lambda: claimed(batch, reviewer)) == "uploader_never_releases"


def test_who_sent_files_to_another_batch_may_review_this_one(batch: Batch, reviewer: User) -> None:
    other = sealed_batch(batch.fulfillment, images=0)
    record(
        verb="sourcefile.received",
        target=source_file(other),
        actor=reviewer,
        organization_id=batch.fulfillment.hospital_id,
        data={"batch": str(other.pk)},
    )
    assert claimed(batch, reviewer).reviewer == reviewer


@pytest.mark.parametrize("act", ["accept", "return", "reject", "note", "give_back"])
def test_only_the_reviewer_who_claimed_goes_on(batch: Batch, reviewer: User, act: str) -> None:
    claimed(batch, reviewer)
    other = ReviewerFactory.create()
    notes = {batch.files.first(): "Wrong side."}
    calls: dict[str, Callable[[], object]] = {
        "accept": lambda: reviews.accept_batch(batch=batch, actor=other, summary=SUMMARY),
        "return": lambda: reviews.return_batch(batch=batch, actor=other, summary=SUMMARY, notes=notes),
        "reject": lambda: reviews.reject_batch(batch=batch, actor=other, summary=SUMMARY),
        "note": lambda: reviews.keep_notes(batch=batch, actor=other, notes=notes),
        "give_back": lambda: reviews.give_back_batch(batch=batch, actor=other),
    }
    with pytest.raises(StaleState):
        calls[act]()
    batch.refresh_from_db()
    assert (batch.status, batch.reviewer) == (BatchStatus.IN_REVIEW, reviewer)
    assert not Review.objects.exists() and not PendingNote.objects.exists()


def test_a_batch_given_back_is_free_for_others(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    after = reviews.give_back_batch(batch=batch, actor=reviewer)
    assert (after.status, after.reviewer) == (BatchStatus.SEALED, None)
    assert claimed(batch, ReviewerFactory.create()).status == BatchStatus.IN_REVIEW


def test_an_administrator_frees_a_batch_whose_reviewer_is_away(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    assert reviews.give_back_batch(batch=batch, actor=AdministratorFactory.create()).reviewer is None


# --- accept ------------------------------------------------------------------------------------------------------------


def test_accepting_decides_the_batch_and_tells_both_parties(batch: Batch, reviewer: User) -> None:
    asker = member(batch.fulfillment.request.organization, Role.OWNER)
    claimed(batch, reviewer)
    looked_at(batch, reviewer)
    review = reviews.accept_batch(batch=batch, actor=reviewer, summary=f"  {SUMMARY} ")
    batch.refresh_from_db()
    assert batch.status == BatchStatus.ACCEPTED and batch.decided_at is not None
    assert (review.reviewer, review.decision, review.summary) == (reviewer, "accepted", SUMMARY)
    told = set(Notification.objects.exclude(event="batch.in_review").values_list("user", "event"))
    assert told == {(batch.sealed_by_id, "batch.decided"), (asker.pk, "batch.accepted")}


@pytest.mark.parametrize(("summary", "code"), [(" \n", "no_summary"), ("x" * 4001, "summary_too_long")])
def test_a_decision_needs_a_summary_that_can_be_stored(batch: Batch, reviewer: User, summary: str, code: str) -> None:
    claimed(batch, reviewer)
    assert refused(lambda: reviews.accept_batch(batch=batch, actor=reviewer, summary=summary)) == code


def test_a_decided_batch_is_not_decided_again(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    looked_at(batch, reviewer)
    reviews.accept_batch(batch=batch, actor=reviewer, summary=SUMMARY)
    with pytest.raises(StaleState):
        reviews.reject_batch(batch=batch, actor=reviewer, summary=SUMMARY)
    assert Review.objects.count() == 1


def test_a_batch_is_not_accepted_while_notes_wait_on_its_files(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    reviews.keep_notes(batch=batch, actor=reviewer, notes={batch.files.first(): "Wrong side."})
    assert refused(lambda: reviews.accept_batch(batch=batch, actor=reviewer, summary=SUMMARY)) == "notes_waiting"


# --- notes and return --------------------------------------------------------------------------------------------------


def test_returning_sets_aside_only_the_files_with_a_note(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    first, second = batch.files.order_by("number")
    reviews.return_batch(batch=batch, actor=reviewer, summary=SUMMARY, notes={first: " A name is legible. "})
    first.refresh_from_db()
    second.refresh_from_db()
    batch.refresh_from_db()
    assert batch.status == BatchStatus.RETURNED
    assert (first.status, first.reason) == (SourceFileStatus.QUARANTINED, reviews.RETURNED)
    assert first.findings[-1]["message"] == "A name is legible." and first.findings[-1]["remedy"]
    assert (second.status, second.reason) == (SourceFileStatus.PASSED, "")
    assert ReviewNote.objects.get().text == "A name is legible."
    assert list(Image.objects.live().filter(source__batch=batch)) == [second.image]


def test_a_return_without_a_note_is_refused(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    for notes in ({}, {batch.files.first(): "  "}):
        code = refused(
            lambda notes=notes: reviews.return_batch(batch=batch, actor=reviewer, summary=SUMMARY, notes=notes)
        )
        assert code == "no_notes"


def test_a_returned_file_cannot_be_processed_again_as_it_is(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    file = batch.files.first()
    reviews.return_batch(batch=batch, actor=reviewer, summary=SUMMARY, notes={file: "A name is legible."})
    file.refresh_from_db()
    manager = batch.sealed_by
    assert refused(lambda: batches.retry_file(file=file, actor=manager)) == "returned_by_reviewer"
    batches.withdraw_file(file=file, actor=manager)
    file.refresh_from_db()
    assert file.status == SourceFileStatus.WITHDRAWN
    assert batches.seal_batch(batch=batch, actor=manager).status == BatchStatus.SEALED


def test_a_batch_that_comes_back_can_be_claimed_and_accepted(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    reviews.return_batch(batch=batch, actor=reviewer, summary=SUMMARY, notes={batch.files.first(): "Wrong side."})
    batches.seal_batch(batch=batch, actor=batch.sealed_by)
    claimed(batch, reviewer)
    looked_at(batch, reviewer)
    reviews.accept_batch(batch=batch, actor=reviewer, summary="The rest stands.")
    assert [review.decision for review in batch.reviews.all()] == ["accepted", "returned"]
    assert Image.objects.live().filter(source__batch=batch).count() == 1


def test_notes_are_kept_replaced_and_cleared_until_the_decision(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    first, second = batch.files.order_by("number")
    assert reviews.keep_notes(batch=batch, actor=reviewer, notes={first: "One", second: "Two"}) == 2
    assert reviews.keep_notes(batch=batch, actor=reviewer, notes={first: "One, better", second: ""}) == 1
    reviews.return_batch(batch=batch, actor=reviewer, summary=SUMMARY)
    assert [(note.file, note.text) for note in ReviewNote.objects.all()] == [(first, "One, better")]
    assert not PendingNote.objects.exists()


def test_notes_outlive_giving_the_batch_back(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    reviews.keep_notes(batch=batch, actor=reviewer, notes={batch.files.first(): "Wrong side."})
    reviews.give_back_batch(batch=batch, actor=reviewer)
    other = ReviewerFactory.create()
    claimed(batch, other)
    review = reviews.return_batch(batch=batch, actor=other, summary=SUMMARY)
    assert [note.text for note in review.notes.all()] == ["Wrong side."]


def test_notes_that_make_no_sense_are_refused(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    file, foreign = batch.files.first(), sealed_batch().files.first()
    withheld = source_file(batch, status=SourceFileStatus.REJECTED, reason="NOT_DICOM")
    keep = reviews.keep_notes
    assert refused(lambda: keep(batch=batch, actor=reviewer, notes={foreign: "?"})) == "unknown_file"
    assert refused(lambda: keep(batch=batch, actor=reviewer, notes={file: "x" * 2001})) == "note_too_long"
    assert refused(lambda: keep(batch=batch, actor=reviewer, notes={withheld: "?"})) == "file_is_withheld"
    code = refused(
        lambda: reviews.return_batch(batch=batch, actor=reviewer, summary=SUMMARY, notes={foreign: "Wrong side."})
    )
    assert code == "unknown_file"


def test_a_file_that_changed_meanwhile_undoes_the_whole_return(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    first, second = batch.files.order_by("number")
    notes = {first: "Wrong side.", second: "Wrong side."}
    batch.files.filter(pk=second.pk).update(status=SourceFileStatus.WITHDRAWN)
    with pytest.raises(StaleState):
        reviews.return_batch(batch=batch, actor=reviewer, summary=SUMMARY, notes=notes)
    first.refresh_from_db()
    batch.refresh_from_db()
    assert (first.status, batch.status) == (SourceFileStatus.PASSED, BatchStatus.IN_REVIEW)
    assert not Review.objects.exists()


# --- reject ------------------------------------------------------------------------------------------------------------


def test_rejecting_is_final_leaves_files_alone_and_carries_notes(batch: Batch, reviewer: User) -> None:
    claimed(batch, reviewer)
    file = batch.files.first()
    review = reviews.reject_batch(batch=batch, actor=reviewer, summary="Not chests.", notes={file: "A knee."})
    file.refresh_from_db()
    batch.refresh_from_db()
    assert (batch.status, file.status) == (BatchStatus.REJECTED, SourceFileStatus.PASSED)
    assert [note.text for note in review.notes.all()] == ["A knee."]
    with pytest.raises(StaleState):
        claimed(batch, reviewer)


# --- what a return means for labels and lists ---------------------------------------------------------------------------


def test_labels_of_a_returned_table_no_longer_count(batch: Batch, reviewer: User) -> None:
    shown = Image.objects.filter(source__batch=batch).first()
    assert shown is not None
    given = label(shown, "Pneumothorax")
    assert facts_of([shown])[0].labels == {"Pneumothorax": "present"}
    claimed(batch, reviewer)
    reviews.return_batch(batch=batch, actor=reviewer, summary=SUMMARY, notes={given.table: "States are mixed up."})
    assert facts_of([shown])[0].labels is None


def test_readers_who_differ_count_as_possible(batch: Batch) -> None:
    shown = image(batch)
    label(shown, "Pneumothorax", "present", reader="a")
    label(shown, "Pneumothorax", "absent", reader="b")
    assert facts_of([shown])[0].labels == {"Pneumothorax": "possible"}


def test_reasons_are_counted_without_a_query_for_each_file(
    batch: Batch, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for _ in range(6):
        source_file(batch, status=SourceFileStatus.REJECTED, reason="NOT_DICOM")
    source_file(batch, status=SourceFileStatus.QUARANTINED, reason="TEXT_LEFT")
    source_file(batch, status=SourceFileStatus.WITHDRAWN, reason="REPLACED")
    with django_assert_max_num_queries(3):  # type: ignore[attr-defined]
        rows = withheld_reasons(batch)
    assert [(row["reason"], row["count"], row["cause"]) for row in rows] == [
        ("NOT_DICOM", 6, "A made-up cause."),
        ("TEXT_LEFT", 1, "A made-up cause."),
    ]
