"""A market in miniature for the tests: who asks, who offers, who checks, and a request at each stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from getdata.accounts.models import Organization, Role, User
from requests_app.models import Agreement, DatasetRequest, Offer
from requests_app.services import agreements, offers, requests
from requests_app.services.offers import offerable
from requests_app.spec import DatasetSpec, spec_document, template_specs
from tests.factories import HospitalFactory, OrganizationFactory, ReviewerFactory, UserFactory, member

EXAMPLE = "cxr-pneumothorax-bedside"


def document(name: str = EXAMPLE) -> dict[str, Any]:
    """A template's document with its deadline in the future."""
    return spec_document(template_specs(today=timezone.localdate())[name])


@dataclass
class Market:
    """People and organizations, made when the test asks for the first of them."""

    group: Organization = field(default_factory=OrganizationFactory.create)
    hospital: Organization = field(default_factory=HospitalFactory.create)

    def __post_init__(self) -> None:
        self.researcher: User = member(self.group, Role.OWNER, name="Rosa Researcher")
        self.manager: User = member(self.hospital, Role.DATA_MANAGER, name="Hanne Manager")
        self.signatory: User = member(self.hospital, Role.SIGNATORY, name="Georg Signatory")
        self.reviewer: User = ReviewerFactory.create(name="Sam Reviewer")
        self.stranger: User = UserFactory.create(name="Nobody")
        self.other: User = member(OrganizationFactory.create(), Role.OWNER, name="Other Member")

    def draft(self, name: str = EXAMPLE, **changes: Any) -> DatasetRequest:
        chosen = {**document(name), **changes}
        return requests.create_request(
            organization=self.group,
            title=chosen["title"],
            category=chosen["category"],
            document=chosen,
            actor=self.researcher,
        )

    def submitted(self, name: str = EXAMPLE, **changes: Any) -> DatasetRequest:
        return requests.submit_request(request=self.draft(name, **changes), actor=self.researcher)

    def open(self, name: str = EXAMPLE, **changes: Any) -> DatasetRequest:
        return requests.open_request(request=self.submitted(name, **changes), actor=self.reviewer)

    def offer(self, request: DatasetRequest | None = None, **changes: Any) -> Offer:
        request = request or self.open()
        line = offerable(DatasetSpec.model_validate(request.draft))[0]
        given: dict[str, Any] = {"images": 500, "patients": 400, "cells": {line.check_id: 100}, **changes}
        return offers.submit_offer(request=request, hospital=self.hospital, actor=self.manager, **given)

    def agreement(self, offer: Offer | None = None) -> Agreement:
        return agreements.draw_agreement(offer=offer or self.offer(), actor=self.researcher)
