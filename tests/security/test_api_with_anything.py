"""Every call of the API with whatever its schema allows, by those who may call it: refused or done, never a fault."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings

from tests.factories import AdministratorFactory, batch, fulfillment, member, open_request

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

EXAMPLES = 4


def _operations() -> list[Any]:
    document = SchemaGenerator().get_schema(request=None, public=True)
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    # Bytes on their way (tus) are no document: tests/fulfillment/uploads sends those.
    return [each for result in found if "/uploads/" not in (each := result.ok()).path]


OPERATIONS = _operations()


@pytest.fixture
def stage() -> dict[str, Any]:
    """A request, an offer, a delivery and a batch; their parties and an administrator, each signed in."""
    request = open_request()
    under = fulfillment(request=request)
    filled = batch(under)
    people = [member(under.hospital), member(request.organization), AdministratorFactory.create()]
    clients = []
    for person in people:
        client = Client(raise_request_exception=False)
        client.force_login(person)
        clients.append(client)
    things = {"requests": request.slug, "offers": under.offer.pk, "fulfillments": under.pk, "batches": filled.pk}
    return {"clients": clients, "things": {**things, "organizations": under.hospital.slug}}


def _send(client: Client, case: Any, path: str) -> int:
    body, headers = case.body, {key: str(value) for key, value in (case.headers or {}).items()}
    sent: dict[str, Any] = {"headers": headers, "query_params": {k: str(v) for k, v in (case.query or {}).items()}}
    if case.media_type == "application/json" and not isinstance(body, schemathesis.core.NotSet):
        sent |= {"data": body, "content_type": "application/json"}
    elif isinstance(body, bytes | str):
        sent |= {"data": body, "content_type": case.media_type or "application/octet-stream"}
    return int(getattr(client, case.method.lower())(path, **sent).status_code)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_no_call_ends_in_a_fault(operation: Any, stage: dict[str, Any]) -> None:
    kind = operation.path.removeprefix("/api/v1/").split("/")[0]
    faults = []

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    def tried(case: Any) -> None:
        path = case.formatted_path
        for name, value in (case.path_parameters or {}).items():
            if name in ("id", "slug") and kind in stage["things"]:  # something that is there, not a random name
                path = operation.path.replace(f"{{{name}}}", str(stage["things"][kind]))
                for other, also in case.path_parameters.items():
                    path = path.replace(f"{{{other}}}", str(also) if other != name else str(value))
        for client in stage["clients"]:
            with transaction.atomic():
                status = _send(client, case, path)
                transaction.set_rollback(True)
            if status >= 500:
                faults.append(f"{case.method} {path} answered {status}: {case.as_curl_command()[:300]}")

    tried()
    assert faults == []


def test_the_calls_are_all_here() -> None:
    assert len(OPERATIONS) > 50
