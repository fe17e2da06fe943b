"""The ledger of deliveries: written with the event, sent by a worker, tried again for about a day, then given up.

The database is the queue's truth, as everywhere here: a delivery is claimed by compare-and-swap with a hold; a worker that dies
leaves a hold that runs out, and the sweeper rings again.
"""

from __future__ import annotations

import json
import logging
import random
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from getdata.audit.chain import record
from getdata.audit.models import AuditEvent
from getdata.common.crypto import unseal
from getdata.common.queue import enqueue, ring
from getdata.notifications.services import notify
from getdata.webhooks import sending
from getdata.webhooks.models import Attempt, Delivery, Endpoint, SigningKey
from getdata.webhooks.topics import TEST, Topic, topic_of

logger = logging.getLogger("getdata.webhooks")

#: Pauses between tries: nine tries over about 23 hours.
PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 300, 360, 450))
HOLD = timedelta(minutes=2)
#: How long the log is kept.
KEPT = timedelta(days=30)
#: The sweeper rings at most so often for one endpoint at a time: one that is slow does not keep the workers busy.
RUNGS_AN_ENDPOINT = 20
DELIVER = "webhooks.deliver_task"


# --- writing -----------------------------------------------------------------------------------------------------------


def announce(*, event: AuditEvent, target: models.Model, **_: Any) -> None:
    """Receiver of the audit log: in the event's transaction, one row for each endpoint that asked for its topic."""
    topic = topic_of(event.verb)
    if topic is None:
        return
    about = topic.about(target)
    endpoints = Endpoint.objects.live().filter(organization__in=about.parties)
    chosen = [endpoint for endpoint in endpoints if topic.name in endpoint.topics]
    if chosen:
        _write(chosen, topic.name, _payload(topic, event, target))


def write_test(endpoint: Endpoint) -> Delivery:
    """A delivery that says only that it is a test."""
    page = reverse("webhook_detail", args=[endpoint.organization.slug, endpoint.pk])
    data = {"object": "webhook", "id": str(endpoint.pk), "links": {"page": f"{settings.PUBLIC_URL}{page}"}}
    return _write([endpoint], TEST, {"type": TEST, "created_at": _now(), "data": data})[0]


def write_again(delivery: Delivery) -> Delivery:
    """The same event once more, as a new row of the log; its id is the same, so that a receiver can drop it."""
    again = Delivery.objects.create(
        endpoint=delivery.endpoint, topic=delivery.topic, event_id=delivery.event_id, body=delivery.body
    )
    enqueue(DELIVER, str(again.pk))
    return again


def _write(endpoints: Iterable[Endpoint], topic: str, payload: dict[str, Any]) -> list[Delivery]:
    event_id = uuid.uuid4()
    body = json.dumps({"id": str(event_id), "version": 1, **payload}, ensure_ascii=False, separators=(",", ":"))
    rows = Delivery.objects.bulk_create(
        Delivery(endpoint=endpoint, topic=topic, event_id=event_id, body=body) for endpoint in endpoints
    )
    for row in rows:
        enqueue(DELIVER, str(row.pk))
    return rows


def _payload(topic: Topic, event: AuditEvent, target: models.Model) -> dict[str, Any]:
    """Ids, states, counts and links; the audit log's own numbers are the counts. No words that anybody wrote."""
    about = topic.about(target)
    data: dict[str, Any] = {"object": about.kind, "id": str(target.pk)}
    state = getattr(target, "status", None)
    if state is not None:
        data["state"] = str(state)
        if "from" in event.data:
            data["previous_state"] = str(event.data["from"])
    counts = {name: value for name, value in event.data.items() if type(value) is int}
    if counts:
        data["counts"] = counts
    data.update({f"{kind}_id": key for kind, key in about.related})
    links = {"page": about.page, "api": about.api}
    data["links"] = {name: f"{settings.PUBLIC_URL}{path}" for name, path in links.items() if path}
    return {"type": topic.name, "created_at": event.at.isoformat(), "data": data}


# --- sending -----------------------------------------------------------------------------------------------------------


def deliver(delivery_id: str) -> bool:
    """Try one delivery that is due. Returns whether it arrived; False also when another worker has it."""
    now = timezone.now()
    delivery = (
        Delivery.objects.select_related("endpoint__organization")
        .filter(pk=delivery_id, next_attempt_at__lte=now)
        .first()
    )
    if delivery is None:
        return False
    if not delivery.endpoint.is_live:
        Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=None, gave_up_at=now)
        return False
    claim = Delivery.objects.filter(
        pk=delivery.pk, attempts=delivery.attempts, next_attempt_at=delivery.next_attempt_at
    )
    if not claim.update(attempts=delivery.attempts + 1, next_attempt_at=now + HOLD):
        return False
    delivery.attempts += 1
    outcome = _send(delivery)
    _settle(delivery, outcome)
    return outcome.arrived


