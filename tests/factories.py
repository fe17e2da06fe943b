"""Objects for tests: each with just enough to be valid, everything else by keyword."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from fulfillment.models import Batch, Fulfillment
from getdata.accounts.models import Membership, Organization, Role, User
from requests_app.models import DatasetRequest, Offer, RequestStatus, SpecVersion

PASSWORD = "correct horse battery staple"
#: The secret of the authenticator app that everybody has here, unless made with ``second_factor=False``.
SECOND_FACTOR = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.org")
    name = factory.Sequence(lambda n: f"Person {n}")

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        from allauth.account.models import EmailAddress
        from allauth.mfa.totp.internal.auth import TOTP

        with_second_factor = kwargs.pop("second_factor", True)
        user = User.objects.create_user(password=kwargs.pop("password", PASSWORD), **kwargs)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        if with_second_factor:
            TOTP.activate(user, SECOND_FACTOR)
        return user


class ReviewerFactory(UserFactory):
    staff_role = User.StaffRole.REVIEWER


class AdministratorFactory(UserFactory):
    staff_role = User.StaffRole.ADMINISTRATOR


class OrganizationFactory(DjangoModelFactory[Organization]):
    """A verified research group."""

    class Meta:
        model = Organization

    kind = Organization.Kind.RESEARCH_GROUP
    name = factory.Sequence(lambda n: f"Group {n}")
    slug = factory.Sequence(lambda n: f"group-{n}")
    country = "DE"
    status = Organization.Status.VERIFIED


class HospitalFactory(OrganizationFactory):
    kind = Organization.Kind.HOSPITAL
    name = factory.Sequence(lambda n: f"Hospital {n}")
    slug = factory.Sequence(lambda n: f"hospital-{n}")


def member(organization: Organization, role: str = Role.OWNER, **user: Any) -> User:
    """A new person with a role in the organization."""
    person = UserFactory.create(**user)
    Membership.objects.create(user=person, organization=organization, role=role)
    return person


def spec_document(**changes: Any) -> dict[str, Any]:
    """A small valid DatasetSpec document (JSON mode)."""
    from requests_app.spec import example_specs

    specs = example_specs()
    spec = next(iter(specs.values()))
    return {**spec.model_dump(mode="json"), **changes}


class RequestFactory(DjangoModelFactory[DatasetRequest]):
    """A draft request."""

    class Meta:
        model = DatasetRequest

    organization = factory.SubFactory(OrganizationFactory)
    created_by = factory.SubFactory(UserFactory)
    title = factory.Sequence(lambda n: f"Request {n}")
    slug = factory.Sequence(lambda n: f"request-{n}")
    draft = factory.LazyFunction(spec_document)


def open_request(**fields: Any) -> DatasetRequest:
    """An open request with its first frozen specification."""
    from requests_app.spec import DatasetSpec, spec_sha256

    request = RequestFactory.create(status=RequestStatus.OPEN, opened_at=timezone.now(), **fields)
    SpecVersion.objects.create(
        request=request,
        number=1,
        document=request.draft,
        sha256=spec_sha256(DatasetSpec.model_validate(request.draft)),
        created_by=request.created_by,
    )
    return request


def offer(request: DatasetRequest | None = None, hospital: Organization | None = None, **fields: Any) -> Offer:
    """A submitted offer of a verified hospital."""
    request = request or open_request()
    version = request.current_version
    assert version is not None
    return Offer.objects.create(
        request=request,
        spec_version=version,
        hospital=hospital or HospitalFactory.create(),
        created_by=fields.pop("created_by", None) or UserFactory.create(),
        images=fields.pop("images", 100),
        expires_at=timezone.now() + timedelta(days=30),
        **fields,
    )


def fulfillment(**fields: Any) -> Fulfillment:
    """An active fulfillment under an accepted offer."""
    accepted = offer(status="accepted", **fields)
    return Fulfillment.objects.create(offer=accepted, request=accepted.request, hospital=accepted.hospital)


def batch(under: Fulfillment | None = None, **fields: Any) -> Batch:
    """An open batch."""
    under = under or fulfillment()
    return Batch.objects.create(
        fulfillment=under,
        spec_version=under.offer.spec_version,
        number=fields.pop("number", under.batches.count() + 1),
        name=fields.pop("name", "A batch"),
        created_by=fields.pop("created_by", None) or UserFactory.create(),
        **fields,
    )
