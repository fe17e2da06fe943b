"""A market of any size, made with bulk inserts: hospitals, research groups, requests in every state, offers, deliveries.

Documents are real ones: a few hundred specifications are composed from the shipped label lists and checked by the model; every
request takes one of them with a title, an organization, a deadline and a size of its own.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from fulfillment.models import Batch, Fulfillment, Image, Patient, Series, SourceFile, Study
from getdata.accounts.models import Membership, Organization, Role, User
from requests_app.models import (
    CatalogueChange,
    CatalogueState,
    DatasetRequest,
    Offer,
    RequestFacet,
    RequestListing,
    RequestStatus,
    SpecVersion,
)
from requests_app.services.frozen import facets, listed_columns
from requests_app.services.listing import searched_text
from requests_app.spec import DatasetSpec, spec_document, spec_sha256
from requests_app.taxonomy import get_taxonomy

_CHUNK = 2_000
_PLACES = ("Aarhus", "Bologna", "Coimbra", "Dresden", "Exeter", "Freiburg", "Gdańsk", "Haifa", "Izmir", "Jaén", "Kraków",
           "Leuven", "Malmö", "Nancy", "Oulu", "Porto", "Quito", "Rennes", "Szeged", "Turin", "Utrecht", "Valencia")  # fmt: skip
_GROUPS = (
    "University",
    "Institute of Radiology",
    "Imaging Laboratory",
    "Medical School",
    "Devices",
    "Clinical AI Group",
)
_SETTINGS = ("at the bedside", "in adults", "in children", "in the emergency department", "after surgery", "in screening",
             "over time", "for external validation", "before and after drainage", "from portable units")  # fmt: skip
_PURPOSES = (
    "To train and validate a detector that reads portable films of the intensive care unit before the radiologist does.",
    "An external test set for a published classifier, drawn from hospitals that did not contribute to its training.",
    "To measure how well a triage model ranks emergency examinations, by sex, age and manufacturer of the unit.",
    "A reader study of the placement of tubes and lines, with the reports as the reference.",
    "To find how a segmentation model fails on films that are rotated, under-exposed or cut off at the base.",
)  # fmt: skip
#: Of a hundred requests: 80 open, 12 closed, 4 drafts, 2 submitted, 2 cancelled.
_STATES = ["open"] * 80 + ["closed"] * 12 + ["draft"] * 4 + ["submitted"] * 2 + ["cancelled"] * 2

Row = TypeVar("Row")


@dataclass(frozen=True)
class Variant:
    """A specification and what is derived from it once."""

    spec: DatasetSpec
    document: dict[str, Any]
    sha256: str
    facets: list[tuple[str, str]]
    columns: dict[str, Any]
    text: dict[str, str]


def variants(count: int, seed: int) -> list[Variant]:
    """Specifications that differ in category, projections, findings, annotation, reports and purpose."""
    rng = random.Random(seed)
    nobody = DatasetRequest(organization=Organization(name=""))
    made = []
    for _ in range(count):
        taxonomy = rng.choice(["getdata-cxr"] * 3 + ["chexpert-14", "nih-chestxray14", "vindr-cxr", "padchest-subset"])
        names = rng.sample(get_taxonomy(taxonomy).names, rng.choice([1, 1, 2, 2, 3, 4, 6]))
        views = rng.sample(["PA", "AP", "LATERAL"], rng.choice([1, 1, 2, 3]))
        spec = DatasetSpec.model_validate(
            {
                "title": f"{names[0]} {rng.choice(_SETTINGS)}"[:150],
                "category": rng.choices(["cxr", "ct", "cardiac"], [85, 10, 5])[0],
                "purpose": {"intended_use": "academic_research", "description": rng.choice(_PURPOSES)},
                "cohort": {"images": {"min": 1}},
                "projections": [{"view": view} for view in views],
                "labels": {
                    "taxonomy": taxonomy,
                    "findings": [
                        {
                            "finding": name,
                            "annotation": rng.choices(["image", "box", "polygon", "mask"], [6, 3, 1, 1])[0],
                        }
                        for name in names
                    ],
                },
                "quotas": [{"finding": names[0], "view": views[0], "min": 100}],
                "reports": {"linkage": rng.choice(["none", "optional", "required"])},
            }
        )
        made.append(
            Variant(
                spec, spec_document(spec), spec_sha256(spec), sorted(facets(spec)), listed_columns(spec),
                searched_text(nobody, spec),
            )
        )  # fmt: skip
    return made


def fill(*, requests: int, hospitals: int, seed: int = 4) -> User:
    """Make the market in an empty database. Returns a signed-in person to look at it with."""
    rng = random.Random(seed)
    with transaction.atomic():
        people = [User(email=f"person{n}@example.org", name=f"Person {n}", password="!") for n in range(200)]
        User.objects.bulk_create(people)
        theirs = _organizations(rng, hospitals, Organization.Kind.HOSPITAL)
        askers = _organizations(rng, max(20, hospitals // 5), Organization.Kind.RESEARCH_GROUP)
        Membership.objects.bulk_create(
            Membership(user=rng.choice(people), organization=each, role=Role.OWNER) for each in [*theirs, *askers]
        )
        kinds = variants(min(600, max(60, requests // 20)), seed)
        asked = list(_requests(rng, requests, kinds, askers, people))
        _store((request for request, _ in asked), DatasetRequest)
        frozen = [(request, kind) for request, kind in asked if request.opened_at]
        versions = _versions(frozen)
        _store(iter(versions), SpecVersion)
        listed = [pair for pair in frozen if pair[0].status in ("open", "closed")]
        _store((RequestFacet(request=r, kind=k, value=v) for r, kind in frozen for k, v in kind.facets), RequestFacet)
        _store((_listing(request, kind) for request, kind in listed), RequestListing)
        offers = list(_offers(rng, list(zip(frozen, versions, strict=True)), theirs, people))
        _store(iter(offers), Offer)
        _deliveries(rng, [offer for offer in offers if offer.status == "accepted"][:400])
        CatalogueState.objects.update_or_create(pk=1, defaults={"version": 1})
        CatalogueChange.objects.create(version=1, token=uuid.uuid4().hex, listing=0)
    return people[0]


def _organizations(rng: random.Random, count: int, kind: str) -> list[Organization]:
    hospital = kind == Organization.Kind.HOSPITAL
    made = []
    for n in range(count):
        what = "Hospital" if hospital else rng.choice(_GROUPS)
        name = f"{rng.choice(_PLACES)} {what} {n + 1}"
        slug = f"{'hospital' if hospital else 'group'}-{n + 1}"
        made.append(Organization(kind=kind, name=name, slug=slug, country="DE", status=Organization.Status.VERIFIED))
    return Organization.objects.bulk_create(made, batch_size=_CHUNK)


def _requests(
    rng: random.Random, count: int, kinds: list[Variant], askers: list[Organization], people: list[User]
) -> Iterator[tuple[DatasetRequest, Variant]]:
    now = timezone.now()
    for n in range(count):
        kind, status, asker = rng.choice(kinds), rng.choice(_STATES), rng.choice(askers)
        opened = now - timedelta(minutes=rng.randrange(1, 60 * 24 * 700)) if status in ("open", "closed") else None
        images = int(10 ** rng.uniform(2.3, 4.8))
        columns = {
            **kind.columns,
            "title": f"{kind.spec.title}, {asker.name}",
            "minimum_images": images,
            "deadline": None if rng.random() < 0.1 else now.date() + timedelta(days=rng.randrange(-20, 400)),
        }
        yield (
            DatasetRequest(
                organization=asker,
                created_by=rng.choice(people),
                slug=f"request-{n + 1}",
                status=RequestStatus(status),
                opened_at=opened,
                closed_at=now if status == "closed" else None,
                draft={},  # no list reads it; the frozen version has the document
                **columns,
            ),
            kind,
        )


def _versions(frozen: list[tuple[DatasetRequest, Variant]]) -> list[SpecVersion]:
    return [
        SpecVersion(
            request=request, number=1, document=kind.document, sha256=kind.sha256, created_by_id=request.created_by_id
        )
        for request, kind in frozen
    ]


def _listing(request: DatasetRequest, kind: Variant) -> RequestListing:
    return RequestListing(
        request=request,
        is_open=request.status == RequestStatus.OPEN,
        category=request.category,
        report_linkage=request.report_linkage,
        images=request.minimum_images,
        still_needed=request.minimum_images,
        deadline=request.deadline,
        opened_at=request.opened_at,
        announced=1,
        title=request.title,
        findings=kind.text["findings"],
        body=f"{kind.text['body']}\n{request.organization.name}",
    )


def _offers(
    rng: random.Random,
    frozen: list[tuple[tuple[DatasetRequest, Variant], SpecVersion]],
    hospitals: list[Organization],
    people: list[User],
) -> Iterator[Offer]:
    for (request, _), version in frozen:
        for hospital in rng.sample(hospitals, rng.choice([0, 0, 0, 1, 1, 2])):
            yield Offer(
                request=request,
                spec_version=version,
                hospital=hospital,
                created_by=rng.choice(people),
                images=max(1, request.minimum_images // rng.randrange(2, 8)),
                status=rng.choice(["submitted", "accepted", "declined"]),
                expires_at=timezone.now() + timedelta(days=30),
            )


def _deliveries(rng: random.Random, accepted: list[Offer], images: int = 50) -> None:
    """One batch of images for each of these offers."""
    rows: dict[type, list[Any]] = {kind: [] for kind in (Fulfillment, Batch, Patient, Study, Series, SourceFile, Image)}
    now = timezone.now()
    for offer in accepted:
        under = Fulfillment(offer=offer, request=offer.request, hospital=offer.hospital)
        batch = Batch(
            fulfillment=under,
            spec_version=offer.spec_version,
            number=1,
            name="Batch",
            created_by=offer.created_by,
            status=rng.choice(["accepted", "sealed"]),
        )
        rows[Fulfillment].append(under)
        rows[Batch].append(batch)
        for n in range(images):
            uid = f"2.25.{uuid.uuid4().int}"[:64]
            patient = Patient(fulfillment=under, pseudonym=uid[-20:])
            study = Study(patient=patient, study_instance_uid=uid)
            series = Series(study=study, series_instance_uid=uid, modality="DX")
            digest = uuid.uuid4().hex * 2
            file = SourceFile(
                batch=batch, number=n + 1, sealed_name=b"-", name_digest=digest, content_digest=digest, size=1,
                status="passed", settled_at=now,
            )  # fmt: skip
            image = Image(
                source=file, series=series, sop_instance_uid=uid, facts={}, output_sha256=digest, pixel_sha256=digest,
                size=1, stored=digest, preview=digest,
            )  # fmt: skip
            for row in (patient, study, series, file, image):
                rows[type(row)].append(row)
    for kind, made in rows.items():
        _store(iter(made), kind)


def _store(rows: Iterator[Row], model: Any) -> None:
    while some := list(islice(rows, _CHUNK)):
        model.objects.bulk_create(some)
