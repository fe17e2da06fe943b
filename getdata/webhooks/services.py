"""What an owner does with the organization's webhooks: register, choose, rotate the secret, test, send again, switch on and off."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require
from getdata.audit.chain import record
from getdata.common.crypto import seal
from getdata.common.problems import CannotDo
from getdata.webhooks.address import target_of
from getdata.webhooks.models import Delivery, Endpoint, SigningKey
from getdata.webhooks.outgoing import key_scope, write_again, write_test
from getdata.webhooks.topics import names

MOST_ENDPOINTS = 10
#: After a rotation the old secret signs beside the new one for so long.
OVERLAP = timedelta(days=1)
_PREFIX = "gdwh_"


def register_endpoint(
    *, organization: Organization, url: str, topics: Iterable[str], actor: User
) -> tuple[Endpoint, str]:
    """Register an address and return it with its secret, which is shown once. Raises ``CannotDo`` for one we do not send to."""
    require(actor, "manage", organization)
    url, chosen = url.strip(), _chosen(topics)
    target_of(url)  # before the transaction: it asks the resolver
    with transaction.atomic():
        Organization.objects.select_for_update().get(pk=organization.pk)
        if organization.webhooks.count() >= MOST_ENDPOINTS:
            raise CannotDo(
                f"An organization has at most {MOST_ENDPOINTS} webhooks.", remedy="Remove one.", code="too_many"
            )
        endpoint = Endpoint.objects.create(organization=organization, url=url, topics=chosen, created_by=actor)
        secret = _new_key(endpoint)
        _record("created", endpoint, actor, topics=len(chosen))
    return endpoint, secret


def update_endpoint(*, endpoint: Endpoint, url: str, topics: Iterable[str], actor: User) -> Endpoint:
    """Change the address or what it is told of."""
    require(actor, "manage", endpoint.organization)
    url, chosen = url.strip(), _chosen(topics)
    target_of(url)
    with transaction.atomic():
        Endpoint.objects.filter(pk=endpoint.pk).update(url=url, topics=chosen)
        _record("changed", endpoint, actor, topics=len(chosen))
    return Endpoint.objects.get(pk=endpoint.pk)


def remove_endpoint(*, endpoint: Endpoint, actor: User) -> None:
    """Forget the address, its secrets and its log."""
    require(actor, "manage", endpoint.organization)
    with transaction.atomic():
        _record("removed", endpoint, actor)
        endpoint.delete()


def disable_endpoint(*, endpoint: Endpoint, actor: User) -> Endpoint:
    """Send nothing more until it is switched on again; what happens meanwhile is not made up for."""
    require(actor, "manage", endpoint.organization)
    with transaction.atomic():
        now = timezone.now()
        if Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None).update(
            disabled_at=now, disabled_reason="An owner switched it off."
        ):
            Delivery.objects.filter(endpoint=endpoint, next_attempt_at__isnull=False).update(
                next_attempt_at=None, gave_up_at=now
            )
            _record("disabled", endpoint, actor)
    return Endpoint.objects.get(pk=endpoint.pk)


def enable_endpoint(*, endpoint: Endpoint, actor: User) -> Endpoint:
    """Send to it again. The address is judged again."""
    require(actor, "manage", endpoint.organization)
    target_of(endpoint.url)
    with transaction.atomic():
        if Endpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False).update(
            disabled_at=None, disabled_reason=""
        ):
            _record("enabled", endpoint, actor)
    return Endpoint.objects.get(pk=endpoint.pk)


def rotate_secret(*, endpoint: Endpoint, actor: User) -> str:
    """Make a new secret, shown once. The one before signs beside it for a day; of three, the oldest ends at once."""
    require(actor, "manage", endpoint.organization)
    with transaction.atomic():
        Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        live = [key for key in endpoint.keys.order_by("-created_at") if key.is_live]
        for position, key in enumerate(live):
            until = timezone.now() + (OVERLAP if position == 0 else timedelta())
            SigningKey.objects.filter(pk=key.pk).update(retires_at=until)
        secret = _new_key(endpoint)
        _record("rotated", endpoint, actor)
    return secret


def retire_old_secret(*, endpoint: Endpoint, actor: User) -> int:
    """End what signs beside the newest secret at once. Returns how many ended."""
    require(actor, "manage", endpoint.organization)
    with transaction.atomic():
        ended = endpoint.keys.filter(retires_at__gt=timezone.now()).update(retires_at=timezone.now())
        if not ended:
            raise CannotDo("Only one secret signs.", remedy="Nothing needs to be done.", code="one_secret")
        _record("retired", endpoint, actor)
    return ended


def send_test(*, endpoint: Endpoint, actor: User) -> Delivery:
    """Send an event of the topic ``test``; it is tried once."""
    require(actor, "manage", endpoint.organization)
    _require_live(endpoint)
    with transaction.atomic():
        delivery = write_test(endpoint)
        _record("tested", endpoint, actor)
    return delivery


def send_again(*, delivery: Delivery, actor: User) -> Delivery:
    """Send the same event once more."""
    endpoint = delivery.endpoint
    require(actor, "manage", endpoint.organization)
    _require_live(endpoint)
    if delivery.state == "waiting":
        raise CannotDo("It is still being tried.", remedy="Wait for the next try.", code="still_waiting")
    with transaction.atomic():
        again = write_again(delivery)
        _record("sent_again", endpoint, actor)
    return again


def _require_live(endpoint: Endpoint) -> None:
    if not endpoint.is_live:
        raise CannotDo("This webhook is switched off.", remedy="Switch it on first.", code="webhook_off")


def _chosen(topics: Iterable[str]) -> list[str]:
    chosen = sorted(set(topics))
    if not chosen or not set(chosen) <= names():
        raise CannotDo(
            "Choose at least one of the listed events.",
            remedy="The list is on the webhooks page.",
            code="unknown_event",
        )
    return chosen


def _new_key(endpoint: Endpoint) -> str:
    secret = _PREFIX + secrets.token_urlsafe(32)
    SigningKey.objects.create(
        endpoint=endpoint, key_id=secrets.token_hex(4), sealed=seal(secret.encode(), scope=key_scope(endpoint))
    )
    return secret


def _record(act: str, endpoint: Endpoint, actor: User, **data: int) -> None:
    """Never the address: it may hold a secret of the organization's own."""
    record(verb=f"webhook.{act}", target=endpoint, actor=actor, organization_id=endpoint.organization_id, data=data)
