"""A hospital's profile: stated by its owner or data manager."""

from __future__ import annotations

from django.db import transaction

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from requests_app.matching import Capability, completeness
from requests_app.models import CapabilityProfile


def state_capability(*, hospital: Organization, capability: Capability, actor: User) -> CapabilityProfile:
    """Replace what the hospital states of its archive. Needs the right to upload: owners and data managers have it."""
    require(actor, "upload", hospital)
    if not hospital.is_hospital:
        raise CannotDo(
            f"{hospital.name} is not a hospital.",
            remedy="Only hospitals state what they can deliver.",
            code="not_a_hospital",
        )
    document = capability.model_dump(mode="json", exclude_defaults=True)
    with transaction.atomic():
        profile, _ = CapabilityProfile.objects.update_or_create(
            hospital=hospital, defaults={"document": document, "updated_by": actor}
        )
        record(
            verb="capability.stated",
            target=profile,
            actor=actor,
            organization_id=hospital.pk,
            data={"stated": completeness(capability).stated},
        )
    return profile
