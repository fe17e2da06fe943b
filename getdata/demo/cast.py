"""The people, organizations and requests of the demonstration. All invented."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.db import transaction

from getdata.accounts import services as accounts
from getdata.accounts.checklist import checks_for
from getdata.accounts.models import Membership, Organization, Role, User
from getdata.accounts.second_factor import has_second_factor
from requests_app.matching import Capability
from requests_app.models import CapabilityProfile, DatasetRequest, RequestStatus
from requests_app.services import requests as asking
from requests_app.services.capabilities import state_capability
from requests_app.spec import example_specs

DOMAIN = "demo.getdata.example"


@dataclass(frozen=True)
class Part:
    """One person of the demonstration: local part of the address, name, what they are there for."""

    local: str
    name: str
    what: str
    staff_role: str = ""

    @property
    def email(self) -> str:
        return f"{self.local}@{DOMAIN}"


PARTS = (
    Part("hospital", "Jonas Weber", "Nordhafen University Hospital: uploads and signs"),
    Part("hospital2", "Marta Ruiz", "Santa Clara Teaching Hospital: has not delivered yet"),
    Part("researcher", "Ada Okafor", "Open Thorax Lab: asks for data and downloads releases"),
    Part("reviewer", "Rune Halvorsen", "GetDATA reviewer", User.StaffRole.REVIEWER),
    Part(
        "reviewer2",
        "Lena Fischer",
        "GetDATA administrator: the second person a release needs",
        User.StaffRole.ADMINISTRATOR,
    ),
    Part("newcomer", "Tom Adler", "Lumen Imaging: waits for verification"),
)

#: What a checklist line of each form is answered with.
_FORMS = {
    "text": "Demonstration entry: in a real portal this is a reference a reviewer can check.",
    "domain": DOMAIN,
    "contact": f"Demonstration contact, privacy@{DOMAIN}",
}


def password() -> str:
    """The demonstration's password, invented once on this machine."""
    path = settings.VAR / "secrets" / "demo-password"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text("demo-" + secrets.token_urlsafe(9) + "\n")
        path.chmod(0o600)
    return path.read_text().strip()


def code() -> str:
    """What stands for everybody's second step in this demonstration: invented once on this machine, like the password."""
    path = settings.VAR / "secrets" / "demo-code"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(f"{secrets.randbelow(10**6):06}\n")
        path.chmod(0o600)
    return path.read_text().strip()


def people() -> dict[str, User]:
    """The people by local part; made when missing."""
    found = {}
    for part in PARTS:
        with transaction.atomic():
            user = User.objects.filter(email=part.email).first()
            if user is None:
                user = User.objects.create_user(part.email, password(), name=part.name, staff_role=part.staff_role)
                EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            if not has_second_factor(user):
                TOTP.activate(user, generate_totp_secret())
        found[part.local] = user
    return found


def organizations(cast: dict[str, User]) -> dict[str, Organization]:
    """Two verified hospitals, a verified research group, and a company that waits."""
    made = {
        "hospital": _organization(
            cast["hospital"],
            "hospital",
            "Nordhafen University Hospital",
            "DE",
            "Radiology of a 1,200-bed hospital.",
            cast,
        ),
        "hospital2": _organization(
            cast["hospital2"], "hospital", "Santa Clara Teaching Hospital", "ES", "Two sites, one PACS.", cast
        ),
        "lab": _organization(
            cast["researcher"], "research_group", "Open Thorax Lab", "GB", "Open methods for chest imaging.", cast
        ),
    }
    made["company"] = _organization(
        cast["newcomer"],
        "company",
        "Lumen Imaging",
        "NL",
        "Triage software for emergency departments.",
        cast,
        verify=False,
    )
    return made


def _organization(
    owner: User, kind: str, name: str, country: str, description: str, cast: dict[str, User], *, verify: bool = True
) -> Organization:
    existing = Organization.objects.filter(memberships__user=owner, memberships__role=Role.OWNER).first()
    if existing is not None:
        return existing
    organization = accounts.create_organization(
        kind=kind, name=name, country=country, website="", description=description, actor=owner
    )
    forms = {check.key: check.form for check in checks_for(kind)}
    for item in organization.verification_items.all():
        accounts.save_evidence(organization=organization, key=item.key, evidence=_FORMS[forms[item.key]], actor=owner)
    organization = accounts.submit_organization(organization=organization, actor=owner)
    if verify:
        for item in organization.verification_items.all():
            accounts.decide_item(item=item, accepted=True, actor=cast["reviewer"])
        organization = accounts.verify_organization(organization=organization, actor=cast["reviewer"])
    return organization


