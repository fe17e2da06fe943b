"""A hospital with a batch, people of every role, and clients that speak for them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from fulfillment.models import Batch, Fulfillment
from fulfillment.services.batches import create_batch
from getdata.accounts.models import Organization, Role, User
from getdata.accounts.tokens import make_token
from tests.factories import HospitalFactory, ReviewerFactory, UserFactory, fulfillment, member

TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
SECRET_NAME = "Müller_Hans_19510203/IM0001.dcm"


@dataclass
class Scene:
    """Who is on stage."""

    hospital: Organization
    researchers: Organization
    fulfillment: Fulfillment
    batch: Batch
    manager: User
    viewer: User
    privacy_officer: User
    researcher: User
    stranger: User
    reviewer: User


@pytest.fixture(autouse=True)
def _own_staging(settings: Any, tmp_path: Path) -> None:
    settings.STAGING = tmp_path / "staging"


@pytest.fixture
def scene(db: None) -> Scene:
    delivery = fulfillment()
    hospital = delivery.hospital
    manager = member(hospital, Role.DATA_MANAGER)
    return Scene(
        hospital=hospital,
        researchers=delivery.request.organization,
        fulfillment=delivery,
        batch=create_batch(fulfillment=delivery, name="Spring export", actor=manager),
        manager=manager,
        viewer=member(hospital, Role.VIEWER),
        privacy_officer=member(hospital, Role.PRIVACY_OFFICER),
        researcher=member(delivery.request.organization, Role.OWNER),
        stranger=member(HospitalFactory.create(), Role.OWNER),
        reviewer=ReviewerFactory.create(),
    )


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """A client with an API token of the person, or an anonymous one."""

    def client(user: User | None = None, *, scopes: tuple[str, ...] = ("deliveries:write",)) -> APIClient:
        made = APIClient()
        if user is not None:
            _, secret = make_token(user=user, name="test", scopes=scopes)
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return made

    return client


def metadata(name: str, **more: str) -> str:
    pairs = {"filename": name, **more}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


def checksum(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


class Tus:
    """A tus client over the test client, one method a request."""

    def __init__(self, client: APIClient, batch: Batch) -> None:
        self.client, self.batch = client, batch

    @property
    def endpoint(self) -> str:
        return f"/api/v1/batches/{self.batch.pk}/uploads/"

    def create(self, name: str, length: int | str, body: bytes | None = None, **headers: str) -> Any:
        extra: dict[str, Any] = {**TUS, "HTTP_UPLOAD_LENGTH": str(length), "HTTP_UPLOAD_METADATA": metadata(name)}
        extra |= headers
        if body is None:
            return self.client.generic("POST", self.endpoint, **extra)
        return self.client.generic("POST", self.endpoint, body, content_type="application/offset+octet-stream", **extra)

    def patch(self, url: str, offset: int, body: bytes, **headers: str) -> Any:
        extra: dict[str, Any] = {**TUS, "HTTP_UPLOAD_OFFSET": str(offset), **headers}
        kind = extra.pop("content_type", "application/offset+octet-stream")
        return self.client.generic("PATCH", url, body, content_type=kind, **extra)

    def head(self, url: str) -> Any:
        return self.client.generic("HEAD", url, **TUS)

    def delete(self, url: str) -> Any:
        return self.client.generic("DELETE", url, **TUS)

    def send(self, name: str, body: bytes) -> Any:
        return self.create(name, len(body), body)


@pytest.fixture
def tus(scene: Scene, api: Callable[..., APIClient]) -> Tus:
    return Tus(api(scene.manager), scene.batch)


@pytest.fixture
def outsider(db: None) -> User:
    return UserFactory.create()
