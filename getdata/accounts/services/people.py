"""What a person does about their own account; e-mail, password and second factor are allauth's."""

from __future__ import annotations

from django.db import transaction

from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo


def update_profile(*, user: User, name: str, actor: User) -> User:
    """Change one's own name. Raises ``CannotDo`` for an empty or endless one, or for somebody else's."""
    name = " ".join(name.split())
    if user.pk != actor.pk:
        raise CannotDo("Only the person themselves can change their name.", code="not_yours")
    if not 2 <= len(name) <= 200:
        raise CannotDo("Your name has between 2 and 200 characters.", code="bad_name")
    if name != user.name:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(name=name)
            record(verb="user.edited", target=user, actor=actor, data={"fields": ["name"]})
        user.name = name
    return user
