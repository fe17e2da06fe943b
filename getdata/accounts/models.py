"""People, organizations, who may do what in them, and how an organization is verified."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db import models
from django.utils import timezone

from getdata.common.models import Entity
from getdata.common.states import status_constraint


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, staff_role=User.StaffRole.ADMINISTRATOR, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin, Entity):
    """A person, known by e-mail address. Staff are GetDATA's own reviewers and administrators."""

    class StaffRole(models.TextChoices):
        NONE = "", "not staff"
        REVIEWER = "reviewer", "reviewer"
        ADMINISTRATOR = "administrator", "administrator"

    email = models.EmailField(unique=True)
    name = models.CharField("full name", max_length=200)
    staff_role = models.CharField(max_length=20, choices=StaffRole.choices, default=StaffRole.NONE, blank=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    #: Set on the instance when a request came with an API token.
    acting_token_id: str | None = None
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ["email"]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_administrator(self) -> bool:
        return self.is_active and self.staff_role == self.StaffRole.ADMINISTRATOR

    @property
    def is_reviewer(self) -> bool:
        """Administrators may do what reviewers do."""
        return self.is_active and self.staff_role in (self.StaffRole.REVIEWER, self.StaffRole.ADMINISTRATOR)

    @property
    def is_staff(self) -> bool:
        return self.is_reviewer

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] if self.name else self.email


class OrganizationStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    PENDING = "pending", "Pending verification"
    VERIFIED = "verified", "Verified"
    REJECTED = "rejected", "Rejected"
    SUSPENDED = "suspended", "Suspended"


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def visible_to(self, user: User | AnonymousUser) -> OrganizationQuerySet:
        """Members see their own organizations; staff see all. Nobody else sees an organization's pages."""
        if not isinstance(user, User):
            return self.none()
        if user.is_reviewer:
            return self
        return self.filter(memberships__user=user).distinct()


class Organization(Entity):
    """A hospital, a research group or a company. It may act on the market once it is verified."""

    class Kind(models.TextChoices):
        HOSPITAL = "hospital", "Hospital"
        RESEARCH_GROUP = "research_group", "Research group"
        COMPANY = "company", "Company"

    Status = OrganizationStatus

    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "draft": {"pending"},
        "pending": {"verified", "rejected"},
        "rejected": {"pending"},
        "verified": {"suspended"},
        "suspended": {"verified"},
    }

    kind = models.CharField(max_length=20, choices=Kind.choices)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    website = models.URLField(blank=True)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    status_note = models.TextField(blank=True, help_text="the reviewer's reasons, shown to the organization")
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints: ClassVar = [status_constraint("organization", OrganizationStatus)]

    def __str__(self) -> str:
        return self.name

    @property
    def is_hospital(self) -> bool:
        return self.kind == self.Kind.HOSPITAL

    @property
    def is_verified(self) -> bool:
        return self.status == self.Status.VERIFIED

    @property
    def audit_organization_id(self) -> str:
        return str(self.pk)


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    SIGNATORY = "signatory", "Signatory"
    PRIVACY_OFFICER = "privacy_officer", "Privacy officer"
    DATA_MANAGER = "data_manager", "Data manager"
    READER = "reader", "Reader"
    VIEWER = "viewer", "Viewer"


#: What each role may do inside its organization. Whoever uploads never releases: releasing is for staff alone.
CAPABILITIES: dict[str, frozenset[str]] = {
    "manage": frozenset({Role.OWNER}),
    "sign": frozenset({Role.OWNER, Role.SIGNATORY}),
    "approve_privacy": frozenset({Role.OWNER, Role.PRIVACY_OFFICER}),
    "write": frozenset({Role.OWNER, Role.SIGNATORY, Role.DATA_MANAGER}),
    "upload": frozenset({Role.OWNER, Role.DATA_MANAGER}),
    "see_quarantine": frozenset({Role.OWNER, Role.PRIVACY_OFFICER, Role.DATA_MANAGER}),
    "download": frozenset({Role.OWNER, Role.DATA_MANAGER, Role.READER}),
    "view": frozenset(Role.values),
}


class Membership(Entity):
    """One person's role in one organization."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        ordering = ["organization__name", "user__email"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "organization"], name="one_role_a_person_and_organization"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} · {self.organization}"


class VerificationItemState(models.TextChoices):
    MISSING = "missing", "Missing"
    PROVIDED = "provided", "Provided"
    ACCEPTED = "accepted", "Accepted"
    RETURNED = "returned", "Returned"


class VerificationItem(Entity):
    """One line of an organization's verification checklist: what it says, and what the reviewer found."""

    State = VerificationItemState

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="verification_items")
    key = models.SlugField(max_length=40)
    evidence = models.TextField(blank=True, help_text="a reference, address or registration number; no patient data")
    state = models.CharField(
        max_length=10, choices=VerificationItemState.choices, default=VerificationItemState.MISSING
    )
    provided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    provided_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="the reviewer's words when the item was returned")
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "key"], name="one_item_a_check"),
            models.CheckConstraint(
                condition=models.Q(state__in=VerificationItemState.values), name="verificationitem_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.get_state_display()}"

    @property
    def evidence_fingerprint(self) -> str:
        """Names the evidence a reviewer saw, so that a decision never falls on words that came later."""
        return hashlib.sha256(self.evidence.encode()).hexdigest()[:16]


class InvitationStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    ACCEPTED = "accepted", "Accepted"
    REVOKED = "revoked", "Revoked"
    EXPIRED = "expired", "Expired"


class Invitation(Entity):
    """An offer of membership, sent by e-mail. Only a hash of its token is kept."""

    Status = InvitationStatus
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        "pending": {"accepted", "revoked", "expired"},
        "accepted": set(),
        "revoked": set(),
        "expired": set(),
    }

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=20, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=InvitationStatus.choices, default=InvitationStatus.PENDING)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [status_constraint("invitation", InvitationStatus)]

    def __str__(self) -> str:
        return f"invitation to {self.organization}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.organization_id)

    @property
    def is_live(self) -> bool:
        return self.status == InvitationStatus.PENDING and self.expires_at > timezone.now()


class ApiToken(Entity):
    """A token for scripts: shown once, kept as a hash, limited to scopes and a lifetime."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()
