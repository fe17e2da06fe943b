"""The proof of a batch: made when it is sealed, honest when nothing was measured, in the release, visible to its people."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from deid.proof import check_certificate
from fulfillment.models import (
    Batch,
    BatchStatus,
    DeidCertificate,
    Image,
    PseudonymKey,
    Release,
    ReleaseItem,
    SourceFile,
)
from fulfillment.services import certificates
from fulfillment.services.certificates import certify_batch, current_certificate, ring_for_uncertified, signing_key
from getdata.accounts.models import Role
from getdata.common import crypto
from requests_app.spec import DatasetSpec
from tests import factories
from tests.deid.objects import BlindDetector, SilentReader
from tests.factories import ReviewerFactory, UserFactory, member
from tests.fulfillment.test_pipeline import IDENTITY, SPEC, processed
from tests.fulfillment.uploads.imaging import add_image
from tests.support.evidence import evidence_aside
from tests.support.staging import small_radiograph

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch() -> Batch:
    """An open batch whose hospital and request have their key."""
    document = DatasetSpec.model_validate(SPEC).model_dump(mode="json")
    made = factories.batch(factories.fulfillment(request=factories.open_request(draft=document)))
    PseudonymKey.objects.get_or_create(
        hospital=made.fulfillment.hospital,
        request=made.fulfillment.request,
        defaults={"sealed_secret": crypto.seal(b"k" * 32, scope=f"pseudonym:{made.fulfillment.hospital_id}")},
    )
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """The engine with a detector that sees nothing: it misses what is burned in, and takes no time."""
    settings.CANARY_COPIES = 2
    monkeypatch.setattr("deid.engine._shipped_detector", BlindDetector)
    monkeypatch.setattr("deid.engine._shipped_reader", SilentReader)


def seal(batch: Batch, **fields: Any) -> Batch:
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.SEALED, sealed_at=timezone.now(), **fields)
    batch.refresh_from_db()
    return batch


def delivered(batch: Batch, count: int = 1) -> Batch:
    """A sealed batch whose images came through the pipeline."""
    for n in range(1, count + 1):
        data = small_radiograph(n)
        processed(batch, data, f"SMITH_JANE/{n}.dcm")
    assert Image.objects.live().filter(source__batch=batch).count() == count, list(
        SourceFile.objects.values_list("status", "reason")
    )
    return seal(batch)


def test_a_sealed_batch_is_measured_certified_and_signed_and_holds_nothing_of_the_patient(
    batch: Batch,
    quick: None,
) -> None:
    delivered(batch)
    certificate = certify_batch(batch.pk)
    assert certificate is not None and certificate.measured and certificate.planted > 90
    verdict = check_certificate(certificate.text.encode(), signing_key().public)
    assert verdict.genuine and verdict.trusted
    statement = verdict.document["statement"]
    assert statement["counts"]["released"] == 1 and statement["canaries"]["copies"] == 1
    kinds = {kind["kind"]: kind for kind in statement["canaries"]["by_kind"]}
    assert kinds["headers"]["removed"] == kinds["headers"]["planted"]
    assert kinds["pixels"]["removed"] == 0 and certificate.missed == kinds["pixels"]["planted"]
    image = Image.objects.get()
    assert verdict.document["manifest"][0][:2] == [image.path_in_release, image.output_sha256]
    for text in IDENTITY:
        assert text.lower() not in certificate.text.lower(), text


def test_certifying_twice_makes_one_certificate_and_sealing_again_makes_another(batch: Batch, quick: None) -> None:
    add_image(a_file(batch))
    seal(batch)
    assert certify_batch(batch.pk) == certify_batch(batch.pk)
    assert DeidCertificate.objects.count() == 1
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.RETURNED)
    batch.refresh_from_db()
    assert current_certificate(batch) is None and certify_batch(batch.pk) is None
    seal(batch)
    assert current_certificate(batch) is None
    certify_batch(batch.pk)
    assert DeidCertificate.objects.count() == 2


def a_file(batch: Batch, number: int = 1) -> SourceFile:
    return SourceFile.objects.create(
        batch=batch, number=number, sealed_name=b"x", name_digest=f"{number:064x}", content_digest=f"{number:064x}", size=9
    )  # fmt: skip


@pytest.mark.parametrize(
    ("breakage", "told"),
    [
        (
            lambda *rest, **more: (_ for _ in ()).throw(ValueError("secret value")),
            "went wrong while measuring (ValueError)",
        ),
        (lambda *rest, **more: None, "No original of the batch"),
    ],
)
def test_a_measurement_that_fails_is_said_to_have_failed_and_never_holds_the_batch_up(
    batch: Batch,
    quick: None,
    breakage: Any,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_image(a_file(batch))
    seal(batch)
    monkeypatch.setattr(certificates, "_one", breakage)
    certificate = certify_batch(batch.pk)
    assert certificate is not None and not certificate.measured and told in certificate.note
    assert "secret value" not in certificate.text
    assert json.loads(certificate.text)["statement"]["canaries"]["measured"] is False


def test_a_portal_that_switched_the_measurement_off_says_so(batch: Batch, settings: Any) -> None:
    settings.CANARY_COPIES = 0
    add_image(a_file(batch))
    seal(batch)
    certificate = certify_batch(batch.pk)
    assert certificate is not None and "switched" in certificate.note


def test_the_sweeper_rings_for_a_batch_whose_bell_was_lost(
    batch: Batch,
    quick: None,
    django_capture_on_commit_callbacks: Any,
) -> None:
    add_image(a_file(batch))
    seal(batch)
    assert ring_for_uncertified() == 0, "its first bell may still be on the way"
    Batch.objects.filter(pk=batch.pk).update(sealed_at=timezone.now() - timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert ring_for_uncertified() == 1
    assert DeidCertificate.objects.count() == 1 and ring_for_uncertified() == 0


def test_the_hospital_and_reviewers_download_it_and_strangers_do_not(
    batch: Batch,
    quick: None,
    client: Client,
) -> None:
    add_image(a_file(batch))
    seal(batch)
    page, file, pdf = (
        f"/batches/{batch.pk}/",
        f"/batches/{batch.pk}/certificate.json",
        f"/batches/{batch.pk}/certificate.pdf",
    )
    manager = member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    client.force_login(manager)
    assert "is being made" in client.get(page).content.decode() and client.get(file).status_code == 404
    certificate = certify_batch(batch.pk)
    assert certificate is not None
    for person in (manager, ReviewerFactory.create()):
        client.force_login(person)
        assert "Certificate (JSON, signed)" in client.get(page).content.decode()
        assert client.get(file).content.decode() == certificate.text
        assert client.get(pdf).content.startswith(b"%PDF-")
    client.force_login(UserFactory.create())
    assert client.get(file).status_code == client.get(pdf).status_code == 404
    client.logout()
    assert client.get(file).status_code == 302
    assert client.get("/certificates/public-key.pem").content == signing_key().public_pem()


def test_missed_values_are_shown_to_the_reviewer(batch: Batch, quick: None, client: Client) -> None:
    add_image(a_file(batch))
    seal(batch)
    certificate = certify_batch(batch.pk)
    assert certificate is not None
    with evidence_aside():
        DeidCertificate.objects.filter(pk=certificate.pk).update(measured=True, planted=90, missed=3)
    client.force_login(ReviewerFactory.create())
    for page in (f"/batches/{batch.pk}/", f"/review/batches/{batch.pk}/"):
        assert "Planted values survived" in client.get(page).content.decode(), page


def test_a_release_carries_one_certificate_over_its_images_with_the_batches_measurements_together(
    batch: Batch,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from deid.proof import CanaryOutcome

    monkeypatch.setattr(
        certificates, "_one", lambda *rest, **more: CanaryOutcome("", (("headers", "PatientName", (), True),) * 7)
    )
    second = factories.batch(batch.fulfillment, number=7)
    for number, one in enumerate((batch, second), start=1):
        add_image(a_file(one, number))
        seal(one)
        certify_batch(one.pk)
        Batch.objects.filter(pk=one.pk).update(status=BatchStatus.ACCEPTED)
    release = Release.objects.create(request=batch.fulfillment.request, number=1, prepared_by=ReviewerFactory.create())
    for image in Image.objects.live():
        ReleaseItem.objects.create(release=release, image=image, path=image.path_in_release, sha256=image.output_sha256)
    files = certificates.release_certificates(release)
    assert set(files) == {"deid_certificate.json", "deid_certificate.pdf"}
    verdict = check_certificate(files["deid_certificate.json"], signing_key().public)
    assert verdict.genuine
    assert verdict.document["statement"]["canaries"]["by_kind"][0]["planted"] == 14
    assert [row[0] for row in verdict.document["manifest"]] == sorted(release.items.values_list("path", flat=True))
    assert files == certificates.release_certificates(release), "building again gives the same bytes"
    with evidence_aside():
        DeidCertificate.objects.filter(batch=second).update(measured=False, note="Broken.")
    statement = json.loads(certificates.release_certificates(release)["deid_certificate.json"])["statement"]
    assert statement["canaries"] == {"measured": False, "reason": "One of 2 batches was not measured. Broken."}


def test_the_portals_key_is_thirty_two_bytes_and_required_in_production(settings: Any) -> None:
    from getdata.checks import production_is_safe

    assert len(django_settings.GETDATA_SIGNING_KEY) == 32
    settings.PRODUCTION = True
    settings.GETDATA_SIGNING_KEY = b""
    assert "getdata.E010" in {problem.id for problem in production_is_safe(None)}
