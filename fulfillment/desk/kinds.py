"""What waits on the desk: incidents, withdrawals, organizations, requests and amendments, batches. Few queries, however many wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q
from django.urls import reverse

from fulfillment.desk.registry import Entry, Kind, register
from fulfillment.desk.risk import Point
from fulfillment.models import (
    Batch,
    BatchStatus,
    DeidCertificate,
    DutyStatus,
    Incident,
    IncidentKind,
    IncidentStatus,
    Review,
    Withdrawal,
    WithdrawalStatus,
)
from fulfillment.models.incidents import CONTAIN_TIME, SETTLE_TIME
from getdata.accounts.models import Organization
from getdata.accounts.selectors import REVIEW_TIME
from requests_app.models import Amendment, AmendmentStatus, DatasetRequest, RequestStatus
from requests_app.reminders import CHECK_TIME
from requests_app.spec.vocabulary import DatesHandling, DeidPolicyName

#: A batch of which more than this share was withheld was badly prepared, whatever the reasons.
_MUCH = 0.1


def organizations() -> Iterator[Entry]:
    """Organizations that asked to be verified."""
    for row in Organization.objects.filter(status=Organization.Status.PENDING, submitted_at__isnull=False):
        assert row.submitted_at is not None
        yield Entry(
            kind="organization",
            key=str(row.pk),
            title=row.name,
            about=row.get_kind_display(),
            url=reverse("organization_detail", args=[row.slug]),
            since=row.submitted_at,
            due=row.submitted_at + REVIEW_TIME,
            points=(
                Point(2, "everything an organization does rests on its verification"),
                Point(1 if row.is_hospital else 0, "a hospital: it will send what patients entrusted to it"),
                Point(1 if row.decided_at else 0, "decided before: it asks again"),
            ),
            status=row.status,
            parties=(row.pk,),
        )


def requests() -> Iterator[Entry]:
    """Submitted requests, and amendments of open ones."""
    for row in DatasetRequest.objects.filter(status=RequestStatus.SUBMITTED, submitted_at__isnull=False).select_related(
        "organization"
    ):
        yield _request(str(row.pk), row, row, row.draft, row.get_absolute_url(), "")
    for one in Amendment.objects.filter(status=AmendmentStatus.SUBMITTED, submitted_at__isnull=False).select_related(
        "request__organization"
    ):
        yield _request(
            str(one.pk), one, one.request, one.document, f"{one.request.get_absolute_url()}#amendment", "Amendment: "
        )


def _request(key: str, waits: Any, request: DatasetRequest, document: Any, url: str, before: str) -> Entry:
    document = document if isinstance(document, dict) else {}
    return Entry(
        kind="request",
        key=key,
        title=f"{before}{request.title}",
        about=request.organization.name,
        url=url,
        since=waits.submitted_at,
        due=waits.submitted_at + CHECK_TIME,
        points=(
            Point(1, "a request tells hospitals what to send"),
            Point(2 if _keeps_dates(document) else 0, "it asks to keep dates: a limited data set"),
            Point(1 if _linkage(document) else 0, "it asks for reports: free text"),
        ),
        status=waits.status,
        parties=(request.organization_id,),
    )


def _keeps_dates(document: Mapping[str, Any]) -> bool:
    rules = document.get("deidentification")
    if not isinstance(rules, dict):
        return False
    return rules.get("policy") == DeidPolicyName.LIMITED_DATA_SET or rules.get("dates") == DatesHandling.KEPT


def _linkage(document: Mapping[str, Any]) -> bool:
    reports = document.get("reports")
    return isinstance(reports, dict) and reports.get("linkage") in ("optional", "required")


def batches() -> Iterator[Entry]:
    """Batches that are sealed or in review, weighed by what was counted when they were sealed."""
    known = Batch.objects.filter(fulfillment__hospital=OuterRef("fulfillment__hospital"), status=BatchStatus.ACCEPTED)
    rows = (
        Batch.objects.filter(
            status__in=[BatchStatus.SEALED, BatchStatus.IN_REVIEW],
            sealed_at__isnull=False,
            review_due_at__isnull=False,
        )
        .annotate(
            again=Exists(Review.objects.filter(batch=OuterRef("pk"))),
            known=Exists(known),
        )
        .order_by()
        .values_list(
            "pk", "number", "name", "status", "sealed_at", "review_due_at", "at_sealing", "again", "known",
            "fulfillment__hospital", "fulfillment__hospital__name", "fulfillment__request__title",
            "fulfillment__request__organization", "reviewer", "reviewer__name", "reviewer__email",
        )
    )  # fmt: skip
    measured = _measured()
    for (pk, number, name, status, sealed, due, counts, again, hospital_known, hospital, hospital_name, title, asker,
         reviewer, reviewer_name, email) in rows:  # fmt: skip
        assert sealed is not None and due is not None
        yield Entry(
            kind="batch",
            key=str(pk),
            title=f"Batch {number}: {name}",
            about=f"{hospital_name} for {title}",
            url=reverse("batch_review", args=[pk]),
            since=sealed,
            due=due,
            points=_batch_points(counts, measured.get(pk), again=again, known=hospital_known),
            status=status,
            owner=(reviewer, reviewer_name or email) if reviewer else None,
            parties=(hospital, asker),
        )


def _batch_points(
    counts: Mapping[str, int], measured: tuple[bool, int] | None, *, again: bool, known: bool
) -> tuple[Point, ...]:
    images, withheld = counts.get("images", 0), counts.get("withheld", 0)
    doubtful, masked, stopped = (counts.get(name, 0) for name in ("doubtful", "masked", "second_look"))
    missed = measured[1] if measured is not None else 0
    return (
        Point(2, "pictures of patients"),
        Point(5 if missed else 0, f"{missed:,} planted identifiers survived de-identification"),
        Point(1 if measured is not None and not measured[0] else 0, "recall of de-identification was not measured"),
        Point(3 if stopped else 0, f"the second look stopped {stopped:,} files"),
        Point(2 if doubtful else 0, f"{doubtful:,} images ask for a look"),
        Point(1 if masked else 0, f"{masked:,} images carry a mask"),
        Point(1 if withheld > _MUCH * (images + withheld) else 0, f"{withheld:,} files were withheld"),
        Point(0 if known else 2, "nothing of this hospital was accepted yet"),
        Point(1 if again else 0, "it was returned before"),
    )


def _measured() -> dict[UUID, tuple[bool, int]]:
    """Batch -> whether its current certificate holds a measurement, and how many planted values survived."""
    current = DeidCertificate.objects.filter(
        batch__status__in=[BatchStatus.SEALED, BatchStatus.IN_REVIEW], sealed_at=F("batch__sealed_at")
    )
    return {pk: (done, missed) for pk, done, missed in current.order_by().values_list("batch", "measured", "missed")}


#: Points of an incident by what happened.
_HARM = {
    IncidentKind.IDENTITY: Point(9, "patients may be named in data that left"),
    IncidentKind.ACCESS: Point(9, "somebody has data who should not"),
    IncidentKind.ACCOUNT: Point(7, "an account, a key or a device is in wrong hands"),
    IncidentKind.CONTENT: Point(5, "data that are wrong in a way that can harm"),
    IncidentKind.OTHER: Point(4, "something went wrong with data"),
}


def incidents() -> Iterator[Entry]:
    """Incidents that are not closed: first contained, then settled."""
    rows = Incident.objects.exclude(status=IncidentStatus.CLOSED).annotate(
        stopped=Count("scopes", filter=Q(scopes__isnull=False, scopes__lifted_at=None))
    )
    for row in rows.prefetch_related("parties"):
        is_open = row.status == IncidentStatus.OPEN
        since = row.created_at if is_open else row.contained_at or row.created_at
        yield Entry(
            kind="incident",
            key=str(row.pk),
            title=f"{row}: {row.title}",
            about=row.get_kind_display(),
            url=row.get_absolute_url(),
            since=since,
            due=since + (CONTAIN_TIME if is_open else SETTLE_TIME),
            points=(
                _HARM[IncidentKind(row.kind)],
                Point(3 if is_open else 0, "its cause is not under control"),
                Point(1 if row.stopped else 0, f"{row.stopped:,} things are stopped, and people wait for them"),
            ),
            status=row.status,
            parties=tuple(party.organization_id for party in row.parties.all()),
        )


def withdrawals() -> Iterator[Entry]:
    """Withdrawals of which a holder has not attested yet that its copies are gone."""
    rows = Withdrawal.objects.filter(status=WithdrawalStatus.OPEN).annotate(
        holders=Count("duties", filter=Q(duties__status=DutyStatus.OPEN))
    )
    related = ("hospital", "request__organization", "patient", "study", "release")
    for row in rows.select_related(*related).prefetch_related("duties"):
        identity = row.reason == Withdrawal.Reason.IDENTITY
        yield Entry(
            kind="withdrawal",
            key=str(row.pk),
            title=f"{row}: {row.request.title}",
            about=row.hospital.name if row.hospital is not None else row.request.organization.name,
            url=row.get_absolute_url(),
            since=row.created_at,
            due=row.due_at,
            points=(
                Point(3, "copies of what was taken back are still out"),
                Point(4 if identity else 0, "something in it looks like identity"),
                Point(
                    min(row.holders, 3),
                    f"{row.holders:,} {'holder has' if row.holders == 1 else 'holders have'} not attested",
                ),
            ),
            status=row.status,
            parties=tuple(
                {row.hospital_id, row.request.organization_id, *(one.organization_id for one in row.duties.all())}
                - {None}
            ),
        )


def register_all() -> None:
    """Called when the app is ready."""
    register(Kind("incident", "Incidents", incidents))
    register(Kind("withdrawal", "Withdrawals", withdrawals))
    register(Kind("organization", "Organizations", organizations))
    register(Kind("request", "Requests", requests))
    register(Kind("batch", "Batches", batches, claims_itself=True))
