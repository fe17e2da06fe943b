"""Organizations in each state, made through the services, for the tests of this folder."""

from __future__ import annotations

from getdata.accounts import services
from getdata.accounts.checklist import checks_for
from getdata.accounts.models import Organization, User
from tests.factories import AdministratorFactory, ReviewerFactory, UserFactory


def draft(owner: User | None = None, *, kind: str = "hospital", name: str = "Example Hospital") -> Organization:
    """A draft with nothing answered."""
    return services.create_organization(kind=kind, name=name, country="DE", actor=owner or UserFactory.create())


def owner_of(organization: Organization) -> User:
    """Its (first) owner."""
    return organization.memberships.filter(role="owner").order_by("created_at")[0].user


def answer_all(organization: Organization) -> Organization:
    """Answer every check with its example."""
    for check in checks_for(organization.kind):
        services.save_evidence(
            organization=organization, key=check.key, evidence=check.example, actor=owner_of(organization)
        )
    return organization


def pending(owner: User | None = None, **fields: str) -> Organization:
    """Complete and submitted."""
    organization = answer_all(draft(owner, **fields))
    return services.submit_organization(organization=organization, actor=owner_of(organization))


def accept_all(organization: Organization, reviewer: User) -> Organization:
    """Accept every item."""
    for item in organization.verification_items.all():
        services.decide_item(item=item, accepted=True, actor=reviewer)
    return organization


def verified(owner: User | None = None, **fields: str) -> Organization:
    """Verified by a reviewer."""
    reviewer = ReviewerFactory.create()
    return services.verify_organization(organization=accept_all(pending(owner, **fields), reviewer), actor=reviewer)


def rejected(owner: User | None = None, **fields: str) -> Organization:
    """Rejected with reasons."""
    return services.reject_organization(
        organization=pending(owner, **fields),
        reasons="The register does not know this name.",
        actor=ReviewerFactory.create(),
    )


def suspended(owner: User | None = None, **fields: str) -> Organization:
    """Suspended by an administrator."""
    return services.suspend_organization(
        organization=verified(owner, **fields),
        reasons="The signatory has left the hospital.",
        actor=AdministratorFactory.create(),
    )
