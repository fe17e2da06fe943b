"""The legal class of what was delivered, computed from the stored files, and whether it fits agreement, recipient and country.

Every image carries notes on what its file keeps (``Image.kept``), made when it is stored. Images from before are read by the
worker that builds a release (``survey``); until then they count as not read, and nothing is published that was not read.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, QuerySet

from fulfillment.legal import CLASSES, Kept, bars_of, classes_of, kept_in_file, kept_in_words
from fulfillment.models import Batch, Fulfillment, Image, Release
from fulfillment.release import DamagedEntry
from getdata.accounts.countries import country_name
from getdata.accounts.models import Organization
from getdata.common import storage
from getdata.common.problems import CannotDo
from requests_app.agreements import law
from requests_app.models import Agreement
from requests_app.spec import DatasetSpec, IntendedUse


@dataclass(frozen=True)
class Barrier:
    """Why files may not be released under an agreement, with the cure."""

    message: str
    remedy: str
    code: str


@dataclass
class Standing:
    """What the images under one agreement keep, which classes that allows, what was agreed, and what stands against it.

    ``unread``: images whose files were not looked at yet. ``agreement`` is None where none was drawn up.
    """

    fulfillment: Fulfillment
    agreement: Agreement | None
    images: int = 0
    unread: int = 0
    kept: Counter[Kept] = field(default_factory=Counter)
    barriers: list[Barrier] = field(default_factory=list)

    @property
    def agreed(self) -> str:
        """Key of the class that was agreed, or empty."""
        return agreed_class(self.agreement) if self.agreement is not None else ""

    @property
    def agreed_words(self) -> str:
        return CLASSES.get(self.agreed, "")

    @property
    def computed(self) -> list[str]:
        """The classes that what is kept allows, in words, least burdensome first."""
        return [CLASSES[name] for name in classes_of(self.kept)]

    @property
    def rows(self) -> list[tuple[str, int, list[str]]]:
        return kept_in_words(self.kept)


def agreed_class(agreement: Agreement) -> str:
    """The class an agreement was drawn up for. Texts of before classes had a form of their own said "de-identified" only: they
    count as what fits their specification."""
    if agreement.basis in CLASSES:
        return agreement.basis
    if agreement.legal_class == "limited data set":
        return "limited_data_set"
    return law.suggested_class(DatasetSpec.model_validate(agreement.offer.spec_version.document))


def standings(images: QuerySet[Image]) -> list[Standing]:
    """One standing for each delivery that images come from, oldest first."""
    counted = (
        images.order_by()
        .values_list("source__batch__fulfillment", "kept")
        .annotate(images=Count("pk"))
        .values_list("source__batch__fulfillment", "kept", "images")
    )
    found: dict[Any, list[tuple[list[str] | None, int]]] = {}
    for key, kept, count in counted:
        found.setdefault(key, []).append((kept, count))
    deliveries = Fulfillment.objects.filter(pk__in=found).select_related(
        "hospital", "request__organization", "offer__spec_version", "offer__agreement"
    )
    made = []
    for delivery in deliveries.order_by("created_at", "pk"):
        standing = Standing(delivery, getattr(delivery.offer, "agreement", None))
        for kept, count in found[delivery.pk]:
            standing.images += count
            if kept is None:
                standing.unread += count
            for note in kept or ():
                standing.kept[Kept.parse(note)] += count
        standing.barriers = list(_barriers(standing))
        made.append(standing)
    return made


def batch_standing(batch: Batch) -> Standing | None:
    """The standing of a batch's live images; None where there is none."""
    found = standings(Image.objects.live().filter(source__batch=batch))
    return found[0] if found else None


def release_standings(release: Release) -> list[Standing]:
    """The standings of the images of a release."""
    return standings(Image.objects.filter(release_items__release=release))


