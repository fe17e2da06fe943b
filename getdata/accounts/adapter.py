"""Where allauth meets our way of doing things."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

from getdata.notifications.services import mail


class AccountAdapter(DefaultAccountAdapter):
    """E-mails go through the outbox: written with the transaction, sent by a worker, tried again when they fail."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, {"request": self.request, **context})
        mail(to=email, subject=str(message.subject), body=str(message.body))
