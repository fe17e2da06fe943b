"""``manage.py make_staff``: give GetDATA's own people their role; the first one can only be made here."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from getdata.accounts.models import User
from getdata.audit.chain import record


class Command(BaseCommand):
    help = "Make a person a reviewer or an administrator; asks for a password when the account is new."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("email")
        parser.add_argument("--role", choices=["reviewer", "administrator"], required=True)
        parser.add_argument("--name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        email = str(options["email"]).strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError("That is not an e-mail address.") from error
        user = User.objects.filter(email__iexact=email).first()
        password = "" if user else self._ask_password()
        with transaction.atomic():
            if user is None:
                user = User.objects.create_user(email, password, name=options["name"] or email.split("@")[0])
                EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            user.staff_role = options["role"]
            user.save(update_fields=["staff_role"])
            record(verb="user.made_staff", target=user, data={"role": options["role"]})
        self.stdout.write(f"Done: {options['role']}. Sign in and switch on two-factor sign-in on the account page.")

    def _ask_password(self) -> str:
        password = (
            getpass.getpass("Password (at least 12 characters): ")
            if sys.stdin.isatty()
            else sys.stdin.readline().strip()
        )
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return password
