"""What can be done with people and organizations: verbs, keyword-only, each checking who asks."""

from getdata.accounts.services.members import (
    accept_invitation,
    accept_own_invitation,
    change_role,
    expire_invitations,
    find_invitation,
    invite,
    remove_member,
    revoke_invitation,
)
from getdata.accounts.services.organizations import (
    create_organization,
    save_evidence,
    submit_organization,
    update_organization,
)
from getdata.accounts.services.people import update_profile
from getdata.accounts.services.verification import (
    decide_item,
    reinstate_organization,
    reject_organization,
    suspend_organization,
    verify_organization,
)

__all__ = [
    "accept_invitation",
    "accept_own_invitation",
    "change_role",
    "create_organization",
    "decide_item",
    "expire_invitations",
    "find_invitation",
    "invite",
    "reinstate_organization",
    "reject_organization",
    "remove_member",
    "revoke_invitation",
    "save_evidence",
    "submit_organization",
    "suspend_organization",
    "update_organization",
    "update_profile",
    "verify_organization",
]
