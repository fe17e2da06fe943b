"""Attesting purpose, country and duties before the first download, by name and after proving who one is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db import transaction

from fulfillment.models import AccessGrant, Attestation, GrantedUser, Release
from fulfillment.services.grants import agreed_specs, live_grant, may_name, name_user
from getdata.accounts.countries import country_name
from getdata.accounts.models import User
from getdata.accounts.permissions import can
from getdata.accounts.services.proving import prove_identity
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from requests_app.agreements import law
from requests_app.models import Agreement

MAX_PURPOSE = 1000
#: What every agreement asks of everybody who receives the data, in the first person.
DUTIES = (
    "I do not identify, or try to identify, any patient, and I contact none.",
    "I do not combine the data with other data in a way that could identify a patient.",
    "I use the data for the purpose above and in the country above, and as the agreement permits, in no other way.",
    "I keep them under safeguards fit for health data: encrypted, and open to named persons only.",
    "I pass them on to nobody whom the agreement does not name, and to no country of concern or covered person "
    "(28 CFR 202).",
    "I report to the hospital and to GetDATA, within five days at the latest, any use that the agreement does not permit "
    "and anything in the data that looks like identity.",
    "When the access ends or the release is withdrawn, I destroy every copy.",
)
#: What the rule adds for a limited data set (45 CFR 164.514(e)(4)(ii)(C)).
LIMITED = "The data are a limited data set: I see that whoever works for me with them keeps the same restrictions."


@dataclass(frozen=True)
class Terms:
    """What somebody attests to: the purpose agreed on, where the data may be, the duties, the agreements behind them."""

    purposes: tuple[str, ...]
    countries: tuple[str, ...]
    duties: tuple[str, ...]
    agreements: tuple[Agreement, ...]

    def statement(self, *, printed_name: str, organization: str, purpose: str, country: str) -> str:
        """The words that are kept, one line each."""
        signed = [f"Agreement {agreement.pk}, SHA-256 {agreement.text_sha256}" for agreement in self.agreements]
        return "\n".join(
            [
                f"I, {printed_name}, of {organization}, attest:",
                f"Purpose: {purpose}",
                f"Country: {country_name(country)}",
                *self.duties,
                *signed,
            ]
        )


def terms_of(release: Release) -> Terms:
    """The terms under which the images of the release were delivered; of several agreements the strictest countries."""
    specs = agreed_specs(release)
    home = release.request.organization.country
    allowed = {home, *(country for spec in specs for country in spec.terms.countries)}
    for spec in specs:
        allowed &= {*spec.terms.countries} if spec.terms.countries else {home}
    concern = set(law.regions()["countries_of_concern"])
    agreements = tuple(
        Agreement.objects.filter(
            offer__fulfillment__in=release.items.values("image__source__batch__fulfillment")
        ).order_by("created_at", "pk")
    )
    limited = any(agreement.basis == "limited_data_set" for agreement in agreements)
    return Terms(
        purposes=tuple(dict.fromkeys(spec.purpose.description for spec in specs if spec.purpose.description)),
        countries=tuple(sorted(allowed - concern, key=country_name)),
        duties=(*DUTIES, LIMITED) if limited else DUTIES,
        agreements=agreements,
    )


def grant_to_attest(*, release: Release, user: User) -> AccessGrant | None:
    """The live grant that this person may attest for: they are named, or are one who may name and so name themselves."""
    if live_grant(release=release, user=user) is not None:
        return None
    for grant in AccessGrant.objects.live().filter(release=release).select_related("organization", "release__request"):
        if not can(user, "download", grant.organization):
            continue
        if may_name(user, grant) or grant.named.filter(user=user, removed_at=None).exists():
            return grant
    return None


def attest(
    *,
    grant: AccessGrant,
    actor: User,
    printed_name: str,
    purpose: str,
    country: str,
    password: str = "",
    code: str = "",
) -> Attestation:
    """Attest for oneself under a grant. Who may name others and is not named yet is named by it. Raises ``CannotDo``."""
    release = grant.release
    fitting = grant_to_attest(release=release, user=actor)
    if fitting is None or fitting.pk != grant.pk:
        raise CannotDo(
            "There is nothing for you to attest here.",
            remedy="The release's page says who may download, and whom to ask.",
            code="nothing_to_attest",
        )
    terms = terms_of(release)
    printed_name, purpose = " ".join(printed_name.split())[:200], purpose.strip()
    if not printed_name or not purpose:
        raise CannotDo(
            "Name and purpose are needed.", remedy="Write your full name and what you will do.", code="words_missing"
        )
    if len(purpose) > MAX_PURPOSE:
        raise CannotDo("The purpose is too long.", remedy=f"Use at most {MAX_PURPOSE:,} characters.", code="too_long")
    if country not in terms.countries:
        allowed = ", ".join(map(country_name, terms.countries)) or "no country"
        raise CannotDo(
            f"The agreement allows {allowed}, not {country_name(country)}.",
            remedy="Work on the data there, or ask for a new agreement that names the country.",
            code="country_not_agreed",
        )
    method = prove_identity(actor=actor, password=password, code=code, about=grant, refused="grant.attestation_refused")
    statement = terms.statement(
        printed_name=printed_name, organization=grant.organization.name, purpose=purpose, country=country
    )
    with transaction.atomic():
        named = GrantedUser.objects.filter(grant=grant, user=actor, removed_at=None).first()
        named = named or name_user(grant=grant, user=actor, actor=actor)
        attestation = Attestation.objects.create(
            named=named,
            printed_name=printed_name,
            purpose=purpose,
            country=country,
            statement=statement,
            statement_sha256=hashlib.sha256(statement.encode()).hexdigest(),
            method=method,
        )
        record(
            verb="grant.attested",
            target=grant,
            actor=actor,
            organization_id=grant.organization_id,
            data={"attestation": str(attestation.pk), "sha256": attestation.statement_sha256, "method": method},
        )
    return attestation