def _send(delivery: Delivery) -> sending.Outcome:
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GetDATA-Webhooks/1",
        "GetDATA-Event": delivery.topic,
        "GetDATA-Delivery": str(delivery.event_id),
        "GetDATA-Attempt": str(delivery.attempts),
    }
    signed = sending.signed_headers(live_keys(delivery.endpoint), int(timezone.now().timestamp()), body)
    return sending.post(delivery.endpoint.url, body, {**headers, **signed})


def live_keys(endpoint: Endpoint) -> list[tuple[str, bytes]]:
    """Key ids and secrets that sign now, the newest first."""
    found = SigningKey.objects.filter(endpoint=endpoint).filter(Q(retires_at=None) | Q(retires_at__gt=timezone.now()))
    return [(key.key_id, unseal(bytes(key.sealed), scope=key_scope(endpoint))) for key in found]


def key_scope(endpoint: Endpoint) -> str:
    """The scope under which the endpoint's secrets are sealed."""
    return f"webhooks:{endpoint.organization_id}:{endpoint.pk}"


def _settle(delivery: Delivery, outcome: sending.Outcome) -> None:
    now = timezone.now()
    with transaction.atomic():
        Attempt.objects.create(
            delivery=delivery,
            status_code=outcome.status_code,
            error=outcome.error,
            milliseconds=outcome.milliseconds,
        )
        row = Delivery.objects.filter(pk=delivery.pk)
        if outcome.arrived:
            row.update(delivered_at=now, next_attempt_at=None)
            Endpoint.objects.filter(pk=delivery.endpoint_id).update(last_success_at=now)
            return
        logger.info("webhook.failed", extra={"attempts": delivery.attempts, "error": outcome.error or "status"})
        if outcome.status_code == 410:
            row.update(gave_up_at=now, next_attempt_at=None)
            switch_off(delivery.endpoint, "It answered 410 Gone: it asks for nothing more.")
        elif delivery.topic == TEST or delivery.attempts > len(PAUSES):
            row.update(gave_up_at=now, next_attempt_at=None)
            _judge(delivery)
        else:
            pause = PAUSES[delivery.attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 (spreads load, no secret)
            row.update(next_attempt_at=now + pause)


def _judge(delivery: Delivery) -> None:
    """Switch an endpoint off when a whole day of tries failed and nothing else arrived meanwhile."""
    if delivery.topic == TEST:
        return
    endpoint = Endpoint.objects.get(pk=delivery.endpoint_id)
    if endpoint.last_success_at is None or endpoint.last_success_at < delivery.created_at:
        switch_off(endpoint, f"{delivery.attempts} tries over a day failed.")


def switch_off(endpoint: Endpoint, reason: str) -> None:
    """Send nothing more and tell the owners why. Nothing happens when it is off already."""
    with transaction.atomic():
        if not Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None).update(
            disabled_at=timezone.now(), disabled_reason=reason
        ):
            return
        Delivery.objects.filter(endpoint=endpoint, next_attempt_at__isnull=False).update(
            next_attempt_at=None, gave_up_at=timezone.now()
        )
        record(verb="webhook.switched_off", target=endpoint, organization_id=endpoint.organization_id)
        notify(
            event="webhook.disabled",
            parties={"organization": endpoint.organization},
            text=f"A webhook of {endpoint.organization.name} was switched off after failures.",
            url=reverse("webhook_detail", args=[endpoint.organization.slug, endpoint.pk]),
        )


# --- sweeping ----------------------------------------------------------------------------------------------------------


def sweep() -> int:
    """Ring for every delivery that is due, and forget old ones. Returns how many rings."""
    now = timezone.now()
    Delivery.objects.filter(created_at__lt=now - KEPT, next_attempt_at=None).delete()
    rung: Counter[Any] = Counter()
    for pk, endpoint in (
        Delivery.objects.filter(next_attempt_at__lte=now)
        .order_by("next_attempt_at")
        .values_list("pk", "endpoint")[:500]
    ):
        if rung[endpoint] < RUNGS_AN_ENDPOINT:
            rung[endpoint] += 1
            ring(DELIVER, str(pk))
    return rung.total()


def _now() -> str:
    return timezone.now().isoformat()
