"""Colleagues who write a request along."""

from __future__ import annotations

from django.db import transaction

from getdata.accounts.models import Membership, User
from getdata.accounts.permissions import require
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.notifications.services import notify
from requests_app.models import Coauthor, DatasetRequest


def add_coauthor(*, request: DatasetRequest, email: str, part: str, actor: User) -> Coauthor:
    """Let a member of the asking organization edit or follow this request; a second call changes the part."""
    require(actor, "write", request.organization)
    if part not in Coauthor.Part.values:
        raise CannotDo("There is no such part.", remedy="Choose editor or viewer.", code="unknown_part")
    membership = (
        Membership.objects.filter(organization=request.organization, user__email__iexact=email.strip())
        .select_related("user")
        .first()
    )
    if membership is None or not membership.user.is_active:
        raise CannotDo(
            f"Nobody in {request.organization.name} has this e-mail address.",
            remedy="Check its spelling, or ask an owner to invite them to the organization first.",
            code="not_a_member",
        )
    person = membership.user
    with transaction.atomic():
        found, made = Coauthor.objects.update_or_create(
            request=request, user=person, defaults={"part": part}, create_defaults={"part": part, "invited_by": actor}
        )
        record(
            verb="coauthor.added" if made else "coauthor.changed",
            target=found,
            actor=actor,
            organization_id=request.organization_id,
            data={"request": str(request.pk), "user": str(person.pk), "part": part},
        )
        if person != actor:
            words = "edit" if part == Coauthor.Part.EDITOR else "follow"
            notify(
                event="coauthor.added",
                users=[person],
                text=f"You may {words} the request “{request.title}”.",
                url=f"{request.get_absolute_url()}edit/"
                if part == Coauthor.Part.EDITOR
                else request.get_absolute_url(),
            )
    return found


def remove_coauthor(*, coauthor: Coauthor, actor: User) -> None:
    """End a co-author's part. One may always end one's own."""
    if coauthor.user_id != actor.pk:
        require(actor, "write", coauthor.request.organization)
    with transaction.atomic():
        record(
            verb="coauthor.removed",
            target=coauthor,
            actor=actor,
            organization_id=coauthor.request.organization_id,
            data={"request": str(coauthor.request_id), "user": str(coauthor.user_id)},
        )
        coauthor.delete()
