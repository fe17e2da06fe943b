"""Questions about requests and offers, answered for pages and API: what is asked, how far it is, what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.urls import reverse

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can, organizations_with
from requests_app.models import (
    DatasetRequest,
    Offer,
    OfferStatus,
    RequestFacet,
    RequestStatus,
    SpecVersion,
)
from requests_app.services import drafts
from requests_app.services.offer_counts import offerable
from requests_app.spec import Change, DatasetSpec, check_lines, describe_line, diff
from requests_app.spec import lines as spec_lines

# --- the specification, for reading ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stated:
    """One line in words with its level and check id."""

    check_id: str
    level: str
    text: str


@dataclass(frozen=True)
class Group:
    """The lines of one subject."""

    title: str
    lines: list[Stated] = field(default_factory=list)


_GROUPS = {
    "cohort": "Who and how many",
    "projections": "Projections",
    "labels": "Labels and annotation",
    "quotas": "Quotas",
    "share_caps": "Share limits",
    "reports": "Reports",
    "image": "Every image",
    "quality": "Quality",
    "deidentification": "De-identification",
}


def spec_groups(spec: DatasetSpec) -> list[Group]:
    """Every line that asks for something, by subject, in the order a reader expects."""
    groups = {key: Group(title) for key, title in _GROUPS.items()}
    for entry in check_lines(spec):
        silent = isinstance(entry.line, spec_lines.ImagesLine | spec_lines.PatientsLine) and not (
            entry.line.min or entry.line.max
        )
        if not silent:
            text = describe_line(entry.line)
            stated = Stated(entry.check_id, entry.level.value, text[:1].upper() + text[1:])
            groups[entry.path.split(".")[0]].lines.append(stated)
    return [group for group in groups.values() if group.lines]


@dataclass(frozen=True)
class VersionStory:
    """A frozen version and what it changed against the one before."""

    version: SpecVersion
    changes: list[Change]


def version_history(request: DatasetRequest) -> list[VersionStory]:
    """All versions, newest first."""
    versions = list(request.versions.select_related("created_by").order_by("number"))
    specs = [DatasetSpec.model_validate(version.document) for version in versions]
    stories = [VersionStory(version, diff(specs[i - 1], specs[i]) if i else []) for i, version in enumerate(versions)]
    return stories[::-1]


# --- browsing --------------------------------------------------------------------------------------------------------


def facet_counts(found: QuerySet[DatasetRequest], kind: str) -> dict[str, int]:
    """How many of the requests found carry each value of one kind."""
    values = RequestFacet.objects.filter(request__in=found.order_by(), kind=kind).values_list("value", flat=True)
    return dict(Counter(values))


# --- what comes next -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NextStep:
    """What happens next and who does it. ``mine`` is True when it waits for the person who looks."""

    text: str
    url: str = ""
    label: str = ""
    mine: bool = False


def request_next_step(request: DatasetRequest, user: User) -> NextStep:
    """The next step of a request for a member of the organization that asks, or for staff."""
    mine = drafts.may_write(user, request)
    page = request.get_absolute_url()
    if request.status == RequestStatus.DRAFT:
        if request.status_note:
            return NextStep(
                "Staff returned it with a note.", reverse("request_edit", args=[request.slug]), "Read and change", mine
            )
        return NextStep("Finish and submit it.", reverse("request_edit", args=[request.slug]), "Continue", mine)
    if request.status == RequestStatus.SUBMITTED:
        insider = request.organization.memberships.filter(user=user).exists()
        if user.is_reviewer and not insider:
            return NextStep("Check it, then open or return it.", f"{page}#check", "Check", True)
        return NextStep("GetDATA staff check it. You will be told.", page, "View")
    if request.status == RequestStatus.OPEN:
        waiting = [offer for offer in request.offers.all() if offer.status == OfferStatus.SUBMITTED]
        undrawn = [offer for offer in waiting if not hasattr(offer, "agreement")]
        if undrawn:
            text = "1 offer waits for your answer." if len(undrawn) == 1 else f"{len(undrawn)} offers wait for you."
            return NextStep(text, undrawn[0].get_absolute_url(), "See the offer", mine)
        if waiting:
            return NextStep("An agreement is being signed.", waiting[0].get_absolute_url(), "See the offer", mine)
        if request.questions.filter(answered_at=None).exists():
            return NextStep("A question waits for an answer.", f"{page}#questions", "Answer", mine)
        accepted = [offer for offer in request.offers.all() if offer.status == OfferStatus.ACCEPTED]
        if accepted:
            return NextStep("Hospitals are delivering.", page, "See the meter")
        return NextStep("Hospitals can see it. No offers yet.", page, "View")
    return NextStep("Nothing more to do.", page, "View")


def offer_next_step(offer: Offer, user: User) -> NextStep:
    """The next step of an offer, said to this person."""
    asks = can(user, "write", offer.request.organization)
    asker, hospital = offer.request.organization, offer.hospital
    if offer.status != OfferStatus.SUBMITTED:
        words = {
            OfferStatus.ACCEPTED: "Both parties have signed. The hospital delivers.",
            OfferStatus.DECLINED: f"{asker.name} declined this offer.",
            OfferStatus.WITHDRAWN: f"{hospital.name} withdrew this offer.",
            OfferStatus.EXPIRED: "This offer expired before an agreement was signed.",
        }
        return NextStep(words[OfferStatus(offer.status)])
    agreement = getattr(offer, "agreement", None)
    if agreement is None:
        if asks:
            return NextStep("Compare it with your request, then draw up the agreement or decline.", mine=True)
        return NextStep(f"{asker.name} reads the offer. You will be told.")
    page = agreement.get_absolute_url()
    open_parties = unsigned_parties(offer)
    for party in open_parties:
        if can(user, "sign", party):
            return NextStep(f"Read the agreement and sign for {party.name}.", page, "Read and sign", True)
    names = " and ".join(party.name for party in open_parties)
    return NextStep(f"The agreement waits for the signature of {names}.", page, "Read the agreement")


def unsigned_parties(offer: Offer) -> list[Organization]:
    """The parties whose signature is missing; none when no agreement is drawn up."""
    agreement = getattr(offer, "agreement", None)
    if agreement is None:
        return []
    signed = set(agreement.signatures.values_list("organization_id", flat=True))
    return [party for party in agreement.parties if party.pk not in signed]


# --- an offer against its specification ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compared:
    """One line of an offer against the specification. ``verdict``: covers, part, none, over or differs."""

    label: str
    asked: str
    offered: str
    verdict: str
    word: str
    tone: str
    level: str = ""
    check_id: str = ""


def compare_offer(offer: Offer) -> list[Compared]:
    """Totals, dates and every quota line, what is asked beside what is offered."""
    spec = DatasetSpec.model_validate(offer.spec_version.document)
    rows = [_compared("All images", spec.cohort.images.min, offer.images, "images", spec.cohort.images.level.value)]
    if spec.cohort.patients.min or offer.patients:
        level = spec.cohort.patients.level.value
        rows.append(_compared("All patients", spec.cohort.patients.min, offer.patients, "patients", level))
    deadline = spec.delivery.deadline
    if deadline is not None:
        asked = f"by {deadline.day} {deadline:%B %Y}"
        if offer.deliver_by is None:
            rows.append(Compared("Delivery", asked, "no date given", "differs", "No date", "warn"))
        else:
            said = f"by {offer.deliver_by.day} {offer.deliver_by:%B %Y}"
            late = (offer.deliver_by - deadline).days
            word = f"{late} day{'' if late == 1 else 's'} late" if late > 0 else "In time"
            verdict, tone = ("differs", "bad") if late > 0 else ("covers", "good")
            rows.append(Compared("Delivery", asked, said, verdict, word, tone))
    for line in offerable(spec):
        count = int(offer.cells.get(line.check_id, 0))
        rows.append(_compared(line.text, line.min, count, line.unit.value, line.level.value))
    return rows


def _compared(label: str, asked: int, offered: int, unit: str, level: str) -> Compared:
    label = label[:1].upper() + label[1:]
    wanted, given = f"{asked:,} {unit}", f"{offered:,} {unit}"
    if not asked:
        return Compared(label, "no minimum", given, "covers", "Welcome", "plain", level)
    if offered >= asked:
        return Compared(label, wanted, given, "covers", "Covers all", "good", level)
    if offered:
        share = max(1, 100 * offered // asked)
        return Compared(label, wanted, given, "part", f"Covers {share} %", "plain", level)
    return Compared(label, wanted, "none", "none", "Not offered", "warn", level)


def offering_hospitals(user: User, request: DatasetRequest) -> list[Organization]:
    """The hospitals for which this person may make an offer on the request now."""
    taken = request.offers.live().values("hospital")
    hospitals = organizations_with(user, "write").filter(
        kind=Organization.Kind.HOSPITAL, status=Organization.Status.VERIFIED
    )
    return list(hospitals.exclude(pk__in=taken).exclude(pk=request.organization_id))


def by_status(
    requests: Iterable[DatasetRequest], user: User
) -> list[tuple[str, list[tuple[DatasetRequest, NextStep]]]]:
    """``(status, [(request, next step)])`` in the order of a request's life, empty states left out."""
    grouped: dict[str, list[tuple[DatasetRequest, NextStep]]] = {value: [] for value in RequestStatus.values}
    for request in requests:
        grouped[request.status].append((request, request_next_step(request, user)))
    return [(status, rows) for status, rows in grouped.items() if rows]
