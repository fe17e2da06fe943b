"""The private thread of an offer. Only the two parties and staff read it; nothing but text goes through it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can, require_staff
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.notifications.services import notify
from requests_app.models import Message, Offer, ThreadMark
from requests_app.services.guarding import guarded
from requests_app.services.questions import check_reason

MESSAGE_LENGTH = 4000


def parties_of(offer: Offer) -> tuple[Organization, Organization]:
    """The organization that asked, and the hospital."""
    return offer.request.organization, offer.hospital


def writes_for(offer: Offer, user: User) -> Organization | None:
    """The party for which this person may write, or None."""
    return next((party for party in parties_of(offer) if can(user, "write", party)), None)


def may_post(offer: Offer, user: User) -> bool:
    """Those who act for a party, and staff."""
    return user.is_reviewer or writes_for(offer, user) is not None


def post_message(*, offer: Offer, text: str, actor: User, confirmed: str = "") -> Message:
    """Write to the other party. Raises ``CannotDo`` for who may not and ``MayIdentify`` for what the guard stops."""
    party = writes_for(offer, actor)
    if party is None and not actor.is_reviewer:
        raise CannotDo(
            "Your role does not allow writing here.",
            remedy="Ask an owner, a signatory or a data manager of your organization.",
            code="role_lacks_capability",
        )
    text = guarded(text, limit=MESSAGE_LENGTH, confirmed=confirmed, what="message")
    with transaction.atomic():
        message = Message.objects.create(offer=offer, author=actor, organization=party, text=text)
        record(
            verb="message.posted",
            target=message,
            actor=actor,
            organization_id=party.pk if party else "",
            data={"offer": str(offer.pk), **({"warning_confirmed": True} if confirmed else {})},
        )
        both = {"asker": offer.request.organization, "hospital": offer.hospital}
        others = {name: other for name, other in both.items() if party is None or other.pk != party.pk}
        notify(
            event="message.posted",
            parties=others,
            but=actor,
            text=f"{party.name if party else 'GetDATA staff'} wrote to you about the offer on “{offer.request.title}”.",
            url=thread_url(offer),
        )
    return message


def read_thread(*, offer: Offer, actor: User) -> None:
    """Remember that the person has seen everything written so far."""
    ThreadMark.objects.update_or_create(user=actor, offer=offer, defaults={"read_at": timezone.now()})


def unread_count(offer: Offer, user: User) -> int:
    """How many messages the person has not seen."""
    return Message.objects.filter(offer=offer).unread_by(user).count()


def hide_message(*, message: Message, reason: str, actor: User, erase: bool = False) -> Message:
    """Staff hide a message from both parties; ``erase`` also removes the words for good."""
    require_staff(actor)
    check_reason(reason)
    with transaction.atomic():
        hidden = Message.objects.filter(pk=message.pk, hidden_at=None).update(
            hidden_at=timezone.now(), hidden_by=actor, hidden_reason=reason, **({"text": ""} if erase else {})
        )
        if not hidden:
            raise CannotDo("This message is hidden already.", remedy="Reload the page.", code="already_hidden")
        record(
            verb="message.hidden",
            target=message,
            actor=actor,
            organization_id=message.organization_id or "",
            data={"reason": reason, "erased": erase},
        )
    return Message.objects.get(pk=message.pk)


def thread_url(offer: Offer) -> str:
    """The address of the thread."""
    from django.urls import reverse

    return reverse("offer_messages", args=[offer.pk])
