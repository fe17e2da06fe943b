"""Tampering with a certificate, a signed text, a manifest, a release's file or a stored image is detected, and the thing is named."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from fulfillment.models import DeidCertificate, Image, Release, ReleaseFile, ReleaseItem
from fulfillment.services import releases
from fulfillment.services.certificates import certify_batch
from fulfillment.services.kept_evidence import verify_everything
from getdata.common import storage
from requests_app.models import Agreement, SpecVersion
from tests.factories import ReviewerFactory
from tests.support.evidence import evidence_aside
from tests.support.images import accepted_batch

pytestmark = pytest.mark.django_db


def problems() -> str:
    return "\n".join(verify_everything().problems)


def spoilt(key: str, at: int) -> bytes:
    """The object with one bit changed; gives back what it was."""
    before = storage.get(storage.released(), key)
    storage.put(storage.released(), key, before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
    return before


def test_whatever_is_altered_removed_or_inserted_is_found_and_named(settings: Any) -> None:
    settings.CANARY_COPIES = 0
    batch = accepted_batch(images=2)
    certificate = certify_batch(batch.pk)
    assert certificate is not None
    release = releases.prepare_release(request=batch.fulfillment.request, actor=ReviewerFactory.create())
    releases.build_release(release.pk)
    release = Release.objects.get(pk=release.pk)
    out = StringIO()
    call_command("verify_storage", stdout=out)
    assert "All as it was: 1 certificates" in out.getvalue() and "2 images" in out.getvalue()

    # files: one in the package, the manifest in the package, an accepted image
    inside = release.files.get(path=f"data/{ReleaseItem.objects.filter(release=release).first().path}")  # type: ignore[union-attr]
    manifest = release.files.get(path="manifest-sha256.txt")
    for file in (inside, manifest):
        before = spoilt(release.archive, file.offset + file.size // 2)
        said = problems()
        assert f"{file.path} was altered" in said and said.count("was altered") == 1
        storage.put(storage.released(), release.archive, before)
    before = spoilt(release.archive, len(storage.get(storage.released(), release.archive)) - 1)
    assert "is not the package that was built" in problems(), "between the files, too"
    storage.put(storage.released(), release.archive, before)
    image = Image.objects.order_by("pk").first()
    assert image is not None
    before = spoilt(image.stored, 200)
    assert f"image {image.pk}: {image.stored} is not the file that was accepted" in problems()
    storage.released().delete(image.stored)
    with pytest.raises(CommandError, match="1 thing"):
        call_command("verify_storage", stdout=StringIO(), stderr=out)
    assert f"{image.stored} is not in the storage" in out.getvalue()
    storage.put(storage.released(), image.stored, before)
    assert problems() == ""

    # rows: each tried in a transaction that is taken back
    version, agreement = batch.spec_version, Agreement.objects.get()
    other = certificate.text.replace('"GetDATA portal"', '"GetDATA  portal"')
    document = {**version.document, "title": "Another title"}
    tries: list[tuple[Any, dict[str, Any] | None, str]] = [
        (DeidCertificate.objects.filter(pk=certificate.pk), {"text": other}, "of batch 1: "),
        (DeidCertificate.objects.filter(pk=certificate.pk), None, f"certificate {certificate.pk} was removed"),
        (SpecVersion.objects.filter(pk=version.pk), {"document": document}, f"{version.pk}: its content is not"),
        (
            Agreement.objects.filter(pk=agreement.pk),
            {"text": agreement.text + " "},
            f"agreement {agreement.pk}: its text",
        ),
        (
            Agreement.objects.filter(pk=agreement.pk),
            {"text_sha256": "0" * 64},
            "it is under another text than agreement",
        ),
        (Release.objects.filter(pk=release.pk), {"archive_sha256": "0" * 64}, "its row has another digest"),
        (
            ReleaseFile.objects.filter(pk=inside.pk),
            {"sha256": "0" * 64},
            f"the list's row of {inside.path} was altered",
        ),
        (ReleaseFile.objects.filter(pk=inside.pk), None, f"the list's row of {inside.path} was removed"),
        (release.items.filter(path=inside.path[5:]), {"sha256": "0" * 64}, f"row of the image {inside.path[5:]} was"),
        (Image.objects.filter(pk=image.pk), {"output_sha256": "0" * 64}, "is not the file that was accepted"),
    ]
    with evidence_aside():
        for rows, changes, expected in tries:
            with transaction.atomic():
                touched = rows.update(**changes) if changes else rows._raw_delete("default")
                assert touched == 1
                said = problems()
                transaction.set_rollback(True)
            assert expected in said, (expected, said)
    with transaction.atomic():
        ReleaseFile.objects.create(
            release=release, path="data/dicom/extra.dcm", size=1, sha256="0" * 64, crc32=0, offset=10**9
        )
        assert "data/dicom/extra.dcm was inserted" in problems()
        transaction.set_rollback(True)
    assert problems() == ""