def require_lawful(found: Iterable[Standing], *, read: bool) -> None:
    """Nothing stands against releasing, or ``CannotDo`` with the first reason, its cure, and all of them in ``errors``.

    ``read``: every file must have been read, too.
    """
    listed = list(found)
    barriers = [(standing, barrier) for standing in listed for barrier in standing.barriers]
    if barriers:
        first = barriers[0][1]
        raise CannotDo(
            first.message,
            remedy=first.remedy,
            code=first.code,
            errors=[
                {
                    "path": f"deliveries.{standing.fulfillment.pk}",
                    "code": barrier.code,
                    "message": barrier.message,
                    "remedy": barrier.remedy,
                }
                for standing, barrier in barriers
            ],
        )
    unread = sum(standing.unread for standing in listed)
    if read and unread:
        raise CannotDo(
            f"{unread:,} {'file was' if unread == 1 else 'files were'} not read for what they keep: no legal class can be computed.",
            remedy="Discard this draft and prepare the release again; the worker that builds it reads them.",
            code="legal_class_unknown",
        )


def survey(images: QuerySet[Image], alive: Callable[[], None] = lambda: None) -> int:
    """Read the stored files of images that have no notes yet. Idempotent. Returns how many were read.

    Raises ``DamagedEntry`` for a file that is not the one that was accepted.
    """
    done = 0
    rows = images.filter(kept__isnull=True).order_by("pk").values_list("pk", "stored", "output_sha256")
    for pk, stored, digest in list(rows):
        data = storage.get(storage.released(), stored)
        if hashlib.sha256(data).hexdigest() != digest:
            raise DamagedEntry(stored)
        done += Image.objects.filter(pk=pk, kept__isnull=True).update(kept=kept_in_file(data))
        alive()
    return done


def _barriers(standing: Standing) -> Iterable[Barrier]:
    agreement, delivery = standing.agreement, standing.fulfillment
    if agreement is None:
        return  # refused elsewhere, as an agreement that is missing
    spec = DatasetSpec.model_validate(delivery.offer.spec_version.document)
    hospital, recipient = delivery.hospital, delivery.request.organization
    agreed = agreed_class(agreement)
    for bar in bars_of(standing.kept, agreed):
        yield Barrier(bar.message, bar.remedy, bar.code)
    if agreed == "limited_data_set":
        yield from _limited(spec, recipient)
    concern = law.concern_mismatch(spec, hospital.country, recipient.country)
    if concern is not None:
        yield Barrier(concern.message, concern.remedy, concern.code)
    if (
        not agreement.gdpr_role
        and agreement.basis
        and law.transfer(spec, hospital.country, recipient.country) != "none"
    ):
        places = ", ".join(map(country_name, law.outside(spec, hospital.country, recipient.country)))
        yield Barrier(
            f"Data of {hospital.name} would go to {places}, and the agreement has no roles and no transfer clause for it.",
            "Ask for an agreement that names the parties' roles under data protection law and the transfer instrument.",
            "transfer_clause_missing",
        )


def _limited(spec: DatasetSpec, recipient: Organization) -> Iterable[Barrier]:
    """A limited data set is for research, public health and health care operations, in few hands (164.514(e)(3))."""
    commercial = spec.purpose.intended_use is IntendedUse.COMMERCIAL_DEVELOPMENT
    if recipient.kind == Organization.Kind.COMPANY and commercial:
        yield Barrier(
            f"Agreement is a limited data set, and {recipient.name} is a company that states commercial development: a limited "
            "data set is for research, public health or health care operations.",
            "Ask for an agreement under an expert determination with dates shifted, or have the request's purpose amended.",
            "purpose_mismatch",
        )


def persons_of_the_us(images: QuerySet[Image]) -> int:
    """How many patients of hospitals in the United States are among the images: 28 CFR 202 counts persons, not images."""
    ours = images.order_by().filter(source__batch__fulfillment__hospital__country="US")
    return ours.values("series__study__patient").distinct().count()
