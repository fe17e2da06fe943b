"""Reviews and releases over the API: the same services, the same walls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from fulfillment.models import Batch, BatchStatus, Release, ReleaseStatus, ReviewNote
from fulfillment.services import releases, reviews
from getdata.accounts.models import Role, User
from getdata.accounts.tokens import make_token
from tests.factories import ReviewerFactory, UserFactory, member
from tests.support.images import accepted_batch, sealed_batch

pytestmark = pytest.mark.django_db
QUEUE = "/api/v1/review/batches/"
RELEASES = "/api/v1/releases/"
DESK = "/api/v1/review/releases/"
SUMMARY = "Looked at every image."


@pytest.fixture
def reviewer() -> User:
    return ReviewerFactory.create()


@pytest.fixture
def batch() -> Batch:
    return sealed_batch()


def client(person: User) -> APIClient:
    made = APIClient()
    made.force_login(person)  # releases are read in a session that has shown its second step
    return made


def published(*, images: int = 1) -> Release:
    request = accepted_batch(images=images).fulfillment.request
    release = releases.prepare_release(request=request, actor=ReviewerFactory.create())
    releases.build_release(release.pk)
    release.refresh_from_db()
    return releases.publish_release(release=release, actor=ReviewerFactory.create())


def test_the_queue_lists_what_waits_for_reviewers_alone(batch: Batch, reviewer: User) -> None:
    accepted_batch()
    answer = client(reviewer).get(QUEUE).json()
    assert [row["id"] for row in answer["results"]] == [str(batch.pk)]
    assert answer["results"][0]["hospital"] == batch.fulfillment.hospital.slug
    for person in (
        UserFactory.create(),
        member(batch.fulfillment.hospital),
        member(batch.fulfillment.request.organization),
    ):
        assert client(person).get(QUEUE).json()["results"] == []
        assert client(person).get(f"{QUEUE}{batch.pk}/").status_code == 404
        assert client(person).post(f"{QUEUE}{batch.pk}/claim/").status_code == 404
        assert client(person).get(f"{QUEUE}{batch.pk}/sample/").status_code == 404
    assert APIClient().get(QUEUE).status_code in (401, 403)


def test_claim_decide_and_the_refusals_between(batch: Batch, reviewer: User) -> None:
    mine, other = client(reviewer), client(ReviewerFactory.create())
    address = f"{QUEUE}{batch.pk}/"
    assert mine.post(f"{address}claim/").json()["status"] == "in_review"
    late = other.post(f"{address}claim/")
    assert late.status_code == 409 and late.json()["code"] == "stale_state"
    decision = {"decision": "accepted", "summary": SUMMARY}
    assert other.post(f"{address}decide/", decision, format="json").json()["code"] == "stale_state"
    assert mine.post(f"{address}decide/", {"decision": "maybe", "summary": SUMMARY}, format="json").status_code == 400
    assert mine.post(f"{address}decide/", {"decision": "accepted"}, format="json").status_code == 400
    assert mine.post(f"{address}decide/", ["accepted"], format="json").status_code == 400
    assert mine.post(f"{address}decide/", decision, format="json").json()["code"] == "sample_incomplete"
    sample = mine.get(f"{address}sample/").json()
    assert (sample["wanted"], sample["looked"]) == (2, 0) and "2 images passed." in sample["arithmetic"]
    said = {"images": [row["image"] for row in sample["images"]]}
    assert other.post(f"{address}sample/", said, format="json").json()["code"] == "stale_state"
    assert mine.post(f"{address}sample/", {"images": []}, format="json").status_code == 400
    assert mine.post(f"{address}sample/", said, format="json").json()["looked"] == 2
    assert mine.post(f"{address}decide/", decision, format="json").json()["status"] == "accepted"
    assert mine.get(address).status_code == 404, "a decided batch is no longer in the queue"


def test_a_batch_goes_back_to_the_queue(batch: Batch, reviewer: User) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    assert client(reviewer).post(f"{QUEUE}{batch.pk}/give-back/").json()["status"] == "sealed"


def test_notes_name_files_of_the_batch_and_only_a_return_or_rejection_carries_them(
    batch: Batch, reviewer: User
) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    file, foreign = batch.files.first(), sealed_batch().files.first()
    assert file is not None and foreign is not None
    api, address = client(reviewer), f"{QUEUE}{batch.pk}/decide/"

    def decide(decision: str, **notes: str) -> Any:
        return api.post(address, {"decision": decision, "summary": SUMMARY, "notes": notes}, format="json")

    assert decide("returned").json()["code"] == "no_notes"
    assert decide("returned", **{str(foreign.pk): "?"}).json()["code"] == "unknown_file"
    assert decide("accepted", **{str(file.pk): "?"}).json()["code"] == "notes_waiting"
    assert decide("returned", **{str(file.pk): "x" * 2001}).status_code == 400
    assert decide("returned", **{str(file.pk): "Wrong side."}).json()["status"] == "returned"
    assert ReviewNote.objects.get().file == file


def test_two_people_release_over_the_api(reviewer: User) -> None:
    slug = accepted_batch().fulfillment.request.slug
    first, second = client(reviewer), client(ReviewerFactory.create())
    made = first.post(DESK, {"request": slug}, format="json")
    assert made.status_code == 201 and made.json()["images"] == 2 and made.json()["built"] is False
    publish = f"{DESK}{made.json()['id']}/publish/"
    assert second.post(publish).json()["code"] == "not_built"
    releases.build_release(made.json()["id"])
    assert first.post(publish).json()["code"] == "second_person_needed"
    done = second.post(publish)
    assert (done.status_code, done.json()["status"]) == (200, "published")
    assert second.post(publish).json()["code"] == "not_draft"


def test_a_draft_is_discarded_and_a_published_release_withdrawn(reviewer: User) -> None:
    release = published()
    api, address = client(reviewer), f"{DESK}{release.pk}/"
    assert api.post(f"{address}discard/").json()["code"] == "not_draft"
    assert api.post(f"{address}withdraw/", {"reason": " "}, format="json").status_code == 400
    answer = api.post(f"{address}withdraw/", {"reason": "A name was seen."}, format="json")
    assert (answer.json()["status"], answer.json()["status_note"]) == ("withdrawn", "A name was seen.")
    draft = releases.prepare_release(request=release.request, actor=reviewer)
    assert api.post(f"{DESK}{draft.pk}/discard/").status_code == 204
    assert not Release.objects.filter(pk=draft.pk).exists()


@pytest.mark.parametrize("body", [{}, {"request": "no such request"}, ["x"], {"request": {"a": 1}}])
def test_a_request_that_is_none_is_refused_politely(body: Any, reviewer: User) -> None:
    assert client(reviewer).post(DESK, body, format="json").status_code == 400


def test_an_unknown_request_is_not_found(reviewer: User) -> None:
    assert client(reviewer).post(DESK, {"request": "nothing"}, format="json").status_code == 404


@pytest.mark.parametrize("act", ["publish", "discard", "withdraw"])
def test_the_desk_does_not_exist_for_others(act: str) -> None:
    release = published()
    for person in (UserFactory.create(), member(release.request.organization)):
        assert client(person).post(f"{DESK}{release.pk}/{act}/", {"reason": "x"}, format="json").status_code == 404
        assert client(person).post(DESK, {"request": release.request.slug}, format="json").status_code == 404
    release.refresh_from_db()
    assert release.status == ReleaseStatus.PUBLISHED


def test_releases_are_listed_for_their_parties_without_the_long_manifest(
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    release, _ = published(), published()
    asker, hospital = (
        member(release.request.organization, Role.VIEWER),
        member(release.request.fulfillments.get().hospital, Role.VIEWER),
    )
    for person in (asker, hospital):
        rows = client(person).get(RELEASES).json()["results"]
        assert [row["id"] for row in rows] == [str(release.pk)] and "manifest" not in rows[0]
    whole = client(asker).get(f"{RELEASES}{release.pk}/").json()
    assert (
        whole["manifest"] == dict(release.files.filter(path__startswith="data/").values_list("path", "sha256"))
        and whole["images"] == 1
    )
    part = client(hospital).get(f"{RELEASES}{release.pk}/").json()
    assert part["manifest"] == {} and part["images"] == 1
    assert client(UserFactory.create()).get(f"{RELEASES}{release.pk}/").status_code == 404
    reviewer = client(ReviewerFactory.create())
    with django_assert_max_num_queries(8):  # four are for the session: its person, what it proved, whose member
        assert len(reviewer.get(RELEASES).json()["results"]) == 2


def test_a_token_needs_the_scope_of_reviews(batch: Batch, reviewer: User) -> None:
    _, narrow = make_token(user=reviewer, name="n", scopes=["releases:read"])
    _, wide = make_token(user=reviewer, name="w", scopes=["review:write"])
    api = APIClient()
    for secret, status in ((narrow, 403), (wide, 200)):
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        assert api.post(f"{QUEUE}{batch.pk}/claim/").status_code == status
    batch.refresh_from_db()
    assert batch.status == BatchStatus.IN_REVIEW
