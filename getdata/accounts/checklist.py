"""What GetDATA checks before an organization may act on the market: the checks as data, by kind of organization.

A check says what is asked, why it is asked and which role usually knows the answer. Evidence is a reference, an address
or a registration number that a reviewer can look up elsewhere; it never holds patient data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from getdata.accounts.models import Organization, Role

Kind = Organization.Kind

#: Evidence is a short reference, not a document.
MAX_EVIDENCE = 2000
_DOMAIN = re.compile(r"^(?=.{4,253}$)(?!-)([a-z0-9-]{1,63}(?<!-)\.)+[a-z]{2,63}$")
_EMAIL = re.compile(r"[^\s@<>]+@([a-z0-9-]+\.)+[a-z]{2,63}", re.IGNORECASE)
#: Addresses at these belong to persons, never to an institution.
FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "yahoo.co.uk",
        "icloud.com",
        "me.com",
        "aol.com",
        "gmx.de",
        "gmx.net",
        "gmx.com",
        "web.de",
        "t-online.de",
        "proton.me",
        "protonmail.com",
        "mail.ru",
        "yandex.ru",
        "qq.com",
        "163.com",
        "126.com",
        "zoho.com",
        "mail.com",
        "fastmail.com",
        "orange.fr",
        "free.fr",
        "laposte.net",
        "libero.it",
    ]
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist. ``form`` is text, domain or contact (a text that holds an e-mail address)."""

    key: str
    title: str
    asked: str
    why: str
    who: Role
    example: str
    form: str = "text"


_SIGNING = Check(
    "signing_authority",
    "Signing authority",
    "Name the person who may sign agreements for the organization, their position, and where this authority is "
    "written down (commercial register, statutes, delegation of signature).",
    "An agreement signed by somebody without authority protects nobody.",
    Role.SIGNATORY,
    "Dr Maria Example, Managing Director; commercial register HRB 12345, section 4",
)

_HOSPITAL = (
    Check(
        "legal_identity",
        "Legal identity and registration",
        "Give the registered legal name, its registration number, and the register where we can look it up.",
        "Agreements bind a legal person; the name on the building is often another one.",
        Role.OWNER,
        "Example University Hospital, public-law corporation; hospital register no. 260 512 345",
    ),
    Check(
        "email_domain",
        "Institutional e-mail domain",
        "Give the domain of your staff's e-mail addresses. At least one owner signs in with an address at this domain.",
        "It shows that the people who act here really work for the hospital.",
        Role.OWNER,
        "hospital.example",
        form="domain",
    ),
    Check(
        "ethics_basis",
        "Ethics approval or legal basis for sharing",
        "Give the ethics committee or IRB decision (body, number, date), or the law and the contract terms that allow "
        "sharing de-identified images.",
        "Every release documents on which basis its images were shared.",
        Role.PRIVACY_OFFICER,
        "Ethics Committee of the Example Medical Faculty, vote 2026-118 of 3 March 2026",
    ),
    Check(
        "privacy_officer",
        "Data-protection officer",
        "Give the name and e-mail address of the privacy or data-protection officer who approves each delivery.",
        "Somebody independent of the upload must be able to stop it, and must be reachable in an incident.",
        Role.PRIVACY_OFFICER,
        "Jordan Example, privacy@hospital.example",
        form="contact",
    ),
    _SIGNING,
)

_RESEARCH = (
    Check(
        "affiliation",
        "Institutional affiliation",
        "Name the university, institute or hospital that answers for the group, its registration or identifier (for "
        "example ROR), and a page of the institution that names the group.",
        "Hospitals give data to institutions that answer for its use, not to persons alone.",
        Role.OWNER,
        "Example University, ror.org/012345678; group page university.example/imaging",
    ),
    Check(
        "data_protection",
        "Data-protection contact",
        "Give the name and e-mail address of the person who answers for the protection of received data.",
        "A hospital that withdraws an image must reach somebody who can act.",
        Role.PRIVACY_OFFICER,
        "Alex Example, dataprotection@university.example",
        form="contact",
    ),
    Check(
        "ethics",
        "Ethics training or approval",
        "Give the ethics approval of the project (body, number, date), or the research-ethics training of everyone who "
        "will hold data (course and date).",
        "Hospitals ask for it before they sign, and their own approvals often depend on it.",
        Role.OWNER,
        "IRB of Example University, protocol 2026-0457; CITI human subjects training, January 2026",
    ),
    Check(
        "purpose",
        "Purpose",
        "Say in a few sentences what the data is for, who will use it, and in which countries it will be held.",
        "Agreements allow stated purposes only, and some transfers between countries are restricted by law.",
        Role.OWNER,
        "Detection of pneumothorax on bedside radiographs; used and held by our group in Germany",
    ),
    _SIGNING,
)

_COMPANY = (
    Check(
        "affiliation",
        "Company registration",
        "Give the registered company name, the registration number, and the register where we can look it up.",
        "Agreements bind a legal person, and hospitals look up who it is.",
        Role.OWNER,
        "Example Imaging Ltd, Companies House no. 01234567",
    ),
    *_RESEARCH[1:],
)

#: Kind of organization -> its checks, in the order they are shown.
CHECKS: Mapping[str, tuple[Check, ...]] = MappingProxyType(
    {Kind.HOSPITAL.value: _HOSPITAL, Kind.RESEARCH_GROUP.value: _RESEARCH, Kind.COMPANY.value: _COMPANY}
)


def checks_for(kind: str) -> tuple[Check, ...]:
    """The checks of one kind of organization. Raises ``KeyError`` for an unknown kind."""
    return CHECKS[str(kind)]


def check_for(kind: str, key: str) -> Check:
    """One check by its key. Raises ``KeyError`` when this kind of organization has no such check."""
    return next((check for check in checks_for(kind) if check.key == key), None) or _unknown(key)


def _unknown(key: str) -> Check:
    raise KeyError(key)


def problem_with(check: Check, evidence: str) -> str:
    """Why this evidence cannot be right, in words for the person who wrote it; empty when nothing is obvious."""
    evidence = evidence.strip()
    if len(evidence) > MAX_EVIDENCE:
        return f"Keep this to {MAX_EVIDENCE:,} characters: a reference, not the document itself."
    if check.form == "domain":
        domain = evidence.lower().removeprefix("@")
        if not _DOMAIN.match(domain):
            return "Enter a domain only, such as hospital.example, without @, http:// or spaces."
        if domain in FREE_MAIL:
            return f"{domain} gives addresses to anybody. Enter the domain of the institution itself."
    if check.form == "contact" and not _EMAIL.search(evidence):
        return "Enter an e-mail address as well as the name, such as Jordan Example, privacy@hospital.example."
    if check.form == "text" and len(evidence) < 10:
        return "This is too short to be looked up. Give the body, the number and the date where there is one."
    return ""


def normalise(check: Check, evidence: str) -> str:
    """Evidence as it is kept: trimmed; a domain in lower case without ``@``."""
    evidence = evidence.strip()
    return evidence.lower().removeprefix("@") if check.form == "domain" else evidence
