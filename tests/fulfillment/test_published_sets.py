"""Lists of published sets: loaded by a reviewer, every image looked for in them, matches decided by a reviewer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from fulfillment import near_duplicates, published_matches
from fulfillment.duplicates.fingerprint import fingerprint
from fulfillment.duplicates.folder import Entry
from fulfillment.duplicates.hashlist import write_list
from fulfillment.duplicates.index import Candidate
from fulfillment.duplicates.picture import small_picture
from fulfillment.models import (
    Batch,
    ImageFingerprint,
    PendingNote,
    PublishedDecision,
    PublishedHit,
    PublishedImage,
    PublishedSet,
)
from fulfillment.published_matches import is_match, matches_of
from fulfillment.services import published_sets
from fulfillment.services.published_sets import decide_match
from getdata.accounts.models import Membership, Role, User
from getdata.common import storage
from getdata.common.problems import CannotDo
from tests.factories import ReviewerFactory, member
from tests.fulfillment.duplicates.pictures import chest
from tests.fulfillment.test_near_duplicates import pictured, small
from tests.support import images

pytestmark = pytest.mark.django_db
WHERE = "/review/published-sets/"


@pytest.fixture(autouse=True)
def _fresh_indexes() -> None:
    near_duplicates.forget()
    published_matches.forget()


@pytest.fixture
def reviewer() -> User:
    return ReviewerFactory.create()


@pytest.fixture
def batch() -> Batch:
    return images.sealed_batch(images=0)


def list_of(folder: Path, *pictures: np.ndarray, digests: tuple[str, ...] = ()) -> bytes:
    entries = []
    for number, pixels in enumerate(pictures):
        kept, query = fingerprint(small_picture(pixels))
        digest = digests[number] if number < len(digests) else "0" * 64
        entries.append(Entry(f"train/{number:03}.png", digest, kept, query))
    path = folder / "list.csv"
    write_list(path, entries)
    return path.read_bytes()


def load(client: Client, data: bytes) -> HttpResponse:
    form = {
        "title": "A public set 1.0",
        "address": "https://set.example/v1",
        "file": SimpleUploadedFile("list.csv", data),
    }
    answer = client.post(WHERE, form)
    for pk in PublishedSet.objects.filter(status="reading").values_list("pk", flat=True):  # the worker's part
        published_sets.read_published_set(pk)
    return answer


def test_a_list_is_loaded_read_and_every_image_old_or_new_is_found_in_it(
    reviewer: User, batch: Batch, client: Client, tmp_path: Path
) -> None:
    old = pictured(batch, chest(1))
    near_duplicates.compare(old.pk)
    client.force_login(reviewer)
    assert load(client, list_of(tmp_path, chest(1), chest(7))).status_code == 302
    made = PublishedSet.objects.get()
    assert (made.status, made.images, PublishedImage.objects.count()) == ("ready", 2, 2)
    assert not storage.previews().exists(made.listed)

    assert published_matches.images_not_looked_up() == 1
    type(old).objects.update(created_at=timezone.now() - timedelta(minutes=5))
    assert near_duplicates.ring_for_uncompared() == 1
    assert (published_matches.images_not_looked_up(), near_duplicates.ring_for_uncompared()) == (0, 0)
    new = pictured(images.sealed_batch(images=0), small(chest(1)))
    near_duplicates.compare(new.pk)

    found = {(hit.image_id, hit.listed.name, hit.kind) for hit in PublishedHit.objects.all()}
    assert found == {(old.pk, "train/000.png", "near"), (new.pk, "train/000.png", "near")}
    page = client.get(WHERE).content.decode()
    assert "A public set 1.0" in page and "Compared with" in page


def test_equal_pixels_are_an_exact_match_without_a_picture(batch: Batch, reviewer: User, tmp_path: Path) -> None:
    image = pictured(batch, chest(4, sex="M"))
    kept = list_of(tmp_path, chest(1), digests=(image.pixel_sha256,))
    made = PublishedSet.objects.create(title="S", address="https://s.example", loaded_by=reviewer, sha256="a" * 64)
    made.listed = storage.put(storage.previews(), f"published-sets/{made.pk}", kept)
    made.save()
    published_sets.read_published_set(made.pk)
    near_duplicates.compare(image.pk)
    assert [hit.kind for hit in PublishedHit.objects.all()] == ["exact"]


def test_hashes_alone_must_be_nearer_than_a_candidate_for_a_second_look() -> None:
    assert is_match(Candidate(32, 1, 1)) and is_match(Candidate(48, 1, 2))
    assert not is_match(Candidate(33, 1, 1)) and not is_match(Candidate(49, 1, 9))


def test_a_list_that_cannot_be_read_says_the_row_and_the_cure(reviewer: User, client: Client, tmp_path: Path) -> None:
    client.force_login(reviewer)
    load(client, list_of(tmp_path, chest(1)).replace(b"pdq-crops-anchors/1", b"pdq-crops-anchors/0"))
    made = PublishedSet.objects.get()
    assert (made.status, PublishedImage.objects.count()) == ("failed", 0)
    assert made.problem.startswith("Row 1: ") and "write the list again" in made.problem
    assert made.problem in client.get(WHERE).content.decode()


def test_the_same_list_is_taken_once_until_it_is_retired(reviewer: User, client: Client, tmp_path: Path) -> None:
    client.force_login(reviewer)
    data = list_of(tmp_path, chest(1))
    load(client, data)
    assert "here already" in load(client, data).content.decode()
    made = PublishedSet.objects.get()
    client.post(f"{WHERE}{made.pk}/retire/")
    assert load(client, data).status_code == 302
    assert sorted(PublishedSet.objects.values_list("status", flat=True)) == ["ready", "retired"]


def test_a_retired_list_matches_nothing_any_more(reviewer: User, batch: Batch, client: Client, tmp_path: Path) -> None:
    client.force_login(reviewer)
    load(client, list_of(tmp_path, chest(1)))
    client.post(f"{WHERE}{PublishedSet.objects.get().pk}/retire/")
    image = pictured(batch, chest(1))
    near_duplicates.compare(image.pk)
    assert not PublishedHit.objects.exists() and not matches_of(batch)
    assert ImageFingerprint.objects.get(image=image).looked_up_at is not None


def test_a_reviewer_decides_and_the_hospital_is_told_only_of_the_public_set(
    reviewer: User, client: Client, tmp_path: Path
) -> None:
    client.force_login(reviewer)
    load(client, list_of(tmp_path, chest(1)))
    batch = images.sealed_batch(images=0)
    near_duplicates.compare(pictured(batch, chest(1)).pk)
    hit = PublishedHit.objects.get()
    client.post(f"/review/batches/{batch.pk}/claim/")
    batch.refresh_from_db()
    page = client.get(f"/review/batches/{batch.pk}/duplicates/").content.decode()
    assert "train/000.png" in page and "0 of 256 bits differ" in page
    client.post(f"/review/batches/{batch.pk}/published/{hit.pk}/", {"decision": "same"})
    assert PublishedDecision.objects.get().decision == "same"
    assert "A public set 1.0" in PendingNote.objects.get(file=hit.image.source).text
    with pytest.raises(CannotDo, match="no decision"):
        decide_match(hit=hit, batch=batch, decision="perhaps", actor=reviewer)


@pytest.mark.parametrize("role", [None, Role.OWNER])
def test_for_everyone_but_staff_the_lists_do_not_exist(role: Role | None, batch: Batch, client: Client) -> None:
    user = member(batch.fulfillment.hospital, role) if role else None
    if user is not None:
        client.force_login(user.user if isinstance(user, Membership) else user)
    answer = client.get(WHERE)
    assert answer.status_code == (404 if user else 302)
    assert load(client, b"image").status_code == (404 if user else 302)
    assert not PublishedSet.objects.exists()


def test_a_form_without_its_token_loads_nothing(reviewer: User, tmp_path: Path) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(reviewer)
    assert load(client, list_of(tmp_path, chest(1))).status_code == 403
    assert not PublishedSet.objects.exists()
