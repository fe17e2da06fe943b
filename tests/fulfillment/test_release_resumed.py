"""A package goes on where a killed worker stopped, and is the same to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from fulfillment.models import Release
from fulfillment.services import release_building, release_ledger, releases
from getdata.common import growing, storage
from requests_app.models import SpecVersion
from tests.factories import ReviewerFactory
from tests.support.images import accepted_batch, label

pytestmark = pytest.mark.django_db(transaction=True)
IMAGES = 5


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test starts the workers itself."""
    monkeypatch.setattr(releases, "enqueue", lambda *_: None)


def prepared(images: int = IMAGES) -> Release:
    batch = accepted_batch(images=images)
    for number, one in enumerate(batch.files.filter(image__isnull=False)):
        label(one.image, "Pneumothorax", ("present", "absent")[number % 2], reader="r1")
    for version in SpecVersion.objects.all():
        version.document["delivery"] = {"image_formats": ["dicom", "png8"], "label_formats": ["coco"]}
        SpecVersion.objects.filter(pk=version.pk).update(document=version.document)
    return releases.prepare_release(request=batch.fulfillment.request, actor=ReviewerFactory.create())


def bytes_of(release: Release) -> bytes:
    release.refresh_from_db()
    assert release.is_built, release.problem
    return storage.get(storage.released(), release.archive)


def files_of(release: Release) -> list[Any]:
    return list(release.files.values_list("path", "size", "sha256", "crc32", "offset"))


def again_from_nothing(release: Release) -> tuple[bytes, list[Any]]:
    release.files.all().delete()
    Release.objects.filter(pk=release.pk).update(archive="", archive_sha256="", build_lease_until=None)
    releases.build_release(release.pk)
    return bytes_of(release), files_of(release)


def address_of_the_database() -> str:
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    password = quote(str(given["PASSWORD"]), safe="")
    return f"postgresql://{given['USER']}:{password}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


def test_a_killed_worker_leaves_what_it_wrote_and_the_next_one_ends_with_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(growing, "_SMALLEST", 64 * 1024)
    release = prepared()
    died = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_build", str(release.pk), "28"],
        env={**os.environ, "DATABASE_URL": address_of_the_database()},
        capture_output=True,
        timeout=120,
    )
    assert died.returncode == -9, died.stderr.decode()[-2000:]
    release.refresh_from_db()
    noted = files_of(release)
    local = not hasattr(storage.released(), "bucket")
    assert bool(noted) is local, "in S3 nothing of so small a package is safe yet"
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert not release.is_built, "the lease of the dead worker holds until it runs out"

    Release.objects.filter(pk=release.pk).update(build_lease_until=timezone.now() - timedelta(seconds=1))
    made = []
    add = release_building.BagWriter.add
    monkeypatch.setattr(
        release_building.BagWriter, "add", lambda bag, entry: made.append(entry.path) or add(bag, entry)
    )
    releases.build_release(release.pk)
    resumed, files = bytes_of(release), files_of(release)
    if local:
        assert files[: len(noted)] == noted and not {row[0] for row in noted} & set(made), "nothing is made twice"
    assert (resumed, files) == again_from_nothing(release)


def test_a_turn_that_is_over_rings_for_the_next_and_the_parts_make_the_same_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With small parts, as a large package has in S3: what was sent is not sent again."""
    monkeypatch.setattr(growing, "_SMALLEST", 32 * 1024)
    monkeypatch.setattr(release_building, "_expected", lambda *_: 0)
    monkeypatch.setattr(release_building, "_ENTRIES", 2)
    release = prepared(3)
    turns = []

    def rung(task: str, pk: str) -> None:
        turns.append(Release.objects.get(pk=pk).files.count())

    with monkeypatch.context() as short:
        short.setattr(release_building, "TURN", timedelta(seconds=-1))
        short.setattr(release_building, "enqueue", rung)
        for _ in range(6):
            releases.build_release(release.pk)
        release.refresh_from_db()
        assert not release.problem and release.build_attempts <= 1
        assert release_building.images_written(release) <= 3
    assert turns and max(turns) > 0
    releases.build_release(release.pk)
    assert (bytes_of(release), files_of(release)) == again_from_nothing(release)


def test_a_package_begun_in_another_layout_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    release = prepared(2)
    monkeypatch.setattr(release_building, "_ENTRIES", 2)
    with monkeypatch.context() as broken:
        broken.setattr(release_building, "tag_entries", lambda *_: 1 / 0)
        releases.build_release(release.pk)
    release.refresh_from_db()
    assert not release.is_built
    monkeypatch.setattr(release_ledger, "LAYOUT", 99)
    releases.build_release(release.pk)
    assert bytes_of(release) == again_from_nothing(release)[0]


def test_a_worker_that_lost_its_lease_writes_no_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    release = prepared(1)
    monkeypatch.setattr(release_building, "_ENTRIES", 1)
    tags = release_building.tag_entries

    def overtaken(*given: Any) -> Any:
        Release.objects.filter(pk=release.pk).update(build_token=image_token)
        return tags(*given)

    image_token = release.pk
    monkeypatch.setattr(release_building, "tag_entries", overtaken)
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert not release.is_built and not release.problem
    assert not release.files.filter(path="bagit.txt").exists()
