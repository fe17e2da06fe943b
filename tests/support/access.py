"""People who may download a release: named for its grant, and attested."""

from __future__ import annotations

from fulfillment.models import AccessGrant, Attestation, GrantedUser, Release
from getdata.accounts.models import Role, User
from tests.factories import member


def named(grant: AccessGrant, user: User, *, attested: bool = True) -> GrantedUser:
    """Rows as naming and attesting leave them."""
    row = GrantedUser.objects.create(grant=grant, user=user, named_by=grant.granted_by)
    if attested:
        Attestation.objects.create(
            named=row,
            printed_name=user.name,
            purpose="A trial of a detector.",
            country=grant.organization.country,
            statement="I attest.",
            statement_sha256="0" * 64,
            method="password",
        )
    return row


def downloader(release: Release, role: str = Role.READER) -> User:
    """A new member of the organization that asked, who may download the release now."""
    person = member(release.request.organization, role)
    named(release.grants.get(revoked_at=None), person)
    return person
