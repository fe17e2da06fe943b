"""Near duplicates in the portal: found after storing, told only to whom they concern, decided by a reviewer."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image as PillowImage

from fulfillment import fingerprint_cache, near_duplicates
from fulfillment.duplicate_pairs import count_pairs, own_twins
from fulfillment.duplicates.fingerprint import as_bytes, fingerprint, from_bytes
from fulfillment.duplicates.picture import small_picture
from fulfillment.models import Batch, DuplicateDecision, DuplicateHit, Image, ImageFingerprint, PendingNote
from fulfillment.services import reviews
from fulfillment.services.duplicate_decisions import decide_pair
from fulfillment.services.file_lists import file_rows
from getdata.accounts.models import Membership, Role, User
from getdata.audit.models import AuditEvent
from getdata.common import storage
from getdata.common.problems import CannotDo
from tests.factories import ReviewerFactory, member
from tests.fulfillment.duplicates.pictures import chest
from tests.support import images

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_index() -> None:
    near_duplicates.forget()


@pytest.fixture
def reviewer() -> User:
    return ReviewerFactory.create()


def pictured(batch: Batch, pixels: np.ndarray) -> Image:
    """An image of the batch whose preview shows these pixels."""
    made = images.image(batch, store=False)
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "PNG")
    storage.put(storage.previews(), made.preview, out.getvalue())
    return made


def small(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(PillowImage.fromarray(pixels[20:-30, 15:-25]).resize((280, 320)))


@pytest.fixture
def batch() -> Batch:
    return images.sealed_batch(images=0)


@pytest.fixture
def twins(batch: Batch) -> DuplicateHit:
    first, second = pictured(batch, chest(1)), pictured(batch, small(chest(1)))
    other = pictured(batch, chest(4, sex="M"))
    assert [near_duplicates.compare(each.pk) for each in (first, other, second)] == [0, 0, 1]
    return DuplicateHit.objects.get()


@pytest.fixture
def crossing(batch: Batch) -> DuplicateHit:
    theirs, mine = pictured(images.sealed_batch(images=0), chest(1)), pictured(batch, small(chest(1)))
    for each in (theirs, mine):
        near_duplicates.compare(each.pk)
    return DuplicateHit.objects.get()


def test_the_same_picture_at_another_size_is_found_once_however_often_it_is_looked_for(twins: DuplicateHit) -> None:
    assert (twins.kind, twins.image.source.number, twins.other.source.number) == ("near", 2, 1)
    assert twins.inliers >= 10 and twins.distance <= 64
    for image in Image.objects.all():
        assert near_duplicates.compare(image.pk) == 0
    assert (DuplicateHit.objects.count(), ImageFingerprint.objects.filter(compared_at=None).count()) == (1, 0)


def test_the_placement_lies_in_the_whole_previews(twins: DuplicateHit) -> None:
    matrix = np.array(twins.placement).reshape(2, 3)
    # The crop's corners in the first picture: 15 of 400 across, 20 of 480 down, and so on.
    assert np.allclose(matrix @ [0, 0, 1], [15 / 400, 20 / 480], atol=0.01)
    assert np.allclose(matrix @ [1, 1, 1], [375 / 400, 450 / 480], atol=0.01)


def test_a_near_twin_within_the_delivery_is_a_finding_of_the_later_file(twins: DuplicateHit, reviewer: User) -> None:
    batch = twins.image.source.batch
    rows = file_rows(batch.files.select_related("image").order_by("number"), batch=batch, user=batch.created_by)
    assert [[cause["code"] for cause in row.causes] for row in rows] == [[], ["NEAR_DUPLICATE"], []]
    assert rows[1].causes[0]["cause"].startswith("File 2 is the same picture as file 1")
    DuplicateDecision.objects.create(hit=twins, reviewer=reviewer, decision="different")
    assert not any(row.causes for row in file_rows(batch.files.all(), batch=batch, user=batch.created_by))


def test_what_crosses_deliveries_is_no_finding_of_a_file(crossing: DuplicateHit) -> None:
    batch = crossing.image.source.batch
    assert not any(row.causes for row in file_rows(batch.files.all(), batch=batch, user=batch.created_by))


def test_two_workers_whose_images_came_together_make_one_hit(batch: Batch) -> None:
    """Each had stored its fingerprint before either looked: both see the other."""
    both = [pictured(batch, chest(1)), pictured(batch, small(chest(1)))]
    for each in both:
        near_duplicates.compare(each.pk)
    DuplicateHit.objects.all().delete()
    assert [near_duplicates.compare(each.pk) for each in both] == [1, 0]
    hit = DuplicateHit.objects.get()
    assert (hit.image, hit.other) == (both[1], both[0])


def test_a_new_process_and_a_row_that_came_late_are_caught_up(batch: Batch) -> None:
    first = pictured(batch, chest(1))
    near_duplicates.compare(first.pk)
    late = ImageFingerprint.objects.get()
    kept = (late.version, bytes(late.hashes))
    late.delete()
    other = pictured(batch, chest(4, sex="M"))
    near_duplicates.forget()
    near_duplicates.compare(other.pk)
    # Its number was given first, its transaction ended last.
    ImageFingerprint.objects.create(pk=late.pk or 1, image=first, version=kept[0], hashes=kept[1])
    assert near_duplicates.compare(pictured(batch, small(chest(1))).pk) == 1
    near_duplicates.forget()
    assert near_duplicates.compare(pictured(batch, np.fliplr(chest(1))).pk) == 2


def test_a_file_left_by_another_run_is_used_only_with_the_database_it_was_made_from(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.VAR = tmp_path
    monkeypatch.setattr(fingerprint_cache, "_SAVE_EVERY", 1)
    for pixels in (chest(1), chest(4, sex="M")):
        near_duplicates.compare(pictured(batch, pixels).pk)
    assert (tmp_path / "duplicates" / "index.npz").is_file()
    near_duplicates.forget()
    read: list[int] = []
    monkeypatch.setattr(near_duplicates, "from_bytes", lambda data: read.append(len(data)) or from_bytes(data))
    assert near_duplicates.compare(pictured(batch, small(chest(1))).pk) == 1
    few = len(read)
    last = ImageFingerprint.objects.latest("pk")
    last.hashes = as_bytes(fingerprint(small_picture(chest(2)))[0])  # as another database has it
    last.save()
    near_duplicates.forget()
    read.clear()
    near_duplicates.compare(pictured(batch, small(chest(2))).pk)
    assert len(read) > few, "the file was left and every row read"


def test_a_picture_without_content_is_compared_and_matches_nothing(batch: Batch) -> None:
    plain = pictured(batch, np.full((90, 90), 30, np.uint8))
    assert near_duplicates.compare(plain.pk) == 0
    assert count_pairs(batch).uncompared == 0


def test_the_sweeper_rings_for_images_that_were_never_compared(batch: Batch) -> None:
    image = pictured(batch, chest(1))
    assert near_duplicates.ring_for_uncompared() == 0, "its own bell may still be on the way"
    Image.objects.filter(pk=image.pk).update(created_at="2026-01-01T00:00Z")
    assert near_duplicates.ring_for_uncompared() == 1
    assert near_duplicates.ring_for_uncompared() == 0


def test_a_hospital_reads_of_its_own_twins_with_a_remedy(twins: DuplicateHit, batch: Batch) -> None:
    (twin,) = own_twins(batch)
    assert twin.message == "File 2 is the same picture as file 1."
    client = Client()
    client.force_login(member(batch.fulfillment.hospital))
    page = client.get(f"/batches/{batch.pk}/").content.decode()
    assert "File 2 is the same picture as file 1." in page and "withdraw the other" in page


def test_no_hospital_reads_of_a_pair_that_crosses_hospitals(crossing: DuplicateHit) -> None:
    for batch in Batch.objects.all():
        assert own_twins(batch) == []
        for person in (member(batch.fulfillment.hospital), member(batch.fulfillment.request.organization)):
            client = Client()
            client.force_login(person)
            assert "same picture" not in client.get(f"/batches/{batch.pk}/").content.decode().lower()
            assert client.get(f"/review/batches/{batch.pk}/duplicates/").status_code == 404
            assert client.post(f"/review/batches/{batch.pk}/duplicates/{crossing.pk}/").status_code == 404


def test_a_reviewer_sees_the_pair_and_decides_it(crossing: DuplicateHit, batch: Batch, reviewer: User) -> None:
    client = Client()
    client.force_login(reviewer)
    address = f"/review/batches/{batch.pk}/duplicates/"
    page = client.get(address).content.decode()
    assert crossing.other.source.batch.fulfillment.hospital.name in page and "not decided" in page
    assert len(re.findall(r"<img [^>]*data-(?:first|second)", page)) == 2
    answer = client.post(f"{address}{crossing.pk}/", {"decision": "keep_first"})
    assert (answer.status_code, answer["Location"]) == (302, f"{address}#pairs")
    assert "Duplicate: keep the first" in client.get(address).content.decode()
    event = AuditEvent.objects.get(verb="duplicate.decided")
    assert event.data == {"decision": "keep_first", "batch": str(batch.pk)}
    assert not PendingNote.objects.exists(), "what crosses hospitals is told to none"
    assert (count_pairs(batch).undecided, count_pairs(batch).elsewhere) == (0, 1)


def test_the_deciding_reviewer_leaves_a_note_for_the_hospitals_own_twin(
    twins: DuplicateHit, batch: Batch, reviewer: User
) -> None:
    reviews.claim_batch(batch=batch, actor=reviewer)
    batch.refresh_from_db()
    decide_pair(hit=twins, batch=batch, decision="keep_first", actor=reviewer)
    assert "file 1" in PendingNote.objects.get(file=twins.image.source).text
    decide_pair(hit=twins, batch=batch, decision="different", actor=reviewer)
    assert own_twins(batch) == []
    assert DuplicateDecision.objects.count() == 2


def test_who_delivered_it_does_not_decide_it_and_no_other_word_is_a_decision(
    twins: DuplicateHit, batch: Batch, reviewer: User
) -> None:
    party = ReviewerFactory.create()
    Membership.objects.create(user=party, organization=batch.fulfillment.hospital, role=Role.VIEWER)
    with pytest.raises(CannotDo, match="member"):
        decide_pair(hit=twins, batch=batch, decision="different", actor=party)
    with pytest.raises(CannotDo, match="no decision"):
        decide_pair(hit=twins, batch=batch, decision="maybe", actor=reviewer)
    with pytest.raises(CannotDo, match="not of this batch"):
        decide_pair(hit=twins, batch=images.sealed_batch(images=0), decision="different", actor=reviewer)


def test_an_empty_list_says_what_it_means(batch: Batch, reviewer: User) -> None:
    client = Client()
    client.force_login(reviewer)
    assert "No duplicates" in client.get(f"/review/batches/{batch.pk}/duplicates/").content.decode()
    pictured(batch, chest(1))
    assert "still to be compared" in client.get(f"/review/batches/{batch.pk}/duplicates/").content.decode()
