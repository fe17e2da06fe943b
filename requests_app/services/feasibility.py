"""Counting an archive against a request: small cells are suppressed before the counts are kept."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require, require_verified
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from requests_app.feasibility import Counts, count_lines, equations, suppress
from requests_app.models import DatasetRequest, Feasibility, RequestStatus
from requests_app.spec import DatasetSpec


def record_feasibility(
    *, request: DatasetRequest, hospital: Organization, counts: Counts, source: str, actor: User
) -> Feasibility:
    """Keep what may be shown of ``counts``, for the newest version of an open request."""
    require(actor, "write", hospital)
    require_verified(hospital)
    if not hospital.is_hospital:
        raise CannotDo(f"{hospital.name} is not a hospital.", remedy="Only hospitals count.", code="not_a_hospital")
    version = request.current_version
    if request.status != RequestStatus.OPEN or version is None:
        raise CannotDo("This request is not open.", remedy="Count for an open request.", code="not_open")
    if counts.spec_sha256 != version.sha256:
        raise CannotDo(
            "The counts were made for another specification than this request's newest version.",
            remedy=f"Fetch the specification of version {version.number} and count again.",
            code="other_specification",
        )
    spec = DatasetSpec.model_validate(version.document)
    lines = {line.check_id: line for line in count_lines(spec)}
    if unknown := sorted(set(counts.counts) - set(lines)):
        raise CannotDo(
            f"{len(unknown)} of the lines counted are not in this request, the first is “{unknown[0][:80]}”.",
            remedy="Use the check ids of the request's specification.",
            code="unknown_line",
        )
    if not counts.counts:
        raise CannotDo("Nothing is counted.", remedy="Fill in at least one line.", code="nothing_counted")
    for check_id, count in counts.counts.items():
        total = counts.counts.get({"patients": "cohort.patients"}.get(lines[check_id].unit, "cohort.images"))
        if isinstance(count, int) and isinstance(total, int) and count > total:
            raise CannotDo(
                f"“{lines[check_id].text}” counts more than all {lines[check_id].unit}.",
                remedy="Correct the line or the total.",
                code="more_than_all",
            )
    shown = suppress(counts.counts, equations(spec))
    with transaction.atomic():
        made = Feasibility.objects.create(
            request=request,
            spec_version=version,
            hospital=hospital,
            counted_by=actor,
            counts=shown,
            counted_on=counts.counted_on,
            source=source,
        )
        kinds = Counter("shown" if isinstance(count, int) else "suppressed" for count in shown.values())
        record(
            verb="feasibility.recorded",
            target=made,
            actor=actor,
            organization_id=hospital.pk,
            data={"version": version.number, **kinds},
        )
    return made