#: What the two hospitals state of their archives; the second is silent about much.
_HELD: dict[str, dict[str, Any]] = {
    "hospital": {
        "views": {"PA": 21000, "AP": 14000, "LATERAL": 9000}, "modalities": {"CR": 6000, "DX": 38000},
        "first_year": 2014, "last_year": 2026, "portable_percent": 30, "youngest": 18, "oldest": 100, "reports": True,
        "devices": [{"vendor": "Siemens", "model": "Ysio Max"}, {"vendor": "Philips", "model": "DigitalDiagnost"}],
        "languages": ["de"], "readers": 6, "board_certified": 4, "annotations": ["image", "box"],
        "label_methods": ["report_nlp", "image_read"], "legal_classes": ["expert_determination", "gdpr"],
        "any_country": True,
    },
    "hospital2": {"views": {"PA": 8000, "AP": 3000}, "reports": False, "languages": ["es"], "countries": ["ES", "GB"]},
}  # fmt: skip


def capabilities(cast: dict[str, User], made: dict[str, Organization]) -> None:
    """Each hospital's profile, so that matching has something to say; stated once."""
    for name, held in _HELD.items():
        if not CapabilityProfile.objects.filter(hospital=made[name]).exists():
            state_capability(hospital=made[name], capability=Capability.model_validate(held), actor=cast[name])


def requests(cast: dict[str, User], lab: Organization) -> DatasetRequest:
    """Open requests in the three categories and one that waits for its check; returns the one the phantoms are made for."""
    wanted = [pilot_document(), *(spec.model_dump(mode="json") for spec in example_specs(today=date.today()).values())]
    asked = [_ask(lab, document, cast["researcher"]) for document in wanted]
    for request in asked[:-1]:
        if request.status == RequestStatus.SUBMITTED:
            asking.open_request(request=request, actor=cast["reviewer"])
    return DatasetRequest.objects.get(pk=asked[0].pk)


def _ask(lab: Organization, document: dict[str, Any], actor: User) -> DatasetRequest:
    existing = DatasetRequest.objects.filter(organization=lab, title=document["title"]).first()
    if existing is not None:
        return existing
    request = asking.create_request(
        organization=lab, title=document["title"], category=document["category"], document=document, actor=actor
    )
    return asking.submit_request(request=request, actor=actor)


def pilot_document() -> dict[str, Any]:
    """A small request that the demonstration's phantoms can nearly fill."""
    return {
        "title": "Frontal chest radiographs with effusion and pneumothorax: a pilot",
        "category": "cxr",
        "purpose": {
            "intended_use": "external_validation",
            "description": "A pilot to rehearse delivery from several hospitals before the main study.",
        },
        "cohort": {"images": {"min": 60}, "patients": {"min": 40}, "age": {"min": 18}},
        "projections": [{"view": "PA", "min_images": 25}, {"view": "AP", "min_images": 20}],
        "labels": {
            "taxonomy": "getdata-cxr",
            "findings": [
                {"finding": "Pleural Effusion", "min_positive": 10},
                {"finding": "Pneumothorax", "min_positive": 8},
            ],
        },
        "quotas": [
            {"sex": "F", "min": 25},
            {"view": "AP", "sex": "F", "age_min": 65, "min": 6},
        ],
        "image": {"bits_stored": {"min": 10}, "short_side": {"min_px": 1024}},
        "quality": {"components": [{"component": "depth", "min": 60, "level": "should"}]},
        "delivery": {
            "label_formats": ["generic_csv", "chexpert_csv"],
            "deadline": (date.today() + timedelta(days=90)).isoformat(),
        },
        "terms": {"retention_months": 24, "ethics_approval": "Exempt: phantoms only"},
    }


def membership_of(user: User) -> Organization:
    """The organization the person belongs to."""
    return Membership.objects.select_related("organization").get(user=user).organization
