"""Founding an organization, answering its checklist, submitting it."""

from __future__ import annotations

import pytest

from getdata.accounts import services
from getdata.accounts.checklist import CHECKS, checks_for
from getdata.accounts.models import Membership, Organization, Role, VerificationItem
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification, OutboxMail
from tests.accounts.people import answer_all, draft, owner_of, pending, rejected, verified
from tests.factories import OrganizationFactory, ReviewerFactory, UserFactory, member

pytestmark = pytest.mark.django_db
State = VerificationItem.State


def _code(call: object, **arguments: object) -> str:
    with pytest.raises(CannotDo) as caught:
        call(**arguments)  # type: ignore[operator]
    assert caught.value.message
    return caught.value.code


@pytest.mark.parametrize("kind", Organization.Kind.values)
def test_the_founder_is_owner_and_the_checklist_fits_the_kind(kind: str) -> None:
    founder = UserFactory.create()
    organization = services.create_organization(
        kind=kind, name="  Sankt  Example ", country="DE", website="https://x.example", description=" d ", actor=founder
    )
    assert (organization.name, organization.slug, organization.status) == ("Sankt Example", "sankt-example", "draft")
    assert organization.memberships.get().role == Role.OWNER
    items = organization.verification_items
    assert set(items.values_list("key", flat=True)) == {check.key for check in CHECKS[kind]}
    assert set(items.values_list("state", flat=True)) == {State.MISSING}
    verbs = AuditEvent.objects.filter(organization_id=str(organization.pk)).values_list("verb", flat=True)
    assert list(verbs) == ["organization.created", "membership.created"]


def test_two_organizations_of_one_name_get_two_addresses() -> None:
    first, second, new = draft(name="St Mary"), draft(name="St Mary"), draft(name="New")
    assert (first.slug, second.slug) == ("st-mary", "st-mary-2")
    assert new.slug == "new-2", "/organizations/new/ is the form"


def test_a_name_without_latin_letters_still_gets_an_address() -> None:
    assert draft(name="東京病院").slug == "organization"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "bank"}, "unknown_kind"),
        ({"name": " "}, "bad_name"),
        ({"name": "x" * 201}, "bad_name"),
        ({"country": "XX"}, "unknown_country"),
    ],
)
def test_founding_refuses_nonsense(change: dict[str, str], code: str) -> None:
    arguments = {"kind": "hospital", "name": "Example", "country": "DE", "actor": UserFactory.create(), **change}
    assert _code(services.create_organization, **arguments) == code
    assert not Organization.objects.exists()


def test_a_person_cannot_pile_up_drafts() -> None:
    founder = UserFactory.create()
    for number in range(5):
        draft(founder, name=f"Clinic {number}")
    assert (
        _code(services.create_organization, kind="hospital", name="One more", country="DE", actor=founder)
        == "too_many_drafts"
    )


def test_submission_names_what_is_missing_and_then_works() -> None:
    organization = draft()
    owner, reviewer = owner_of(organization), ReviewerFactory.create()
    with pytest.raises(CannotDo) as caught:
        services.submit_organization(organization=organization, actor=owner)
    assert caught.value.code == "checklist_incomplete"
    assert all(check.title in caught.value.message for check in checks_for("hospital"))
    answer_all(organization)
    moved = services.submit_organization(organization=organization, actor=owner)
    assert moved.status == "pending"
    assert moved.submitted_at is not None
    assert Notification.objects.filter(user=reviewer, event="organization.submitted").count() == 1
    assert OutboxMail.objects.filter(to=reviewer.email).count() == 1


def test_a_returned_item_counts_as_missing_until_it_is_answered_again() -> None:
    organization = rejected()
    owner = owner_of(organization)
    item = organization.verification_items.get(key="ethics_basis")
    VerificationItem.objects.filter(pk=item.pk).update(state=State.RETURNED, note="which vote?")
    assert _code(services.submit_organization, organization=organization, actor=owner) == "checklist_incomplete"
    services.save_evidence(organization=organization, key=item.key, evidence=item.evidence, actor=owner)
    assert services.submit_organization(organization=organization, actor=owner).status == "pending"


@pytest.mark.parametrize("make", [pending, verified])
def test_what_was_submitted_is_not_submitted_again(make: object) -> None:
    organization = make()  # type: ignore[operator]
    owner = owner_of(organization)
    assert _code(services.submit_organization, organization=organization, actor=owner) == "already_submitted"


@pytest.mark.parametrize("role", [r for r in Role.values if r != Role.OWNER])
def test_only_an_owner_submits(role: str) -> None:
    organization = answer_all(draft())
    colleague = member(organization, role)
    assert _code(services.submit_organization, organization=organization, actor=colleague) == "role_lacks_capability"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("owner", {"legal_identity", "email_domain", "ethics_basis", "privacy_officer", "signing_authority"}),
        ("privacy_officer", {"ethics_basis", "privacy_officer"}),
        ("signatory", {"signing_authority"}),
        ("data_manager", set()),
        ("reader", set()),
        ("viewer", set()),
    ],
)
def test_each_check_is_answered_by_an_owner_or_by_the_role_it_names(role: str, allowed: set[str]) -> None:
    organization = draft()
    person = member(organization, role)
    for check in checks_for("hospital"):
        arguments = {"organization": organization, "key": check.key, "evidence": check.example, "actor": person}
        if check.key in allowed:
            item = services.save_evidence(**arguments)  # type: ignore[arg-type]
            assert (item.state, item.provided_by) == (State.PROVIDED, person)
        else:
            assert _code(services.save_evidence, **arguments) == "role_lacks_capability"


