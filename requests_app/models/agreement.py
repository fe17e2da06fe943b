"""Agreements and their signatures."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from getdata.accounts.models import Organization, User
from getdata.common.models import Immutable
from requests_app.models.offer import Offer


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def visible_to(self, user: User | AnonymousUser) -> AgreementQuerySet:
        """The same people as the offer's."""
        return self.filter(offer__in=Offer.objects.visible_to(user))


class Agreement(Immutable):
    """The text both parties sign, assembled from the frozen specification; it never changes once drawn up."""

    offer = models.OneToOneField(Offer, on_delete=models.PROTECT, related_name="agreement")
    text = models.TextField()
    text_sha256 = models.CharField(max_length=64)
    legal_class = models.CharField(max_length=40)
    form = models.CharField("form it was assembled from", max_length=40, default="data_use_1.txt")
    basis = models.CharField("legal class it was drawn up for", max_length=24, blank=True)
    gdpr_role = models.CharField("roles under data protection law", max_length=16, blank=True)
    drawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = AgreementQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"agreement on {self.offer}"

    @property
    def parties(self) -> tuple[Organization, Organization]:
        """The organization that asked, and the hospital."""
        return self.offer.request.organization, self.offer.hospital

    @property
    def is_complete(self) -> bool:
        """Asked afresh each time: prefetched signatures are those from before the last one."""
        return Signature.objects.filter(agreement=self).count() == 2

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("agreement_detail", args=[self.pk])


class Signature(Immutable):
    """One party's signature: name, time and meaning, over the text's hash (21 CFR 11.50)."""

    class Method(models.TextChoices):
        PASSWORD = "password", "password"
        TOTP = "totp", "one-time code"

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="signatures")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=200)
    meaning = models.CharField(max_length=200)
    method = models.CharField(
        "how the person proved who they are", max_length=10, choices=Method.choices, default=Method.PASSWORD
    )
    text_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agreement", "organization"], name="one_signature_a_party"),
            models.CheckConstraint(condition=Q(method__in=["password", "totp"]), name="signature_method_known"),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name} for {self.organization}"
