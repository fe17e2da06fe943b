"""What an organization does about itself: being founded, giving evidence, asking for verification."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from getdata.accounts.checklist import Check, check_for, checks_for, normalise, problem_with
from getdata.accounts.countries import COUNTRIES
from getdata.accounts.models import Membership, Organization, Role, User, VerificationItem
from getdata.accounts.permissions import require, role_in
from getdata.accounts.services.common import locked, tell_reviewers
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import transition

Status = Organization.Status
State = VerificationItem.State

#: Last parts of our own addresses below /organizations/.
_RESERVED_SLUGS = frozenset({"new", "api", "verification"})
#: A person who founds more drafts than this has lost the way, or is not a person.
MAX_DRAFTS = 5


def create_organization(
    *, kind: str, name: str, country: str, website: str = "", description: str = "", actor: User
) -> Organization:
    """Found a draft organization with its checklist; ``actor`` becomes its owner.

    Raises ``CannotDo`` for an unknown kind or country, an empty name, or too many drafts of the same person.
    """
    name = " ".join(name.split())
    _check_basics(kind=kind, name=name, country=country)
    with transaction.atomic():
        drafts = Organization.objects.filter(
            status=Status.DRAFT, memberships__user=actor, memberships__role=Role.OWNER
        ).count()
        if drafts >= MAX_DRAFTS:
            raise CannotDo(
                f"You already have {drafts} organizations that were never submitted.",
                remedy="Complete one of them before you create another.",
                code="too_many_drafts",
            )
        organization = _insert(
            Organization(kind=kind, name=name, country=country, website=website, description=description.strip())
        )
        membership = Membership.objects.create(user=actor, organization=organization, role=Role.OWNER)
        VerificationItem.objects.bulk_create(
            VerificationItem(organization=organization, key=check.key) for check in checks_for(kind)
        )
        record(
            verb="organization.created",
            target=organization,
            actor=actor,
            organization_id=organization.pk,
            data={"kind": kind, "country": country},
        )
        record(
            verb="membership.created",
            target=membership,
            actor=actor,
            organization_id=organization.pk,
            data={"role": Role.OWNER.value, "user": str(actor.pk)},
        )
    return organization


def update_organization(
    *, organization: Organization, name: str, country: str, website: str, description: str, actor: User
) -> Organization:
    """Correct what the organization says about itself. Name and country stay as they were verified.

    Raises ``CannotDo`` when name or country would change after submission.
    """
    require(actor, "manage", organization)
    name = " ".join(name.split())
    _check_basics(kind=organization.kind, name=name, country=country)
    with transaction.atomic():
        current = locked(organization)
        wanted = {"name": name, "country": country, "website": website, "description": description.strip()}
        changed = [field for field, value in wanted.items() if getattr(current, field) != value]
        if {"name", "country"} & set(changed) and current.status not in (Status.DRAFT, Status.REJECTED):
            raise CannotDo(
                "Name and country are part of what is verified and cannot change after submission.",
                remedy="If the legal person has changed, create a new organization and have it verified.",
                code="verified_facts_fixed",
            )
        if changed:
            Organization.objects.filter(pk=current.pk).update(**{field: wanted[field] for field in changed})
            record(
                verb="organization.edited",
                target=current,
                actor=actor,
                organization_id=current.pk,
                data={"fields": changed},
            )
    organization.refresh_from_db()
    return organization


def save_evidence(*, organization: Organization, key: str, evidence: str, actor: User) -> VerificationItem:
    """Write an organization's answer to one check. Owners may, and the role that the check names.

    Evidence of a verified organization may be renewed: the item then waits for a reviewer again, who is told.
    Raises ``CannotDo`` for an unknown check, an empty or impossible answer, a role that may not, an item that was
    accepted while the review still runs.
    """
    check = _check(organization, key)
    if role_in(actor, organization) not in (Role.OWNER, check.who):
        raise CannotDo(
            f"Your role in {organization.name} does not allow you to answer “{check.title}”.",
            remedy="Ask an owner to do it or to change your role.",
            code="role_lacks_capability",
        )
    evidence = normalise(check, evidence)
    problem = problem_with(check, evidence) if evidence else "Enter your answer."
    if problem:
        raise CannotDo(problem, code="bad_evidence")
    with transaction.atomic():
        current = locked(organization)
        item, _ = VerificationItem.objects.get_or_create(organization=current, key=key)
        if item.evidence == evidence and item.state != State.RETURNED:
            return item
        if current.status == Status.PENDING and item.state == State.ACCEPTED:
            raise CannotDo(
                f"A reviewer has already accepted “{check.title}”.",
                remedy="You can renew it after the decision about your organization.",
                code="item_accepted",
            )
        before = str(item.state)
        VerificationItem.objects.filter(pk=item.pk).update(
            evidence=evidence, state=State.PROVIDED, provided_by=actor, provided_at=timezone.now()
        )
        item.refresh_from_db()
        record(
            verb="verificationitem.provided",
            target=item,
            actor=actor,
            organization_id=current.pk,
            data={"key": key, "from": before, "evidence_sha256_16": item.evidence_fingerprint},
        )
        if current.status in (Status.VERIFIED, Status.SUSPENDED):
            tell_reviewers(
                current, "organization.evidence_renewed", f"{current.name} renewed its answer to “{check.title}”."
            )
        elif current.status == Status.PENDING and before == State.RETURNED:
            tell_reviewers(current, "organization.evidence_renewed", f"{current.name} answered “{check.title}” again.")
    return item


def submit_organization(*, organization: Organization, actor: User) -> Organization:
    """Ask for verification: draft or rejected becomes pending, and reviewers are told.

    Raises ``CannotDo`` naming what is missing, ``StaleState`` when it was submitted meanwhile.
    """
    require(actor, "manage", organization)
    with transaction.atomic():
        current = locked(organization)
        if current.status not in (Status.DRAFT, Status.REJECTED):
            raise CannotDo(
                f"{current.name} is {current.get_status_display().lower()}; there is nothing to submit.",
                code="already_submitted",
            )
        open_checks = unanswered(current)
        if open_checks:
            titles = ", ".join(f"“{check.title}”" for check in open_checks)
            raise CannotDo(
                f"{len(open_checks)} of {len(checks_for(current.kind))} checks still need an answer: {titles}.",
                remedy="Answer them on the organization's page, then submit again.",
                code="checklist_incomplete",
            )
        moved = transition(
            Organization,
            current.pk,
            current.status,
            Status.PENDING,
            actor=actor,
            changes={"submitted_at": timezone.now(), "decided_at": None},
        )
        tell_reviewers(
            moved,
            "organization.submitted",
            f"{moved.name} ({moved.get_kind_display().lower()}, {moved.country}) asks for verification.",
        )
    return moved


def unanswered(organization: Organization) -> list[Check]:
    """The checks that the organization has to answer: never answered, or returned by a reviewer and not renewed."""
    answered = set(
        organization.verification_items.filter(state__in=(State.PROVIDED, State.ACCEPTED)).values_list("key", flat=True)
    )
    return [check for check in checks_for(organization.kind) if check.key not in answered]


def _check(organization: Organization, key: str) -> Check:
    try:
        return check_for(organization.kind, key)
    except KeyError:
        raise CannotDo("This organization's checklist has no such check.", code="unknown_check") from None


def _check_basics(*, kind: str, name: str, country: str) -> None:
    if kind not in Organization.Kind.values:
        raise CannotDo("Choose what the organization is: hospital, research group or company.", code="unknown_kind")
    if not 2 <= len(name) <= 200:
        raise CannotDo("The name has between 2 and 200 characters.", code="bad_name")
    if country not in COUNTRIES:
        raise CannotDo("Choose the country from the list (ISO 3166-1 alpha-2, such as DE).", code="unknown_country")


def _insert(organization: Organization) -> Organization:
    """Save under the first free slug; two founders of the same name at the same time both get one."""
    stem = slugify(organization.name)[:70].strip("-") or "organization"
    for number in range(1, 1000):
        slug = stem if number == 1 else f"{stem}-{number}"
        if slug in _RESERVED_SLUGS or Organization.objects.filter(slug=slug).exists():
            continue
        organization.slug = slug
        try:
            with transaction.atomic():
                organization.save(force_insert=True)
        except IntegrityError:
            continue
        return organization
    raise CannotDo(
        "There are too many organizations of this name.",
        remedy="Use the full legal name, with the place.",
        code="name_exhausted",
    )
