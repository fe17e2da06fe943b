"""Systems of hospitals that may deliver by C-STORE: who they say they are, where they call from, where it lands."""

from __future__ import annotations

import ipaddress
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models

from fulfillment.models.delivery import Fulfillment
from getdata.accounts.models import CAPABILITIES, Organization, User
from getdata.common.models import Entity


class DicomSenderQuerySet(models.QuerySet["DicomSender"]):
    def visible_to(self, user: User | AnonymousUser) -> DicomSenderQuerySet:
        """Whoever uploads for the hospital, and administrators."""
        if not isinstance(user, User):
            return self.none()
        if user.is_administrator:
            return self
        return self.filter(
            hospital__memberships__user=user, hospital__memberships__role__in=CAPABILITIES["upload"]
        ).distinct()


class DicomSender(Entity):
    """One application entity on the allow-list of the listener.

    ``address`` is an IP address or a network (CIDR): an AE title alone is a name that anybody can say.
    """

    hospital = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="dicom_senders")
    ae_title = models.CharField(max_length=16, help_text="the calling AE title")
    address = models.CharField(max_length=49, help_text="an IP address, or a network such as 192.0.2.0/24")
    delivery = models.ForeignKey(
        Fulfillment,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="whose open batch is meant; none: the hospital's only one",
    )
    is_enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    last_seen_at = models.DateTimeField(null=True, blank=True)

    objects = DicomSenderQuerySet.as_manager()

    class Meta:
        ordering = ["ae_title", "address"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ae_title", "address"], name="one_sender_a_title_and_address")
        ]

    def __str__(self) -> str:
        return f"sender of {self.hospital}"

    @property
    def audit_organization_id(self) -> str:
        return str(self.hospital_id)

    @property
    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """``address`` as a network."""
        return ipaddress.ip_network(self.address)
