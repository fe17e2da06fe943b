"""Access to a release: named, attested, until a day, revoked; and that without it nothing comes by any door."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from fulfillment.models import AccessGrant, Attestation, DownloadedFile, DownloadEvent, GrantedUser, Release
from fulfillment.services import attestations, custody, grant_expiry, grants, incidents, releases
from getdata.accounts.models import Membership, Organization, Role, User
from getdata.accounts.tokens import make_token, revoke_token
from getdata.audit.models import AuditEvent
from getdata.common import storage
from getdata.common.models import ImmutableRow
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification
from tests.factories import PASSWORD, HospitalFactory, OrganizationFactory, ReviewerFactory, UserFactory, member
from tests.support.access import downloader, named
from tests.support.images import accepted_batch, signed_fulfillment
from tests.support.pages import problems

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    request = accepted_batch(images=1).fulfillment.request
    made = releases.prepare_release(request=request, actor=ReviewerFactory.create())
    releases.build_release(made.pk)
    made.refresh_from_db()
    return releases.publish_release(release=made, actor=ReviewerFactory.create())


@pytest.fixture
def grant(release: Release) -> AccessGrant:
    return release.grants.get()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def token_of(user: User, *scopes: str) -> APIClient:
    client = APIClient()
    _, secret = make_token(user=user, name="pull", scopes=scopes or ["releases:read"])
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(CannotDo) as error:
        call()
    assert error.value.remedy, error.value.code
    return error.value.code


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def words(**more: Any) -> dict[str, Any]:
    return {
        "printed_name": "Ada Okafor",
        "purpose": "A trial of a detector.",
        "country": "DE",
        "password": PASSWORD,
        **more,
    }


# --- every door --------------------------------------------------------------------------------------------------------


def everything_through(release: Release, person: User) -> dict[str, int]:
    """Door -> how it answers. Nothing that left a door may be bytes of the release."""
    page, api = signed_in(person), token_of(person)
    file = release.files.filter(path__startswith="data/dicom/").first()
    assert file is not None
    address = f"/api/v1/releases/{release.pk}"
    answers = {
        "page": page.get(f"/releases/{release.pk}/download/"),
        "page, range": page.get(f"/releases/{release.pk}/download/", headers={"Range": "bytes=0-9"}),
        "page, head": page.head(f"/releases/{release.pk}/download/"),
        "api": api.get(f"{address}/download/"),
        "api, range": api.get(f"{address}/download/", HTTP_RANGE="bytes=0-9"),
        "list": api.get(f"{address}/files/"),
        "file": api.get(f"{address}/files/{file.path}"),
        "file, range": api.get(f"{address}/files/{file.path}", HTTP_RANGE="bytes=0-9"),
        "file, head": api.head(f"{address}/files/{file.path}"),
        "file, by session": page.get(f"{address}/files/{file.path}"),
    }
    return {door: answer.status_code for door, answer in answers.items()}


def _not_attested(release: Release) -> User:
    person = member(release.request.organization, Role.READER)
    named(release.grants.get(), person, attested=False)
    return person


def _removed(release: Release) -> User:
    person = downloader(release)
    row = GrantedUser.objects.get(user=person)
    grants.remove_user(named=row, actor=member(release.request.organization, Role.DATA_MANAGER))
    return person


def _demoted(release: Release) -> User:
    person = downloader(release)
    Membership.objects.filter(user=person).update(role=Role.VIEWER)
    return person


def _left(release: Release) -> User:
    person = downloader(release)
    Membership.objects.filter(user=person).delete()
    return person


def _expired(release: Release) -> User:
    person = downloader(release)
    AccessGrant.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return person


def _revoked(release: Release) -> User:
    person = downloader(release)
    grants.revoke_grant(grant=release.grants.get(), actor=ReviewerFactory.create(), reason="A breach.")
    return person


def _suspended(release: Release) -> User:
    person = downloader(release)
    Organization.objects.filter(pk=release.request.organization_id).update(status="suspended")
    return person


def _withdrawn(release: Release) -> User:
    person = downloader(release)
    releases.withdraw_release(release=release, actor=ReviewerFactory.create(), reason="A name was seen.")
    return person


def _stopped(release: Release) -> User:
    person = downloader(release)
    hospital = release.request.fulfillments.get().hospital
    incidents.open_incident(
        actor=ReviewerFactory.create(), kind="identity", title="A name", text="A name was seen.", things=[hospital]
    )
    return person


NOBODY: dict[str, tuple[Callable[[Release], User], str]] = {
    "no grant, no place": (lambda release: UserFactory.create(), ""),
    "another organization": (lambda release: member(OrganizationFactory.create(), Role.OWNER), ""),
    "the hospital": (lambda release: member(release.request.fulfillments.get().hospital, Role.OWNER), ""),
    "staff": (lambda release: ReviewerFactory.create(), ""),
    "left the organization": (_left, ""),
    "not named": (lambda release: member(release.request.organization, Role.READER), "not_named"),
    "role": (lambda release: member(release.request.organization, Role.VIEWER), "role_lacks_capability"),
    "demoted": (_demoted, "role_lacks_capability"),
    "name removed": (_removed, "not_named"),
    "not attested": (_not_attested, "not_attested"),
    "expired": (_expired, "grant_expired"),
    "revoked": (_revoked, "grant_revoked"),
    "suspended": (_suspended, "organization_suspended"),
    "withdrawn": (_withdrawn, "release_withdrawn"),
    "stopped": (_stopped, "frozen"),
}


@pytest.mark.parametrize("case", NOBODY)
def test_without_a_live_grant_of_ones_own_nothing_comes_by_any_door(release: Release, case: str) -> None:
    prepare, code = NOBODY[case]
    person = prepare(release)
    answers = everything_through(release, person)
    for door, status in answers.items():
        expected = 409 if code and not door.startswith("page") else 404
        if door.startswith("page") and code == "not_attested":
            expected = 302  # to the page where one attests
        assert status == expected, (door, status)
    if code:
        told = token_of(person).get(f"/api/v1/releases/{release.pk}/files/").json()
        assert told["code"] == code and told["remedy"]
    assert not DownloadEvent.objects.exists() and not DownloadedFile.objects.exists()


def test_whoever_is_named_and_attested_comes_through_every_door(release: Release) -> None:
    answers = everything_through(release, downloader(release))
    whole = 302 if settings.STORAGE_KIND == "s3" else 200
    part = 302 if settings.STORAGE_KIND == "s3" else 206
    assert answers == {
        "page": whole, "page, range": part, "page, head": 200, "api": whole, "api, range": part, "list": 200, "file": 200,
        "file, range": 206, "file, head": 200, "file, by session": 200,
    }  # fmt: skip


def test_an_old_token_opens_no_door(release: Release) -> None:
    person = downloader(release)
    token, secret = make_token(user=person, name="pull", scopes=["releases:read"])
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    address = f"/api/v1/releases/{release.pk}/files/"
    assert client.get(address).status_code == 200
    revoke_token(token=token, actor=person)
    assert client.get(address).status_code == 401
    assert token_of(person, "deliveries:read").get(address).status_code == 403


def test_a_signed_address_outlives_a_revocation_by_a_minute_at_most(release: Release) -> None:
    """On S3 alone; the store cannot be asked to take an address back, so it lives as short as a download needs to begin."""
    if settings.STORAGE_KIND != "s3":
        assert storage.SIGNED_SECONDS <= 60
        return
    answer = signed_in(downloader(release)).get(f"/releases/{release.pk}/download/")
    query = httpx.URL(answer["Location"]).params
    assert int(query["X-Amz-Expires"]) <= 60
    grants.revoke_grant(grant=release.grants.get(), actor=ReviewerFactory.create(), reason="A breach.")
    assert signed_in(GrantedUser.objects.get().user).get(f"/releases/{release.pk}/download/").status_code == 404


def test_a_transfer_under_way_is_cut_when_the_access_ends(
    release: Release, grant: AccessGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getdata.common.storage._BLOCK", 512)
    monkeypatch.setattr("getdata.common.storage._ASK_AFTER", 512)
    file = release.files.filter(path__startswith="data/dicom/").get()
    assert file.size > 1024
    answer = token_of(downloader(release)).get(f"/api/v1/releases/{release.pk}/files/{file.path}")
    blocks = iter(answer.streaming_content)
    first = next(blocks)
    grants.revoke_grant(grant=grant, actor=ReviewerFactory.create(), reason="A breach.")
    assert len(first) + sum(map(len, blocks)) < file.size


# --- naming and attesting ----------------------------------------------------------------------------------------------


def test_owners_and_data_managers_name_and_others_do_not(release: Release, grant: AccessGrant) -> None:
    organization = release.request.organization
    reader, viewer = member(organization, Role.READER), member(organization, Role.VIEWER)
    manager = member(organization, Role.DATA_MANAGER)
    for other in (
        reader,
        member(organization, Role.SIGNATORY),
        ReviewerFactory.create(),
        member(OrganizationFactory.create()),
    ):
        assert (
            refused(lambda other=other: grants.name_user(grant=grant, user=reader, actor=other))
            == "role_lacks_capability"
        )
    assert refused(lambda: grants.name_user(grant=grant, user=viewer, actor=manager)) == "role_lacks_capability"
    row = grants.name_user(grant=grant, user=reader, actor=manager)
    assert Notification.objects.filter(event="grant.named", user=reader).exists()
    assert refused(lambda: grants.name_user(grant=grant, user=reader, actor=manager)) == "already_named"
    assert refused(lambda: grants.remove_user(named=row, actor=viewer)) == "role_lacks_capability"
    grants.remove_user(named=row, actor=reader)  # one may take one's own name off
    assert refused(lambda: grants.remove_user(named=row, actor=manager)) == "already_removed"
    verbs = AuditEvent.objects.filter(target_id=str(grant.pk)).values_list("verb", flat=True)
    assert {"grant.made", "grant.named", "grant.name_removed"} <= set(verbs)


def test_attesting_needs_the_password_an_agreed_country_and_words(release: Release, grant: AccessGrant) -> None:
    owner = member(release.request.organization)

    def attest(**more: Any) -> Attestation:
        return attestations.attest(grant=grant, actor=owner, **words(**more))

    assert refused(lambda: attest(password="wrong")) == "wrong_password"
    assert AuditEvent.objects.filter(verb="grant.attestation_refused").exists()
    assert refused(lambda: attest(country="FR")) == "country_not_agreed"
    assert refused(lambda: attest(purpose=" ")) == "words_missing"
    assert not GrantedUser.objects.exists(), "a refusal names nobody"
    made = attest()
    assert releases.live_grant(release=release, user=owner) == grant
    assert made.named.named_by == owner, "who may name others names themselves by attesting"
    assert hashlib.sha256(made.statement.encode()).hexdigest() == made.statement_sha256
    assert "Germany" in made.statement and "A trial of a detector." in made.statement and "28 CFR 202" in made.statement
    event = AuditEvent.objects.get(verb="grant.attested")
    assert event.data["sha256"] == made.statement_sha256 and "trial" not in str(event.data)
    with pytest.raises(ImmutableRow):
        made.save()
    assert refused(attest) == "nothing_to_attest"


def test_a_reader_attests_only_when_named_and_anew_when_named_anew(release: Release, grant: AccessGrant) -> None:
    organization = release.request.organization
    reader, owner = member(organization, Role.READER), member(organization)
    assert refused(lambda: attestations.attest(grant=grant, actor=reader, **words())) == "nothing_to_attest"
    row = grants.name_user(grant=grant, user=reader, actor=owner)
    attestations.attest(grant=grant, actor=reader, **words())
    assert releases.live_grant(release=release, user=reader) == grant
    grants.remove_user(named=row, actor=owner)
    grants.name_user(grant=grant, user=reader, actor=owner)
    assert releases.live_grant(release=release, user=reader) is None
    attestations.attest(grant=grant, actor=reader, **words())
    assert Attestation.objects.count() == 2


def test_five_wrong_passwords_are_enough(release: Release, grant: AccessGrant) -> None:
    owner = member(release.request.organization)
    for _ in range(5):
        refused(lambda: attestations.attest(grant=grant, actor=owner, **words(password="wrong")))
    assert refused(lambda: attestations.attest(grant=grant, actor=owner, **words())) == "too_many_attempts"


def test_of_several_agreements_the_strictest_countries_hold_and_none_of_concern() -> None:
    from tests.factories import open_request, spec_document

    document = spec_document()
    document["terms"] = {**document["terms"], "countries": ["FR", "CN"]}
    request = open_request(draft=document)
    accepted_batch(signed_fulfillment(request=request), images=1)
    made = releases.prepare_release(request=request, actor=ReviewerFactory.create())
    assert attestations.terms_of(made).countries == ("FR",)


def test_the_api_attests_with_its_own_scope(release: Release) -> None:
    owner, address = member(release.request.organization), f"/api/v1/releases/{release.pk}/attestation/"
    asked = {**words(), "keeps_duties": True}
    assert token_of(owner).post(address, asked).status_code == 403
    client = token_of(owner, "releases:read", "releases:write")
    assert client.get(address).json()["countries"] == ["DE"]
    assert client.post(address, {**asked, "keeps_duties": False}).status_code == 400
    made = client.post(address, asked)
    assert made.status_code == 201 and made.json()["expires_at"]
    assert client.get(f"/api/v1/releases/{release.pk}/files/").status_code == 200
    assert token_of(member(OrganizationFactory.create())).get(address).status_code == 404


# --- how an access ends ------------------------------------------------------------------------------------------------


def test_revoking_needs_staff_and_a_reason_tells_the_people_and_a_new_period_starts_afresh(
    release: Release, grant: AccessGrant
) -> None:
    reader, staff = downloader(release), ReviewerFactory.create()
    assert (
        refused(lambda: grants.revoke_grant(grant=grant, actor=member(release.request.organization), reason="x"))
        == "staff_only"
    )
    assert refused(lambda: grants.revoke_grant(grant=grant, actor=staff, reason=" ")) == "no_reason"
    assert refused(lambda: grants.make_grant(release=release, actor=staff)) == "grant_exists"
    ended = grants.revoke_grant(grant=grant, actor=staff, reason="A breach.")
    assert (ended.state, ended.revoked_by) == ("revoked", staff)
    assert Notification.objects.filter(event="grant.revoked", user=reader).exists()
    assert refused(lambda: grants.revoke_grant(grant=grant, actor=staff, reason="Again.")) == "already_revoked"
    far = timezone.now() + timedelta(days=4000)
    assert refused(lambda: grants.make_grant(release=release, actor=staff, expires_at=far)) == "bad_expiry"
    fresh = grants.make_grant(release=release, actor=staff)
    assert fresh.is_live and releases.live_grant(release=release, user=reader) is None, "everybody attests anew"


def test_people_are_told_before_an_access_ends_and_when_it_has_each_mark_once(grant: AccessGrant) -> None:
    owner = member(grant.organization)

    def told(days_left: float) -> int:
        return grant_expiry.warn_of_expiry(grant.expires_at - timedelta(days=days_left))

    assert [told(days) for days in (31, 29, 28, 6, 5, -0.1, -3)] == [0, 1, 0, 1, 0, 1, 0]
    events = Notification.objects.filter(user=owner, event__startswith="grant.").order_by("created_at")
    assert list(events.values_list("event", flat=True)) == ["grant.expires", "grant.expires", "grant.expired"]


def test_a_short_access_and_a_revoked_one_bring_no_warnings_out_of_place(grant: AccessGrant) -> None:
    AccessGrant.objects.update(expires_at=grant.created_at + timedelta(days=20))
    assert grant_expiry.warn_of_expiry() == 0, "it was 20 days from the start"
    AccessGrant.objects.update(revoked_at=timezone.now())
    assert grant_expiry.warn_of_expiry(timezone.now() + timedelta(days=30)) == 0


# --- files and the ledger ----------------------------------------------------------------------------------------------


def test_each_file_comes_whole_by_range_and_with_its_digest_and_is_noted_first(release: Release) -> None:
    client = token_of(downloader(release))
    address = f"/api/v1/releases/{release.pk}/files/"
    listed = client.get(address, {"page_size": 1000}).json()
    assert listed["count"] == release.files.count() == len(listed["results"])
    for row in listed["results"]:
        answer = client.get(address + row["path"], HTTP_GETDATA_SESSION="run-0001")
        assert DownloadedFile.objects.filter(file__path=row["path"]).count() == 1, "noted before anything was read"
        data = body(answer)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (row["size"], row["sha256"])
        assert answer["ETag"] == f'"{row["sha256"]}"' and answer["Cache-Control"] == "private, no-store"
    assert DownloadEvent.objects.count() == 1, "one run is one line"
    assert AuditEvent.objects.filter(verb="release.pull_began").count() == 1
    image = client.get(address, {"prefix": "data/dicom/"}).json()["results"][0]
    part = client.get(address + image["path"], HTTP_RANGE="bytes=10-19", HTTP_IF_RANGE=f'"{image["sha256"]}"')
    assert (part.status_code, part["Content-Range"]) == (206, f"bytes 10-19/{image['size']}")
    stale = client.get(address + image["path"], HTTP_RANGE="bytes=10-19", HTTP_IF_RANGE='"another"')
    assert (stale.status_code, len(body(stale))) == (200, image["size"])
    assert client.get(address + image["path"], HTTP_RANGE=f"bytes={image['size']}-").status_code == 416
    head = client.head(address + image["path"])
    assert (head.status_code, head["Content-Length"], body(head)) == (200, str(image["size"]), b"")
    assert client.get(address + "data/dicom/nowhere.dcm").status_code == 404
    today = DownloadEvent.objects.exclude(session="run-0001").get()
    assert [(row.first_byte, row.size) for row in today.files.all()] == [(10, 10), (0, image["size"])]
    assert all(row.item is not None for row in today.files.all())


def test_the_ledger_is_whole_for_staff_and_holders_and_a_hospital_sees_where_its_own_images_went(
    release: Release,
) -> None:
    reader = downloader(release)
    client = token_of(reader)
    address = f"/api/v1/releases/{release.pk}/files/"
    client.get(f"{address}data/README.md")
    client.get(f"{address}{release.files.get(path__startswith='data/dicom/').path}", HTTP_GETDATA_SESSION="run-0001")
    signed_in(reader).get(f"/releases/{release.pk}/download/")
    hospital = release.request.fulfillments.get().hospital
    manager, other = member(hospital, Role.DATA_MANAGER), member(HospitalFactory.create())
    seen = {
        who: len(custody.ledger(release=release, user=user))
        for who, user in {
            "staff": ReviewerFactory.create(),
            "holder": reader,
            "hospital": manager,
            "other": other,
        }.items()
    }
    assert seen == {"staff": 3, "holder": 3, "hospital": 2, "other": 0}, "the read-me is no image of the hospital"
    page = signed_in(manager).get(f"/releases/{release.pk}/custody/").content.decode()
    assert problems(page) == [] and reader.name in page and "Images of yours" in page and "Bytes" not in page
    whole = signed_in(reader).get(f"/releases/{release.pk}/custody/").content.decode()
    assert problems(whole) == [] and "Files, one by one" in whole
    table = signed_in(manager).get(f"/releases/{release.pk}/custody/?format=csv").content.decode().splitlines()
    assert table[0].endswith("own_images") and [line.rsplit(",", 1)[1] for line in table[1:]] == ["1", "1"]
    assert signed_in(other).get(f"/releases/{release.pk}/custody/").status_code == 404


# --- pages -------------------------------------------------------------------------------------------------------------


def test_the_pages_lead_from_the_release_through_attesting_to_the_download(
    release: Release, grant: AccessGrant
) -> None:
    owner = member(release.request.organization)
    client, address = signed_in(owner), f"/releases/{release.pk}/"
    assert client.get(f"{address}download/")["Location"] == f"{address}attest/"
    page = client.get(f"{address}attest/").content.decode()
    assert problems(page) == [] and "I do not identify" in page
    said = {**words(), "keeps_duties": "on"}
    wrong = client.post(f"{address}attest/", {**said, "password": "wrong"}).content.decode()
    assert "<title>Error: " in wrong and "The password is not right." in wrong
    assert client.post(f"{address}attest/", said)["Location"] == address
    assert "Ready to download" in client.get(address).content.decode()
    assert client.get(f"{address}attest/")["Location"] == address, "once is enough"


def test_the_page_of_a_grant_names_removes_and_revokes(release: Release, grant: AccessGrant) -> None:
    organization = release.request.organization
    manager, reader = member(organization, Role.DATA_MANAGER), member(organization, Role.READER)
    client, address = signed_in(manager), grant.get_absolute_url()
    empty = client.get(address).content.decode()
    assert problems(empty) == [] and "Nobody is named yet" in empty
    client.post(f"{address}names/", {"person": str(reader.pk)})
    row = GrantedUser.objects.get(user=reader)
    shown = client.get(address).content.decode()
    assert problems(shown) == [] and reader.name in shown and "Not yet" in shown
    assert (
        "Error"
        in client.post(f"{address}names/", {"person": str(member(organization, Role.VIEWER).pk)}).content.decode()
    )
    client.post(f"{address}names/{row.pk}/remove/")
    assert not GrantedUser.objects.filter(removed_at=None).exists()
    assert client.post(f"{address}revoke/", {"reason": "x"}).status_code == 404, "staff alone"
    for stranger in (member(release.request.fulfillments.get().hospital), UserFactory.create()):
        assert signed_in(stranger).get(address).status_code == 404
    staff = signed_in(ReviewerFactory.create())
    assert "<title>Error: " in staff.post(f"{address}revoke/", {"reason": " "}).content.decode()
    staff.post(f"{address}revoke/", {"reason": "A breach."})
    ended = client.get(address).content.decode()
    assert problems(ended) == [] and "A breach." in ended and "Name a person" not in ended
    staff.post(f"/releases/{release.pk}/grant/", {"until": (timezone.now() + timedelta(days=30)).date().isoformat()})
    assert AccessGrant.objects.live().count() == 1
