"""Where allauth meets our way of doing things."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils import timezone

from getdata.accounts.models import Invitation
from getdata.common.crypto import seal, unseal
from getdata.notifications.services import mail


class AccountAdapter(DefaultAccountAdapter):
    """E-mails go through the outbox: written with the transaction, sent by a worker, tried again when they fail."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, {"request": self.request, **context})
        mail(to=email, subject=str(message.subject), body=str(message.body))

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Who has a second factor proves by that who they are: a password alone would be the weaker of the two."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        second = [method for method in methods if method["id"] != "reauthenticate"]
        return second or methods

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


#: What a sealed secret begins with, and the scope it is sealed for.
SEALED = "sealed:"
SECOND_FACTORS = "second-factors"


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps and recovery codes lie sealed under the master key: a stolen database makes no codes."""

    def encrypt(self, text: str) -> str:
        return SEALED + base64.b64encode(seal(text.encode(), scope=SECOND_FACTORS)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        if not encrypted_text.startswith(SEALED):
            return encrypted_text  # set up before secrets were sealed
        return unseal(base64.b64decode(encrypted_text.removeprefix(SEALED)), scope=SECOND_FACTORS).decode()
