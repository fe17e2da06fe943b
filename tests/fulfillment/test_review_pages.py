"""The review desk and the release pages: who sees them, what they show, what their buttons do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from fulfillment.models import (
    Batch,
    BatchStatus,
    DuplicateHit,
    Image,
    ImageLook,
    PendingNote,
    Release,
    ReleaseStatus,
    ReviewNote,
    SourceFileStatus,
)
from fulfillment.services import releases, reviews
from getdata.accounts.models import Membership, Role, User
from tests.factories import AdministratorFactory, ReviewerFactory, UserFactory, member
from tests.support.access import downloader
from tests.support.images import accepted_batch, image, looked_at, sealed_batch, signed_fulfillment, source_file
from tests.support.pages import problems

pytestmark = pytest.mark.django_db
SUMMARY = "Looked at every image."


@pytest.fixture
def reviewer() -> User:
    return ReviewerFactory.create(name="Rune Reviewer")


@pytest.fixture
def batch() -> Batch:
    return sealed_batch(images=2, name="Spring series")


@pytest.fixture
def draft() -> Release:
    request = accepted_batch().fulfillment.request
    release = releases.prepare_release(request=request, actor=ReviewerFactory.create(name="Prep Arer"))
    releases.build_release(release.pk)
    release.refresh_from_db()
    return release


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.status_code
    return response.content.decode()


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


# --- who sees them -----------------------------------------------------------------------------------------------------


def test_the_desk_exists_for_staff_alone(batch: Batch, draft: Release) -> None:
    pages = ["/review/", f"/review/batches/{batch.pk}/"]
    posts = [f"/review/batches/{batch.pk}/{act}/" for act in ("claim", "give-back", "notes", "decide")]
    posts += [f"/releases/{draft.pk}/{act}/" for act in ("publish", "discard", "withdraw", "build")]
    posts += [f"/review/requests/{draft.request.slug}/release/"]
    outsiders = [
        UserFactory.create(),
        member(batch.fulfillment.hospital, Role.OWNER),
        member(batch.fulfillment.request.organization, Role.OWNER),
    ]
    for person in outsiders:
        client = signed_in(person)
        assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 404)
        assert {page: client.post(page).status_code for page in posts} == dict.fromkeys(posts, 404)
    visitor = Client()
    for page in pages:
        response = visitor.get(page)
        assert response.status_code == 302 and "/accounts/login/" in response["Location"]
    batch.refresh_from_db()
    draft.refresh_from_db()
    assert (batch.status, draft.status) == (BatchStatus.SEALED, ReleaseStatus.DRAFT)


def test_what_changes_something_needs_a_post(batch: Batch, draft: Release, reviewer: User) -> None:
    client = signed_in(reviewer)
    for page in (f"/review/batches/{batch.pk}/claim/", f"/releases/{draft.pk}/publish/"):
        assert client.get(page).status_code == 405


def test_releases_are_seen_by_their_parties_once_published(draft: Release) -> None:
    asker = member(draft.request.organization, Role.VIEWER)
    hospital = member(draft.request.fulfillments.get().hospital, Role.DATA_MANAGER)
    stranger = UserFactory.create()
    page = f"/releases/{draft.pk}/"
    for person in (asker, hospital, stranger):
        shown(signed_in(person), page, 404)
    releases.publish_release(release=draft, actor=ReviewerFactory.create())
    for person in (asker, hospital):
        assert "Published" in shown(signed_in(person), page)
    shown(signed_in(stranger), page, 404)
    assert Client().get(page).status_code == 302


def test_a_hospital_sees_of_a_release_what_came_from_it(draft: Release) -> None:
    other = signed_fulfillment(request=draft.request)
    extra = accepted_batch(other, images=1)
    draft.items.create(image=Image.objects.get(source__batch=extra), path="dicom/other", sha256="0" * 64)
    releases.publish_release(release=draft, actor=ReviewerFactory.create())
    page = shown(signed_in(member(other.hospital, Role.DATA_MANAGER)), f"/releases/{draft.pk}/")
    assert "Images of your hospital" in page
    assert "manifest" not in page and draft.archive_sha256 not in page
    for foreign in draft.request.fulfillments.exclude(pk=other.pk):
        assert foreign.hospital.name not in page


# --- the queue ---------------------------------------------------------------------------------------------------------


def test_an_empty_queue_says_what_comes_next(reviewer: User) -> None:
    page = shown(signed_in(reviewer), "/review/")
    for words in ("Nothing waits for review", "No accepted images wait for a release", "No draft releases"):
        assert words in page


def test_the_queue_shows_what_is_ready_for_a_release_and_what_needs_a_second_person(
    draft: Release, reviewer: User
) -> None:
    ready = accepted_batch(images=1).fulfillment.request
    page = shown(signed_in(reviewer), "/review/")
    assert f"/review/requests/{ready.slug}/release/" in page
    assert f"/review/requests/{draft.request.slug}/release/" not in page
    assert "Prep Arer" in page
    assert problems(page) == []


@pytest.fixture
def queries(django_assert_max_num_queries: Any) -> Callable[[int], AbstractContextManager[Any]]:
    return lambda count: django_assert_max_num_queries(count)


# --- one batch ---------------------------------------------------------------------------------------------------------


def test_a_sealed_batch_shows_its_verdict_and_asks_to_be_claimed(batch: Batch, reviewer: User) -> None:
    Batch.objects.filter(pk=batch.pk).update(
        findings=[{"code": "TOO_FEW", "severity": "must", "message": "40 of 60 images.", "remedy": "Send 20 more."}]
    )
    source_file(batch, status=SourceFileStatus.REJECTED, reason="NOT_DICOM")
    page = shown(signed_in(reviewer), f"/review/batches/{batch.pk}/")
    for words in ("40 of 60 images.", "Send 20 more.", "Claim this batch", "NOT_DICOM", "A made-up cause."):
        assert words in page
    assert "Record the decision" not in page and "<textarea" not in page
    assert problems(page) == []
    for tab in ("de-identification", "quality", "labels", "duplicates", "evidence", "decision"):
        page = shown(signed_in(reviewer), f"/review/batches/{batch.pk}/{tab}/")
        assert "Claim this batch" in page and "<textarea" not in page and problems(page) == [], tab


def test_a_reviewer_with_a_conflict_is_told_before_pressing_anything(batch: Batch, reviewer: User) -> None:
    Membership.objects.create(user=reviewer, organization=batch.fulfillment.hospital, role=Role.VIEWER)
    page = shown(signed_in(reviewer), f"/review/batches/{batch.pk}/")
    assert "You cannot decide this batch" in page and "Claim this batch" not in page
    response = signed_in(reviewer).post(f"/review/batches/{batch.pk}/claim/", follow=True)
    assert "a party to this" in response.content.decode()


def test_claiming_opens_the_decision_and_a_colleague_can_only_look(batch: Batch, reviewer: User) -> None:
    client, address = signed_in(reviewer), f"/review/batches/{batch.pk}/"
    client.post(f"{address}claim/")
    page = shown(client, f"{address}decision/")
    assert "Record the decision" in page and "The sample is not complete" in page
    assert "Looked at 0 of the 2 images of the sample" in page, "the summary is begun"
    assert problems(page) == []
    sheet = shown(client, f"{address}de-identification/")
    assert "0</b> of 2 images looked at" in sheet and problems(sheet) == []
    colleague = shown(signed_in(ReviewerFactory.create()), f"{address}decision/")
    assert "Rune Reviewer claimed it" in colleague and "<textarea" not in colleague
    assert "Put back into the queue" in shown(signed_in(AdministratorFactory.create()), address)


def test_a_second_claim_shows_that_somebody_was_faster(batch: Batch, reviewer: User) -> None:
    signed_in(reviewer).post(f"/review/batches/{batch.pk}/claim/")
    response = signed_in(ReviewerFactory.create()).post(f"/review/batches/{batch.pk}/claim/")
    assert response.status_code == 302 and "no longer sealed" in said(response)


def test_the_groups_of_the_sheet_hold_what_they_say(reviewer: User) -> None:
    batch = sealed_batch(images=1)
    look = image(batch, review_reasons=["TEXT_UNSURE"], quality=90)
    masked = image(batch, masks=[{"frame": 0, "x": 1, "y": 2, "width": 5, "height": 4}], quality=10)
    withheld = source_file(batch, status=SourceFileStatus.QUARANTINED, reason="TEXT_LEFT")
    source_file(batch, status=SourceFileStatus.WITHDRAWN)
    client, address = signed_in(reviewer), f"/review/batches/{batch.pk}/de-identification/"

    def numbers(show: str) -> list[int]:
        return [tile.file.number for tile in client.get(f"{address}?show={show}").context["tiles"]]

    assert numbers("all") == numbers("nonsense") == [1, 2, 3, 4]
    assert numbers("look") == [look.source.number]
    assert numbers("masked") == [masked.source.number]
    assert numbers("worst")[0] == masked.source.number and len(numbers("worst")) == 3
    assert numbers("withheld") == [withheld.number]
    assert numbers("noted") == numbers("sample") == []
    assert '<rect class="is-mask" x="1" y="2" width="5" height="4"' in shown(client, f"{address}?show=masked")
    reviews.claim_batch(batch=batch, actor=reviewer)
    assert numbers("sample")[:2] == [look.source.number, masked.source.number]
    assert client.get(f"{address}?show=all&at=3").context["at"].file.number == 3


def test_the_sheet_asks_the_database_as_often_for_many_files_as_for_few(reviewer: User, queries: Any) -> None:
    batch = sealed_batch(images=12)
    reviews.claim_batch(batch=batch, actor=reviewer)
    client = signed_in(reviewer)
    with queries(30):
        shown(client, f"/review/batches/{batch.pk}/de-identification/")
    for tab in ("", "quality/", "labels/", "duplicates/", "evidence/", "decision/"):
        with queries(60):
            shown(client, f"/review/batches/{batch.pk}/{tab}")


def test_only_reviewers_read_that_another_hospital_holds_the_same_picture(batch: Batch, reviewer: User) -> None:
    other = sealed_batch(images=1)
    mine, theirs = Image.objects.filter(source__batch=batch).first(), Image.objects.get(source__batch=other)
    assert mine is not None
    DuplicateHit.objects.create(image=mine, other=theirs, kind="exact", version="1")
    assert other.fulfillment.hospital.name in shown(signed_in(reviewer), f"/review/batches/{batch.pk}/duplicates/")
    page = shown(signed_in(member(batch.fulfillment.hospital)), f"/batches/{batch.pk}/")
    assert other.fulfillment.hospital.name not in page


# --- notes -------------------------------------------------------------------------------------------------------------


def test_notes_of_the_sheet_all_go_out_with_the_decision(batch: Batch, reviewer: User) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    client, address = signed_in(reviewer), f"/review/batches/{batch.pk}/"
    first, second = batch.files.order_by("number")
    response = client.post(f"{address}notes/", {f"note-{first.pk}": "Wrong side.", "show": "all", "page": "1"})
    assert response["Location"] == f"{address}de-identification/?show=all&page=1"
    page = shown(client, f"{address}decision/")
    assert "File 1: Wrong side." in page, "what was flagged is listed beside the decision"
    assert "1 file goes back to you, each with a note; the other 1 image stands." in page, "and in the summary"
    form = {f"note-{second.pk}": "A name is legible.", "decision": "returned", "summary": SUMMARY}
    assert client.post(f"{address}decide/", form).status_code == 302
    assert [(note.file.number, note.text) for note in ReviewNote.objects.all()] == [
        (1, "Wrong side."),
        (2, "A name is legible."),
    ]


def test_without_a_script_a_file_is_looked_at_by_a_button_and_the_next_one_is_shown(
    batch: Batch, reviewer: User
) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    client, address = signed_in(reviewer), f"/review/batches/{batch.pk}/de-identification/"
    before = client.get(address).context["at"]
    form = {"look": str(before.image.pk), "show": "sample", "page": "1", f"note-{before.file.pk}": "Wrong side."}
    response = client.post(f"{address}looks/", form)
    assert response["Location"] == f"{address}?show=sample&page=1"
    after = client.get(response["Location"])
    assert after.context["at"].file != before.file and after.context["sample"].looked == 1
    assert PendingNote.objects.get().file == before.file
    answer = client.post(
        f"{address}looks/", {"look": f"{after.context['at'].image.pk}:850"}, headers={"Accept": "application/json"}
    )
    assert answer.json() == {"wanted": 2, "looked": 2, "left": 0}
    assert set(ImageLook.objects.values_list("milliseconds", flat=True)) == {None, 850}
    assert client.post(f"{address}looks/", {"look": "no key"}).status_code == 404
    colleague = signed_in(ReviewerFactory.create()).post(f"{address}looks/", {"look": str(before.image.pk)})
    assert "no longer in review" in said(colleague)


def test_a_tile_is_a_small_picture_for_those_who_may_look(batch: Batch, reviewer: User) -> None:
    shown_image = Image.objects.filter(source__batch=batch)[0]
    address = f"/images/{shown_image.pk}/tile/"
    answer = signed_in(reviewer).get(address)
    assert answer["Content-Type"] == "image/jpeg" and answer.content[:2] == b"\xff\xd8"
    assert signed_in(reviewer).get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert signed_in(member(batch.fulfillment.request.organization)).get(address).status_code == 404


def test_a_decision_that_cannot_be_recorded_keeps_the_notes_and_the_words(batch: Batch, reviewer: User) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    client, address = signed_in(reviewer), f"/review/batches/{batch.pk}/"
    second = batch.files.get(number=2)
    form = {f"note-{second.pk}": "Wrong side."}
    empty = client.post(f"{address}decide/", {**form, "decision": "returned", "summary": ""})
    page = empty.content.decode()
    assert empty.status_code == 200 and "<title>Error: " in page and "File 2: Wrong side." in page
    wrong = client.post(f"{address}decide/", {**form, "decision": "accepted", "summary": SUMMARY})
    page = wrong.content.decode()
    assert "1 note is written on files of this batch" in page and f">{SUMMARY}</textarea>" in page.replace("\n", "")
    batch.refresh_from_db()
    assert batch.status == BatchStatus.IN_REVIEW and PendingNote.objects.get().text == "Wrong side."
    reviews.keep_notes(batch=batch, actor=reviewer, notes={second: ""})
    early = client.post(f"{address}decide/", {"decision": "accepted", "summary": SUMMARY}).content.decode()
    assert "You have looked at 0 of 2 images of the sample." in early and "cannot be skipped" in early


def test_a_note_is_taken_away_by_emptying_its_field(batch: Batch, reviewer: User) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    client, address = signed_in(reviewer), f"/review/batches/{batch.pk}/notes/"
    file = batch.files.first()
    assert file is not None
    client.post(address, {f"note-{file.pk}": "Wrong side."})
    response = client.post(address, {f"note-{file.pk}": " "})
    assert not PendingNote.objects.exists() and "No note is kept" in said(response)


def test_htmx_keeps_a_note_and_gets_the_list_back(batch: Batch, reviewer: User) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    file = batch.files.first()
    assert file is not None
    response = signed_in(reviewer).post(
        f"/review/batches/{batch.pk}/notes/", {f"note-{file.pk}": "Wrong <side>."}, headers={"HX-Request": "true"}
    )
    page = response.content.decode()
    assert page.startswith('<div id="pending-notes"') and "File 1: Wrong &lt;side&gt;." in page


@pytest.mark.parametrize("show", ["https://evil.example", "", "look&page=2"])
def test_the_place_to_go_on_is_always_the_contact_sheet(batch: Batch, reviewer: User, show: str) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    form = {"show": show, "page": "99999999999999999999", "note-no-uuid": "x"}
    response = signed_in(reviewer).post(f"/review/batches/{batch.pk}/notes/", form)
    assert response["Location"] == f"/review/batches/{batch.pk}/de-identification/?page=99999999999999999999"
    shown(signed_in(reviewer), response["Location"])


def test_a_returned_file_shows_its_note_and_no_picture(batch: Batch, reviewer: User) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    file = batch.files.first()
    assert file is not None
    reviews.return_batch(batch=batch, actor=reviewer, summary=SUMMARY, notes={file: "A name is legible."})
    page = shown(signed_in(reviewer), f"/review/batches/{batch.pk}/de-identification/?show=withheld")
    assert "A name is legible." in page and "No image was stored" in page
    assert f"/images/{file.image.pk}/" not in page


# --- decisions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decision", "status"), [("accepted", "accepted"), ("rejected", "rejected")])
def test_a_decision_is_recorded_and_shown(batch: Batch, reviewer: User, decision: str, status: str) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    looked_at(batch, reviewer)
    client, address = signed_in(reviewer), f"/review/batches/{batch.pk}/"
    response = client.post(f"{address}decide/", {"decision": decision, "summary": SUMMARY})
    assert response["Location"] == f"{address}decision/" and "recorded" in said(response)
    batch.refresh_from_db()
    assert batch.status == status
    page = shown(client, f"{address}decision/")
    assert "Decisions so far" in page and SUMMARY in page
    assert problems(page) == []


def test_deciding_what_a_colleague_holds_is_refused_with_a_message(batch: Batch, reviewer: User) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    other = signed_in(ReviewerFactory.create())
    response = other.post(f"/review/batches/{batch.pk}/decide/", {"decision": "accepted", "summary": SUMMARY})
    assert response.status_code == 302 and "no longer in review" in said(response)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.IN_REVIEW


# --- releases ----------------------------------------------------------------------------------------------------------


def test_a_release_goes_from_the_queue_to_the_researcher_by_two_people(reviewer: User) -> None:
    batch = accepted_batch()
    slug, organization = batch.fulfillment.request.slug, batch.fulfillment.request.organization
    client = signed_in(reviewer)
    response = client.post(f"/review/requests/{slug}/release/")
    release = Release.objects.get()
    assert response["Location"] == f"/releases/{release.pk}/"
    assert "The package is being built" in shown(client, response["Location"])
    releases.build_release(release.pk)
    page = shown(client, response["Location"])
    assert "A second person must publish it" in page and "Publish the release" not in page
    again = client.post(f"/releases/{release.pk}/publish/")
    assert "You prepared this release" in said(again)
    second = signed_in(ReviewerFactory.create())
    page = shown(second, response["Location"])
    assert "Publish the release" in page and "Batches it is made of" in page
    assert problems(page) == []
    assert "is published" in said(second.post(f"/releases/{release.pk}/publish/"))
    page = shown(signed_in(member(organization, Role.OWNER)), response["Location"])
    assert "Attest and download" in page and f"/releases/{release.pk}/download/" not in page
    unnamed = shown(signed_in(member(organization, Role.READER)), response["Location"])
    assert "You are not named" in unnamed and "Attest and download" not in unnamed
    reader = signed_in(downloader(release))
    page = shown(reader, response["Location"])
    assert f"/releases/{release.pk}/download/" in page and "Nobody has downloaded it yet" in page
    assert problems(page) == []
    assert str(release) in shown(reader, "/releases/")
    viewer = shown(signed_in(member(organization, Role.VIEWER)), response["Location"])
    assert f"/releases/{release.pk}/download/" not in viewer and "does not allow downloads" in viewer


def test_the_part_that_changes_asks_for_the_whole_page_once_it_is_built(reviewer: User) -> None:
    release = releases.prepare_release(request=accepted_batch().fulfillment.request, actor=reviewer)
    client, address = signed_in(reviewer), f"/releases/{release.pk}/state/"
    part = client.get(address, headers={"HX-Request": "true"})
    assert "hx-trigger" in part.content.decode() and "HX-Refresh" not in part
    releases.build_release(release.pk)
    done = client.get(address, headers={"HX-Request": "true"})
    assert done["HX-Refresh"] == "true" and "hx-trigger" not in done.content.decode()
    assert client.get(address)["Location"] == f"/releases/{release.pk}/", "without htmx: the whole page"


def test_a_package_that_failed_offers_to_be_built_again(draft: Release, reviewer: User) -> None:
    Release.objects.filter(pk=draft.pk).update(archive="", problem="A stored image is damaged.")
    client = signed_in(reviewer)
    page = shown(client, f"/releases/{draft.pk}/")
    assert "A stored image is damaged." in page and "Build it again" in page and "Publish the release" not in page
    client.post(f"/releases/{draft.pk}/build/")
    draft.refresh_from_db()
    assert draft.problem == ""


def test_a_draft_with_withdrawn_images_offers_to_be_discarded_only(draft: Release, reviewer: User) -> None:
    file = draft.items.all()[0].image.source
    type(file).objects.filter(pk=file.pk).update(status=SourceFileStatus.WITHDRAWN)
    client = signed_in(reviewer)
    page = shown(client, f"/releases/{draft.pk}/")
    assert "This draft is out of date" in page and "Publish the release" not in page
    response = client.post(f"/releases/{draft.pk}/discard/")
    assert response["Location"] == "/review/" and not Release.objects.exists()


def test_withdrawing_needs_a_reason_and_everyone_reads_it(draft: Release, reviewer: User) -> None:
    releases.publish_release(release=draft, actor=reviewer)
    client, address = signed_in(reviewer), f"/releases/{draft.pk}/"
    page = client.post(f"{address}withdraw/", {"reason": " "}).content.decode()
    assert "<title>Error: " in page and '<details class="disclosure" open>' in page
    client.post(f"{address}withdraw/", {"reason": "A name was seen."})
    seen = shown(signed_in(member(draft.request.organization, Role.READER)), address)
    assert "This release was withdrawn" in seen and "A name was seen." in seen and "/download/" not in seen
    assert "Revoked" in seen


def test_an_empty_list_of_releases_leads_on() -> None:
    page = shown(signed_in(UserFactory.create()), "/releases/")
    assert "No releases yet" in page and "Browse requests" in page


def test_unknown_addresses_are_not_found(reviewer: User) -> None:
    nowhere = "00000000-0000-4000-8000-000000000000"
    client = signed_in(reviewer)
    for page in (f"/review/batches/{nowhere}/", f"/releases/{nowhere}/", f"/releases/{nowhere}/download/"):
        assert client.get(page).status_code == 404
    assert client.post("/review/requests/nothing/release/").status_code == 404
