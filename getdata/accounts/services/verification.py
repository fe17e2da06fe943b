"""What GetDATA's staff decide about organizations. Nobody decides about an organization they belong to."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from getdata.accounts.checklist import checks_for
from getdata.accounts.models import Organization, User, VerificationItem
from getdata.accounts.permissions import require_may_decide, require_staff
from getdata.accounts.services.common import locked, tell_managers
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import transition

Status = Organization.Status
State = VerificationItem.State


def decide_item(
    *, item: VerificationItem, accepted: bool, note: str = "", seen: str = "", actor: User
) -> VerificationItem:
    """Accept the evidence of one check, or return it with a note that says what to change.

    ``seen`` is the fingerprint of the evidence on the reviewer's screen (default: the item's as loaded).
    Raises ``CannotDo`` when there is no evidence, a return without a note, evidence that changed meanwhile, an
    organization that did not ask, or an actor who may not.
    """
    note = note.strip()
    if not accepted and not note:
        raise CannotDo("Say what has to change.", remedy="Write a note, then return the item.", code="note_needed")
    with transaction.atomic():
        organization = locked(item.organization)
        require_may_decide(actor, organization)
        current = VerificationItem.objects.get(pk=item.pk)
        if organization.status not in (Status.PENDING, Status.VERIFIED, Status.SUSPENDED):
            raise CannotDo(
                f"{organization.name} has not asked for a decision.",
                remedy="Wait until it submits its checklist.",
                code="not_under_review",
            )
        if current.state == State.MISSING:
            raise CannotDo("There is no evidence to decide about.", code="no_evidence")
        if current.evidence_fingerprint != (seen or item.evidence_fingerprint):
            raise CannotDo(
                "The evidence changed while you were reading it.",
                remedy="Read the new text below, then decide.",
                code="evidence_changed",
            )
        before, after = current.state, State.ACCEPTED if accepted else State.RETURNED
        if (before, current.note) == (after, note):
            return current
        VerificationItem.objects.filter(pk=current.pk).update(
            state=after, note=note, decided_by=actor, decided_at=timezone.now()
        )
        current.refresh_from_db()
        record(
            verb=f"verificationitem.{after}",
            target=current,
            actor=actor,
            organization_id=organization.pk,
            data={"key": current.key, "from": before, "evidence_sha256_16": current.evidence_fingerprint},
        )
        if not accepted:
            title = next((c.title for c in checks_for(organization.kind) if c.key == current.key), current.key)
            tell_managers(
                organization, "organization.item_returned", f"A reviewer returned “{title}” of {organization.name}."
            )
    return current


def verify_organization(*, organization: Organization, actor: User) -> Organization:
    """Verify a pending organization whose checks are all accepted. Raises ``CannotDo`` naming those that are not."""
    with transaction.atomic():
        current = locked(organization)
        require_may_decide(actor, current)
        _require_all_accepted(current)
        moved = transition(
            Organization,
            current.pk,
            Status.PENDING,
            Status.VERIFIED,
            actor=actor,
            changes={"decided_at": timezone.now(), "status_note": ""},
        )
        tell_managers(moved, "organization.decided", f"{moved.name} is verified. It can now act on the market.")
    return moved


def reject_organization(*, organization: Organization, reasons: str, actor: User) -> Organization:
    """Refuse verification with reasons; the organization may mend what they name and submit again."""
    reasons = _reasons(reasons)
    with transaction.atomic():
        require_may_decide(actor, organization)
        moved = transition(
            Organization,
            organization.pk,
            Status.PENDING,
            Status.REJECTED,
            actor=actor,
            changes={"decided_at": timezone.now(), "status_note": reasons},
        )
        tell_managers(moved, "organization.decided", f"{moved.name} was not verified. Its page says why.")
    return moved


def suspend_organization(*, organization: Organization, reasons: str, actor: User) -> Organization:
    """Stop a verified organization from acting on the market, with reasons. Administrators only."""
    require_staff(actor, administrator=True)
    reasons = _reasons(reasons)
    with transaction.atomic():
        require_may_decide(actor, organization)
        moved = transition(
            Organization,
            organization.pk,
            Status.VERIFIED,
            Status.SUSPENDED,
            actor=actor,
            changes={"decided_at": timezone.now(), "status_note": reasons},
        )
        tell_managers(moved, "organization.decided", f"{moved.name} is suspended. Its page says why.")
    return moved


def reinstate_organization(*, organization: Organization, actor: User) -> Organization:
    """Verify a suspended organization again. Administrators only, and only while every check is accepted."""
    require_staff(actor, administrator=True)
    with transaction.atomic():
        current = locked(organization)
        require_may_decide(actor, current)
        _require_all_accepted(current)
        moved = transition(
            Organization,
            current.pk,
            Status.SUSPENDED,
            Status.VERIFIED,
            actor=actor,
            changes={"decided_at": timezone.now(), "status_note": ""},
        )
        tell_managers(moved, "organization.decided", f"{moved.name} is verified again.")
    return moved


def _require_all_accepted(organization: Organization) -> None:
    accepted = set(organization.verification_items.filter(state=State.ACCEPTED).values_list("key", flat=True))
    waiting = [check.title for check in checks_for(organization.kind) if check.key not in accepted]
    if waiting:
        raise CannotDo(
            f"Not accepted yet: {', '.join(waiting)}.",
            remedy="Accept or return each item first.",
            code="items_not_accepted",
        )


def _reasons(text: str) -> str:
    text = text.strip()
    if len(text) < 10:
        raise CannotDo(
            "Give the reasons.",
            remedy="Write at least a sentence: the organization sees it and acts on it.",
            code="reasons_needed",
        )
    return text
