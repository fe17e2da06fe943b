"""What a hospital states of its archive, for matching."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models

from getdata.accounts.models import Organization, User
from getdata.common.models import Entity
from requests_app.matching import Capability


class CapabilityProfileQuerySet(models.QuerySet["CapabilityProfile"]):
    def visible_to(self, user: User | AnonymousUser) -> CapabilityProfileQuerySet:
        """Members of the hospital alone: others see counts over many hospitals, staff included."""
        if not isinstance(user, User):
            return self.none()
        return self.filter(hospital__memberships__user=user)

    def of_the_market(self) -> CapabilityProfileQuerySet:
        """Of verified hospitals: those that matching counts."""
        return self.filter(
            hospital__status=Organization.Status.VERIFIED, hospital__kind=Organization.Kind.HOSPITAL
        ).exclude(document={})


class CapabilityProfile(Entity):
    """One hospital's profile: a ``matching.Capability`` document. Empty: nothing stated yet."""

    hospital = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="capability_profile")
    document = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = CapabilityProfileQuerySet.as_manager()

    class Meta:
        ordering = ["hospital__name"]

    def __str__(self) -> str:
        return f"profile of {self.hospital}"

    @property
    def capability(self) -> Capability:
        return Capability.model_validate(self.document)
