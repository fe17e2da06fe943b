"""The audit of a release: made once from what the release holds, kept as it is, shown to those who see the release whole."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from fulfillment.models import AuditResult, DuplicateHit, Image, Release, ReleaseStatus
from fulfillment.services import releases
from fulfillment.services.audits import audit_release, concerns
from getdata.audit.models import AuditEvent
from getdata.common.models import ImmutableRow
from tests.factories import ReviewerFactory, UserFactory, member
from tests.support.images import accepted_batch, label, signed_fulfillment

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    """Six images of two hospitals, each with a label, in a draft that was prepared."""
    first = accepted_batch(images=3)
    accepted_batch(signed_fulfillment(request=first.fulfillment.request), images=3)
    for number, image in enumerate(Image.objects.order_by("pk")):
        label(image, "Edema", state=("present", "absent")[number % 2])
    return releases.prepare_release(request=first.fulfillment.request, actor=ReviewerFactory.create())


def publish(release: Release) -> Release:
    Release.objects.filter(pk=release.pk).update(status=ReleaseStatus.PUBLISHED)
    release.refresh_from_db()
    return release


def test_an_audit_reads_what_the_release_holds(release: Release) -> None:
    beats: list[int] = []
    one, other = Image.objects.order_by("pk")[:2]
    DuplicateHit.objects.create(image=one, other=other, kind="near", distance=10)
    result = audit_release(release, alive=lambda: beats.append(1))
    document = result.document
    assert (document["cohort"]["images"], document["cohort"]["pictures_read"], document["cohort"]["sites"]) == (6, 6, 2)
    assert document["balance"]["findings"][0]["positives"] == document["balance"]["findings"][0]["negatives"] == 3
    assert document["external_validation"]["message"].startswith("external validation impossible: 2 sites")
    assert document["external_validation"]["duplicates"]["images"] == 2
    assert document["balance"]["quotas"] and result.verdict == "underpowered" and concerns(result) == []
    assert beats, "the builder's lease is renewed while it runs"
    sites = {row["category"] for axis in document["diversity"] if axis["axis"] == "site" for row in axis["counts"]}
    assert sites == {"site-01", "site-02"}, "codes, no names of hospitals"
    assert AuditEvent.objects.filter(verb="release.audited").count() == 1


def test_the_package_carries_the_audit(release: Release) -> None:
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert release.is_built, release.problem
    kept = {file.path for file in release.files.filter(path__contains="/audit/")}
    assert {"data/audit/audit.json", "data/audit/audit.html"} <= kept and release.audits.count() == 1


def test_a_figure_that_cannot_be_computed_holds_no_release_back(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr("fulfillment.services.audits.audit", broken)
    releases.build_release(release.pk)
    release.refresh_from_db()
    assert release.is_built and not release.audits.exists()


def test_a_release_is_audited_once_by_each_version(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    first = audit_release(release)
    assert audit_release(release).pk == first.pk
    monkeypatch.setattr("fulfillment.services.audits.AUDIT_VERSION", "99.0.0")
    assert audit_release(release).pk != first.pk and release.audits.count() == 2


def test_nobody_changes_an_audit_and_only_a_draft_takes_it_along(release: Release) -> None:
    result = audit_release(release)
    with pytest.raises(ImmutableRow):
        result.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditResult.objects.update(verdict="green")
    publish(release)
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditResult.objects.all().delete()
    Release.objects.filter(pk=release.pk).update(status=ReleaseStatus.DRAFT)
    releases.discard_release(release=release, actor=ReviewerFactory.create())
    assert not AuditResult.objects.exists()


@pytest.mark.parametrize("ending", ["audit/", "audit.json", "audit.html"])
def test_whoever_sees_the_release_whole_sees_its_audit_and_nobody_else(
    release: Release, client: Client, ending: str
) -> None:
    audit_release(release)
    publish(release)
    people = {
        "asked": member(release.request.organization),
        "reviewer": ReviewerFactory.create(),
        "hospital": member(release.request.fulfillments.all()[0].hospital),
        "stranger": UserFactory.create(),
    }
    found = {}
    for name, person in people.items():
        client.force_login(person)
        found[name] = client.get(f"/releases/{release.pk}/{ending}").status_code
    assert found == {"asked": 200, "reviewer": 200, "hospital": 404, "stranger": 404}


def test_the_page_says_what_was_found_and_gives_the_figures(release: Release, client: Client) -> None:
    client.force_login(ReviewerFactory.create())
    address = f"/releases/{release.pk}/audit/"
    empty = client.get(address)
    assert empty.status_code == 200 and "Not audited yet" in empty.content.decode()
    assert client.get(f"/releases/{release.pk}/audit.json").status_code == 404
    audit_release(release)
    page = client.get(address).content.decode()
    assert "This is not a pass" in page and "External validation impossible" in page
    sent = client.get(f"/releases/{release.pk}/audit.json")
    assert json.loads(sent.content)["schema"] == "getdata-audit/1" and "attachment" in sent["Content-Disposition"]
    assert "<!doctype html>" in client.get(f"/releases/{release.pk}/audit.html").content.decode()
    detail = client.get(f"/releases/{release.pk}/").content.decode()
    assert address in detail
