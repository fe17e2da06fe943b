"""The pages about people and organizations, through Django's client."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from getdata.accounts import services
from getdata.accounts.checklist import checks_for
from getdata.accounts.models import Invitation, Membership, Organization, Role, VerificationItem
from getdata.notifications.models import OutboxMail
from tests.accounts.people import accept_all, answer_all, draft, owner_of, pending, rejected, suspended, verified
from tests.factories import AdministratorFactory, OrganizationFactory, ReviewerFactory, UserFactory, member

pytestmark = pytest.mark.django_db


def _as(user: Any) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def _texts(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


ONE = ["organization_detail", "organization_members", "organization_history"]
WRITES = [
    "organization_submit",
    "organization_verify",
    "organization_reject",
    "organization_suspend",
    "organization_reinstate",
    "invitation_new",
]


@pytest.mark.parametrize("name", ONE)
def test_pages_exist_for_members_and_staff_only(name: str) -> None:
    organization = OrganizationFactory.create()
    other_owner = member(OrganizationFactory.create())
    address = reverse(name, args=[organization.slug])
    assert _as(member(organization, Role.VIEWER)).get(address).status_code == 200
    assert _as(ReviewerFactory.create()).get(address).status_code == 200
    assert _as(other_owner).get(address).status_code == 404
    assert _as(None).get(address)["Location"].startswith(reverse("account_login"))
    assert _as(member(organization)).post(address).status_code == 405


@pytest.mark.parametrize("name", WRITES)
def test_what_changes_something_takes_post_and_is_invisible_to_strangers(name: str) -> None:
    organization = pending()
    address = reverse(name, args=[organization.slug])
    assert _as(owner_of(organization)).get(address).status_code == 405
    assert _as(UserFactory.create()).post(address).status_code == 404
    assert _as(None).post(address)["Location"].startswith(reverse("account_login"))
    organization.refresh_from_db()
    assert organization.status == "pending"


def test_the_list_shows_ones_own_and_staff_filter_all() -> None:
    mine, other = OrganizationFactory.create(name="Mine"), OrganizationFactory.create(name="Other", status="suspended")
    hospital = OrganizationFactory.create(name="A hospital", kind="hospital", status="pending")

    def names(user: Any, **query: str) -> set[str]:
        page = _as(user).get(reverse("organization_list"), query)
        return {organization.name for organization, _, _ in page.context["rows"]}

    staff = ReviewerFactory.create()
    assert names(member(mine)) == {"Mine"}
    assert names(member(mine), q="Other") == {"Mine"}, "the name filter is for staff"
    assert names(staff) == {"Mine", "Other", "A hospital"}
    assert names(staff, state="suspended") == {other.name}
    assert names(staff, kind="hospital", state="pending") == {hospital.name}
    assert names(staff, q="hosp") == {hospital.name}
    assert names(staff, state="<script>") == {"Mine", "Other", "A hospital"}
    assert names(staff, mine="1") == set()


def test_an_empty_list_leads_to_founding_one() -> None:
    page = _as(UserFactory.create()).get(reverse("organization_list")).content.decode()
    assert "You do not belong to an organization yet" in page
    assert reverse("organization_new") in page


def test_founding_answering_and_submitting_through_the_forms() -> None:
    founder = UserFactory.create()
    client = _as(founder)
    made = client.post(
        reverse("organization_new"),
        {"kind": "hospital", "name": "Example Hospital", "country": "DE", "website": "hospital.example"},
    )
    organization = Organization.objects.get()
    assert made["Location"] == reverse("organization_detail", args=[organization.slug])
    assert organization.website == "https://hospital.example"
    first = checks_for("hospital")[0]
    address = reverse("organization_evidence", args=[organization.slug, first.key])
    for check in checks_for("hospital"):
        assert address == reverse("organization_evidence", args=[organization.slug, check.key])
        assert client.get(address).status_code == 200
        answer = client.post(address, {"evidence": check.example, "and_next": "1"})
        assert answer.status_code == 302
        address = answer["Location"]
    assert address == reverse("organization_detail", args=[organization.slug])
    assert "Submit for verification" in client.get(address).content.decode()
    client.post(reverse("organization_submit", args=[organization.slug]))
    organization.refresh_from_db()
    assert organization.status == "pending"


def test_a_bad_answer_stays_on_the_page_with_its_error_and_its_text() -> None:
    organization = draft()
    address = reverse("organization_evidence", args=[organization.slug, "email_domain"])
    page = _as(owner_of(organization)).post(address, {"evidence": "gmail.com"}).content.decode()
    assert "Error: " in re.findall(r"<title>(.*?)</title>", page, re.S)[0]
    assert "gives addresses to anybody" in page
    assert 'value="gmail.com"' in page


def test_an_early_submission_is_a_message_that_names_what_is_missing() -> None:
    organization = draft()
    answer = _as(owner_of(organization)).post(reverse("organization_submit", args=[organization.slug]))
    assert answer["Location"] == reverse("organization_detail", args=[organization.slug])
    assert "5 of 5 checks still need an answer" in _texts(answer)
    assert "Signing authority" in _texts(answer)


def test_who_may_not_answer_a_check_reads_who_may() -> None:
    organization = draft()
    viewer = _as(member(organization, Role.VIEWER))
    address = reverse("organization_evidence", args=[organization.slug, "ethics_basis"])
    page = viewer.get(address).content.decode()
    assert "Somebody else answers this" in page
    assert "<textarea" not in page
    assert viewer.post(address, {"evidence": "Ethics vote 2026-118"}).context["form"].errors
    assert organization.verification_items.get(key="ethics_basis").state == "missing"


def test_an_unknown_check_is_not_found() -> None:
    organization = draft()
    address = reverse("organization_evidence", args=[organization.slug, "shoe_size"])
    assert _as(owner_of(organization)).get(address).status_code == 404


def test_editing_is_for_owners_and_leaves_verified_facts_alone() -> None:
    organization = verified()
    address = reverse("organization_edit", args=[organization.slug])
    refused = _as(member(organization, Role.VIEWER)).get(address)
    assert refused["Location"] == reverse("organization_detail", args=[organization.slug])
    client = _as(owner_of(organization))
    assert client.get(address).status_code == 200
    client.post(address, {"name": "Another Name", "country": "FR", "website": "", "description": "Beds: 1,200"})
    organization.refresh_from_db()
    assert (organization.name, organization.country, organization.description) == (
        "Example Hospital",
        "DE",
        "Beds: 1,200",
    )


def test_a_reviewer_decides_item_by_item_on_the_page_and_then_verifies() -> None:
    organization, reviewer = pending(), ReviewerFactory.create()
    client = _as(reviewer)
    page = client.get(reverse("organization_detail", args=[organization.slug])).content.decode()
    assert page.count('value="accept"') == 5
    for item in organization.verification_items.all():
        answer = client.post(
            reverse("organization_item_decide", args=[organization.slug, item.key]),
            {"decision": "accept", "seen": item.evidence_fingerprint},
        )
        assert answer["Location"].endswith(f"#check-{item.key}")
    client.post(reverse("organization_verify", args=[organization.slug]))
    organization.refresh_from_db()
    assert organization.status == "verified"


def test_a_decision_on_text_that_changed_is_refused_with_a_message() -> None:
    organization = pending()
    answer = _as(ReviewerFactory.create()).post(
        reverse("organization_item_decide", args=[organization.slug, "email_domain"]),
        {"decision": "accept", "seen": "0123456789abcdef"},
    )
    assert "changed while you were reading" in _texts(answer)
    assert organization.verification_items.get(key="email_domain").state == "provided"


def test_owners_see_no_decision_buttons_and_their_posts_are_refused() -> None:
    organization = pending()
    client = _as(owner_of(organization))
    page = client.get(reverse("organization_detail", args=[organization.slug])).content.decode()
    assert 'name="decision"' not in page
    item = organization.verification_items.get(key="email_domain")
    answer = client.post(
        reverse("organization_item_decide", args=[organization.slug, item.key]),
        {"decision": "accept", "seen": item.evidence_fingerprint},
    )
    assert "Only GetDATA staff" in _texts(answer)
    for name in ("organization_verify", "organization_reject", "organization_suspend", "organization_reinstate"):
        answer = client.post(reverse(name, args=[organization.slug]), {"reasons": "Because I can, and want to."})
        assert "Only GetDATA staff" in _texts(answer)
    organization.refresh_from_db()
    assert organization.status == "pending"


def test_rejecting_suspending_and_reinstating_through_the_forms() -> None:
    waiting, reviewer, administrator = pending(), ReviewerFactory.create(), AdministratorFactory.create()
    address = reverse("organization_reject", args=[waiting.slug])
    assert "Give the reasons" in _texts(_as(reviewer).post(address, {"reasons": ""}))
    _as(reviewer).post(address, {"reasons": "The register does not know this name."})
    waiting.refresh_from_db()
    assert waiting.status == "rejected"
    page = _as(owner_of(waiting)).get(reverse("organization_detail", args=[waiting.slug])).content.decode()
    assert "The register does not know this name." in page

    trusted = verified()
    suspend = reverse("organization_suspend", args=[trusted.slug])
    _as(administrator).post(suspend, {"reasons": "The signatory has left."})
    trusted.refresh_from_db()
    assert trusted.status == "suspended"
    stale = _as(administrator).post(suspend, {"reasons": "The signatory has left."})
    assert "no longer verified" in _texts(stale)
    _as(administrator).post(reverse("organization_reinstate", args=[trusted.slug]))
    trusted.refresh_from_db()
    assert trusted.status == "verified"


@pytest.mark.parametrize("make", [draft, pending, rejected, verified, suspended])
def test_every_state_has_a_page_that_says_whose_turn_it_is(make: Any) -> None:
    organization = make()
    for user in (owner_of(organization), ReviewerFactory.create(), AdministratorFactory.create()):
        page = _as(user).get(reverse("organization_detail", args=[organization.slug]))
        assert page.status_code == 200
        if organization.status == "verified":
            assert page.context["next"].owner == ""
        else:
            assert f"Next step: {page.context['next'].owner}" in page.content.decode().replace("&#x27;", "'")


def test_the_next_step_moves_between_the_organization_and_staff() -> None:
    def owner_of_next(organization: Organization) -> str:
        organization.refresh_from_db()
        page = _as(owner_of(organization)).get(reverse("organization_detail", args=[organization.slug]))
        return page.context["next"].owner

    organization, reviewer = draft(), ReviewerFactory.create()
    assert owner_of_next(organization) == organization.name
    answer_all(organization)
    assert owner_of_next(organization) == organization.name
    services.submit_organization(organization=organization, actor=owner_of(organization))
    assert owner_of_next(organization) == "GetDATA's reviewers"
    item = organization.verification_items.get(key="ethics_basis")
    services.decide_item(item=item, accepted=False, note="Which vote?", actor=reviewer)
    assert owner_of_next(organization) == organization.name
    services.save_evidence(
        organization=organization, key=item.key, evidence="Vote 2026-200 of May", actor=owner_of(organization)
    )
    assert owner_of_next(organization) == "GetDATA's reviewers"


def test_the_queue_is_for_staff_oldest_first_and_knows_renewed_answers() -> None:
    assert _as(UserFactory.create()).get(reverse("verification_queue")).status_code == 403
    staff = _as(ReviewerFactory.create())
    assert "No organization waits" in staff.get(reverse("verification_queue")).content.decode()
    first, second, renewed = pending(name="First"), pending(name="Second"), verified(name="Renewed")
    verified(name="Quiet")
    draft(name="Draft")
    services.save_evidence(organization=renewed, key="email_domain", evidence="new.example", actor=owner_of(renewed))
    rows = [organization.name for organization, _ in staff.get(reverse("verification_queue")).context["rows"]]
    assert rows.index(first.name) < rows.index(second.name)
    assert set(rows) == {"First", "Second", "Renewed"}


def test_a_reviewer_sees_namesakes_and_whether_members_have_the_domain() -> None:
    organization = pending()
    OrganizationFactory.create(name=organization.name.upper())
    page = _as(ReviewerFactory.create()).get(reverse("organization_detail", args=[organization.slug]))
    assert [o.name for o in page.context["namesakes"]] == [organization.name.upper()]
    assert (page.context["at_domain"], page.context["people"]) == (0, 1)
    member(organization, email="ada@hospital.example")
    page = _as(ReviewerFactory.create()).get(reverse("organization_detail", args=[organization.slug]))
    assert (page.context["at_domain"], page.context["people"]) == (1, 2)
    mine = _as(owner_of(organization)).get(reverse("organization_detail", args=[organization.slug]))
    assert "namesakes" not in mine.context


def test_people_are_managed_through_the_members_page() -> None:
    organization = draft()
    owner = owner_of(organization)
    client = _as(owner)
    address = reverse("organization_members", args=[organization.slug])
    client.post(
        reverse("invitation_new", args=[organization.slug]), {"email": "new@hospital.example", "role": "reader"}
    )
    invitation = Invitation.objects.get()
    assert "new@hospital.example" in client.get(address).content.decode()
    again = client.post(
        reverse("invitation_new", args=[organization.slug]), {"email": "new@hospital.example", "role": "reader"}
    )
    assert "was not answered yet" in str(again.context["form"].errors)
    client.post(reverse("invitation_revoke", args=[organization.slug, invitation.pk]))
    invitation.refresh_from_db()
    assert invitation.status == "revoked"
    colleague = member(organization, Role.READER)
    theirs = colleague.memberships.get()
    client.post(reverse("membership_role", args=[organization.slug, theirs.pk]), {"role": "signatory"})
    theirs.refresh_from_db()
    assert theirs.role == Role.SIGNATORY
    remove = reverse("membership_remove", args=[organization.slug, theirs.pk])
    assert "loses access" in client.get(remove).content.decode()
    assert Membership.objects.filter(pk=theirs.pk).exists(), "looking does not remove"
    client.post(remove)
    assert not Membership.objects.filter(pk=theirs.pk).exists()
    mine = owner.memberships.get()
    last = client.post(reverse("membership_remove", args=[organization.slug, mine.pk]))
    assert "last owner" in _texts(last)


def test_invited_addresses_are_shown_to_owners_and_staff_only() -> None:
    organization = draft()
    services.invite(
        organization=organization, email="secret@hospital.example", role="reader", actor=owner_of(organization)
    )
    address = reverse("organization_members", args=[organization.slug])
    invitation = Invitation.objects.get()
    viewer = _as(member(organization, Role.VIEWER))
    assert "secret@hospital.example" not in viewer.get(address).content.decode()
    assert viewer.post(reverse("invitation_revoke", args=[organization.slug, invitation.pk])).status_code == 404
    staff = _as(ReviewerFactory.create())
    assert "secret@hospital.example" in staff.get(address).content.decode()
    assert "Revoke" not in staff.get(address).content.decode()


def test_an_id_of_another_organization_is_not_found_behind_ones_own_address() -> None:
    mine, other = draft(name="Mine"), draft(name="Other")
    theirs = owner_of(other).memberships.get()
    client = _as(owner_of(mine))
    assert client.post(reverse("membership_role", args=[mine.slug, theirs.pk]), {"role": "viewer"}).status_code == 404
    assert client.post(reverse("membership_remove", args=[mine.slug, theirs.pk])).status_code == 404
    invitation = services.invite(organization=other, email="x@y.example", role="reader", actor=owner_of(other))
    assert client.post(reverse("invitation_revoke", args=[mine.slug, invitation.pk])).status_code == 404


def _link(email: str) -> str:
    found = re.search(r"(/invitations/[\w-]+/)", OutboxMail.objects.filter(to=email).latest("created_at").body)
    assert found
    return found[1]


def test_the_invitations_page_has_words_for_every_case() -> None:
    organization, email = draft(), "colleague@hospital.example"
    services.invite(organization=organization, email=email, role="reader", actor=owner_of(organization))
    link = _link(email)
    anonymous = _as(None).get(link)
    assert "Create an account" in anonymous.content.decode()
    assert anonymous["Cache-Control"].find("no-store") >= 0
    assert _as(None).post(link)["Location"].startswith(reverse("account_login"))
    assert "another address" in _as(UserFactory.create()).get(link).content.decode()
    assert "You belong to it already" in _as(owner_of(organization)).get(link).content.decode()
    colleague = UserFactory.create(email=email)
    page = _as(colleague).get(link).content.decode()
    assert "Accept the invitation" in page
    assert not organization.memberships.filter(user=colleague).exists(), "looking does not accept"
    _as(colleague).post(link)
    assert organization.memberships.get(user=colleague).role == "reader"
    assert "can no longer be accepted" in _as(None).get(link).content.decode()
    unknown = _as(None).get(reverse("invitation_accept", args=["nonsense"]))
    assert unknown.status_code == 404
    assert "leads to no invitation" in unknown.content.decode()


def test_a_confirmed_address_finds_its_invitation_in_the_list() -> None:
    organization, email = draft(), "colleague@hospital.example"
    invitation = services.invite(organization=organization, email=email, role="reader", actor=owner_of(organization))
    address = reverse("invitation_accept_own", args=[invitation.pk])
    assert _as(UserFactory.create()).post(address).status_code == 404
    colleague = UserFactory.create(email=email)
    assert address in _as(colleague).get(reverse("organization_list")).content.decode()
    _as(colleague).post(address)
    assert organization.memberships.filter(user=colleague).exists()


def test_ones_name_is_ones_own() -> None:
    user = UserFactory.create()
    client = _as(user)
    assert client.post(reverse("account_settings"), {"name": " "}).context["form"].errors
    client.post(reverse("account_settings"), {"name": "  Ada   Example "})
    user.refresh_from_db()
    assert user.name == "Ada Example"
    page = client.get(reverse("account_settings")).content.decode()
    for name in ("account_email", "account_change_password", "mfa_index", "token_new"):
        assert reverse(name) in page


def test_history_tells_members_that_staff_acted_and_staff_who() -> None:
    reviewer = ReviewerFactory.create(name="Rae Viewer")
    organization = accept_all(pending(), reviewer)
    address = reverse("organization_history", args=[organization.slug])
    members_page = _as(owner_of(organization)).get(address).content.decode()
    assert "GetDATA staff" in members_page
    assert "Rae Viewer" not in members_page
    assert "Rae Viewer" in _as(ReviewerFactory.create()).get(address).content.decode()


def test_the_pages_of_an_organization_made_without_checklist_rows_still_work() -> None:
    organization = OrganizationFactory.create(kind="hospital", status="draft")
    owner = member(organization)
    assert not VerificationItem.objects.filter(organization=organization).exists()
    assert _as(owner).get(reverse("organization_detail", args=[organization.slug])).status_code == 200
    answer_all(organization)
    assert services.submit_organization(organization=organization, actor=owner).status == "pending"
