"""Where allauth meets our way of doing things."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.urls import reverse
from django.utils import timezone

from getdata.accounts.models import Invitation
from getdata.notifications.services import mail


class AccountAdapter(DefaultAccountAdapter):
    """E-mails go through the outbox: written with the transaction, sent by a worker, tried again when they fail."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, {"request": self.request, **context})
        mail(to=email, subject=str(message.subject), body=str(message.body))

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """Who confirms an address that was invited finds the invitation next, in whichever browser they confirm."""
        invited = Invitation.objects.filter(
            email__iexact=email_address.email, status=Invitation.Status.PENDING, expires_at__gt=timezone.now()
        )
        if not invited.exists():
            return super().get_email_verification_redirect_url(email_address)
        place = reverse("organization_list")
        if self.request.user.is_authenticated:
            return place
        return f"{reverse('account_login')}?{urlencode({'next': place})}"
