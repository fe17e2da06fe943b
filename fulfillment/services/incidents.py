"""Incidents: opening one stops what it names at once, everywhere; lifting and closing give access back, by independent people."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from fulfillment.models import (
    AccessGrant,
    Batch,
    Incident,
    IncidentEntry,
    IncidentKind,
    IncidentParty,
    IncidentScope,
    IncidentStatus,
    Release,
)
from fulfillment.services.independence import require_independent, require_not_deliverer
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require_staff
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState, transition
from getdata.notifications.services import notify
from requests_app.services.people import staff

TITLE_LENGTH = 120
TEXT_LENGTH = 4000
Thing = Release | Batch | Organization
_Concerned = set[tuple[Organization, str]]
_Kind, _Role = IncidentEntry.Kind, IncidentParty.Role


def open_incident(*, actor: User, kind: str, title: str, text: str, things: Collection[Thing]) -> Incident:
    """Open an incident and stop everything it names, in one transaction; every hospital and holder concerned is told.

    Any member of staff may: stopping must not wait for an independent colleague. ``text`` is what happened, for staff and parties.
    Raises ``CannotDo``.
    """
    require_staff(actor)
    title = " ".join(title.split())
    if not title or len(title) > TITLE_LENGTH:
        raise CannotDo(
            "An incident needs a title.",
            remedy=f"Say in at most {TITLE_LENGTH} characters what it is.",
            code="no_title",
        )
    if kind not in IncidentKind.values:
        raise CannotDo("This kind of incident is not known.", remedy="Choose one of the list.", code="unknown_kind")
    if not things:
        raise CannotDo(
            "An incident names what is affected.",
            remedy="Open it from the page of a release, a batch or an organization.",
            code="nothing_affected",
        )
    text = _words(text)
    try:
        with transaction.atomic():
            number = (Incident.objects.aggregate(n=Max("number"))["n"] or 0) + 1
            incident = Incident.objects.create(number=number, kind=kind, title=title, opened_by=actor)
            record(verb="incident.opened", target=incident, actor=actor, data={"number": number, "kind": kind})
            _entry(incident, actor, _Kind.OPENED, text, shared=True)
            told: _Concerned = set()
            for thing in things:
                told |= _stop(incident, thing, actor)
            _tell(incident, told, "incident.opened", "was opened: access to what it names is stopped.", but=actor)
            notify(
                event="incident.opened",
                users=staff(),
                but=actor,
                text=f"Incident {number} was opened: access to what it names is stopped.",
                url=incident.get_absolute_url(),
            )
    except IntegrityError:
        raise CannotDo(
            "A colleague opened an incident at the same moment.",
            remedy="Look whether it is this one; if not, send yours again.",
            code="incident_at_once",
        ) from None
    return incident


def add_to_incident(*, incident: Incident, actor: User, thing: Thing) -> IncidentScope:
    """Stop one more thing because of an incident that is not closed; whoever it concerns is told."""
    require_staff(actor)
    try:
        with transaction.atomic():
            _held(incident, IncidentStatus.OPEN, IncidentStatus.CONTAINED)
            told = _stop(incident, thing, actor)
            _tell(incident, told, "incident.opened", "concerns you: access to what it names is stopped.", but=actor)
            return IncidentScope.objects.get(incident=incident, lifted_at=None, **{_column(thing): thing})
    except IntegrityError:
        raise CannotDo(
            "This is stopped by the incident already.", remedy="Reload the page.", code="already_stopped"
        ) from None


def write_entry(*, incident: Incident, actor: User, text: str, shared: bool) -> IncidentEntry:
    """Add a line to the timeline; a shared one is read by every party, and they are told that there is news."""
    require_staff(actor)
    text = _words(text)
    with transaction.atomic():
        _held(incident, IncidentStatus.OPEN, IncidentStatus.CONTAINED)
        entry = _entry(incident, actor, _Kind.NOTE, text, shared=shared)
        record(verb="incident.entry", target=incident, actor=actor, data={"shared": shared})
        if shared:
            _tell(incident, _parties(incident), "incident.told", "has news.", but=actor)
    return entry


def contain_incident(*, incident: Incident, actor: User, text: str) -> Incident:
    """Say that the cause is under control. What is stopped stays stopped."""
    require_staff(actor)
    text = _words(text)
    with transaction.atomic():
        contained = transition(
            Incident,
            incident.pk,
            IncidentStatus.OPEN,
            IncidentStatus.CONTAINED,
            actor=actor,
            changes={"contained_at": timezone.now()},
        )
        _entry(contained, actor, _Kind.CONTAINED, text, shared=True)
        words = "is contained; what it names stays stopped until it is settled."
        _tell_everybody(contained, "incident.contained", words, but=actor)
    return contained


def lift_stop(*, scope: IncidentScope, actor: User, reason: str) -> IncidentScope:
    """Give access to one thing back, with a reason that the parties read. Only somebody who is of no party may."""
    reason = _words(reason)
    with transaction.atomic():
        incident = _held(scope.incident, IncidentStatus.OPEN, IncidentStatus.CONTAINED)
        require_may_settle(actor, incident)
        _lift(incident, IncidentScope.objects.filter(pk=scope.pk), actor, reason)
        _tell(incident, _parties(incident), "incident.told", "has news: a stop was lifted.", but=actor)
    return IncidentScope.objects.get(pk=scope.pk)


def close_incident(*, incident: Incident, actor: User, outcome: str) -> Incident:
    """End a contained incident: what is still stopped is lifted. Only somebody who is of no party may, with the outcome."""
    outcome = _words(outcome)
    require_may_settle(actor, incident)
    with transaction.atomic():
        closed = transition(
            Incident,
            incident.pk,
            IncidentStatus.CONTAINED,
            IncidentStatus.CLOSED,
            actor=actor,
            changes={"closed_at": timezone.now(), "closed_by": actor},
        )
        standing = closed.scopes.filter(lifted_at=None)
        if standing.exists():
            _lift(closed, standing, actor, "The incident is closed.")
        _entry(closed, actor, _Kind.CLOSED, outcome, shared=True)
        words = "is closed; its page says with what outcome."
        _tell_everybody(closed, "incident.closed", words, but=actor)
    return closed


def _tell_everybody(incident: Incident, event: str, words: str, *, but: User) -> None:
    """Every party and all of staff."""
    _tell(incident, _parties(incident), event, words, but=but)
    url = incident.get_absolute_url()
    notify(event=event, users=staff(), but=but, text=f"Incident {incident.number} {words}", url=url)


def require_may_settle(actor: User, incident: Incident) -> None:
    """Raise ``CannotDo`` unless the person is staff, of no party, and delivered none of what is affected."""
    require_staff(actor)
    parties = Organization.objects.filter(pk__in=incident.parties.values("organization"))
    require_independent(actor, *parties)
    scopes = incident.scopes.all()
    affected = Batch.objects.filter(pk__in=scopes.exclude(batch=None).values("batch")) | Batch.objects.filter(
        files__image__release_items__release__in=scopes.exclude(release=None).values("release")
    )
    require_not_deliverer(actor, list(affected.select_related("fulfillment").distinct()))


def what_bars_settling(actor: User, incident: Incident) -> CannotDo | None:
    """Why this person may not lift or close, or None: for a page to say it before anybody presses a button."""
    try:
        require_may_settle(actor, incident)
    except CannotDo as refusal:
        return refusal
    return None


def _stop(incident: Incident, thing: Thing, actor: User) -> _Concerned:
    """Make the row that stops the thing, and the rows of whoever it concerns; those that are new are returned."""
    IncidentScope.objects.create(incident=incident, added_by=actor, **{_column(thing): thing})
    record(
        verb="incident.stopped",
        target=thing,
        actor=actor,
        organization_id=thing.pk if isinstance(thing, Organization) else thing.audit_organization_id,
        data={"incident": str(incident.pk)},
    )
    _entry(incident, actor, _Kind.STOPPED, f"Access stopped: {said_name(thing)}", shared=False)
    known = _parties(incident)
    fresh = concerned(thing) - known
    IncidentParty.objects.bulk_create(
        IncidentParty(incident=incident, organization=organization, role=role) for organization, role in fresh
    )
    return fresh


def _lift(incident: Incident, scopes: Iterable[IncidentScope], actor: User, reason: str) -> None:
    for scope in list(scopes):
        lifted = IncidentScope.objects.filter(pk=scope.pk, lifted_at=None)
        if not lifted.update(lifted_at=timezone.now(), lifted_by=actor, lifted_reason=reason):
            raise CannotDo("This stop was lifted already.", remedy="Reload the page.", code="already_lifted")
        thing = scope.thing
        record(
            verb="incident.lifted",
            target=thing,
            actor=actor,
            organization_id=thing.pk if isinstance(thing, Organization) else thing.audit_organization_id,
            data={"incident": str(incident.pk)},
        )
        _entry(incident, actor, _Kind.LIFTED, f"Stop lifted: {said_name(thing)}. {reason}", shared=False)


def concerned(thing: Thing) -> _Concerned:
    """Every hospital whose images are in it and every organization that asked for it, holds it or held it."""
    if isinstance(thing, Batch):
        asked = thing.fulfillment.request.organization
        found: _Concerned = {(thing.fulfillment.hospital, _Role.HOSPITAL.value), (asked, _Role.HOLDER.value)}
        inside = Release.objects.filter(items__image__source__batch=thing)
    elif isinstance(thing, Release):
        inside = Release.objects.filter(pk=thing.pk)
        hospitals = Organization.objects.filter(
            fulfillments__batches__files__image__release_items__release=thing
        ).distinct()
        found = {(hospital, _Role.HOSPITAL.value) for hospital in hospitals}
        found.add((thing.request.organization, _Role.HOLDER.value))
    else:
        role = _Role.HOSPITAL if thing.is_hospital else _Role.HOLDER
        found = {(thing, role.value)}
        inside = Release.objects.filter(items__image__source__batch__fulfillment__hospital=thing)
    grants = AccessGrant.objects.filter(release__in=inside.values("pk")).select_related("organization")
    return found | {(grant.organization, _Role.HOLDER.value) for grant in grants}


def said_name(thing: Thing) -> str:
    """The thing in a line of the timeline that only staff read: one party does not learn of another there."""
    if isinstance(thing, Release):
        return f"release {thing.number} of “{thing.request.title}”"
    if isinstance(thing, Batch):
        return f"batch {thing.number} of “{thing.fulfillment.request.title}”"
    return thing.name


def _column(thing: Thing) -> str:
    return type(thing).__name__.lower()


def _parties(incident: Incident) -> _Concerned:
    return {(party.organization, party.role) for party in incident.parties.select_related("organization")}


def _tell(incident: Incident, parties: _Concerned, event: str, words: str, *, but: User) -> None:
    """One line for the people of each party. It says no more than the number: the page says what of theirs is affected."""
    for organization, role in sorted(parties, key=lambda pair: (pair[1], pair[0].name)):
        notify(
            event=event,
            parties={"hospital" if role == _Role.HOSPITAL else "asker": organization},
            but=but,
            text=f"Incident {incident.number} {words}",
            url=incident.get_absolute_url(),
        )


def _entry(incident: Incident, actor: User, kind: str, text: str, *, shared: bool) -> IncidentEntry:
    return IncidentEntry.objects.create(incident=incident, by=actor, kind=kind, text=text, shared=shared)


def _held(incident: Incident, *statuses: IncidentStatus) -> Incident:
    """The incident's row, held, in one of the states; nothing is added to one that a colleague closes meanwhile."""
    held = Incident.objects.select_for_update().get(pk=incident.pk)
    if held.status not in statuses:
        raise StaleState(Incident, statuses[0], held.status)
    return held


def _words(text: str) -> str:
    text = text.strip()
    if not text:
        raise CannotDo("A few words are needed.", remedy="Say what happened or what was done.", code="no_words")
    if len(text) > TEXT_LENGTH:
        raise CannotDo(f"This is longer than {TEXT_LENGTH:,} characters.", remedy="Say it shorter.", code="too_long")
    return text
