"""What a next version says of the one before: added, removed and why, relabelled; in words and as a table."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from fulfillment.models import DuplicateDecision, DuplicateHit, Image, Release, SourceFile, SourceFileStatus
from fulfillment.selectors import release_breakdown
from fulfillment.services import releases
from fulfillment.services.release_facts import duplicate_clusters
from getdata.accounts.models import User
from requests_app.models import DatasetRequest
from tests.factories import ReviewerFactory
from tests.fulfillment.test_releases import built, package, text
from tests.support.images import accepted_batch, label, signed_fulfillment

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_() -> DatasetRequest:
    return accepted_batch(images=4).fulfillment.request


@pytest.fixture
def reviewer() -> User:
    return ReviewerFactory.create()


def changes(release: Release) -> list[tuple[str, ...]]:
    rows = csv.reader(io.StringIO(text(release, "metadata/changes.csv")))
    assert next(rows) == ["image_id", "path", "change", "reason"]
    return [tuple(row) for row in rows]


def published(request: DatasetRequest, reviewer: User) -> Release:
    return releases.publish_release(release=built(request, reviewer), actor=ReviewerFactory.create())


def test_a_next_version_names_what_changed_and_why(request_: DatasetRequest, reviewer: User) -> None:
    first, second, third, fourth = Image.objects.order_by("source__number")
    for one in (first, second, third):
        label(one, "Pneumothorax", "absent", reader="r1")
    before = published(request_, reviewer)
    assert changes(before) == [] and "First release: 4 images." in text(before, "CHANGELOG.md")

    SourceFile.objects.filter(image=third).update(status=SourceFileStatus.WITHDRAWN)
    SourceFile.objects.filter(image=fourth).update(status=SourceFileStatus.QUARANTINED)
    label(second, "Pneumothorax", "present", reader="r2")
    new = accepted_batch(signed_fulfillment(request=request_), images=1).files.get().image
    after = built(request_, reviewer)
    path = {item.image_id: item.path for item in (*before.items.all(), *after.items.all())}
    assert sorted(changes(after)) == sorted(
        [
            (new.sop_instance_uid, path[new.pk], "added", ""),
            (third.sop_instance_uid, path[third.pk], "removed", "withdrawn"),
            (fourth.sop_instance_uid, path[fourth.pk], "removed", "returned"),
            (second.sop_instance_uid, path[second.pk], "relabelled", ""),
        ]
    )
    told = text(after, "CHANGELOG.md")
    for line in ("1 image added since release 1.", "2 images removed.", "1 withdrawn by its hospital",
                 "1 returned to its hospital by a reviewer", "1 image with labels that say something else."):  # fmt: skip
        assert line in told
    assert not [name for name in package(after).namelist() if third.sop_instance_uid in name]


def test_the_package_counts_what_the_page_counts(request_: DatasetRequest, reviewer: User) -> None:
    release = built(request_, reviewer)
    page: Any = release_breakdown(release, reviewer)
    assert page["images"] == 4 == len(list(csv.DictReader(io.StringIO(text(release, "metadata/images.csv")))))
    assert f"4 images of {page['patients']} patients" in text(release, "README.md")


def test_copies_are_a_group_unless_a_reviewer_called_them_different(request_: DatasetRequest, reviewer: User) -> None:
    first, second, third, fourth = Image.objects.order_by("source__number")
    DuplicateHit.objects.create(image=second, other=first, kind="near", version="1")
    hit = DuplicateHit.objects.create(image=fourth, other=third, kind="near", version="1")
    release = releases.prepare_release(request=request_, actor=reviewer)
    groups = duplicate_clusters(release)
    assert groups[first.sop_instance_uid] == groups[second.sop_instance_uid] and len(set(groups.values())) == 2
    DuplicateDecision.objects.create(hit=hit, reviewer=reviewer, decision="different")
    assert set(duplicate_clusters(release)) == {first.sop_instance_uid, second.sop_instance_uid}
    releases.build_release(release.pk)
    release.refresh_from_db()
    rows = list(csv.DictReader(io.StringIO(text(release, "splits/duplicates.csv"))))
    assert [row["cluster"] for row in rows] == ["d0001", "d0001"]
    assert "external validation impossible" in text(release, "splits/README.md")