def test_staff_cannot_answer_for_an_organization() -> None:
    arguments = {"organization": draft(), "key": "email_domain", "evidence": "hospital.example"}
    assert _code(services.save_evidence, actor=ReviewerFactory.create(), **arguments) == "role_lacks_capability"


@pytest.mark.parametrize(
    ("key", "evidence", "word"),
    [
        ("email_domain", "https://hospital.example", "domain"),
        ("email_domain", "gmail.com", "anybody"),
        ("email_domain", "localhost", "domain"),
        ("privacy_officer", "Jordan Example, third floor", "e-mail"),
        ("legal_identity", "hospital", "short"),
        ("ethics_basis", "x" * 2001, "2,000"),
        ("ethics_basis", "   ", "answer"),
    ],
)
def test_impossible_answers_are_refused_in_words(key: str, evidence: str, word: str) -> None:
    organization = draft()
    with pytest.raises(CannotDo) as caught:
        services.save_evidence(organization=organization, key=key, evidence=evidence, actor=owner_of(organization))
    assert caught.value.code == "bad_evidence"
    assert word in caught.value.message
    assert organization.verification_items.get(key=key).state == State.MISSING


def test_a_domain_is_kept_without_its_at_sign_and_in_lower_case() -> None:
    organization = draft()
    item = services.save_evidence(
        organization=organization, key="email_domain", evidence=" @Hospital.Example ", actor=owner_of(organization)
    )
    assert item.evidence == "hospital.example"


def test_another_kinds_check_is_unknown() -> None:
    organization = draft(kind="company")
    arguments = {"organization": organization, "evidence": "hospital.example", "actor": owner_of(organization)}
    assert _code(services.save_evidence, key="email_domain", **arguments) == "unknown_check"


def test_the_audit_log_names_the_check_but_never_the_evidence() -> None:
    organization = answer_all(draft())
    for event in AuditEvent.objects.filter(verb="verificationitem.provided"):
        assert set(event.data) == {"key", "from", "evidence_sha256_16"}
    assert "Jordan" not in str(list(AuditEvent.objects.values_list("data", flat=True)))
    assert organization.verification_items.filter(state=State.PROVIDED).count() == 5


def test_renewed_evidence_of_a_verified_organization_waits_for_a_reviewer_again() -> None:
    organization = verified()
    reviewer = ReviewerFactory.create()
    item = services.save_evidence(
        organization=organization, key="email_domain", evidence="clinic.example", actor=owner_of(organization)
    )
    assert item.state == State.PROVIDED
    organization.refresh_from_db()
    assert organization.status == "verified"
    assert Notification.objects.filter(user=reviewer, event="organization.evidence_renewed").count() == 1


def test_name_and_country_stay_as_they_were_submitted_but_the_description_may_change() -> None:
    organization = pending()
    same = {"name": organization.name, "country": "DE", "website": "", "actor": owner_of(organization)}
    edited = services.update_organization(organization=organization, description="New words", **same)
    assert edited.description == "New words"
    changed = {**same, "name": "Another Hospital"}
    assert (
        _code(services.update_organization, organization=organization, description="", **changed)
        == "verified_facts_fixed"
    )
    organization.refresh_from_db()
    assert organization.name == "Example Hospital"


def test_a_draft_may_still_correct_its_name() -> None:
    organization = draft()
    services.update_organization(
        organization=organization,
        name="Right Name",
        country="AT",
        website="",
        description="",
        actor=owner_of(organization),
    )
    organization.refresh_from_db()
    assert (organization.name, organization.country) == ("Right Name", "AT")
    event = AuditEvent.objects.latest("id")
    assert (event.verb, event.data) == ("organization.edited", {"fields": ["name", "country"]})


def test_members_and_staff_see_an_organization_and_nobody_else_does() -> None:
    from django.contrib.auth.models import AnonymousUser

    mine, other = OrganizationFactory.create(), OrganizationFactory.create()
    viewer, reviewer = member(mine, Role.VIEWER), ReviewerFactory.create()
    assert list(Organization.objects.visible_to(viewer)) == [mine]
    assert set(Organization.objects.visible_to(reviewer)) == {mine, other}
    assert not Organization.objects.visible_to(AnonymousUser()).exists()
    assert not Organization.objects.visible_to(UserFactory.create()).exists()
    Membership.objects.create(user=viewer, organization=other, role=Role.READER)
    assert Organization.objects.visible_to(viewer).count() == 2
